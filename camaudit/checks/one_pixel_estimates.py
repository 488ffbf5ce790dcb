"""From searches for single pixels to rates of success, each part's and the union's, and the map's control."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    MEASURES,
    QUERIES,
    ROBUST,
    SUCCESS,
    column,
    energy_pair,
    measures,
)
from camaudit.checks.perturbed_estimates import (
    CONTROL,
    OFF_CONTROL,
    count,
    length,
    moved_below,
    of_maps,
    share,
)
from camaudit.exhibits import Paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.checks.one_pixel import OnePixelSpec
    from camaudit.checks.perturbed_estimates import Cell
    from camaudit.scores import Table

PEAK, PEAK_CHANCE = "distance to the map's peak", "distance to the map's peak, any pixel"
OBJECT, OBJECT_CHANCE = "distance to the object", "distance to the object, any pixel"
TURNED = "flipped by a pixel"
ELSEWHERE = "control: same colour elsewhere, not flipped"
_HELD = "not flipped (no changed image)"


def found_by(search: str) -> str:
    """Where it stands whether a search turned an image that it was given."""
    return f"turned by {search}"


def own_titles(spec: OnePixelSpec) -> dict[str, str]:
    """What each column is, but for those of maps that all attacks have."""
    titles = {
        CLEAN_RIGHT: "right before",
        ROBUST: "right before, and turned by no pixel that was found",
        SUCCESS: "a pixel turns the answer (the picture has 8 bits)",
        QUERIES: "candidates that the network was asked about",
        PEAK: "pixels between the pixel found and the peak of the map before",
        PEAK_CHANCE: "the same, averaged over all pixels of the image",
    }
    titles |= {
        found_by(name): f"turned by the search “{name}”, of those it was given" for name in _names(spec)
    }
    for measure in measures(spec.mask):
        titles[column(measure.name, "clean", CONTROL)] = f"{measure.title}, same target, {CONTROL}"
        titles[column(measure.name, "clean", OFF_CONTROL)] = f"{measure.title}, same target, {OFF_CONTROL}"
    if spec.mask is not None:
        titles |= {
            OBJECT: f"pixels between the pixel found and the region “{spec.mask}”",
            OBJECT_CHANCE: "the same, averaged over all pixels of the image",
        }
    return titles


def pairs(spec: OnePixelSpec, _table: Table) -> tuple[Paired, ...]:
    """What the same colour does at a pixel that turns nothing, and the pixel; the mass on the object."""
    control = Paired(
        title=f"{MEASURES['spearman'].title}, same target",
        before=column("spearman", "clean", CONTROL),
        after=column("spearman", "clean"),
        names=("control: same colour elsewhere", "the pixel found"),
    )
    return (control, *([energy_pair()] if spec.mask is not None else []))


def _names(spec: OnePixelSpec) -> tuple[str, ...]:
    return spec.attack.searches


def estimates(spec: OnePixelSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Rates of success, queries, what the maps did, and where the pixels lie."""
    return tuple(_estimates(spec, table, confidence))


def _estimates(spec: OnePixelSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    title = "images right before that a pixel turns (a lower bound)"
    yield share("success_rate", SUCCESS, title, table, confidence, gate=spec.gate.success_rate)
    title = "labelled images right before that no pixel found turns (an upper bound)"
    yield share("robust_accuracy", ROBUST, title, table, confidence, gate=spec.gate.robust_accuracy)
    for name in _names(spec):
        title = f"images that the search “{name}” turns, of those it was given (a lower bound)"
        yield share(f"success_rate: {name}", found_by(name), title, table, confidence)
    yield share("clean accuracy", CLEAN_RIGHT, "labelled images right before", table, confidence)
    yield length(QUERIES, "candidates asked about for each image right before, mean", table, confidence)
    yield from of_maps(spec.gate, spec.mask, table, confidence, control=True)
    yield length(PEAK, own_titles(spec)[PEAK], table, confidence, chance=PEAK_CHANCE)
    if spec.mask is not None:
        yield length(OBJECT, own_titles(spec)[OBJECT], table, confidence, chance=OBJECT_CHANCE)
    yield from _cells(spec, table, confidence)


_OUTCOMES = {TURNED: column("spearman", "clean"), ELSEWHERE: column("spearman", "clean", CONTROL)}
"""Where the rank correlations of the images that were turned stand, and of their controls."""


def cells(spec: OnePixelSpec, table: Table) -> tuple[Cell, ...]:
    """The four cells: turned by the pixel or held under its control, by map moved or not; then those held."""
    threshold = moved_below(spec, table)
    here, held = table.frame[SUCCESS] == 1, int((table.frame[SUCCESS] == 0).sum())
    found = [(name, *count(table.frame[key][here], threshold)) for name, key in _OUTCOMES.items()]
    return (*found, (_HELD, 0, 0, held))


def _cells(spec: OnePixelSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    threshold = moved_below(spec, table)
    if np.isnan(threshold):
        return
    for outcome, key in _OUTCOMES.items():
        rows = table.where((table.frame[SUCCESS] == 1) & table.frame[key].notna())
        moved = [float(value < threshold) for value in rows.values(key)]
        yield Estimate(
            name=f"cell [{outcome}, map moved]",
            title=f"share of maps that moved ({MEASURES['spearman'].title} below {threshold:.3g})",
            interval=stats.share(moved, confidence=confidence, clusters=rows.clusters(key)),
            column=column("spearman", "clean"),
            by="outcome and map",
            level=f"{outcome}: {int(sum(moved))} of {len(moved)} moved",
        )
