"""How far maps moved, by every measure, at their own resolution: numbers with reasons, image by image."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

from torch.nn import functional

from camaudit.checks.perturbed import (
    BEYOND,
    ENERGY,
    ENERGY_AFTER,
    ENERGY_BEFORE,
    NOISE,
    TOP,
    Kept,
    column,
    measures,
)
from camaudit.checks.perturbed_estimates import CELLS, TOP_CELLS
from camaudit.maps.finish import relu, resize
from camaudit.metrics import displacement
from camaudit.metrics.overlap import energy_inside, energy_inside_undefined
from camaudit.metrics.similarity import spearman, spearman_undefined

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.engine.perturbed.ledger import Ledger
    from camaudit.engine.perturbed.mapper import After
    from camaudit.evidence import MapRequest

KEPT: tuple[Kept, ...] = ("clean", "new")
TRANSPORT_SIDE = 14
"""Cells per side up to which mass is moved exactly; finer maps are summed over blocks of cells first."""

Numbers = tuple[list[float], list[str | None]]


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """Compares maps [n, u, v] of images of one `size` (h, w); `masks` [n, h, w] outline the object."""

    size: tuple[int, int]
    request: MapRequest
    masks: Tensor | None = None

    def of(self, before: Tensor, after: Tensor, *, positive: bool) -> dict[str, Numbers]:
        """Every measure of every image. `positive` says whether positive evidence alone is judged."""
        rows, columns = before.shape[1:]
        top = displacement.top_cells(rows * columns, TOP)
        window = displacement.ssim_window(rows, columns)
        evidence = relu(after), relu(before)
        masses, pitch = self._coarse(*evidence)
        found: dict[str, tuple[Tensor, list[str | None]]] = {
            "spearman": (spearman(after, before), spearman_undefined(after, before)),
            "topk": (
                displacement.topk_intersection(after, before, k=top),
                displacement.topk_intersection_undefined(after, before, k=top),
            ),
            "ssim": (
                displacement.ssim(*evidence, window=window),
                displacement.ssim_undefined(*evidence, window=window),
            ),
            "wasserstein": (
                displacement.wasserstein(*masses, pitch=pitch),
                displacement.wasserstein_undefined(*masses),
            ),
            "centroid_shift": (
                displacement.centroid_shift(*masses, pitch=pitch),
                displacement.centroid_shift_undefined(*masses),
            ),
        }
        if self.masks is not None:
            found |= self._energy(before, after, positive=positive)
        return {name: (values.tolist(), reasons) for name, (values, reasons) in found.items()}

    def settings(self, before: Tensor) -> dict[str, float]:
        """What the numbers were made with, for the record."""
        rows, columns = before.shape[1:]
        return {
            CELLS: float(rows * columns),
            TOP_CELLS: float(displacement.top_cells(rows * columns, TOP)),
            "side of SSIM's window, cells": float(displacement.ssim_window(rows, columns)),
            "cells per side summed for Wasserstein and centroid": float(_block(rows, columns)),
        }

    def _coarse(self, after: Tensor, before: Tensor) -> tuple[tuple[Tensor, Tensor], tuple[float, float]]:
        """Maps ≥ 0 on at most 14 × 14 blocks, and the height and width of a block in pixels."""
        rows, columns = before.shape[1:]
        side = _block(rows, columns)
        pitch = (self.size[0] / rows * side, self.size[1] / columns * side)
        return (_summed(after, side), _summed(before, side)), pitch

    def _energy(
        self, before: Tensor, after: Tensor, *, positive: bool
    ) -> dict[str, tuple[Tensor, list[str | None]]]:
        """The share of mass on the object before, after, and the difference, at the size of the image."""
        assert self.masks is not None
        shares, reasons = [], []
        for maps in (before, after):
            finished = resize(relu(maps) if positive else maps, self.size, self.request.resize)
            shares.append(energy_inside(finished, self.masks))
            reasons.append(energy_inside_undefined(finished, self.masks))
        why = [old or new for old, new in zip(*reasons, strict=True)]
        return {
            ENERGY_BEFORE: (shares[0], reasons[0]),
            ENERGY_AFTER: (shares[1], why),
            ENERGY: (shares[1] - shares[0], why),
        }


def _block(rows: int, columns: int) -> int:
    return ceil(max(rows, columns) / TRANSPORT_SIDE)


def _summed(maps: Tensor, side: int) -> Tensor:
    """Maps ≥ 0 summed over blocks of `side` × `side` cells; the last may stand over the edge."""
    padded = functional.pad(maps.double(), (0, -maps.shape[2] % side, 0, -maps.shape[1] % side))
    return functional.avg_pool2d(padded[:, None], side)[:, 0] * side**2


Parts = dict[tuple[Kept, str], dict[str, Numbers]]
"""Numbers of the map of one target, as changed or under matched noise: (``clean``, ``under noise``)."""


def without(numbers: dict[str, Numbers], faults: Sequence[str | None]) -> dict[str, Numbers]:
    """The same, with these reasons first: where there is one, a number means nothing."""
    return {
        name: (values, [fault or reason for fault, reason in zip(faults, reasons, strict=True)])
        for name, (values, reasons) in numbers.items()
    }


def note(ledger: Ledger, ids: Sequence[str], parts: Parts, mask: str | None) -> None:
    """Write down the numbers of all parts, and what is beyond noise where there is noise."""
    for measure in measures(mask):
        for kept in KEPT:
            for row, key in enumerate(ids):
                found = {
                    part: (numbers[measure.name][0][row], numbers[measure.name][1][row])
                    for (of, part), numbers in parts.items()
                    if of == kept
                }
                for part, (value, reason) in found.items():
                    ledger.note(column(measure.name, kept, part), key, value, reason)
                if NOISE in found:
                    (own, why), (noise, other) = found[""], found[NOISE]
                    ledger.note(column(measure.name, kept, BEYOND), key, own - noise, why or other)
    if mask is not None:
        for name in (ENERGY_BEFORE, ENERGY_AFTER):
            values, reasons = parts["clean", ""][name]
            for key, value, reason in zip(ids, values, reasons, strict=True):
                ledger.note(name, key, value, reason)


def both(likeness: Likeness, before: Tensor, after: After) -> dict[Kept, dict[str, Numbers]]:
    """Of the map that was held fixed and of the new answer's; where that is the same, the same numbers."""
    kept = likeness.of(before, after.kept.raw, positive=after.kept.relu)
    new = {name: (list(values), list(reasons)) for name, (values, reasons) in kept.items()}
    rows = (after.kept.target != after.new.target).nonzero().flatten()
    if len(rows):
        masks = None if likeness.masks is None else likeness.masks[rows]
        part = Likeness(size=likeness.size, request=likeness.request, masks=masks)
        other = part.of(before[rows], after.new.raw[rows], positive=after.new.relu)
        for name, (values, reasons) in other.items():
            for place, value, reason in zip(rows.tolist(), values, reasons, strict=True):
                new[name][0][place], new[name][1][place] = value, reason
    return {"clean": kept, "new": new}
