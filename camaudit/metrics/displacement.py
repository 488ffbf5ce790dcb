"""How far two maps [n, u, v] of one grid are apart: cells kept, structure, mass moved, centre moved.

All return float64 [n] with NaN where undefined; the value of a row depends on that row alone. Its twin
``…_undefined`` gives the reason. All raise `MapError` for wrong shapes and types. All but
`topk_intersection` speak of mass, so they refuse negative values as well.
"""

from __future__ import annotations

from math import hypot
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from camaudit.errors import MapError
from camaudit.metrics.ranking import ascending
from camaudit.metrics.scoring import CONSTANT, Scored, both, by_peak
from camaudit.metrics.transport import least_work

if TYPE_CHECKING:
    from torch import Tensor

TIED = "ties straddle the top k"
SSIM_WINDOWS = (3, 7)
"""Sides of the window: of grids whose shorter side is below 14, and of others."""
LARGE = 14
C1, C2 = 0.01**2, 0.03**2
"""The two constants of SSIM, (K1 L)² and (K2 L)² with L = 1: maps are divided by their peaks."""

Pitch = tuple[float, float]
"""Height and width of a cell, in the unit that distances are told in."""


def top_cells(cells: int, share: float = 0.1) -> int:
    """How many cells the top `share` of a map of so many cells is: the nearest whole number, 1 at least."""
    return max(1, round(share * cells))


def topk_intersection(maps: Tensor, reference: Tensor, *, k: int) -> Tensor:
    """Share of the k highest cells of one map that are among the k highest of the other, in [0, 1].

    Chance is k/N. Undefined where a map is all-zero, constant or not finite, and where equal values lie on
    both sides of the k-th place: which of them belong to the top would be arbitrary. `MapError` where k is
    not from 1 to N. Source: A. Ghorbani et al., “Interpretation of neural networks is fragile”, AAAI 2019.
    """
    return _topk(maps, reference, k).values()


def topk_intersection_undefined(maps: Tensor, reference: Tensor, *, k: int) -> list[str | None]:
    """Why `topk_intersection` is NaN, row by row."""
    return _topk(maps, reference, k).reasons()


def ssim_window(rows: int, columns: int) -> int:
    """The window's side for a grid: 7 cells from 14 × 14 on, 3 below, 1 where the grid is thinner than 3."""
    small, large = SSIM_WINDOWS
    shorter = min(rows, columns)
    return large if shorter >= LARGE else small if shorter >= small else 1


def ssim(maps: Tensor, reference: Tensor, *, window: int) -> Tensor:
    """Mean structural similarity of two maps ≥ 0, each divided by its peak; in [−1, 1], 1 where alike.

    (2 μ_m μ_r + C1)(2 σ_mr + C2) / ((μ_m² + μ_r² + C1)(σ_m² + σ_r² + C2)) with means, variances
    and covariance (over N, not N − 1) of a square window with even weights, averaged over
    all its places inside the grid. Undefined where a map is all-zero or not finite.
    `MapError` for a window that does not fit.
    Source: Z. Wang et al., “Image quality assessment: from error visibility to structural similarity”, IEEE
    TIP 2004, eq. 13.
    """
    return _ssim(maps, reference, window).values()


def ssim_undefined(maps: Tensor, reference: Tensor, *, window: int) -> list[str | None]:
    """Why `ssim` is NaN, row by row."""
    return _ssim(maps, reference, window).reasons()


def wasserstein(maps: Tensor, reference: Tensor, *, pitch: Pitch = (1.0, 1.0)) -> Tensor:
    """The least mass × way that makes one map's mass, as shares of 1, the other's: W₁, Euclidean, ≥ 0.

    Mass sits in the centres of cells of height and width `pitch`. Exact, by a linear programme per row: two
    maps of 14 × 14 cells take some 50 ms, of 7 × 7 some 8. Undefined where a map is all-zero or not finite.
    Source: L. Kantorovich, 1942.
    """
    return _wasserstein(maps, reference, pitch).values()


def wasserstein_undefined(maps: Tensor, reference: Tensor) -> list[str | None]:
    """Why `wasserstein` is NaN, row by row."""
    return _masses(maps, reference)[2].reasons()


def centroid_shift(maps: Tensor, reference: Tensor, *, pitch: Pitch = (1.0, 1.0)) -> Tensor:
    """Distance of the two maps' centres of mass, in the unit of `pitch`; ≥ 0, and at most `wasserstein`.

    Undefined where a map is all-zero or not finite.
    """
    return _centroid_shift(maps, reference, pitch).values()


def centroid_shift_undefined(maps: Tensor, reference: Tensor) -> list[str | None]:
    """Why `centroid_shift` is NaN, row by row."""
    return _masses(maps, reference)[2].reasons()


def _topk(maps: Tensor, reference: Tensor, k: int) -> Scored:
    first, second, faults = both(maps, reference)
    cells = first.shape[1]
    if not 1 <= k <= cells:
        raise MapError(f"the top {k} of {cells} cells; 1 to {cells} are allowed")
    one, other = ascending(first), ascending(second)
    constant = (one[:, 0] == one[:, -1]) | (other[:, 0] == other[:, -1])
    below = min(k + 1, cells)  # with k = N there is nothing below the top, and no tie with it
    tied = (one[:, -k] == one[:, -below]) | (other[:, -k] == other[:, -below])
    tied = tied & (below > k)

    def shared() -> Tensor:
        top, kept = first >= one[:, -k, None], second >= other[:, -k, None]
        return (top & kept).sum(dim=1, dtype=torch.float64) / k

    return Scored(numbers=shared, faults={**faults, CONSTANT: constant, TIED: tied})


def _ssim(maps: Tensor, reference: Tensor, window: int) -> Scored:
    first, second, faults = both(maps, reference)
    # Of signed maps it would call a map and its negative alike: two signs cancel in the product.
    _refuse_negative(first, second)
    rows, columns = maps.shape[1:]
    if not 1 <= window <= min(rows, columns):
        raise MapError(f"a window of {window} × {window} cells does not fit a map of {rows} × {columns}")

    def mean(values: Tensor) -> Tensor:
        return functional.avg_pool2d(values[:, None], window, stride=1)[:, 0]

    def similarity() -> Tensor:
        m, r = (by_peak(flat).reshape(-1, rows, columns) for flat in (first, second))
        mu, nu = mean(m), mean(r)
        spread = mean(m * m) - mu * mu + mean(r * r) - nu * nu
        shared = mean(m * r) - mu * nu
        local = (2 * mu * nu + C1) * (2 * shared + C2) / ((mu * mu + nu * nu + C1) * (spread + C2))
        return local.flatten(1).mean(1).clamp(-1.0, 1.0)

    return Scored(numbers=similarity, faults=faults)


def _wasserstein(maps: Tensor, reference: Tensor, pitch: Pitch) -> Scored:
    first, second, blank = _masses(maps, reference)
    size = (maps.shape[1], maps.shape[2])

    def work() -> Tensor:
        broken = [reason is not None for reason in blank.reasons()]
        pairs = zip(first.cpu().numpy(), second.cpu().numpy(), broken, strict=True)
        values = [0.0 if bad else least_work(m, r, size, pitch) for m, r, bad in pairs]
        return torch.tensor(values, dtype=torch.float64, device=first.device)

    return Scored(numbers=work, faults=blank.faults)


def _centroid_shift(maps: Tensor, reference: Tensor, pitch: Pitch) -> Scored:
    first, second, blank = _masses(maps, reference)
    rows, columns = maps.shape[1:]

    def shift() -> Tensor:
        moved = (first - second).reshape(-1, rows, columns)
        down = torch.arange(rows, device=moved.device, dtype=torch.float64) * pitch[0]
        right = torch.arange(columns, device=moved.device, dtype=torch.float64) * pitch[1]
        # At most the grid's diagonal, which rounding could pass.
        longest = hypot((rows - 1) * pitch[0], (columns - 1) * pitch[1])
        return torch.hypot((moved.sum(2) * down).sum(1), (moved.sum(1) * right).sum(1)).clamp(max=longest)

    return Scored(numbers=shift, faults=blank.faults)


def _masses(maps: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, Scored]:
    """Both maps as shares of 1 [n, N], and which rows are undefined. Refuses negative values."""
    first, second, faults = both(maps, reference)
    _refuse_negative(first, second)
    shares = [by_peak(flat) for flat in (first, second)]
    shares = [flat / flat.sum(1, keepdim=True).clamp(min=1.0) for flat in shares]
    return shares[0], shares[1], Scored(numbers=lambda: shares[0], faults=faults)


def _refuse_negative(first: Tensor, second: Tensor) -> None:
    if bool((first < 0).any()) or bool((second < 0).any()):
        raise MapError(
            "maps hold negative values, and mass has no meaning for them",
            hint="take their positive part first",
        )
