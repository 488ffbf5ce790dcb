"""Slow, obvious float64 loops for how far two maps are apart: one pair of maps, a value or a reason."""

from __future__ import annotations

from math import hypot, isfinite, nan

import numpy as np
from scipy.optimize import linprog

Grid = list[list[float]]
Answer = tuple[float, str | None]


def fault(first: Grid, second: Grid) -> str | None:
    flat = [[value for row in grid for value in row] for grid in (first, second)]
    if not all(isfinite(value) for values in flat for value in values):
        return "non-finite map"
    if any(all(value == 0 for value in values) for values in flat):
        return "all-zero map"
    return None


def topk_intersection(first: Grid, second: Grid, k: int) -> Answer:
    if fault(first, second):
        return nan, fault(first, second)
    tops = []
    for grid in (first, second):
        cells = [(value, place) for place, value in enumerate(value for row in grid for value in row)]
        if len({value for value, _ in cells}) == 1:
            return nan, "constant map"
        cells.sort(reverse=True)
        tops.append((cells, {place for _, place in cells[:k]}))
    for cells, _ in tops:
        if k < len(cells) and cells[k - 1][0] == cells[k][0]:
            return nan, "ties straddle the top k"
    return len(tops[0][1] & tops[1][1]) / k, None


def ssim(first: Grid, second: Grid, window: int) -> Answer:
    if fault(first, second):
        return nan, fault(first, second)
    a, b = ([[value / max(map(max, grid)) for value in row] for row in grid] for grid in (first, second))
    values = []
    for top in range(len(a) - window + 1):
        for left in range(len(a[0]) - window + 1):
            x, y = (
                [grid[top + i][left + j] for i in range(window) for j in range(window)] for grid in (a, b)
            )
            n = window**2
            mx, my = sum(x) / n, sum(y) / n
            vx, vy = (sum((v - m) ** 2 for v in part) / n for part, m in ((x, mx), (y, my)))
            cov = sum((v - mx) * (w - my) for v, w in zip(x, y, strict=True)) / n
            values.append(
                (2 * mx * my + 1e-4) * (2 * cov + 9e-4) / ((mx**2 + my**2 + 1e-4) * (vx + vy + 9e-4))
            )
    return sum(values) / len(values), None


def wasserstein(first: Grid, second: Grid, pitch: tuple[float, float]) -> Answer:
    """All mass of every cell may go to every cell: the whole programme, dense."""
    if fault(first, second):
        return nan, fault(first, second)
    places = [(i * pitch[0], j * pitch[1]) for i in range(len(first)) for j in range(len(first[0]))]
    p, q = (np.array(grid, dtype=np.float64).ravel() for grid in (first, second))
    p, q = p / p.max(), q / q.max()
    p, q = p / p.sum(), q / q.sum()
    n = len(p)
    cost = [hypot(a[0] - b[0], a[1] - b[1]) for a in places for b in places]
    sums = np.zeros((2 * n, n * n))
    for i in range(n):
        sums[i, i * n : (i + 1) * n] = 1
        sums[n + i, i::n] = 1
    solved = linprog(cost, A_eq=sums[:-1], b_eq=1e6 * np.concatenate([p, q])[:-1], method="highs")
    assert solved.success, solved.message
    return float(solved.fun) / 1e6, None


def centroid_shift(first: Grid, second: Grid, pitch: tuple[float, float]) -> Answer:
    if fault(first, second):
        return nan, fault(first, second)
    centres = []
    for grid in (first, second):
        peak = max(map(max, grid))
        total = sum(value / peak for row in grid for value in row)
        down = sum(i * value / peak for i, row in enumerate(grid) for value in row) / total
        right = sum(j * value / peak for row in grid for j, value in enumerate(row)) / total
        centres.append((down * pitch[0], right * pitch[1]))
    (a, b), (c, d) = centres
    return hypot(a - c, b - d), None
