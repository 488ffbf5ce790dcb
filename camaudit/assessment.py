"""From a check's table of numbers to its result: estimates, judged by the one judge, in words. Torch-free."""

from __future__ import annotations

import random
from dataclasses import replace
from types import MappingProxyType
from typing import TYPE_CHECKING

from camaudit import registry, verdict
from camaudit.baseline.unused import LEFT_BEHIND
from camaudit.result import CheckResult, Finding, Population, Status

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camaudit.checks.kind import Estimate, Kind
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table

SHOWN = 200
"""Samples that a report shows per check; samples.csv has all."""


def assess(
    check: CheckPlan,
    table: Table,
    population: Population,
    *,
    spec_file: str,
    warnings: Sequence[str] = (),
    layers: Mapping[str, str] | None = None,
    estimates: Sequence[Estimate] | None = None,
) -> CheckResult:
    """Estimate, judge, and turn round what was expected to fail. `layers` says what the maps show.

    `estimates` are taken instead of the table's own where they have been made already.
    """
    kind: Kind = registry.find("check", check.kind)
    if estimates is None:
        estimates = kind.estimate(check.spec, table, check.confidence)
    allowed, n = check.spec.allow_undefined, len(table.ids)
    rulings = [_ruling(item, n if item.of is None else item.of, allowed) for item in estimates]
    findings = tuple(_finding(*both) for both in zip(estimates, rulings, strict=True))
    outcome, answer = outcome_of(findings)
    unproved = _unproved(estimates, rulings) if outcome == "INCONCLUSIVE" else ()
    answer = "; ".join([*unproved, answer])
    ungated = _no_class_gated(check, findings)
    if ungated:
        outcome, answer = "ERROR", ungated
    status, note = verdict.expected(outcome, check.spec.expect)
    return _result(
        check,
        spec_file,
        outcome=outcome,
        status=status,
        answer=". ".join(filter(None, [note, answer])),
        population=population,
        findings=findings,
        warnings=(*warnings, *unproved, *_warnings(findings)),
        histogram=tuple(float(value) for value in _shown_part(check, table).values(table.columns[0])),
        blocks=_blocks(check, status, findings),
        parameters={
            **(layers or {}),
            **_parameters(check, table.settings),
            "sha256 of the data used": population.sha256,
        },
        columns={name: kind.titles(check.spec)[name] for name in table.columns},
        paired=kind.paired(check.spec, table),
        rocs=kind.rocs(check.spec, table),
    )


def failed(
    check: CheckPlan,
    reason: str,
    *,
    spec_file: str,
    population: Population | None = None,
    warnings: Sequence[str] = (),
) -> CheckResult:
    """The result of a check that could not be carried out. `expect: fail` does not excuse an ERROR."""
    return _result(
        check,
        spec_file,
        outcome="ERROR",
        status="ERROR",
        answer=reason,
        population=population,
        warnings=tuple(warnings),
        blocks=True,
        parameters=_parameters(check),
    )


def left_behind(reason: str, *, spec_file: str) -> CheckResult:
    """The result of a run that is complete and finds baselines which no check names."""
    return CheckResult(
        id=LEFT_BEHIND,
        kind="drift",
        title="Baselines without a check",
        status="ERROR",
        outcome="ERROR",
        headline=f"{LEFT_BEHIND}: ERROR: {reason}",
        question="Is every baseline beside this audit used?",
        rule="a baseline that no check names is an error",
        answer=reason,
        command=f"camaudit prune {spec_file}",
    )


def _result(check: CheckPlan, spec_file: str, *, status: Status, answer: str, **rest: object) -> CheckResult:
    kind: Kind = registry.find("check", check.kind)
    return CheckResult(
        id=check.id,
        kind=check.kind,
        title=kind.title,
        status=status,
        headline=_headline(check, status, answer),
        question=kind.question(check.spec),
        rule=_rule(check),
        answer=answer,
        limits=kind.limits,
        shows=kind.shows,
        description=check.spec.description,
        expect=check.spec.expect,
        severity=check.spec.severity,
        line=check.line,
        model=check.model,
        command=f"camaudit run {spec_file} --check {check.id}",
        maps=_maps(check),
        **rest,  # type: ignore[arg-type]
    )


def _ruling(item: Estimate, drawn: int, allowed: float) -> verdict.Ruling:
    """What the judge says of an estimate; one without a gate has no status."""
    gate = item.gate
    if gate is None:
        return verdict.Ruling(status=None, reason=item.note)
    ruling = verdict.judge(
        item.interval,
        bound=gate.bound,
        direction="at_least" if gate.at_least is not None else "at_most",
        decide_on=gate.decide_on or gate.cautious_end,
        p=item.p,
        tested=item.tested,
        worth=item.worth,
    )
    missing = verdict.undefined_exceeds(item.undefined, drawn, allowed) if item.by is None else None
    if missing is not None:
        ruling = verdict.Ruling(status="ERROR", reason=missing, n_needed=ruling.n_needed)
    return replace(ruling, reason=_told(item, ruling))


def _unproved(estimates: Sequence[Estimate], rulings: Sequence[verdict.Ruling]) -> tuple[str, ...]:
    """What is said where numbers are on the good side, and clear nothing."""
    return tuple(
        dict.fromkeys(
            item.unproved
            for item, ruling in zip(estimates, rulings, strict=True)
            if ruling.good and ruling.status == "INCONCLUSIVE"
        )
    )


def _finding(item: Estimate, ruling: verdict.Ruling) -> Finding:
    interval, gate, status = item.interval, item.gate, ruling.status
    return Finding(
        name=item.name,
        title=item.title,
        value=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        confidence=interval.confidence,
        n=interval.n,
        interval=interval.method,
        column=item.column,
        by=item.by,
        level=item.level,
        status=status,
        word=_word(item, ruling),
        p=item.p,
        reason=ruling.reason,
        gate=gate.text() if gate is not None else "",
        bound=gate.bound if gate is not None else None,
        direction=None if gate is None else "at_least" if gate.at_least is not None else "at_most",
        n_needed=ruling.n_needed,
        severity="warn" if _lenient(item, status) else item.severity,
        low=item.low,
        high=item.high,
        chance=item.chance,
        chance_text=item.chance_text,
        undefined=dict(item.undefined),
        controls=item.controls,
    )


def _word(item: Estimate, ruling: verdict.Ruling) -> str:
    """The kind's own word: that of the good side as well where it is worth less than a PASS."""
    return item.words.get("PASS" if ruling.good else ruling.status or "", "")


def _told(item: Estimate, ruling: verdict.Ruling) -> str:
    """The reason with the kind's own word for the status, and the numbers that belong beside it."""
    beside = " and ".join(
        text.format(verdict.format_interval(own.value, own.lower, own.upper, percent=percent))
        for text, own, percent in item.beside
        if own.n
    )
    called = ruling.reason
    if item.called and ruling.status != "ERROR":
        called = f"{item.called} {called}"
    word = _word(item, ruling)
    return (f"{word}: " if word else "") + "; ".join(filter(None, [beside, called]))


def _lenient(item: Estimate, status: Status | None) -> bool:
    return status == "INCONCLUSIVE" and item.gate is not None and item.gate.on_inconclusive == "warn"


def outcome_of(findings: Sequence[Finding]) -> tuple[Status, str]:
    """The worst of the gated findings; a class or size that only warns never makes a check worse."""
    judged = [
        item for item in findings if item.status is not None and (item.by is None or item.severity == "fail")
    ]
    if not judged:
        return "ERROR", "nothing was gated: a check that cannot fail is never green"
    worst = verdict.worst([item.status for item in judged if item.status is not None])
    return worst, "; ".join(f"{item.name}: {item.reason}" for item in judged if item.status == worst)


def decided(check: CheckPlan, outcome: Status, findings: Sequence[Finding]) -> tuple[Status, bool]:
    """The status of a check with that outcome, and whether it makes the run fail."""
    status, _ = verdict.expected(outcome, check.spec.expect)
    return status, _blocks(check, status, findings)


def _no_class_gated(check: CheckPlan, findings: Sequence[Finding]) -> str:
    """Why a gate on classes decided nothing; empty where it did, or where there is none."""
    rule = getattr(check.spec, "per_class", None)
    if rule is None or any(item.by == "class" and item.status is not None for item in findings):
        return ""
    largest = max((item.n for item in findings if item.by == "class"), default=0)
    return (
        f"per_class gates no class: the largest has n={largest}, min_n is {rule.min_n}; "
        "draw more samples, lower min_n, or leave per_class out"
    )


def _blocks(check: CheckPlan, status: Status, findings: Sequence[Finding]) -> bool:
    if status == "ERROR":
        return True
    if check.spec.expect == "fail" and status != "PASS":
        return True
    if check.spec.severity == "warn" or status in {"PASS", "SKIP"}:
        return False
    if status == "INCONCLUSIVE":
        return any(item.status == "INCONCLUSIVE" and item.severity == "fail" for item in findings)
    return True


def _warnings(findings: Sequence[Finding]) -> list[str]:
    bad = [item for item in findings if item.severity == "warn" and item.status not in {None, "PASS"}]
    return [f"{item.name}: {item.status}: {item.reason}" for item in bad]


def _headline(check: CheckPlan, status: Status, answer: str) -> str:
    return f"{check.id}: {status}: {answer}"


_ENDS = {
    "ci_lower": "the interval's lower end",
    "ci_upper": "the interval's upper end",
    "estimate": "the estimate",
}
_UNDECIDED = {"fail": "undecided counts as failed", "warn": "undecided only warns"}


def _rule(check: CheckPlan) -> str:
    """The gates in words, with how sure their intervals are."""
    gates = check.spec.model_dump(include={"gate", "per_class"}, exclude_none=True, exclude_defaults=False)
    parts = [f"{name.replace('_', ' ')}: {_gate_text(value)}" for name, value in gates.items()]
    expect = "; this is a known-bad control and must fail" if check.spec.expect == "fail" else ""
    return f"{'; '.join(parts)}; {100 * check.confidence:g} % confidence{expect}"


def _gate_text(value: Mapping[str, object]) -> str:
    return ", ".join(_key_text(key, item) for key, item in value.items() if item is not False)


def _key_text(key: str, item: object) -> str:
    words = key.replace("_", " ")
    if item is True:
        return words
    if isinstance(item, dict):
        return f"{words} ({_gate_text(item)})"
    if key == "decide_on":
        return f"decided on {_ENDS[str(item)]}"
    return _UNDECIDED[str(item)] if key == "on_inconclusive" else f"{words} {item}"


def _maps(check: CheckPlan) -> dict[str, str]:
    """What the maps are that the check rests on, those of the network as it is; empty without maps."""
    requests = [request for column in check.columns.values() for request in column.maps]
    clean = next((request for request in requests if request.condition.stage is None), None)
    if clean is None:
        return {}
    fields = ("method", "layer", "call", "relu", "target")
    return {name: str(getattr(clean, name)) for name in fields}


def _parameters(check: CheckPlan, found: Mapping[str, float] = MappingProxyType({})) -> dict[str, str]:
    """The settings of a check for the record: those of the spec, and numbers `found` on the way."""
    settings = check.spec.model_dump(
        mode="json", exclude={"id", "kind", "description", "maps"}, exclude_none=True
    )
    requests = [request for column in check.columns.values() for request in column.maps]
    maps = {}
    if requests:
        request = requests[0]
        maps = {
            "map method": check.method,
            **({} if request.layout == "auto" else {"layout": str(request.layout)}),
            "target": ", ".join(dict.fromkeys(str(item.target) for item in requests)),
            "relu": "as the method's paper does" if request.relu is None else str(request.relu),
            "resize": f"{request.resize}, align_corners=False",
        }
    numbers = {name: f"{value:g}" for name, value in found.items()}
    return {**maps, **{key: str(value) for key, value in settings.items()}, **numbers}


def shown_ids(check: CheckPlan, table: Table, *, seed: int = 0, limit: int = SHOWN) -> list[tuple[str, bool]]:
    """The samples shown, with whether each falls short: failing first, then worst, best, random ones.

    A sample falls short where its own number is on the wrong side of the gate, or is missing. Where the
    kind itself says what a failure is, these alone are shown.
    """
    kind: Kind = registry.find("check", check.kind)
    column = table.columns[0]
    low_is_bad = kind.worst(check.spec) == "low"
    values = _shown_part(check, table).frame[column]
    ordered = list(values.sort_values(ascending=low_is_bad, na_position="first").index)
    if kind.failures is not None:
        return [(key, True) for key in ordered[:limit]]
    gate = getattr(check.spec, "gate", None)
    bound = getattr(gate, "at_least" if low_is_bad else "at_most", None)
    failing = [key for key in ordered if _short(values[key], bound, low_is_bad=low_is_bad)]
    rest = [key for key in ordered if key not in set(failing)]
    few = limit // 8
    middle = rest[few:-few] if len(rest) > 2 * few else []
    drawn = random.Random(seed).sample(middle, min(few, len(middle)))  # noqa: S311 - no secret
    extra = list(dict.fromkeys([*rest[:few], *reversed(rest[-few:]), *drawn]))
    chosen = [(key, True) for key in failing[:limit]] + [(key, False) for key in extra]
    return chosen[:limit]


def _shown_part(check: CheckPlan, table: Table) -> Table:
    kind: Kind = registry.find("check", check.kind)
    return table if kind.failures is None else table.where(kind.failures(check.spec, table))


def _short(value: float, bound: float | None, *, low_is_bad: bool) -> bool:
    if value != value:  # noqa: PLR0124 - NaN
        return True
    if bound is None:
        return False
    return value < bound if low_is_bad else value > bound
