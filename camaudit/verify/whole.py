"""What only a run over all samples can say of a check: who they are, what was found on the way."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camaudit.plan import CheckPlan
    from camaudit.result import CheckResult
    from camaudit.verify.recorded import Recorded

NAMED = 3
"""Samples or columns that are told by name."""


def table_faults(check: CheckPlan, before: Recorded, now: Recorded) -> Iterator[str]:
    """Samples and columns that are in one table and not in the other; `now` has all of the check's."""
    recorded, again = (set(side.part(check.id).index) for side in (before, now))
    mine, right = (side.result_of(check.id) for side in (before, now))
    told = [
        ("samples", "are in samples.csv, and the check has none of these", recorded - again),
        ("samples", "are the check's, and samples.csv has none of these", again - recorded),
    ]
    if mine.columns and right.columns:
        told += [
            (
                "columns",
                "are in the report, and the check has none of these",
                set(mine.columns) - set(right.columns),
            ),
            (
                "columns",
                "are the check's, and the report has none of these",
                set(right.columns) - set(mine.columns),
            ),
        ]
    for what, text, names in told:
        if names:
            more = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
            yield f"{what} {', '.join(sorted(names)[:NAMED])}{more} {text}"


def found_faults(mine: CheckResult, now: CheckResult, tolerance: float) -> Iterator[str]:
    """Counts, numbers found on the way, regions suspected and curves; `now` walked over all samples."""
    if mine.population != now.population:
        yield f"its samples are not those of the run: {mine.population}, now {now.population}"
    yield from parameter_faults(mine, now, tolerance)
    if not mine.findings or not now.findings:
        return
    yield from _region_faults(mine, now)
    yield from _curve_faults(mine, now, tolerance)


def _region_faults(mine: CheckResult, now: CheckResult) -> Iterator[str]:
    """Which regions were suspected, by whom and why; not the pictures of them."""
    regions, again = ([replace(item, pairs=()) for item in side.hypotheses] for side in (mine, now))
    for one in (item for item in regions if item not in again):
        yield f"region {one.name} is said to be suspected ({one.origin}: {one.why}), and it is not so now"
    for one in (item for item in again if item not in regions):
        yield f"region {one.name} is suspected ({one.origin}: {one.why}), and the report does not say so"


def _curve_faults(mine: CheckResult, now: CheckResult, tolerance: float) -> Iterator[str]:
    if [item.finding for item in mine.rocs] != [item.finding for item in now.rocs]:
        yield "its curves are not those of what was measured"
        return
    for one, other in zip(mine.rocs, now.rocs, strict=True):
        if len(one.points) != len(other.points) or not np.allclose(
            one.points, other.points, rtol=0, atol=tolerance
        ):
            yield f"the curve of {one.finding} is not that of what was measured"


def parameter_faults(
    mine: CheckResult, now: CheckResult, tolerance: float, without: Sequence[str] = ()
) -> Iterator[str]:
    """Settings, thresholds and other numbers of a check's record that are not what they are now."""
    if not mine.findings or not now.findings:
        return
    for name in sorted({*mine.parameters, *now.parameters} - set(without)):
        one, other = mine.parameters.get(name), now.parameters.get(name)
        if one != other and not _close(one, other, tolerance):
            yield f"parameter {name} is {one!r}, and what was measured gives {other!r}"


def _close(one: str | None, other: str | None, tolerance: float) -> bool:
    try:
        mine, right = float(one or "nan"), float(other or "nan")
    except ValueError:
        return False
    return abs(mine - right) <= tolerance * max(1.0, abs(mine))
