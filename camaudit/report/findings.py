"""Which numbers stand for a check: the deciding one, the whole-check ones, those by class or size."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from camaudit.result import SEVERITY

if TYPE_CHECKING:
    from camaudit.result import CheckResult, Control, Finding


def deciding(check: CheckResult) -> Finding | None:
    """The number that decided the check: the worst gated one, whole-check numbers before single classes.

    Where no gated number explains the check's outcome, the first whole-check number stands for it.
    """
    gated = [item for item in check.findings if item.status is not None and item.severity == "fail"]
    gated = gated or [item for item in check.findings if item.status is not None]
    if gated:
        return max(gated, key=lambda item: (_rank(item), item.by is None, _across(item)))
    return next((item for item in check.findings if item.by is None), None)


def overall(check: CheckResult) -> tuple[Finding, ...]:
    """The numbers of the whole check."""
    return tuple(item for item in check.findings if item.by is None)


def groups(check: CheckResult) -> dict[tuple[str, str], tuple[Finding, ...]]:
    """The numbers by class, size quartile …: (by, column) → findings in their order."""
    found: dict[tuple[str, str], list[Finding]] = {}
    for item in check.findings:
        if item.by is not None:
            found.setdefault((item.by, item.column), []).append(item)
    return {key: tuple(items) for key, items in found.items()}


def worst_first(findings: tuple[Finding, ...]) -> tuple[Finding, ...]:
    """Worst status first, then worst value; those without a value last."""
    return tuple(sorted(findings, key=lambda item: (-_rank(item), not isfinite(item.value), _badness(item))))


def worst_level(check: CheckResult) -> Finding | None:
    """The class (or group) with the worst number, of the deciding number's name if there are any."""
    levels = [items for (by, _), items in groups(check).items() if by in {"label", "class", "group"}]
    main = deciding(check)
    same = [items for items in levels if main is not None and items[0].column == main.column]
    candidates = [item for items in (same or levels) for item in items if isfinite(item.value)]
    return worst_first(tuple(candidates))[0] if candidates else None


def near_controls(check: CheckResult) -> tuple[Control, ...]:
    """The controls whose interval overlaps or beats that of the number that a PASS rests on.

    Empty for any other verdict: a number that does not pass needs no such warning.
    """
    finding = deciding(check)
    if finding is None or finding.status != "PASS" or check.status != "PASS":
        return ()
    if check.kind == "drift":
        return ()  # beside it stand networks of the same recipe: to be like them is what is asked
    if finding.direction == "at_most":
        return tuple(
            item for item in finding.controls if not item.lower > finding.upper and isfinite(item.value)
        )
    return tuple(item for item in finding.controls if not item.upper < finding.lower and isfinite(item.value))


def _rank(finding: Finding) -> int:
    return SEVERITY.index(finding.status) if finding.status is not None else -1


def _across(finding: Finding) -> bool:
    """Whether the interval reaches over the bound: of two that are undecided, such a one says more."""
    if finding.bound is None:
        return False
    if finding.direction == "at_most":
        return not finding.upper <= finding.bound
    return not finding.lower >= finding.bound


def _badness(finding: Finding) -> float:
    return -finding.value if finding.direction == "at_most" else finding.value
