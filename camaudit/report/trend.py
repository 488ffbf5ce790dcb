"""One gated number over runs in time: points with whiskers, the gate, and breaks between unlike runs."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby, pairwise
from math import isfinite
from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.report.runs import Gated, Run

MOST = 30
"""Runs that a chart shows: the last ones."""
TOP, BOTTOM = 10.0, 70.0
"""Pixels from the chart's upper edge to the ends of its scale."""
LEFT, RIGHT = 3.0, 97.0
"""Percent of the width where the first and the last run stand."""


@dataclass(frozen=True, kw_only=True)
class Point:
    """One run in a chart. `y`, `upper` and `lower` are pixels; None where there is no number."""

    x: float
    y: float | None
    upper: float | None
    lower: float | None
    gate: float | None
    tone: str
    partial: bool
    text: str


@dataclass(frozen=True, kw_only=True)
class Step:
    """A straight line in a chart: x in percent, y in pixels."""

    x1: float
    y1: float
    x2: float
    y2: float


@dataclass(frozen=True, kw_only=True)
class Row:
    """One run in the table beside the chart."""

    when: str
    number: str
    interval: str
    n: str
    gate: str
    status: str
    tone: str
    note: str


@dataclass(frozen=True, kw_only=True)
class Trend:
    """One gated number of one check over the runs that have it."""

    check: str
    name: str
    title: str
    by: str | None
    control: bool
    """Whether it is of a known-bad control, which has to fail."""
    points: tuple[Point, ...]
    lines: tuple[Step, ...]
    gates: tuple[Step, ...]
    breaks: tuple[tuple[float, str], ...]
    """Where runs cannot be compared with those before: x, and why."""
    high: str
    low: str
    first: str
    last: str
    text: str
    rows: tuple[Row, ...]
    earlier: int
    """Runs before those shown."""


def trends(runs: Sequence[Run]) -> tuple[Trend, ...]:
    """A trend of every number gated in the last run that has its check; `runs` are in order of time."""
    series: dict[tuple[str, str], list[tuple[Run, Gated]]] = {}
    newest: dict[str, Run] = {}
    for run in runs:
        for item in run.numbers:
            series.setdefault((item.check, item.name), []).append((run, item))
            newest[item.check] = run
    return tuple(_trend(found) for (check, _), found in series.items() if found[-1][0] is newest[check])


def why_apart(before: Gated, now: Gated) -> str:
    """Why two numbers of one name cannot be compared; empty where they can."""
    reasons = []
    if before.setup != now.setup:
        reasons.append("another spec of the check")
    if before.data != now.data:
        reasons.append("other images or labels")
    return " and ".join(reasons)


def _trend(found: Sequence[tuple[Run, Gated]]) -> Trend:
    shown = found[-MOST:]
    low, high = _span(item for _, item in shown)
    places = [_x(index, len(shown)) for index in range(len(shown))]
    points = tuple(_point(run, item, x, low, high) for x, (run, item) in zip(places, shown, strict=True))
    apart = [""] + [why_apart(one, other) for (_, one), (_, other) in pairwise(shown)]
    last = shown[-1][1]
    return Trend(
        check=printable(last.check),
        name=printable(last.name),
        title=printable(last.title),
        by=last.by,
        control=last.expect == "fail",
        points=points,
        lines=tuple(_joined([point.y for point in points], places, apart)),
        gates=tuple(_gates([point.gate for point in points], places)),
        breaks=tuple(
            (round((places[at - 1] + places[at]) / 2, 2), why) for at, why in enumerate(apart) if why
        ),
        high=numbers.plain(high),
        low=numbers.plain(low),
        first=day(shown[0][0].created),
        last=day(shown[-1][0].created),
        text=_text([item for _, item in shown], apart),
        rows=tuple(_row(pair, why) for pair, why in reversed(list(zip(shown, apart, strict=True)))),
        earlier=len(found) - len(shown),
    )


def _x(index: int, count: int) -> float:
    return 50.0 if count == 1 else round(LEFT + (RIGHT - LEFT) * index / (count - 1), 2)


def _span(items: Iterable[Gated]) -> tuple[float, float]:
    every = [
        cell for item in items for cell in (item.value, item.lower, item.upper, item.bound) if isfinite(cell)
    ]
    low, high = min(every, default=0.0), max(every, default=1.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return low, high


def _point(run: Run, item: Gated, x: float, low: float, high: float) -> Point:
    def y(value: float) -> float | None:
        return round(BOTTOM - (BOTTOM - TOP) * (value - low) / (high - low), 2) if isfinite(value) else None

    return Point(
        x=x,
        y=y(item.value),
        upper=y(item.upper),
        lower=y(item.lower),
        gate=y(item.bound),
        tone=item.status.lower(),
        partial=run.partial,
        text=f"{day(run.created)}: {_said(item)}, {item.status}{' (partial run)' if run.partial else ''}",
    )


def _joined(heights: Sequence[float | None], places: Sequence[float], apart: Sequence[str]) -> Iterable[Step]:
    """Lines between neighbours that can be compared; none over a break, or over a run without a number."""
    for at in range(1, len(places)):
        before, now = heights[at - 1], heights[at]
        if before is not None and now is not None and not apart[at]:
            yield Step(x1=places[at - 1], y1=before, x2=places[at], y2=now)


def _gates(heights: Sequence[float | None], places: Sequence[float]) -> Iterable[Step]:
    """The gate of each run, as far as half way to its neighbours; equal ones are one line."""
    edges = [0.0, *((one + other) / 2 for one, other in pairwise(places)), 100.0]
    at = 0
    for height, same in groupby(heights):
        before, at = at, at + len(list(same))
        if height is not None:
            yield Step(x1=round(edges[before], 2), y1=height, x2=round(edges[at], 2), y2=height)


def _said(item: Gated) -> str:
    value, interval = numbers.estimate(item.value, item.lower, item.upper, _bound(item))
    return " ".join(filter(None, [value, interval]))


def _bound(item: Gated) -> float | None:
    return item.bound if isfinite(item.bound) else None


def _text(items: Sequence[Gated], apart: Sequence[str]) -> str:
    """The chart in words."""
    last = items[-1]
    known = [item.value for item in items if isfinite(item.value)]
    parts = [f"{last.name} over {numbers.count(len(items), 'run')}"]
    if known:
        parts.append(f"from {numbers.plain(known[0])} to {numbers.plain(known[-1])}")
        parts.append(f"lowest {numbers.plain(min(known))}, highest {numbers.plain(max(known))}")
    parts.append(f"gate now {last.gate}")
    broken = sum(bool(why) for why in apart)
    if broken:
        parts.append(numbers.count(broken, "break"))
    return printable("; ".join(parts)) + "."


def _row(pair: tuple[Run, Gated], why: str) -> Row:
    run, item = pair
    value, interval = numbers.estimate(item.value, item.lower, item.upper, _bound(item))
    notes = [
        f"not comparable with the run before: {why}" if why else "",
        "partial run" if run.partial else "",
    ]
    return Row(
        when=when(run.created),
        number=value,
        interval=interval,
        n=f"{item.n:,}",
        gate=item.gate,
        status=item.status,
        tone=item.status.lower(),
        note="; ".join(filter(None, notes)),
    )


def when(created: str) -> str:
    """``2031-05-04 10:20:30 UTC``."""
    return printable(created.replace("T", " ").replace("+00:00", " UTC")) or "time not recorded"


def day(created: str) -> str:
    """``2031-05-04``."""
    return printable(created.partition("T")[0]) or "no date"
