"""Insertion and deletion: in which order a map uncovers an image, and the area under the answer meanwhile.

Source: V. Petsiuk, A. Das and K. Saenko, “RISE”, BMVC 2018, section 4.2. Nothing here asks a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.metrics.scoring import ALL_ZERO, CONSTANT, NON_FINITE, Scored, flatten

if TYPE_CHECKING:
    from torch import Tensor


def places(maps: Tensor, ties: Tensor) -> Tensor:
    """Each cell's place in the order of its map: int64 [n, N], 0 the highest value of maps [n, u, v].

    Cells of equal value follow each other as `ties` does, a permutation [n, N] of the cells (its values are
    compared, smaller first). So no tie is broken by where a cell lies, and the order is that of the map
    under every strictly rising function. Rows that are not finite get the order of `ties`. Raises `MapError`
    for wrong shapes.
    """
    flat, _ = flatten(maps)
    by_ties = ties.argsort(dim=1)
    order = by_ties.gather(1, (-flat).gather(1, by_ties).argsort(dim=1, stable=True))
    return torch.empty_like(order).scatter_(
        1, order, torch.arange(order.shape[1], device=order.device).expand_as(order)
    )


def uncovered(cells: int, steps: int) -> list[int]:
    """How many cells are uncovered at each point of the curve: 0 … `cells`, `steps` + 1 points at most.

    ⌊cells · j / steps + ½⌋ for j = 0 … steps, equal numbers once. Raises `ValueError` below one of each.
    """
    if cells < 1 or steps < 1:
        raise ValueError(f"at least one cell and one step are needed, got {cells} and {steps}")
    return sorted({(2 * cells * step + steps) // (2 * steps) for step in range(steps + 1)})


def area_under(curves: Tensor, counts: list[int]) -> Tensor:
    """Area under curves [..., S] over the share of cells uncovered, by trapezoids; float64 [...].

    Σ (y_j + y_{j+1}) / 2 · (k_{j+1} − k_j) / N with k = `counts`, from 0 to N. In [0, 1] where the curves
    are. Insertion is the area in the order of the map, deletion that in the order turned round: cells
    uncovered from the lowest on, read backwards, are cells covered from the highest on.
    """
    share = torch.tensor(counts, dtype=torch.float64, device=curves.device) / counts[-1]
    return torch.trapezoid(curves.double(), share, dim=-1)


def unordered(maps: Tensor) -> Scored:
    """Which maps [n, u, v] give no order: all-zero, constant or not finite. Its numbers are zeros."""
    flat, bad = flatten(maps)
    faults = {
        NON_FINITE: bad,
        ALL_ZERO: (flat == 0).all(dim=1),
        CONSTANT: (flat == flat[:, :1]).all(dim=1),
    }
    return Scored(numbers=lambda: torch.zeros(len(flat), dtype=torch.float64), faults=faults)
