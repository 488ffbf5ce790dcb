"""Holds what a check just measured against its accepted baseline, and leaves a candidate in the report."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from camaudit import registry
from camaudit.baseline import Baseline, history
from camaudit.checks.drift_estimates import (
    ACCEPTED,
    CHANGED,
    DISTANCE,
    DROP,
    FLOOR,
    LOST,
    NOW,
    RANGE,
    SAME,
    UNKNOWN,
    WON,
)
from camaudit.engine.drift.measured import measured
from camaudit.engine.drift.paired import paired
from camaudit.errors import BaselineError, RegistryError
from camaudit.integrity import CANDIDATES, sha256
from camaudit.scores import FACTS, Table
from camaudit.spec.types import metric_base

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camaudit.checks.drift import DriftSpec
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The differences, and what a reader has to be told."""

    table: Table
    notes: tuple[str, ...]
    accepted: Baseline


def compare(
    check: CheckPlan, walk: Walk, source: Table, *, audit: str, folder: Path, spec_file: str, base: Path
) -> Compared:
    """Write the candidate, read the baselines, and subtract, image by image.

    `source` is the table of the check that is compared, `folder` that of the report, `base` the spec's, and
    `spec_file` what a person would type to name the spec.
    Raises `BaselineError` where a baseline is missing (the candidate is there then), damaged, or of other
    data or another spec; and where `source` has no number at all.
    """
    spec: DriftSpec = check.spec  # type: ignore[assignment]
    now = measured(check, walk, source, audit=audit)
    candidate = folder / CANDIDATES / f"{check.id}.json"
    now.write(candidate)
    files = [base / name for name in spec.baselines]
    target = f"{spec_file}::{check.id}"
    accepted = [_accepted(file, now, candidate, target) for file in files]
    rows = paired(accepted[0], now)
    floors = [paired(accepted[0], item) for item in accepted[1:]]
    stems = [Path(name).stem for name in spec.baselines[1:]]
    kept = walk.kept(check.id)
    facts = _facts(source, None if kept is None else kept.table).loc[rows.index]
    table = _table(facts, rows, dict(zip(stems, floors, strict=True)))
    return Compared(
        table=replace(table, settings=_settings(accepted[0], now)),
        notes=tuple(_notes(files, accepted, now)),
        accepted=accepted[0],
    )


def _accepted(file: Path, now: Baseline, candidate: Path, target: str) -> Baseline:
    """The baseline of a file, if it can be compared with what was measured now."""
    if not file.exists():
        raise BaselineError(
            f"there is no baseline yet; what this run measured is the candidate {candidate}",
            where=str(file),
            hint=f"look at the report, then: camaudit accept {target} --by NAME --reason WHY",
        )
    found = Baseline.read(file)
    unlike = found.fingerprint.unlike(now.fingerprint)
    if unlike:
        raise BaselineError(
            f"not comparable: the baseline was measured with {', and with '.join(unlike)}",
            where=str(file),
            hint="put the data or the spec back, or accept a new baseline for the new ones",
        )
    return found


def _facts(source: Table, kept: Table | None) -> pd.DataFrame:
    """What is known of every sample: as measured, or as recorded of those that are not measured anew."""
    now = source.frame[list(FACTS)]
    if kept is None:
        return now
    return pd.DataFrame({name: kept.frame[name].to_dict() | now[name].to_dict() for name in FACTS})


def _table(facts: pd.DataFrame, rows: pd.DataFrame, floors: Mapping[str, pd.DataFrame]) -> Table:
    columns = (DROP, DISTANCE, CHANGED, LOST, WON, ACCEPTED, NOW)
    reasons = {name: {key: why for key, why in rows[f"why {name}"].items() if why} for name in columns}
    profiles = {
        FLOOR + name: pd.DataFrame({stem: frame[name] for stem, frame in floors.items()})
        for name in (DROP, DISTANCE)
        if floors
    }
    return Table(
        frame=pd.concat([facts, rows[list(columns)].astype(np.float64)], axis=1),
        reasons=reasons,  # type: ignore[arg-type] # an index of ids is one of texts
        profiles=profiles,
    )


def _settings(accepted: Baseline, now: Baseline) -> dict[str, float]:
    same = accepted.fingerprint.weights == now.fingerprint.weights
    return {SAME: float(same)} | _range(now.fingerprint.column)


def _range(column: str) -> dict[str, float]:
    """The width of what a metric can be; nothing is known of other numbers."""
    try:
        low, high = registry.find("metric", metric_base(column)).range
    except RegistryError:
        return {}
    return {RANGE: high - low} if np.isfinite(high - low) else {}


def _notes(files: list[Path], accepted: list[Baseline], now: Baseline) -> list[str]:
    notes = []
    for file, item in zip(files, accepted, strict=True):
        if sha256(file) not in {line.get("new_sha256") for line in history(file)}:
            notes.append(f"{file.name} is in no line of HISTORY.jsonl: nobody accepted it as it is")
        unlike = _unlike_versions(item, now)
        if unlike:
            notes.append(f"{file.name} was measured with {unlike}")
    if accepted[0].fingerprint.layers != now.fingerprint.layers:
        was, is_now = (", ".join(item.fingerprint.layers) for item in (accepted[0], now))
        notes.append(f"maps are of other layers: {was} in the baseline, {is_now} now")
    if len(accepted) == 1:
        notes.append(UNKNOWN)
    return notes


def _unlike_versions(item: Baseline, now: Baseline) -> str:
    mine, theirs = now.fingerprint.versions, item.fingerprint.versions
    return ", ".join(
        f"{name} {theirs.get(name, 'unknown')} (now {mine[name]})"
        for name in mine
        if theirs.get(name) != mine[name]
    )
