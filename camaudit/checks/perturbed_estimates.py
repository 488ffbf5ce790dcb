"""From attacked images to robustness, and to how far their maps moved. Torch-free.

The table has one row per image. An image that was wrong before is not attacked: it counts as not robust, and
is none of those that a rate of success or a map's change is about. An image with which the attack broke its
rules has no number at all, with the reason: neither a success nor a failure.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks import means
from camaudit.checks.kind import Estimate
from camaudit.checks.perturbed import (
    BEYOND,
    CLEAN_RIGHT,
    MEASURES,
    NOISE,
    OUTSIDE,
    QUERIES,
    ROBUST,
    SUCCESS,
    UNROUNDED,
    column,
    energy_pair,
    measures,
)
from camaudit.exhibits import Paired

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from camaudit.checks.adversarial import AdversarialSpec
    from camaudit.checks.one_pixel import OnePixelSpec
    from camaudit.checks.perturbed import Kept, MapGates, Measure
    from camaudit.scores import Table
    from camaudit.spec.types import Gate

SPEARMAN = column("spearman", "clean")
CONTROL, OFF_CONTROL = "of the control", "minus the control"
"""Maps of the same colour at a pixel that turns nothing, and what a map did beyond that."""
BY = "target and noise"
"""What the further numbers of a measure are told apart by."""
QUANTILE = 0.05
"""Of the rank correlations under matched noise: a map below it has moved."""
FEWEST = 20
"""Maps under noise below which nothing is called moved: of fewer there is no 5 % quantile."""
UNTOLD = (
    "Which maps moved is not told: the threshold is the 5 % quantile under noise, and fewer than "
    f"{FEWEST} maps under noise have a number. More images, or moved_below, would tell."
)
TOP_CELLS, CELLS = "top cells of a map", "cells of a map"
"""Settings of the table: k and N of the top-k intersection."""
TURNED, HELD = "flipped", "not flipped"
Cell = tuple[str, int, int, int]
"""An outcome, and how many of its maps moved, did not, and have no number."""


def turned(_: AdversarialSpec | OnePixelSpec, table: Table) -> pd.Series:
    """Which images had their answer turned."""
    found: pd.Series = table.frame[SUCCESS] == 1
    return found


def attacked_pairs(spec: AdversarialSpec, _table: Table) -> tuple[Paired, ...]:
    """What noise of the same size does to a map and what the attack does; the mass on the object."""
    noise = Paired(
        title=f"{MEASURES['spearman'].title}, same target",
        before=column("spearman", "clean", NOISE),
        after=SPEARMAN,
        names=("noise of the same size", "attack"),
    )
    return (noise, *([energy_pair()] if spec.mask is not None else []))


def attacked_estimates(spec: AdversarialSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Robust accuracy and rate of success, then what the maps did, then the four cells."""
    return tuple(_attacked(spec, table, confidence))


def _attacked(spec: AdversarialSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    gates = spec.gate
    title = "labelled images that are right before and after the attack"
    yield share("robust_accuracy", ROBUST, title, table, confidence, gate=gates.robust_accuracy)
    title = "images right before that the attack turns, after rounding to 8 bits (a lower bound)"
    yield share("success_rate", SUCCESS, title, table, confidence, gate=gates.success_rate)
    title = "images right before that the attack turns, as it proposes them"
    yield share("success_rate before rounding", UNROUNDED, title, table, confidence)
    yield share("clean accuracy", CLEAN_RIGHT, "labelled images right before the attack", table, confidence)
    yield length(QUERIES, "answers asked for, about each attacked image, mean", table, confidence)
    yield from of_maps(gates, spec.mask, table, confidence)
    yield from _cells(spec, table, confidence)


def share(
    name: str, key: str, title: str, table: Table, confidence: float, *, gate: Gate | None = None
) -> Estimate:
    """A share of images, of those that it is about."""
    interval = stats.share(table.values(key), confidence=confidence, clusters=table.clusters(key))
    return Estimate(
        name=name,
        title=f"share of {title}",
        interval=interval,
        column=key,
        gate=gate,
        undefined=undefined(table, key),
        of=about(table, key),
    )


def length(key: str, title: str, table: Table, confidence: float, *, chance: str = "") -> Estimate:
    """The mean of a number from 0 on; `chance` names the column of what any pixel would give."""
    expected = list(table.values(chance)) if chance else []
    return replace(
        average(key, title, table, confidence, (0.0, float("inf"))),
        chance=sum(expected) / len(expected) if expected else None,
        chance_text="a pixel drawn at random from the image" if expected else "",
    )


def average(key: str, title: str, table: Table, confidence: float, bounds: tuple[float, float]) -> Estimate:
    """The mean of a column over the images that it is about."""
    found = means.mean(key, title, table, confidence, bounds)
    return replace(found, undefined=undefined(table, key), of=about(table, key))


def undefined(table: Table, key: str) -> dict[str, int]:
    """Missing numbers by reason, without the images that the number is not about."""
    return {why: count for why, count in table.undefined(key).items() if why not in OUTSIDE}


def about(table: Table, key: str) -> int:
    """How many images a number is about."""
    return len(table.ids) - sum(count for why, count in table.undefined(key).items() if why in OUTSIDE)


def of_maps(
    gates: MapGates, mask: str | None, table: Table, confidence: float, *, control: bool = False
) -> Iterator[Estimate]:
    """What the maps did: the same target's first and what is gated; then by target, noise and outcome.

    With `control` there is one under which the answer held; else images are told apart by their outcome.
    """
    given = gates.of_maps()
    for measure in measures(mask):
        gate = given.get(measure.name)
        plain = column(measure.name, "clean")
        decided = plain if gate is None else column(measure.name, gate.target, BEYOND * gate.minus_noise)
        for key in dict.fromkeys((plain, decided)):
            yield mean(measure, key, table, confidence, gate=gate if key == decided else None)
        rows = [(level, column(measure.name, kept, part), table) for level, kept, part in _PARTS]
        if control:
            rows += [(level, column(measure.name, "clean", level), table) for level in (CONTROL, OFF_CONTROL)]
        else:
            rows += list(_outcomes(measure, table))
        for level, key, part in rows:
            if len(part.ids):
                found = mean(measure, key, part, confidence)
                name = f"{key} [{level}]" if part is not table else key
                yield replace(found, name=name, title=measure.title, column=plain, by=BY, level=level)


_PARTS: tuple[tuple[str, Kept, str], ...] = (
    ("same target, under noise", "clean", NOISE),
    ("same target, minus noise", "clean", BEYOND),
    ("new answer", "new", ""),
    ("new answer, minus noise", "new", BEYOND),
)


def _outcomes(measure: Measure, table: Table) -> Iterator[tuple[str, str, Table]]:
    """Flipped and unflipped apart: a map that moved with the answer is not like one that did not."""
    for part in ("", BEYOND):
        for value, outcome in ((1.0, TURNED), (0.0, HELD)):
            level = ", ".join(filter(None, [outcome, part]))
            yield level, column(measure.name, "clean", part), table.where(table.frame[SUCCESS] == value)


def mean(
    measure: Measure, key: str, table: Table, confidence: float, *, gate: Gate | None = None, title: str = ""
) -> Estimate:
    """The mean of a measure, or of the difference of two, as the column's name says."""
    difference = " minus " in key
    bounds = measure.differences if difference else measure.range
    top, cells = table.settings.get(TOP_CELLS), table.settings.get(CELLS)
    chance = top / cells if measure.name == "topk" and not difference and top and cells else None
    return replace(
        average(key, title or f"{measure.title}{_titled(key)}", table, confidence, bounds),
        gate=gate,
        chance=chance,
        chance_text="" if chance is None else f"two maps unrelated: {top:g} of {cells:g} cells",
    )


def _titled(key: str) -> str:
    new = " new" in key
    part = key.partition(" new" if new else " ")[2].strip()
    return "".join(f", {text}" for text in ("map of the new answer" if new else "", part) if text)


def moved_below(spec: AdversarialSpec | OnePixelSpec, table: Table) -> float:
    """The rank correlation below which a map has moved; NaN where nothing tells."""
    if spec.moved_below is not None:
        return spec.moved_below
    values = table.values(column("spearman", "clean", NOISE))
    enough = len(values) >= FEWEST
    return float(np.quantile(values, QUANTILE, method="lower")) if enough else float("nan")


def told_of(threshold: float) -> tuple[str, ...]:
    """What has to be said where there is no threshold."""
    return (UNTOLD,) if np.isnan(threshold) else ()


def cells(table: Table, threshold: float) -> tuple[Cell, ...]:
    """The four cells, flipped or not by map moved or not, and those whose map has no number."""
    return tuple(
        (level, *count(table.frame[SPEARMAN][table.frame[SUCCESS] == value], threshold))
        for value, level in ((1.0, TURNED), (0.0, HELD))
    )


def count(values: pd.Series, threshold: float) -> tuple[int, int, int]:
    """How many are below the threshold, how many not, and how many cannot be told."""
    if np.isnan(threshold):
        return 0, 0, len(values)
    known = values.dropna()
    return int((known < threshold).sum()), int((known >= threshold).sum()), int(values.isna().sum())


def _cells(spec: AdversarialSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    threshold = moved_below(spec, table)
    if np.isnan(threshold):
        return
    both = table.where(table.frame[SPEARMAN].notna() & table.frame[SUCCESS].notna())
    missing = {**undefined(table, SUCCESS), **undefined(table, SPEARMAN)}
    for value, outcome in ((1.0, TURNED), (0.0, HELD)):
        for moved in (True, False):
            here = (both.frame[SUCCESS] == value) & ((both.frame[SPEARMAN] < threshold) == moved)
            text = f"{outcome}, map {'moved' if moved else 'not moved'}"
            yield Estimate(
                name=f"cell [{text}]",
                title=f"share of attacked images (moved: {MEASURES['spearman'].title} below {threshold:.3g})",
                interval=stats.share(
                    list(map(float, here)), confidence=confidence, clusters=both.clusters(SPEARMAN)
                ),
                column=SPEARMAN,
                by="outcome and map",
                level=f"{text}: {int(here.sum())} of {len(both.ids)}",
                undefined=missing,
                of=about(table, SUCCESS),
            )
