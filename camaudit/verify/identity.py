"""Whether spec, networks and data are those of the report."""

from __future__ import annotations

import difflib
from dataclasses import fields
from hashlib import sha256
from typing import TYPE_CHECKING

from camaudit.result import ModelRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from camaudit.engine.again import Image
    from camaudit.result import AuditResult, CheckResult
    from camaudit.spec.audit import AuditSpec

NAMED = 3
"""Samples, or lines of a spec, that are told by name."""


def spec_faults(result: AuditResult, spec: AuditSpec) -> Iterator[str]:
    """The text of the spec: in the record by itself, and against the file of today."""
    if sha256(result.spec_text.encode()).hexdigest() != result.spec_sha256:
        yield "spec: its text in result.json is not that of its sha256"
    if spec.source != result.spec_text:
        how = _first_differences(result.spec_text, spec.source)
        yield f"spec: {spec.file} is not the text in the report: {how}"
    if spec.name != result.name:
        yield f"spec: the audit is called {spec.name!r}, the report's {result.name!r}"


def _first_differences(before: str, now: str) -> str:
    lines = [
        line.rstrip()
        for line in difflib.unified_diff(before.splitlines(), now.splitlines(), lineterm="", n=0)
        if not line.startswith(("---", "+++", "@@"))
    ]
    more = f" … and {len(lines) - NAMED} more" if len(lines) > NAMED else ""
    return "; ".join(repr(line) for line in lines[:NAMED]) + more


def network_faults(recorded: ModelRecord, now: ModelRecord | str) -> Iterator[str]:
    """Weights, fingerprint and what else identifies a network. Its layers are no part of that."""
    if isinstance(now, str):
        yield f"network {recorded.name}: cannot be loaded: {now}"
        return
    for name in (item.name for item in fields(ModelRecord) if item.name != "layers"):
        mine, other = getattr(recorded, name), getattr(now, name)
        if mine != other:
            yield f"network {recorded.name}: {name.replace('_', ' ')} was {mine}, is {other}"


def data_faults(found: CheckResult, images: Mapping[str, Image], rows: pd.DataFrame) -> Iterator[str]:
    """The images and labels of a check's samples; `rows` are those of samples.csv, by id."""
    assert found.population is not None
    hashes, labels = rows["sha256"], rows["label"]
    shown = {row.id: row.sha256 for row in found.rows if row.sha256 is not None}
    gone = [f"{key} ({image.problem})" for key, image in images.items() if image.problem]
    changed = [
        key
        for key, image in images.items()
        if not image.problem and {hashes[key], shown.get(key, hashes[key])} != {image.sha256}
    ]
    renamed = [
        f"{key} ({labels[key]} → {image.label})"
        for key, image in images.items()
        if not image.problem and (labels[key] or None) != image.label
    ]
    where = f"data {found.population.data}"
    for what, names in (
        ("is not to be had", gone),
        ("is another image now", changed),
        ("is labelled otherwise", renamed),
    ):
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield f"{where}: {', '.join(names[:NAMED])}{more} {what}"
    told = gone or changed or renamed
    # What some of the samples are says nothing of the hash of all.
    if len(images) == found.population.used and identity(images) != found.population.sha256 and not told:
        yield (
            f"{where}: some of its {len(images):,} images or labels are not those of the run "
            "(their common sha256 is another)"
        )


def identity(images: Mapping[str, Image]) -> str:
    """The hash that a run records of its samples: see `Population.sha256`."""
    lines = sorted(f"{key} {image.sha256} {image.label}" for key, image in images.items())
    return sha256("\n".join(lines).encode()).hexdigest()
