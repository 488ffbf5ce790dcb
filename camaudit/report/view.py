"""Everything that a report shows, decided: which parts, in which order, in which words. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from camaudit.report import charts, numbers, words
from camaudit.report.check import CheckView, check_view, estimate_view
from camaudit.report.findings import deciding, near_controls
from camaudit.report.scores import Scores
from camaudit.result import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from camaudit.report.check import EstimateView
    from camaudit.report.plates import Sheet
    from camaudit.result import AuditResult, CheckResult, Finding, ModelRecord

Facts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class OverviewRow:
    """One check in the table of checks."""

    anchor: str
    id: str
    title: str
    badge: words.Badge
    note: str
    estimate: EstimateView | None
    answer: str


@dataclass(frozen=True, kw_only=True)
class ModelView:
    """The identity of one network."""

    name: str
    facts: Facts


@dataclass(frozen=True, kw_only=True)
class RecordView:
    """What it takes to repeat the run, and to notice if anything was changed."""

    facts: Facts
    environment: Facts
    seeds: Facts
    timings: Facts
    files: Facts
    warnings: tuple[str, ...]
    spec_text: str


@dataclass(frozen=True, kw_only=True)
class Page:
    """A whole report."""

    name: str
    description: str
    verdict: words.Verdict
    facts: Facts
    models: tuple[ModelView, ...]
    data: Facts
    untested: tuple[str, ...]
    blind_spots: tuple[str, ...]
    overview: tuple[OverviewRow, ...]
    meanings: tuple[tuple[words.Badge, str], ...]
    terms: Facts
    checks: tuple[CheckView, ...]
    record: RecordView


def page(
    result: AuditResult,
    sheets: Sequence[Sheet],
    scores: Mapping[str, Scores] = MappingProxyType({}),
    problems: Sequence[str] = (),
) -> Page:
    """The view of a result with the pictures drawn for its checks, in the same order.

    `scores` are the numbers of the samples by check, for charts; without them there are none of samples.
    `problems` are what went wrong while the report was written; they join the warnings.
    """
    anchors = words.Anchors()
    order = sorted(range(len(result.checks)), key=lambda index: -SEVERITY.index(result.checks[index].status))
    names = {index: anchors.take(result.checks[index].id) for index in order}
    views = tuple(
        check_view(
            result.checks[index],
            sheets[index],
            scores.get(result.checks[index].id, Scores()),
            anchors,
            anchor=names[index],
            spec_file=result.spec_file,
        )
        for index in order
    )
    return Page(
        name=words.printable(result.name),
        description=result.description,
        verdict=words.verdict(result),
        facts=tuple(_facts(result)),
        models=tuple(_model(model) for model in result.models),
        data=tuple(_data(result)),
        untested=tuple(_untested(result)),
        blind_spots=words.BLIND_SPOTS,
        overview=tuple(_row(result.checks[index], names[index]) for index in order),
        meanings=tuple(
            (words.badge(status), text) for status, text in words.MEANING.items() if _occurs(result, status)
        ),
        terms=words.TERMS,
        checks=views,
        record=_record(result, problems),
    )


def _occurs(result: AuditResult, status: str) -> bool:
    return any(
        status in {check.status, check.outcome, *(item.status for item in check.findings)}
        for check in result.checks
    )


def _facts(result: AuditResult) -> Iterable[tuple[str, str]]:
    when = result.created.replace("T", " ").replace("+00:00", " UTC") or "time not recorded"
    yield "Run", f"{when}, took {numbers.duration(result.duration)}"
    yield "Spec", words.printable(result.spec_file) or "not recorded"
    ran = numbers.count(len(result.checks), "check")
    whole = f"{ran}, all of the spec" if result.checks else "none"
    yield "Checks run", f"{ran}, partial: {len(result.not_run)} left out" if result.not_run else whole
    yield "Comparisons", _comparisons(result.comparisons)


def _comparisons(number: int) -> str:
    if not number:
        return "none gated"
    gated = numbers.count(number, "gated number")
    return f"{gated}; each interval holds for itself alone: of many, some may miss"


def _model(model: ModelRecord) -> ModelView:
    facts = [
        ("Built by", model.factory),
        ("Parameters", f"{model.parameters:,}"),
        ("Classes", f"{model.classes:,}"),
        ("Weights", model.weights or "none loaded from a file"),
        ("Weights sha256", model.weights_sha256 or "–"),
        ("Fingerprint", model.fingerprint),
        ("Preprocessing", model.preprocess),
        *((f"Layer {layer}", why) for layer, why in model.layers.items()),
    ]
    return ModelView(
        name=words.printable(model.name), facts=tuple((term, words.printable(text)) for term, text in facts)
    )


def _data(result: AuditResult) -> Iterable[tuple[str, str]]:
    seen = set()
    for check in result.checks:
        population = check.population
        if population is not None and (population.data, population.sentence) not in seen:
            seen.add((population.data, population.sentence))
            ids = [words.printable(other.id) for other in result.checks if _same(other, check)]
            yield words.printable(population.data), f"{population.sentence}, in {words.listing(ids)}"


def _same(one: CheckResult, other: CheckResult) -> bool:
    mine, its = one.population, other.population
    return mine is not None and its is not None and (mine.data, mine.sentence) == (its.data, its.sentence)


def _untested(result: AuditResult) -> Iterable[str]:
    if not result.checks:
        yield "Nothing was tested: no check was run."
    if result.not_run:
        names = words.listing((words.printable(name) for name in result.not_run), most=20)
        yield f"Left out of this run: {names}."
    for check in result.checks:
        if check.status == "SKIP":
            yield f"{words.printable(check.id)} was skipped: {check.headline}"
        if check.status == "ERROR" and check.expect == "pass":
            yield f"{words.printable(check.id)} could not be carried out and says nothing about the network."
    yield from _unseen(result)
    yield from dict.fromkeys(limit for check in result.checks for limit in check.limits)


def _unseen(result: AuditResult) -> Iterable[str]:
    unused: dict[str, int] = {}
    for check in result.checks:
        population = check.population
        if population is not None:
            number = sum(population.unusable.values()) + sum(population.lost.values())
            unused[population.data] = max(unused.get(population.data, 0), number)
    for data, number in unused.items():
        if number:
            left_out = numbers.count(number, "sample")
            yield f"{left_out} of {words.printable(data)} could not be used (reasons with each check)."


def _row(check: CheckResult, anchor: str) -> OverviewRow:
    finding = deciding(check)
    shown = finding is not None and check.status not in {"ERROR", "SKIP"}
    axis = charts.axis_of([finding]) if finding is not None else charts.Axis(low=0.0, high=1.0)
    return OverviewRow(
        anchor=anchor,
        id=words.printable(check.id),
        title=check.title,
        badge=words.badge(check.status),
        note=_note(check, finding),
        estimate=estimate_view(finding, axis) if shown and finding is not None else None,
        answer=check.answer or check.headline,
    )


def _note(check: CheckResult, finding: Finding | None) -> str:
    notes = []
    if check.expect == "fail":
        notes.append(
            "known-bad control: failed, as it must"
            if check.outcome == "FAIL"
            else "known-bad control: did not fail"
        )
    if finding is not None and finding.level is not None:
        notes.append(f"decided by {words.printable(finding.level)}")
    if near_controls(check):
        notes.append("no clearer than its controls")
    if check.trust is not None and check.trust.level != "good":
        notes.append(f"maps {check.trust.text.partition(':')[0]}")
    short = words.shortfalls(check)
    if short:
        notes.append(
            f"{numbers.count(len(short), 'number')} fell short, {'warns' if len(short) == 1 else 'warn'} only"
        )
    return "; ".join(notes)


def _record(result: AuditResult, problems: Sequence[str]) -> RecordView:
    facts = [
        ("Audit", result.name),
        ("Spec file", result.spec_file or "not recorded"),
        ("Spec sha256", result.spec_sha256 or "not recorded"),
        ("Created", result.created or "not recorded"),
        ("Duration", numbers.duration(result.duration)),
        ("Gated numbers compared", f"{result.comparisons:,}"),
        ("Result format", str(result.format_version)),
    ]
    return RecordView(
        facts=_clean(facts),
        environment=_clean(result.environment.items()),
        seeds=_clean(
            (check.id, f"seed {check.population.seed}")
            for check in result.checks
            if check.population is not None
        ),
        timings=_clean((name, numbers.duration(seconds)) for name, seconds in result.timings.items()),
        files=_clean(result.files.items()),
        warnings=tuple(words.printable(text) for text in (*result.warnings, *problems)),
        spec_text=result.spec_text,
    )


def _clean(pairs: Iterable[tuple[str, str]]) -> Facts:
    return tuple((words.printable(term), words.printable(str(text))) for term, text in pairs)
