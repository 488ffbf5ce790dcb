"""Everything that the page of a comparison shows, decided. Plain data."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING

from camaudit.report import charts, numbers
from camaudit.report.diff import words
from camaudit.report.samples import ScaleView
from camaudit.report.words import Anchors, Badge, badge, printable
from camaudit.result import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.comparison import (
        Change,
        CheckComparison,
        Comparison,
        Difference,
        Image,
        Numbers,
        Part,
        Side,
    )
    from camaudit.report.diff.draw import Drawn, Triple
    from camaudit.report.plates import Picture
    from camaudit.result import Finding, Status

NONE = "none"


@dataclass(frozen=True, kw_only=True)
class SideView:
    """One of the two, at the head of the page."""

    word: str
    badge: Badge | None
    facts: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class PartView:
    """What changed in one part of the record; `unchanged` is said where nothing did."""

    title: str
    changes: tuple[tuple[str, str, str], ...]
    notes: tuple[str, ...]
    unchanged: str


@dataclass(frozen=True, kw_only=True)
class NumberView:
    """A number of both sides on one axis."""

    name: str
    texts: tuple[tuple[str, str], tuple[str, str]]
    charts: tuple[charts.IntervalChart | None, charts.IntervalChart | None]
    tones: tuple[str, str]
    gates: str


@dataclass(frozen=True, kw_only=True)
class DifferenceView:
    """A paired difference on an axis with 0 in the middle."""

    name: str
    title: str
    text: str
    n: str
    verdict: str
    tone: str
    undefined: str
    chart: charts.IntervalChart


@dataclass(frozen=True, kw_only=True)
class ImageView:
    """One of the worst images."""

    anchor: str
    id: str
    facts: tuple[tuple[str, str], ...]
    input: Picture
    before: Picture
    after: Picture
    captions: tuple[str, str]
    note: str


@dataclass(frozen=True, kw_only=True)
class CheckView:
    """One check of both."""

    anchor: str
    id: str
    title: str
    badges: tuple[Badge | None, Badge | None]
    tone: str
    deciding: str
    """The number that says most of the two verdicts, by name."""
    estimates: tuple[str, str]
    """What it is on both sides."""
    delta: tuple[str, str]
    """A difference and the number that it is of: the deciding one, or else the one that ranks the images."""
    reasons: tuple[tuple[str, str], ...]
    changes: tuple[tuple[str, str, str], ...]
    incomparable: tuple[str, ...]
    notes: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    numbers: tuple[NumberView, ...]
    differences: tuple[DifferenceView, ...]
    heading: str
    ranking: str
    none_worse: str
    scale: ScaleView | None
    images: tuple[ImageView, ...]


@dataclass(frozen=True, kw_only=True)
class DiffPage:
    """A whole comparison."""

    title: str
    name: str
    sentence: str
    about: str
    tone: str
    words: tuple[str, str]
    sides: tuple[SideView, SideView]
    notes: tuple[str, ...]
    parts: tuple[PartView, ...]
    checks: tuple[CheckView, ...]
    only: tuple[tuple[str, str, Badge], ...]
    spec: tuple[tuple[str, str], ...]
    """Lines of the unified diff, each with what it is: added, removed, place or kept."""
    has_spec: bool


def page(comparison: Comparison, drawn: Sequence[Drawn]) -> DiffPage:
    """The view of a comparison with the pictures drawn for its checks, in the same order."""
    anchors = Anchors()
    checks = tuple(
        _check(check, own, anchors, anchors.take(check.id))
        for check, own in zip(comparison.checks, drawn, strict=True)
    )
    names = dict.fromkeys([comparison.before.name, comparison.after.name])
    return DiffPage(
        title=comparison.title,
        name=" and ".join(map(printable, names)),
        sentence=words.sentence(comparison),
        about=words.about(comparison),
        tone="skip",
        words=(comparison.before.word, comparison.after.word),
        sides=(_side(comparison.before), _side(comparison.after)),
        notes=comparison.notes,
        parts=tuple(_part(title, part) for title, part in words.changes_of(comparison)),
        checks=checks,
        only=tuple(_only(comparison)),
        spec=tuple((_kind(line), line) for line in comparison.spec_lines),
        has_spec=comparison.before.word != "accepted",
    )


def _side(side: Side) -> SideView:
    facts = [("Folder", side.place), ("Made", words.when(side.created) or "not recorded")]
    return SideView(
        word=side.word,
        badge=None if side.status is None else badge(side.status),
        facts=tuple((term, printable(text)) for term, text in facts),
    )


def _part(title: str, part: Part) -> PartView:
    return PartView(
        title=title,
        changes=tuple(map(_change, part.changes)),
        notes=part.notes,
        unchanged="" if part.changes else "Nothing that is recorded changed.",
    )


def _change(item: Change) -> tuple[str, str, str]:
    return item.term, NONE if item.before is None else item.before, NONE if item.after is None else item.after


def _only(comparison: Comparison) -> Iterable[tuple[str, str, Badge]]:
    for word, only in (
        (comparison.before.word, comparison.only_before),
        (comparison.after.word, comparison.only_after),
    ):
        yield from ((name, word, badge(status)) for name, status in only)


def _kind(line: str) -> str:
    if line.startswith(("@@", "--- ", "+++ ")):
        return "place"
    return {"+": "added", "-": "removed"}.get(line[:1], "kept")


def _check(check: CheckComparison, drawn: Drawn, anchors: Anchors, anchor: str) -> CheckView:
    before, after = check.statuses
    deciding = _deciding(check)
    return CheckView(
        anchor=anchor,
        id=check.id,
        title=check.title,
        badges=(_badge(before), _badge(after)),
        tone=after.lower() if after is not None else "skip",
        deciding=deciding.name if deciding is not None else "",
        estimates=_estimates(deciding),
        delta=_delta(check, deciding),
        reasons=tuple(_reasons(check)),
        changes=tuple(map(_change, check.changes)),
        incomparable=check.incomparable,
        notes=check.notes,
        facts=tuple(_facts(check)),
        numbers=tuple(map(_number, check.numbers)),
        differences=tuple(map(_difference, check.differences)),
        heading=words.heading(check) if check.worst else "",
        ranking=check.ranking,
        none_worse=words.none_worse(check),
        scale=_scale(drawn),
        images=tuple(
            _image(check, item, own, anchors) for item, own in zip(check.worst, drawn.triples, strict=True)
        ),
    )


def _badge(status: Status | None) -> Badge | None:
    return None if status is None else badge(status)


def _deciding(check: CheckComparison) -> Numbers | None:
    """The number with the worst status on the second side, or on the first where that has none."""

    def badness(item: Numbers) -> int:
        sides = [
            side.status for side in (item.after, item.before) if side is not None and side.status is not None
        ]
        return SEVERITY.index(sides[0]) if sides else -1

    return max(check.numbers, key=badness, default=None)


def _estimates(item: Numbers | None) -> tuple[str, str]:
    sides = (None, None) if item is None else (item.before, item.after)
    return words.finding(sides[0])[0], words.finding(sides[1])[0]


def _delta(check: CheckComparison, deciding: Numbers | None) -> tuple[str, str]:
    sides = [] if deciding is None else [side.column for side in (deciding.before, deciding.after) if side]
    chosen = next((item for item in check.differences if item.column in sides), None)
    chosen = chosen or next(iter(check.differences), None)
    return ("", "") if chosen is None else (words.delta(chosen), chosen.column)


def _reasons(check: CheckComparison) -> Iterable[tuple[str, str]]:
    """What was answered by a run that has no number to show."""
    for word, status, reason in zip(("before", "after"), check.statuses, check.reasons, strict=True):
        if status in {"ERROR", "SKIP"}:
            yield f"{status} {word}", reason


def _facts(check: CheckComparison) -> Iterable[tuple[str, str]]:
    if check.pairing is not None:
        yield "Images", words.pairing(check.pairing)
        for why in check.pairing.partial:
            yield "No mean difference", f"{why}. Samples that were picked to be shown stand for no others."
    if check.answers is not None:
        yield "Answers", words.answers(check.answers)
    if check.distance is not None:
        text = f"{words.delta(check.distance).removeprefix('+')} ({words.paired_of(check.distance)})"
        yield "Map distance", f"{text}. {check.distance.title}."
    elif check.no_distance:
        yield "Map distance", f"not compared: {check.no_distance}"
    if check.levels:
        yield "By class or size", words.levels(check)
    if check.died:
        names = ", ".join(map(printable, check.died[:5])) + (" …" if len(check.died) > 5 else "")  # noqa: PLR2004
        yield (
            "Numbers lost",
            f"{numbers.count(len(check.died), 'image')} had one before and has none: {names}",
        )


def _number(item: Numbers) -> NumberView:
    both = [side for side in (item.before, item.after) if side is not None]
    axis = charts.axis_of(both)
    return NumberView(
        name=item.name,
        texts=(words.finding(item.before), words.finding(item.after)),
        charts=(_bar(item.before, axis, "before"), _bar(item.after, axis, "after")),
        tones=(_tone(item.before), _tone(item.after)),
        gates=_gates(item),
    )


def _bar(finding: Finding | None, axis: charts.Axis, word: str) -> charts.IntervalChart | None:
    if finding is None:
        return None
    text = " ".join(filter(None, words.finding(finding)))
    return charts.interval(finding, axis, description=f"{finding.name} {word}: {text}")


def _tone(finding: Finding | None) -> str:
    return finding.status.lower() if finding is not None and finding.status is not None else ""


def _gates(item: Numbers) -> str:
    gates = [side.gate if side is not None else "" for side in (item.before, item.after)]
    if gates[0] == gates[1] or item.before is None:
        return gates[1] or "not gated"
    return " → ".join(gate or "not gated" for gate in gates)


def _difference(item: Difference) -> DifferenceView:
    ends = [end for end in (item.interval.value, item.interval.lower, item.interval.upper) if isfinite(end)]
    reach = max((abs(end) for end in ends), default=0.0) or 1.0
    axis = charts.Axis(low=-1.05 * reach, high=1.05 * reach)
    verdict = words.judged(item)
    known = isfinite(item.interval.lower) and isfinite(item.interval.upper)
    left, right = (axis.at(item.interval.lower), axis.at(item.interval.upper)) if known else (0.0, 0.0)
    return DifferenceView(
        name=item.column,
        title=item.title,
        text=words.delta(item),
        n=f"{item.interval.n:,}",
        verdict=words.reads(item) or numbers.MISSING,
        tone={"worse": "fail", "better": "pass"}.get(verdict, ""),
        undefined=words.counted(item.undefined),
        chart=charts.IntervalChart(
            description=f"{item.column}, after minus before: {words.delta(item)}; dashed: no difference",
            x=axis.at(item.interval.value) if isfinite(item.interval.value) else None,
            left=left,
            width=round(right - left, 2),
            gate=axis.at(0.0),
            good_left=0.0,
            good_width=0.0,
            marks=(),
            ticks=(),
        ),
    )


def _scale(drawn: Drawn) -> ScaleView | None:
    scale = drawn.scale
    if scale is None:
        return None
    text = f"One scale for all {scale.maps} maps of these images, before and after: a dark map is a weak map."
    if scale.top == 0:
        text += " Every map is zero everywhere."
    if scale.clipped:
        text += f" {scale.clipped} reach beyond its end, up to {numbers.plain(scale.largest)}."
    return ScaleView(top=numbers.plain(scale.top), negative=False, text=text)


def _image(check: CheckComparison, item: Image, own: Triple, anchors: Anchors) -> ImageView:
    return ImageView(
        anchor=anchors.take(check.id, item.id),
        id=item.id,
        facts=tuple(_image_facts(check, item)),
        input=own.input,
        before=own.before,
        after=own.after,
        captions=(_caption("before", item.before.explains), _caption("after", item.after.explains)),
        note="Maps alone: the input was not kept." if own.bare and item.before.map is not None else "",
    )


def _caption(word: str, explains: str) -> str:
    return f"Map {word}: {printable(explains)}" if explains else f"Map {word}"


def _image_facts(check: CheckComparison, item: Image) -> Iterable[tuple[str, str]]:
    yield "score", f"{words.value(item.before)} → {words.value(item.after)}"
    yield ("change" if check.worse is None else "drop"), numbers.plain(item.drop)
    if item.label is not None:
        yield "label", printable(item.label)
    answered = words.answered(item)
    if answered:
        yield "answer", answered
    scores = [side.score for side in (item.before, item.after)]
    if any(score is not None for score in scores):
        yield "its logit", " → ".join(NONE if score is None else numbers.plain(score) for score in scores)
    yield "map distance", words.moved(item)
