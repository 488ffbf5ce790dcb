"""Charts of single samples: one strip per class, pairs before and after, and the ROC curve behind an AUC.

Marks are paths on a field of 1000 × 100 units that is stretched to its place: a few bytes per sample.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, TypeVar

from camaudit.report import charts, numbers

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.exhibits import Paired, Roc
    from camaudit.report.scores import Scores
    from camaudit.result import Finding

T = TypeVar("T")
MOST_CLASSES, MOST_TICKS = 12, 100
MOST_PAIRS = 200
FEWEST_VALUES = 3
"""Values below which a spread says no more than a count."""


@dataclass(frozen=True, kw_only=True)
class StripRow:
    """One class: a tick for each sample, and the class's own estimate over them."""

    level: str
    text: str
    path: str
    bar: charts.IntervalChart
    tone: str
    y: int


@dataclass(frozen=True, kw_only=True)
class Strip:
    """The samples of each class on one axis."""

    description: str
    note: str
    rows: tuple[StripRow, ...]
    gate: float | None
    gate_label: charts.Tick | None
    ticks: tuple[charts.Tick, ...]
    height: int


@dataclass(frozen=True, kw_only=True)
class PairChart:
    """Each sample before and after as a line; those that fell apart from those that did not."""

    title: str
    description: str
    note: str
    names: tuple[str, str]
    fell: str
    rose: str
    dots: str
    means: tuple[float, float]
    ticks: tuple[charts.Tick, ...]


@dataclass(frozen=True, kw_only=True)
class RocChart:
    """Share of the own images above a threshold against that of the others; the diagonal is chance."""

    title: str
    description: str
    path: str


def strip(findings: Sequence[Finding], scores: Scores) -> Strip | None:
    """The spread by class of findings that are in the order wanted; None where there is nothing to spread.

    A class is drawn only where its samples are those that its estimate counts: else the picture would be of
    another number.
    """
    values = scores.columns.get(findings[0].column, ())
    known = [value for value in values if isfinite(value)]
    if len(set(known)) < FEWEST_VALUES:
        return None
    by_class: dict[str, list[float]] = {}
    for label, value in zip(scores.labels, values, strict=True):
        if label is not None and isfinite(value):
            by_class.setdefault(label, []).append(value)
    drawn = [
        item
        for item in findings
        if item.level is not None
        and (own := by_class.get(item.level))
        and (len(own) == item.n if scores.whole else len(own) <= item.n)
    ]
    if not drawn:
        return None
    axis = charts.axis_of(drawn[:MOST_CLASSES], known)
    rows = tuple(
        _strip_row(item, by_class[item.level or ""], axis, place)
        for place, item in enumerate(drawn[:MOST_CLASSES])
    )
    gates = {(item.bound, item.gate) for item in drawn if item.bound is not None}
    bound, gate = gates.pop() if len(gates) == 1 else (None, "")
    shown = sum(row.path.count("M") for row in rows)
    every = sum(item.n for item in findings)
    note = f"Each tick is a sample, the dot its class's estimate. {_told(shown, every, 'sample')}"
    if len(findings) > len(rows):
        note += f" {len(rows)} of {len(findings)} classes, in the order of the table below."
    return Strip(
        description=f"{findings[0].title} by class: {len(rows)} classes, {numbers.count(shown, 'sample')}.",
        note=note,
        rows=rows,
        gate=None if bound is None else axis.at(bound),
        gate_label=None if bound is None else charts.tick(axis, bound, gate),
        ticks=charts.ticks(axis),
        height=_TOP + _ROW * len(rows) + 24,
    )


_TOP, _ROW = 18, 40


def _strip_row(item: Finding, own: Sequence[float], axis: charts.Axis, place: int) -> StripRow:
    ordered = sorted(own)
    number, interval = numbers.estimate(item.value, item.lower, item.upper, item.bound)
    text = f"{number} {interval}".strip() + f", n={item.n:,}"
    low, middle, high = (numbers.plain(ordered[at]) for at in (0, len(ordered) // 2, -1))
    described = f"{item.level}: {text}; single samples from {low} over {middle} (median) to {high}"
    return StripRow(
        level=item.level or "",
        text=text,
        path="".join(f"M{round(10 * axis.at(value))} 0v100" for value in _some(ordered, MOST_TICKS)),
        bar=charts.interval(item, axis, description=described),
        tone=item.status.lower() if item.status is not None else "plain",
        y=_TOP + _ROW * place,
    )


def pairs(wanted: Sequence[Paired], scores: Scores) -> tuple[PairChart, ...]:
    """One chart for each two columns that hold numbers of the same samples; none where fewer than two do."""
    return tuple(chart for item in wanted if (chart := _pairs(item, scores)) is not None)


def _pairs(item: Paired, scores: Scores) -> PairChart | None:
    columns = (scores.columns.get(item.before, ()), scores.columns.get(item.after, ()))
    both = sorted(pair for pair in zip(*columns, strict=True) if isfinite(pair[0]) and isfinite(pair[1]))
    if len(both) < 2:  # noqa: PLR2004 - one line shows no spread
        return None
    kept = _some(both, MOST_PAIRS)
    axis = charts.axis_of([], [value for pair in both for value in pair])
    lines = [(100 - axis.at(one), 100 - axis.at(other)) for one, other in kept]
    fell = sum(after < before for before, after in both)
    rose = sum(after > before for before, after in both)
    means = [sum(side) / len(both) for side in zip(*both, strict=True)]
    spoken = " → ".join(numbers.plain(mean) for mean in means)
    same = f", {len(both) - fell - rose:,} stayed" if fell + rose < len(both) else ""
    counted = f"{fell:,} fell, {rose:,} rose{same}; mean {spoken}"
    return PairChart(
        title=item.title,
        description=f"{item.title}, {item.names[0]} and {item.names[1]}: {counted}.",
        note=f"{counted}. {_told(len(kept), len(both), 'sample', whole=scores.whole)}",
        names=item.names,
        fell="".join(_line(*line) for line in lines if line[1] > line[0]),
        rose="".join(_line(*line) for line in lines if line[1] <= line[0]),
        dots="".join(f"M0 {one:.4g}h0M1000 {other:.4g}h0" for one, other in lines),
        means=(round(100 - axis.at(means[0]), 2), round(100 - axis.at(means[1]), 2)),
        ticks=tuple(
            charts.Tick(x=round(100 - one.x, 2), text=one.text, anchor="end") for one in charts.ticks(axis)
        ),
    )


def _some(ordered: Sequence[T], most: int) -> list[T]:
    """At most so many of the sorted ones, at even steps from the first to the last: the spread is kept."""
    count = min(len(ordered), most)
    return [ordered[place * (len(ordered) - 1) // max(1, count - 1)] for place in range(count)]


def _line(before: float, after: float) -> str:
    return f"M0 {before:.4g}L1000 {after:.4g}"


def _told(shown: int, every: int, word: str, *, whole: bool = True) -> str:
    """How many are drawn of how many."""
    if shown < every:
        return f"{shown:,} of {numbers.count(every, word)} drawn."
    return f"All {numbers.count(every, word)} drawn." if whole else f"{numbers.count(every, word)} drawn."


def rocs(wanted: Sequence[Roc], findings: Sequence[Finding]) -> tuple[RocChart, ...]:
    """The curves, each with the AUC that is estimated of it."""
    estimates = {item.name: item for item in findings}
    found = []
    for item in wanted:
        finding = estimates.get(item.finding)
        if finding is not None and item.points:
            text = " ".join(
                numbers.estimate(finding.value, finding.lower, finding.upper, finding.bound)
            ).strip()
            place = "L".join(f"{round(1000 * x)} {100 - 100 * y:.4g}" for x, y in item.points)
            found.append(
                RocChart(
                    title=f"{finding.name}: {text}",
                    description=f"ROC curve, mean over classes. Area below it: {text}; chance: 0.5.",
                    path=f"M{place}",
                )
            )
    return tuple(found)
