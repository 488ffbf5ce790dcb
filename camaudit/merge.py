"""Puts the parts of one audit together, as xdist workers wrote them. Torch-free."""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from camaudit.integrity import CANDIDATES, written
from camaudit.result import SEVERITY, AuditResult, CheckResult, SampleRow
from camaudit.trust import with_trust

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camaudit.exhibits import Hypothesis, NamedMap, Pair, Strike

MAPS = ("maps.npz", "all_maps.npz")


def merge(parts: Sequence[Path], folder: Path) -> AuditResult:
    """Merge run folders into `folder`: results, evidence and samples.csv. The order of checks is the spec's.

    File names and map keys get the part's number in front, so that nothing overwrites anything.
    """
    results = [AuditResult.read(part / "result.json") for part in parts]
    evidence = folder / "evidence"
    shutil.rmtree(evidence, ignore_errors=True)
    evidence.mkdir(parents=True)
    shutil.rmtree(folder / CANDIDATES, ignore_errors=True)
    shown: dict[str, np.ndarray] = {}
    kept: dict[str, np.ndarray] = {}
    checks: dict[str, CheckResult] = {}
    owners: dict[str, int] = {}
    for number, (part, result) in enumerate(zip(parts, results, strict=True)):
        prefix = f"{number}-"
        for path in (part / "evidence").glob("*.png"):
            shutil.copyfile(path, evidence / f"{prefix}{path.name}")
        for path in (part / CANDIDATES).glob("*.json"):
            (folder / CANDIDATES).mkdir(exist_ok=True)
            shutil.copyfile(path, folder / CANDIDATES / path.name)
        with np.load(part / "evidence" / "maps.npz") as maps:
            shown.update({prefix + name: maps[name] for name in maps.files})
        with np.load(part / "evidence" / "all_maps.npz") as maps:
            kept.update({name: maps[name] for name in maps.files})
        for check in result.checks:
            # `--dist each` runs a check several times: the worst one stands, and only its samples.
            if check.id not in checks or _worse(check, checks[check.id]):
                checks[check.id], owners[check.id] = _prefixed(check, prefix), number
    np.savez_compressed(evidence / "maps.npz", **shown)  # type: ignore[arg-type]
    np.savez_compressed(evidence / "all_maps.npz", **kept)  # type: ignore[arg-type]
    frames = [_scores(part / "samples.csv", owners, number) for number, part in enumerate(parts)]
    pd.concat(frames, ignore_index=True).fillna("").to_csv(
        folder / "samples.csv", index=False, lineterminator="\n"
    )
    merged = _together(results, checks, written(folder))
    merged.write(folder / "result.json")
    return merged


def _together(
    results: list[AuditResult], checks: dict[str, CheckResult], files: dict[str, str]
) -> AuditResult:
    # A part that ran one check alone knew nothing of the others.
    ordered = with_trust(sorted(checks.values(), key=lambda check: check.line))
    not_run = dict.fromkeys(name for result in results for name in result.not_run if name not in checks)
    models = {model.name: model for result in results for model in result.models}
    return replace(
        results[0],
        checks=ordered,
        not_run=tuple(not_run),
        models=tuple(models.values()),
        duration=max(result.duration for result in results),
        warnings=tuple(dict.fromkeys(note for result in results for note in result.warnings)),
        timings={name: seconds for result in results for name, seconds in result.timings.items()},
        comparisons=sum(bool(item.gate) for check in ordered for item in check.findings),
        files=files,
    )


def _worse(check: CheckResult, other: CheckResult) -> bool:
    return SEVERITY.index(check.status) > SEVERITY.index(other.status)


def _scores(path: Path, owners: dict[str, int], number: int) -> pd.DataFrame:
    """The lines of the checks that this part gave to the whole."""
    frame = pd.read_csv(path, dtype=str, keep_default_na=False)
    return frame[[owners.get(check) == number for check in frame["check"]]]


def _prefixed(check: CheckResult, prefix: str) -> CheckResult:
    attacked = check.attacked
    if attacked is not None:
        strikes = tuple(_strike(strike, prefix) for strike in attacked.strikes)
        attacked = replace(attacked, strikes=strikes)
    return replace(
        check,
        rows=tuple(_row(row, prefix) for row in check.rows),
        hypotheses=tuple(_hypothesis(item, prefix) for item in check.hypotheses),
        attacked=attacked,
    )


def _strike(strike: Strike, prefix: str) -> Strike:
    return replace(
        strike,
        image=_renamed(strike.image, prefix) if strike.image else None,
        changed=_renamed(strike.changed, prefix) if strike.changed else None,
        maps=_maps(strike.maps, prefix),
    )


def _hypothesis(item: Hypothesis, prefix: str) -> Hypothesis:
    return replace(item, pairs=tuple(_pair(pair, prefix) for pair in item.pairs))


def _pair(pair: Pair, prefix: str) -> Pair:
    versions = (
        replace(one, image=_renamed(one.image, prefix) if one.image else None) for one in pair.versions
    )
    return replace(pair, versions=tuple(versions))


def _maps(maps: Sequence[NamedMap], prefix: str) -> tuple[NamedMap, ...]:
    return tuple(replace(item, key=prefix + item.key if item.key else None) for item in maps)


def _row(row: SampleRow, prefix: str) -> SampleRow:
    return replace(
        row,
        image=_renamed(row.image, prefix) if row.image else None,
        masks={region: _renamed(name, prefix) for region, name in row.masks.items()},
        map=prefix + row.map if row.map else None,
        maps=_maps(row.maps, prefix),
    )


def _renamed(name: str, prefix: str) -> str:
    folder, _, file = name.rpartition("/")
    return f"{folder}/{prefix}{file}"
