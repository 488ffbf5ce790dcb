"""What a run measured, in the form of a baseline: scores, answers and maps, and what they were made with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from camaudit import registry
from camaudit.baseline import LEFT_OUT, Baseline, Fingerprint, PackedMap, Row
from camaudit.engine.collect import clean_map
from camaudit.engine.environment import package_version
from camaudit.evidence import MapRequest

if TYPE_CHECKING:
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table

VERSIONS = ("camaudit", "torch", "torchvision")
"""Packages whose versions a baseline holds."""


def measured(check: CheckPlan, walk: Walk, source: Table, *, audit: str) -> Baseline:
    """What this run measured, as a baseline would hold it."""
    assert check.of is not None
    column = source.columns[0]
    request = clean_map(check)
    maps = walk.collector.maps.get(request, {}) if request is not None else {}
    rows = {}
    for key in source.ids:
        value, detail = float(source.frame[column][key]), walk.collector.details[key]
        kept = maps.get(key)
        rows[key] = Row(
            id=key,
            value=value if np.isfinite(value) else None,
            reason=source.reasons.get(column, {}).get(key, ""),
            label=detail.label,
            predicted=detail.predicted,
            map=None if kept is None else PackedMap.of(kept.raw),
        )
    kind = registry.find("check", check.of.kind)
    return Baseline(
        fingerprint=Fingerprint(
            audit=audit,
            check=check.of.id,
            column=column,
            worse=kind.worst(check.of.spec),
            weights=walk.classifier.identity.fingerprint,
            data=_identity(walk, source.ids),
            spec=_scored_by(check.of),
            layers=tuple(sorted({chosen.name for chosen in walk.layers.values()})),
            seed=check.sample.seed,
            versions={name: package_version(name) for name in VERSIONS},
        ),
        rows=rows,
    )


def _identity(walk: Walk, ids: list[str]) -> str:
    """sha256 over the lines ``id sha256-of-the-image label`` of the samples that have a row."""
    details = walk.collector.details
    lines = sorted(f"{key} {details[key].sha256} {details[key].label}" for key in ids)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _scored_by(of: CheckPlan) -> str:
    """sha256 over what decides a check's scores; defaults are left out, so that new ones change nothing."""
    requests = dict.fromkeys(request for column in of.columns.values() for request in column.maps)
    facts = {
        "check": of.spec.model_dump(mode="json", exclude=LEFT_OUT, exclude_defaults=True),
        "maps": [_described(request) for request in requests],
        "sample": of.sample.model_dump(mode="json", exclude_defaults=True),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def _described(request: MapRequest) -> dict[str, str]:
    defaults = {item.name: item.default for item in fields(MapRequest)}
    return {name: str(value) for name in defaults if (value := getattr(request, name)) != defaults[name]}
