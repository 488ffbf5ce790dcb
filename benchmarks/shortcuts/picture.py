"""The scored zoo as one SVG: ROC on held-out cues, effect against true reliance, AUROC per cue."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from . import figures
from .audit import BASELINES, CHECKS, REFUSED
from .grid import HELD_OUT
from .table import by_cue

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .table import Zoo

SIDE, GAP, LEFT, TOP = 250, 90, 60, 70
COLOURS = {
    "declared": "#0b5fa5",
    "discovered": "#d1495b",
    "background swap": "#edae49",
    "iou@0.5": "#7a7a7a",
    "energy_inside": "#4f9d69",
    "pointing": "#a27bb8",
    "SpRAy alone": "#5bb5c5",
    "object removed": "#8c6d46",
}
TRUTHS = {"positive": "#d1495b", "between": "#edae49", "negative": "#0b5fa5"}


def draw(zoo: Zoo) -> str:
    """The picture as SVG text."""
    panels = [*_roc(zoo, _left(0)), *_effects(zoo, _left(1)), *_per_cue(zoo, _left(2))]
    width, height = _left(3) + 40, TOP + SIDE + 110
    return "\n".join(
        [
            (
                f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" '
                f'height="{height}" font-family="system-ui, sans-serif" font-size="11" fill="#222">'
            ),
            f'<rect width="{width}" height="{height}" fill="#fff"/>',
            *panels,
            *_legend(height - 22),
            "</svg>\n",
        ]
    )


def _left(panel: int) -> int:
    return LEFT + panel * (SIDE + GAP)


def _roc(zoo: Zoo, left: int) -> Iterator[str]:
    held = zoo.decided.where(lambda item: item.held_out)
    count = f"{int(held.guilty.sum())} rely, {int((~held.guilty).sum())} do not"
    yield from _frame(left, f"ROC on held-out cues ({count})", "false alarms", "caught")
    yield f'<path d="M{left} {TOP + SIDE}L{left + SIDE} {TOP}" stroke="#ccc" stroke-dasharray="3 3"/>'
    for name in (*BASELINES, *reversed(CHECKS)):
        false, true = figures.roc(held.scores(name), held.guilty)
        points = " ".join(f"{_x(left, a):.1f},{_y(b):.1f}" for a, b in zip(false, true, strict=True))
        width = 2.5 if name in CHECKS else 1.3
        yield f'<polyline points="{points}" fill="none" stroke="{COLOURS[name]}" stroke-width="{width}"/>'


def _effects(zoo: Zoo, left: int) -> Iterator[str]:
    yield from _frame(left, "Region declared: effect against truth", "true reliance r", "effect found")
    yield f'<path d="M{left} {TOP + SIDE}L{left + SIDE} {TOP}" stroke="#ccc" stroke-dasharray="3 3"/>'
    for item in zoo.networks:
        if item.answers["declared"].verdict == REFUSED:
            continue
        x, y = _x(left, item.truth.reliance), _y(item.answers["declared"].score)
        colour, tip = TRUTHS[item.truth.kind], f"{item.entry.name}: r {item.truth.reliance:.2f}"
        fill = colour if item.held_out else "none"
        yield (
            f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{fill}" fill-opacity=".6" stroke="{colour}">'
            f"<title>{tip}</title></circle>"
        )
    for row, note in enumerate(
        ("filled: held-out cues", "red relies, blue does not", "yellow is not scored", "refused: not shown")
    ):
        yield f'<text x="{left + 60}" y="{TOP + 100 + 15 * row}" fill="#666">{note}</text>'


def _per_cue(zoo: Zoo, left: int) -> Iterator[str]:
    found = by_cue(zoo, (*CHECKS, *BASELINES))
    yield from _frame(left, "AUROC within each cue (■ held out)", "AUROC", "")
    step = SIDE / len(found)
    for row, (cue, values) in enumerate(found.items()):
        middle = TOP + (row + 0.5) * step
        mark = "■ " if cue in HELD_OUT else ""
        yield f'<text x="{left - 6}" y="{middle + 4:.1f}" text-anchor="end">{mark}{cue}</text>'
        yield f'<path d="M{left} {middle:.1f}h{SIDE}" stroke="#eee"/>'
        for place, (name, value) in enumerate(values.items()):
            if not math.isnan(value):
                height = middle + (place - (len(values) - 1) / 2) * 2.6
                size = 4 if name in CHECKS else 2.8
                yield (
                    f'<circle cx="{_x(left, value):.1f}" cy="{height:.1f}" r="{size}" '
                    f'fill="{COLOURS[name]}"><title>{cue}, {name}: {value:.2f}</title></circle>'
                )


def _frame(left: int, title: str, below: str, beside: str) -> Iterator[str]:
    """A square from 0 to 1 with ticks, a title and the names of both axes."""
    yield f'<text x="{left}" y="{TOP - 18}" font-size="13" font-weight="600">{title}</text>'
    yield f'<rect x="{left}" y="{TOP}" width="{SIDE}" height="{SIDE}" fill="none" stroke="#999"/>'
    for tick in (0, 0.5, 1):
        yield f'<text x="{_x(left, tick)}" y="{TOP + SIDE + 16}" text-anchor="middle">{tick:g}</text>'
        if beside:
            yield f'<text x="{left - 6}" y="{_y(tick) + 4}" text-anchor="end">{tick:g}</text>'
    middle = TOP + SIDE / 2
    yield f'<text x="{left + SIDE / 2}" y="{TOP + SIDE + 34}" text-anchor="middle">{below}</text>'
    if beside:
        place = f"translate({left - 34} {middle}) rotate(-90)"
        yield f'<text transform="{place}" text-anchor="middle">{beside}</text>'


def _legend(y: int) -> Iterator[str]:
    for place, (name, colour) in enumerate(COLOURS.items()):
        x = LEFT + 140 * place
        yield f'<rect x="{x}" y="{y - 9}" width="11" height="11" fill="{colour}"/>'
        yield f'<text x="{x + 16}" y="{y + 1}">{name}</text>'


def _x(left: int, value: float) -> float:
    return left + SIDE * min(max(value, 0.0), 1.0)


def _y(value: float) -> float:
    return TOP + SIDE * (1 - min(max(value, 0.0), 1.0))
