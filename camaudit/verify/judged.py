"""Judges a report again: estimates from samples.csv, verdicts from these, by the one judge."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from math import isnan
from typing import TYPE_CHECKING

from camaudit import assessment, registry
from camaudit.baseline.unused import LEFT_BEHIND
from camaudit.result import Finding, Population
from camaudit.trust import with_trust
from camaudit.verify.recorded import NotKeptError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camaudit.checks.kind import Estimate
    from camaudit.plan import CheckPlan
    from camaudit.result import AuditResult, CheckResult
    from camaudit.scores import Table
    from camaudit.spec.audit import AuditSpec
    from camaudit.verify.recorded import Recorded

ROUNDED = 1e-6
"""By how much an estimate from samples.csv may differ: its numbers have nine digits."""
_SAID = (
    "paired",
    *("kind", "title", "description", "expect", "severity", "line", "model", "command", "columns", "maps"),
    *("status", "outcome", "blocks", "headline", "question", "rule", "answer", "limits", "shows"),
)
"""What a check's result says that follows from spec and estimates."""
_NUMBERS = ("value", "lower", "upper", "chance", "p")
_BESIDE = ("warnings", "parameters")


@dataclass(frozen=True, kw_only=True)
class Judged:
    """What does not follow, and what could not be followed."""

    faults: tuple[str, ...] = ()
    unverifiable: tuple[str, ...] = ()


def judged(
    check: CheckPlan,
    found: CheckResult,
    recorded: Recorded,
    measured: Table | None = None,
    within: float = ROUNDED,
) -> Judged:
    """Whether a check's result follows from samples.csv and spec. Raises `ResultError` for a bad table.

    What samples.csv does not hold is taken from the table that was `measured` anew of all samples; estimates
    may then differ by what measuring anew may, `within`.
    """
    if not found.findings:
        return Judged(faults=tuple(_without_findings(found)))
    table = recorded.table(check, found)
    if measured is not None:
        profiles = {name: own.reindex(table.ids) for name, own in measured.profiles.items()}
        table = replace(table, profiles=profiles)
    kind = registry.find("check", check.kind)
    # A kind that puts samples together has a line of those alone that it tests.
    faults = [] if check.together else [*_counts(found, table), *_copies(table)]
    faults += [*_rows(found, table), *_failing(check, found, table)]
    try:
        estimates = kind.estimate(check.spec, table, check.confidence)
    except NotKeptError as missing:
        why = f"estimates cannot be made again: {missing}"
        return Judged(faults=(*faults, *_from_findings(check, found)), unverifiable=(why,))
    except Exception as error:  # noqa: BLE001 - numbers that were edited may break any estimate
        return Judged(
            faults=(*faults, f"no estimate can be made of samples.csv: {type(error).__name__}: {error}")
        )
    names, kept = [item.name for item in estimates], [item.name for item in found.findings]
    if names != kept:
        other = sorted(set(names) ^ set(kept)) or ["their order"]
        return Judged(faults=(*faults, f"the estimates are not those of the spec: {', '.join(other)}"))
    again = _assessed(check, found, table, estimates, recorded.result)
    faults += _differences(found, again, estimates, within)
    return Judged(faults=tuple(dict.fromkeys(faults)))


def _without_findings(found: CheckResult) -> Iterator[str]:
    if found.status not in {"ERROR", "SKIP"}:
        yield f"status {found.status} without an estimate: nothing was measured, so it cannot be"
    if found.status == "ERROR" and not found.blocks:
        yield "an ERROR that does not make the run fail"


def _counts(found: CheckResult, table: Table) -> Iterator[str]:
    used = found.population.used if found.population is not None else 0
    if used != len(table.ids):
        yield f"{used:,} samples used, and samples.csv has {len(table.ids):,}"


def _copies(table: Table) -> Iterator[str]:
    """Samples of one image are one group: counted apart, they would narrow every interval."""
    hashes, groups = table.frame["sha256"], table.frame["group"]
    twice = hashes.notna() & hashes.duplicated(keep=False)
    alone = table.frame.index[twice & groups.isna()]
    if len(alone):
        yield f"sample {alone[0]} shows an image that another one shows too, and is in no group"


def _rows(found: CheckResult, table: Table) -> Iterator[str]:
    """The samples shown against samples.csv."""
    for row in found.rows:
        if row.id not in table.frame.index:
            yield f"sample {row.id} is shown, and is not in samples.csv"
            continue
        line = table.frame.loc[row.id]
        for name in table.columns:
            mine, right = row.values.get(name, float("nan")), float(table.frame[name][row.id])
            if not close(mine, right):
                yield f"{name} of {row.id} is {mine:.9g} in result.json, {right:.9g} in samples.csv"
        for name, text in (("label", row.label), ("predicted", row.predicted), ("sha256", row.sha256)):
            if (text or None) != (line[name] or None):
                yield f"{name} of {row.id} is {text} in result.json, {line[name]} in samples.csv"


def _failing(check: CheckPlan, found: CheckResult, table: Table) -> Iterator[str]:
    """Which of the samples shown fall short."""
    if not found.rows:
        return
    right = {key for key, failing in assessment.shown_ids(check, table) if failing}
    mine = {row.id for row in found.rows if row.failing}
    if right != mine and len(right) < assessment.SHOWN:
        wrong = sorted(right ^ mine)
        yield f"which samples fall short does not follow from samples.csv: {', '.join(wrong[:3])}"


def _assessed(
    check: CheckPlan, found: CheckResult, table: Table, estimates: Sequence[Estimate], result: AuditResult
) -> CheckResult:
    """The result that follows. What is judged are the recorded ends: rounding must not move a verdict."""
    kept = [
        replace(item, interval=replace(item.interval, value=own.value, lower=own.lower, upper=own.upper))
        for item, own in zip(estimates, found.findings, strict=True)
    ]
    population = found.population or Population(data=check.data)
    return assessment.assess(check, table, population, spec_file=result.spec_file, estimates=kept)


def _differences(
    found: CheckResult, again: CheckResult, estimates: Sequence[Estimate], within: float
) -> Iterator[str]:
    for item, own, follows in zip(estimates, found.findings, again.findings, strict=True):
        yield from _estimate_differs(item, own, within)
        for name in (one.name for one in fields(Finding)):
            if name not in {*_NUMBERS, "controls"} and getattr(own, name) != getattr(follows, name):
                yield (
                    f"{own.name}: {name} is {getattr(own, name)!r}, and what was measured "
                    f"gives {getattr(follows, name)!r}"
                )
    for name in _SAID:
        mine, right = getattr(found, name), getattr(again, name)
        if mine != right:
            yield f"{name} is {mine!r}, and what was measured gives {right!r}"
    lacking = [name for name in again.warnings if name not in found.warnings]
    yield from (f"a warning is missing: {text}" for text in lacking)
    yield from (
        f"parameter {name} is {found.parameters.get(name)!r}, and the spec gives {value!r}"
        for name, value in again.parameters.items()
        if found.parameters.get(name) != value
    )
    if len(found.histogram) != len(again.histogram) or not all(map(close, found.histogram, again.histogram)):
        yield "the histogram is not that of samples.csv"


def _estimate_differs(item: Estimate, own: Finding, within: float) -> Iterator[str]:
    again = {
        "value": item.interval.value,
        "lower": item.interval.lower,
        "upper": item.interval.upper,
        "chance": item.chance,
        "p": item.p,
    }
    for name in _NUMBERS:
        if not close(getattr(own, name), again[name], within):
            yield f"{own.name}: {name} is {getattr(own, name)}, samples.csv gives {again[name]}"
    if [one.name for one in own.controls] != [one.name for one in item.controls]:
        yield f"{own.name}: its controls are not those of the spec"
        return
    for mine, right in zip(own.controls, item.controls, strict=True):
        ends = ("value", "lower", "upper")
        same = all(close(getattr(mine, name), getattr(right, name), within) for name in ends)
        if not same or mine.n != right.n:
            yield f"{own.name}: control {mine.name} is {mine.value}, samples.csv gives {right.value}"


def _from_findings(check: CheckPlan, found: CheckResult) -> Iterator[str]:
    """Status and outcome from the findings alone, where these cannot be made again."""
    outcome, _ = assessment.outcome_of(found.findings)
    status, blocks = assessment.decided(check, outcome, found.findings)
    if found.outcome not in {outcome, "ERROR"}:
        yield f"outcome is {found.outcome}, and its estimates give {outcome}"
    elif (status, blocks) != (found.status, found.blocks) and found.outcome == outcome:
        yield f"status is {found.status}, and its estimates give {status}"
    for item in found.findings:
        if item.status in {"PASS", "FAIL"} and not _can_be(item):
            yield f"{item.name}: {item.status} does not follow from {item.value} and the gate {item.gate}"


def _can_be(item: Finding) -> bool:
    """Whether a PASS or FAIL is possible: the estimate itself stands on that side of the bound."""
    if item.bound is None or isnan(item.value):
        return False
    good = item.value >= item.bound if item.direction == "at_least" else item.value <= item.bound
    return good == (item.status == "PASS")


def close(one: float | None, other: float | None, within: float = ROUNDED) -> bool:
    """Whether two numbers are one but for nine digits, or so much; a missing number is like a missing one."""
    if one is None or other is None or isnan(one) or isnan(other):
        return (one is None or isnan(one)) == (other is None or isnan(other))
    return one == other or abs(one - other) <= within * max(1.0, abs(one))


def audit_faults(result: AuditResult, spec: AuditSpec) -> Iterator[str]:
    """What does not add up between checks: which there are, the line on their maps, how many are gated."""
    ids = [check.id for check in result.checks]
    known = [check.id for check in spec.checks]
    for name in dict.fromkeys(known):
        if ids.count(name) > 1:
            yield f"check {name} is in the report {ids.count(name)} times"
        elif (name in ids) == (name in result.not_run):
            what = "is in the report, and" if name in ids else "is neither in the report nor"
            yield f"check {name} of the spec {what} said to be left out"
    strange = [name for name in (*ids, *result.not_run) if name not in known and name != LEFT_BEHIND]
    yield from (f"check {name} is not in the spec" for name in strange)
    bare = [replace(check, trust=None) for check in result.checks]
    for mine, right in zip(result.checks, with_trust(bare), strict=True):
        if mine.trust != right.trust:
            yield f"{mine.id}: what is said of its maps does not follow from the sanity checks"
    gated = sum(bool(item.gate) for check in result.checks for item in check.findings)
    if gated != result.comparisons:
        yield f"{result.comparisons} gated numbers are said to be compared, and there are {gated}"
