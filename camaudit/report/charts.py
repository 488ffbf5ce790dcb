"""Where the marks of a chart lie, in percent of its width and height. Templates only draw them."""

from __future__ import annotations

from dataclasses import dataclass
from math import floor, isfinite, log10
from typing import TYPE_CHECKING

from camaudit.report import numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.result import Finding

_BINS = 30


@dataclass(frozen=True, kw_only=True)
class Axis:
    """A stretch of numbers drawn from 0 to 100 percent."""

    low: float
    high: float

    def at(self, value: float) -> float:
        """The place of a value in percent, held inside of the axis."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A labelled place; `anchor` keeps labels at the ends inside of the chart."""

    x: float
    text: str
    anchor: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A control or the chance level on an interval bar."""

    x: float
    shape: str
    """diamond, triangle, square or line."""
    text: str


@dataclass(frozen=True, kw_only=True)
class IntervalChart:
    """An estimate with its interval on the number's whole range, the gate, and the ground under it."""

    description: str
    x: float | None
    left: float
    width: float
    gate: float | None
    good_left: float
    good_width: float
    marks: tuple[Mark, ...]
    ticks: tuple[Tick, ...]


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One bar of a histogram: place, size and what it says when pointed at."""

    x: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, kw_only=True)
class Histogram:
    """How the samples' numbers are spread, with the estimate and the gate."""

    description: str
    bars: tuple[Bar, ...]
    most: int
    gate: float | None
    estimate: float | None
    ticks: tuple[Tick, ...]
    gate_label: Tick | None
    estimate_label: Tick | None


def interval(finding: Finding, axis: Axis, *, description: str) -> IntervalChart:
    """The interval bar of one number on that axis."""
    known = isfinite(finding.lower) and isfinite(finding.upper)
    left, right = (axis.at(finding.lower), axis.at(finding.upper)) if known else (0.0, 0.0)
    gate = axis.at(finding.bound) if finding.bound is not None else None
    good_left, good_width = _good_side(gate, finding.direction)
    return IntervalChart(
        description=description,
        x=axis.at(finding.value) if isfinite(finding.value) else None,
        left=left,
        width=round(right - left, 2),
        gate=gate,
        good_left=good_left,
        good_width=good_width,
        marks=tuple(_marks(finding, axis)),
        ticks=ticks(axis),
    )


def axis_of(findings: Iterable[Finding], values: Iterable[float] = ()) -> Axis:
    """What the numbers can be, where that has two ends; else all that has to be shown, and some air."""
    shown = list(findings)
    lows = [item.low for item in shown if item.low is not None]
    highs = [item.high for item in shown if item.high is not None]
    if shown and len(lows) == len(highs) == len(shown):
        return Axis(low=min(lows), high=max(highs))
    every = [value for item in shown for value in _numbers(item)] + list(values)
    finite = [value for value in every if isfinite(value)] or [0.0, 1.0]
    low, high = min(finite), max(finite)
    air = 0.08 * (high - low) or max(abs(high), 1.0) * 0.1
    return Axis(low=low - air, high=high + air)


def histogram(values: Sequence[float], finding: Finding | None, title: str) -> Histogram | None:
    """The spread of the samples' numbers; None where there are none."""
    shown = [value for value in values if isfinite(value)]
    if not shown:
        return None
    axis = axis_of([finding] if finding else [], shown)
    counts = _counts(shown, axis)
    most = max(counts)
    gate = finding.bound if finding else None
    middle = finding.value if finding and isfinite(finding.value) else None
    return Histogram(
        description=_spread(shown, title),
        bars=tuple(_bars(counts, axis)),
        most=most,
        gate=axis.at(gate) if gate is not None else None,
        estimate=axis.at(middle) if middle is not None else None,
        ticks=ticks(axis),
        gate_label=tick(axis, gate, finding.gate) if finding and gate is not None else None,
        estimate_label=tick(axis, middle, _label(finding)) if finding and middle is not None else None,
    )


def shape(index: int) -> str:
    """The shape of the mark of a control, by its place in the list."""
    return ("diamond", "triangle", "square")[index % 3]


def ticks(axis: Axis) -> tuple[Tick, ...]:
    """Round numbers along the axis, its ends included where they are round."""
    step = _step(axis.high - axis.low)
    first = floor(axis.low / step + 1 - 1e-9)
    places = max(0, -floor(log10(step) + 1e-9))
    found = []
    value = first * step
    while value <= axis.high + step * 1e-6:
        found.append(tick(axis, value, numbers.decimal(value, places)))
        first += 1
        value = first * step
    return tuple(found)


def _step(span: float) -> float:
    rough: float = span / 5
    size: float = 10.0 ** floor(log10(rough))
    return next(factor * size for factor in (1, 2, 5, 10) if factor * size >= rough * (1 - 1e-9))


def tick(axis: Axis, value: float, text: str) -> Tick:
    """A labelled place on the axis."""
    x = axis.at(value)
    anchor = "start" if x < 8 else "end" if x > 92 else "middle"  # noqa: PLR2004 - percent of the width
    return Tick(x=x, text=text, anchor=anchor)


def _label(finding: Finding) -> str:
    return numbers.estimate(finding.value, finding.lower, finding.upper, finding.bound)[0]


def _good_side(gate: float | None, direction: str | None) -> tuple[float, float]:
    if gate is None or direction is None:
        return 0.0, 0.0
    return (gate, round(100 - gate, 2)) if direction == "at_least" else (0.0, gate)


def _marks(finding: Finding, axis: Axis) -> Iterable[Mark]:
    for index, control in enumerate(finding.controls):
        if isfinite(control.value):
            text = f"{control.name.replace('_', ' ')} {numbers.plain(control.value)}"
            yield Mark(x=axis.at(control.value), shape=shape(index), text=text)
    if finding.chance is not None and isfinite(finding.chance):
        yield Mark(x=axis.at(finding.chance), shape="line", text=f"chance {numbers.plain(finding.chance)}")


def _numbers(finding: Finding) -> Iterable[float]:
    yield from (finding.value, finding.lower, finding.upper)
    yield from (item for item in (finding.bound, finding.chance) if item is not None)
    yield from (control.value for control in finding.controls)


def _counts(values: Sequence[float], axis: Axis) -> list[int]:
    counts = [0] * _BINS
    for value in values:
        counts[min(int(axis.at(value) / 100 * _BINS), _BINS - 1)] += 1
    return counts


def _bars(counts: Sequence[int], axis: Axis) -> Iterable[Bar]:
    width, most = 100 / _BINS, max(counts)
    span = (axis.high - axis.low) / _BINS
    for index, count in enumerate(counts):
        if count:
            low, high = axis.low + index * span, axis.low + (index + 1) * span
            between = f"{numbers.plain(low)} to {numbers.plain(high)}"
            yield Bar(
                x=round(index * width, 2),
                width=round(width, 2),
                height=round(100 * count / most, 2),
                text=f"{between}: {numbers.count(count, 'sample')}",
            )


def _spread(values: Sequence[float], title: str) -> str:
    ordered = sorted(values)
    low, high = numbers.plain(ordered[0]), numbers.plain(ordered[-1])
    middle = numbers.plain(ordered[len(ordered) // 2])
    return (
        f"{title} of {numbers.count(len(ordered), 'sample')}: lowest {low}, median {middle}, highest {high}."
    )
