"""What the report shows of one check: answer, numbers, spread, classes, counts, parameters, samples."""

from __future__ import annotations

import re
from dataclasses import dataclass
from math import isfinite
from shlex import quote
from typing import TYPE_CHECKING

from camaudit.report import charts, numbers, spreads, strikes, words
from camaudit.report.counts import Step, population_steps, sum_problem
from camaudit.report.findings import deciding, groups, near_controls, overall, worst_first
from camaudit.report.hypotheses import HypothesisView, hypothesis_views
from camaudit.report.samples import SampleView, sample_views, scale_view

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.report.plates import Sheet
    from camaudit.report.samples import ScaleView
    from camaudit.report.scores import Scores
    from camaudit.result import CheckResult, Control, Finding

_FEW_LEVELS = 20


@dataclass(frozen=True, kw_only=True)
class ControlView:
    """What is scored on the same pictures without knowing where the object is."""

    name: str
    shape: str
    number: str
    interval: str
    text: str


@dataclass(frozen=True, kw_only=True)
class EstimateView:
    """One number, ready to show."""

    name: str
    title: str
    level: str | None
    n: str
    number: str
    interval: str
    method: str
    gate: str
    badge: words.Badge | None
    warns: bool
    reason: str
    chart: charts.IntervalChart
    chance: str
    controls: tuple[ControlView, ...]
    undefined: str


@dataclass(frozen=True, kw_only=True)
class GroupView:
    """The numbers by class, by object size …; the first few are shown, the rest folds away."""

    by: str
    title: str
    rows: tuple[EstimateView, ...]
    more: tuple[EstimateView, ...]
    gated: bool
    gate: str
    """The gate that all gated rows share; empty where they differ."""
    strip: spreads.Strip | None
    """The single samples of each class."""


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """One check's part of the page."""

    anchor: str
    id: str
    kind: str
    title: str
    badge: words.Badge
    outcome: words.Badge | None
    """What was found, where that differs from what it counts as."""
    expectation: str
    caution: str
    """Said beside a PASS that a map without any knowledge of the network might reach too."""
    trust: str
    """How far the maps can be trusted; empty without maps."""
    place: str
    description: str
    subject: str
    question: str
    rule: str
    answer: tuple[str, ...]
    certainty: tuple[str, ...]
    main: EstimateView | None
    numbers: tuple[EstimateView, ...]
    histogram: charts.Histogram | None
    histogram_title: str
    pairs: tuple[spreads.PairChart, ...]
    rocs: tuple[spreads.RocChart, ...]
    hypotheses: tuple[HypothesisView, ...]
    attacked: strikes.AttackedView | None
    groups: tuple[GroupView, ...]
    steps: tuple[Step, ...]
    sum_problem: str
    examples: tuple[str, ...]
    reading: tuple[str, ...]
    limits: tuple[str, ...]
    warnings: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...]
    command: str
    show: str
    """The command that draws one of its samples, with SAMPLE for the name; empty where it has no maps."""
    samples: tuple[SampleView, ...]
    failing: int
    scale: ScaleView | None
    regions: tuple[tuple[str, str], ...]
    missing_samples: str
    shows: str
    """What the samples are, where the check picks them; they are then all failures, and need not say so."""


def check_view(
    check: CheckResult, sheet: Sheet, scores: Scores, anchors: words.Anchors, *, anchor: str, spec_file: str
) -> CheckView:
    """The view of one check with its pictures and its samples' numbers.

    `spec_file` is as a person would type it; empty if unknown.
    """
    main = deciding(check)
    ranking, ranking_title = next(iter(check.columns.items()), ("", ""))
    spread = _spread_of(check, main, ranking)
    scale = scale_view(sheet)
    return CheckView(
        anchor=anchor,
        id=check.id,
        kind=check.kind,
        title=check.title,
        badge=words.badge(check.status),
        outcome=words.badge(check.outcome) if check.outcome != check.status else None,
        expectation=_expectation(check),
        caution=_caution(check),
        trust=check.trust.text if check.trust is not None else "",
        place=f"{words.printable(spec_file)}:{check.line}" if spec_file else "",
        description=check.description,
        subject=_subject(check),
        question=check.question,
        rule=check.rule,
        answer=tuple(_answer(check)),
        certainty=tuple(_certainty(check, main)),
        main=estimate_view(main, charts.axis_of([main])) if main is not None else None,
        numbers=tuple(estimate_view(item, charts.axis_of([item])) for item in overall(check)),
        histogram=charts.histogram(check.histogram, spread, ranking_title),
        histogram_title=ranking_title,
        pairs=spreads.pairs(check.paired, scores),
        rocs=spreads.rocs(check.rocs, check.findings),
        hypotheses=hypothesis_views(check, anchors),
        attacked=strikes.view(check, sheet, anchors),
        groups=tuple(_groups(check, scores)),
        steps=population_steps(check.population, main if main is not None and main.by is None else None),
        sum_problem=sum_problem(check.population),
        examples=_examples(check),
        reading=tuple(_reading(check, main, sheet)),
        limits=check.limits,
        warnings=check.warnings,
        parameters=tuple(check.parameters.items()),
        command=check.command,
        show=_show(check, spec_file),
        samples=sample_views(check, sheet, anchors, main),
        failing=sum(row.failing for row in check.rows),
        scale=scale,
        regions=sheet.outlines,
        missing_samples="" if check.rows else _no_samples(check),
        shows=check.shows,
    )


def estimate_view(finding: Finding, axis: charts.Axis) -> EstimateView:
    """One number with as many digits as it, its interval and its gate take."""
    number, interval = numbers.estimate(finding.value, finding.lower, finding.upper, finding.bound)
    described = f"{finding.title}: {number} {interval}".strip() + (
        f", gate {finding.gate}" if finding.gate else ""
    )
    return EstimateView(
        name=finding.name,
        title=finding.title,
        level=finding.level,
        n=f"{finding.n:,}",
        number=number,
        interval=interval,
        method=finding.interval,
        gate=finding.gate,
        badge=words.badge(finding.status) if finding.status is not None else None,
        warns=finding.severity == "warn" and finding.status not in {None, "PASS"},
        reason=finding.reason,
        chart=charts.interval(finding, axis, description=described),
        chance=numbers.plain(finding.chance) if finding.chance is not None else "",
        controls=tuple(_control(item, index) for index, item in enumerate(finding.controls)),
        undefined=_undefined(finding),
    )


def _control(control: Control, index: int) -> ControlView:
    number, interval = numbers.estimate(control.value, control.lower, control.upper)
    name = control.name.replace("_", " ")
    text = "; ".join(filter(None, [control.title if control.title != name else "", control.note]))
    return ControlView(name=name, shape=charts.shape(index), number=number, interval=interval, text=text)


def _undefined(finding: Finding) -> str:
    return ", ".join(f"{number:,} {reason}" for reason, number in finding.undefined.items() if number)


def _spread_of(check: CheckResult, main: Finding | None, column: str) -> Finding | None:
    """The whole-check number that the ranking column's histogram belongs to."""
    if main is not None and main.by is None and main.column == column:
        return main
    return next((item for item in overall(check) if item.column == column), None)


def _groups(check: CheckResult, scores: Scores) -> Iterable[GroupView]:
    for (by, _), items in groups(check).items():
        ordered = worst_first(items) if by in {"class", "label", "group"} else items
        axis = charts.axis_of(items)
        views = tuple(estimate_view(item, axis) for item in ordered)
        yield GroupView(
            by=by,
            title=items[0].title,
            rows=views[:_FEW_LEVELS],
            more=views[_FEW_LEVELS:],
            gated=any(item.status is not None for item in items),
            gate=_common_gate(items),
            strip=spreads.strip(ordered, scores) if by == "class" else None,
        )


def _common_gate(items: tuple[Finding, ...]) -> str:
    gates = {item.gate for item in items if item.gate}
    return gates.pop() if len(gates) == 1 else ""


def _subject(check: CheckResult) -> str:
    data = f" on data “{check.population.data}”" if check.population is not None else ""
    return f"network “{check.model}”{data}"


def _answer(check: CheckResult) -> Iterable[str]:
    """The answer, a line for each number that it names, in words instead of the number's short name.

    Regions under suspicion keep their names: those are the words of whoever suspected them.
    """
    named = {item.name: item.name if check.hypotheses else _in_words(item) for item in check.findings}
    short = "|".join(re.escape(name) for name in sorted(named, key=len, reverse=True))
    text = check.answer or check.headline
    first, *rest = re.split(rf"(?:^|; |(?<=\. ))({short}): ", text) if named else [text]
    if first:
        yield first.rstrip()
    yield from (f"{named[name]}: {said}" for name, said in zip(rest[::2], rest[1::2], strict=True))


def _in_words(finding: Finding) -> str:
    return finding.title if finding.level is None else f"{finding.title}, {finding.level}"


def _expectation(check: CheckResult) -> str:
    if check.expect != "fail":
        return ""
    known = "Known-bad control: this check must fail, or the audit cannot be trusted."
    if check.outcome == "FAIL":
        return f"{known} It failed, so it counts as {check.status}."
    return f"{known} It did not fail (found: {check.outcome}), so it counts as {check.status}."


def _caution(check: CheckResult) -> str:
    near = near_controls(check)
    if not near:
        return ""
    which = words.listing(f"{item.name.replace('_', ' ')} {numbers.plain(item.value)}" for item in near)
    return (
        f"The interval overlaps that of a control that knows nothing of the object ({which}). "
        "That this gate is met says little about the network."
    )


def _certainty(check: CheckResult, main: Finding | None) -> Iterable[str]:
    if main is None:
        yield "Nothing was estimated, so there is nothing to be sure of."
        return
    if not (isfinite(main.lower) and isfinite(main.upper)):
        yield "No interval could be computed for the number that decides."
        return
    _, interval = numbers.estimate(main.value, main.lower, main.upper, main.bound)
    share = numbers.plain(100 * main.confidence)
    yield (
        f"The {share} % interval {interval} comes from {numbers.count(main.n, 'sample')} ({main.interval}). "
        f"Drawn again and again, about {share} in 100 such intervals would hold the true number."
    )
    if main.n_needed is not None:
        yield f"About {main.n_needed:,} samples would settle the question if the number stays where it is."
    gated = sum(item.status is not None for item in check.findings)
    if gated > 1:
        yield f"{gated} numbers were gated in this check; each interval holds for itself alone."


def _reading(check: CheckResult, main: Finding | None, sheet: Sheet) -> Iterable[str]:
    if main is not None and main.bound is not None:
        side = "right" if main.direction == "at_least" else "left"
        yield (
            "Interval bar: the dot is the estimate, the thick line its interval, the dashed line the gate. "
            f"The shaded stretch on the {side} is where the gate is met; PASS needs the whole line in it."
        )
    if main is not None and main.controls:
        yield (
            "The hollow marks are controls: what is scored on the same pictures without knowing where the "
            "object is. A number near its controls says little about the network."
        )
    if main is not None and main.chance_text:
        yield f"Chance level: {main.chance_text}."
    if check.histogram:
        yield "The histogram shows single samples. The gate holds for the number of all samples together."
    if sheet.scale is not None:
        yield (
            "Maps: bright means much evidence for the class explained. All maps of this check share one "
            "colour scale, so a dark map is a weak map."
        )


def _examples(check: CheckResult) -> tuple[str, ...]:
    return (*check.population.unusable_examples, *check.population.lost_examples) if check.population else ()


def _show(check: CheckResult, spec_file: str) -> str:
    if not (check.maps and check.rows and spec_file):
        return ""
    return f"camaudit show {quote(f'{spec_file}::{check.id}')} SAMPLE"


def _no_samples(check: CheckResult) -> str:
    if check.status == "SKIP":
        return "No samples: the check was skipped."
    if check.status == "ERROR":
        return "No samples: the check could not be carried out."
    if check.shows:
        return f"None of the samples used belongs here: there are no {check.shows}."
    return "No samples were kept for this check."
