"""What a run measured, in the form of a baseline: scores, answers and maps, and what they were made with."""

from __future__ import annotations

import hashlib
import json
from dataclasses import fields
from typing import TYPE_CHECKING

import numpy as np

from camaudit import registry
from camaudit.baseline import LEFT_OUT, Baseline, Fingerprint, PackedMap, Row
from camaudit.checks.drift_estimates import NOW
from camaudit.engine.collect import clean_map
from camaudit.engine.environment import package_version
from camaudit.evidence import MapRequest

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camaudit.engine.part import Kept
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table

VERSIONS = ("camaudit", "torch", "torchvision")
"""Packages whose versions a baseline holds."""


def measured(check: CheckPlan, walk: Walk, source: Table, *, audit: str) -> Baseline:
    """What this run measured, as a baseline would hold it.

    Where some samples of a finished run are measured anew, the rows of the others are those recorded.
    """
    assert check.of is not None
    column = source.columns[0]
    request = clean_map(check)
    maps = walk.collector.maps.get(request, {}) if request is not None else {}
    rows = {}
    for key in source.ids:
        value, detail = float(source.frame[column][key]), walk.collector.details[key]
        made = maps.get(key)
        rows[key] = Row(
            id=key,
            value=value if np.isfinite(value) else None,
            reason=source.reasons.get(column, {}).get(key, ""),
            label=detail.label,
            predicted=detail.predicted,
            map=None if made is None else PackedMap.of(made.raw),
        )
    kept = walk.kept(check.id)
    if kept is not None:
        rows = _recorded(kept) | rows
    kind = registry.find("check", check.of.kind)
    return Baseline(
        fingerprint=Fingerprint(
            audit=audit,
            check=check.of.id,
            column=column,
            worse=kind.worst(check.of.spec),
            weights=walk.classifier.identity.fingerprint,
            data=_identity(walk, rows, kept),
            spec=_scored_by(check.of),
            layers=tuple(sorted({chosen.name for chosen in walk.layers.values()})),
            seed=check.sample.seed,
            versions={name: package_version(name) for name in VERSIONS},
        ),
        rows=rows,
    )


def _recorded(kept: Kept) -> dict[str, Row]:
    """Scores, answers and maps of a finished run, as `measured` would have them."""
    frame, reasons = kept.table.frame, kept.table.reasons.get(NOW, {})
    rows = {}
    for key in kept.table.ids:
        value, raw = float(frame[NOW][key]), kept.maps.get(key)
        rows[key] = Row(
            id=key,
            value=value if np.isfinite(value) else None,
            reason=reasons.get(key, ""),
            label=frame["label"][key],
            predicted=frame["predicted"][key],
            map=None if raw is None else PackedMap.of(raw),
        )
    return rows


def _identity(walk: Walk, rows: Mapping[str, Row], kept: Kept | None) -> str:
    """sha256 over the lines ``id sha256-of-the-image label`` of the samples that have a row."""
    details = walk.collector.details
    hashes = {} if kept is None else dict(kept.table.frame["sha256"])
    hashes |= {key: details[key].sha256 for key in rows if key in details}
    lines = sorted(f"{key} {hashes[key]} {row.label}" for key, row in rows.items())
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
