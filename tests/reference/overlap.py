"""Slow, obvious float64 loops for every metric: one map, one mask, a value or a reason."""

from __future__ import annotations

from math import hypot, inf, isfinite, log, nan, sqrt

Grid = list[list[float]]
Mask = list[list[bool]]
Answer = tuple[float, str | None]


def undefined(reason: str) -> Answer:
    return nan, reason


def pixels(grid: Grid, mask: Mask) -> list[tuple[float, bool]]:
    return [
        (value, on) for row, bits in zip(grid, mask, strict=True) for value, on in zip(row, bits, strict=True)
    ]


def common_fault(grid: Grid, mask: Mask) -> str | None:
    flat = pixels(grid, mask)
    if not any(on for _, on in flat):
        return "empty mask"
    if not all(isfinite(value) for value, _ in flat):
        return "non-finite map"
    if all(value == 0 for value, _ in flat):
        return "all-zero map"
    return None


def full(mask: Mask) -> bool:
    return all(all(row) for row in mask)


def energy_inside(grid: Grid, mask: Mask) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    inside = sum(value for value, on in pixels(grid, mask) if on)
    return inside / sum(value for value, _ in pixels(grid, mask)), None


def kappa_mass(grid: Grid, mask: Mask) -> Answer:
    energy, fault = energy_inside(grid, mask)
    if fault:
        return undefined(fault)
    if full(mask):
        return undefined("mask covers the whole image")
    flat = pixels(grid, mask)
    share = sum(on for _, on in flat) / len(flat)
    return (energy - share) / (1 - share), None


def inside_outside(grid: Grid, mask: Mask) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    if full(mask):
        return undefined("mask covers the whole image")
    inside = [value for value, on in pixels(grid, mask) if on]
    outside = [value for value, on in pixels(grid, mask) if not on]
    if sum(inside) == 0:
        return undefined("no mass inside")
    if sum(outside) == 0:
        return undefined("no mass outside")
    return log(sum(inside) / len(inside)) - log(sum(outside) / len(outside)), None


def iou(grid: Grid, mask: Mask, t: float) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    flat = pixels(grid, mask)
    peak = max(value for value, _ in flat)
    both = sum(value / peak >= t and on for value, on in flat)
    either = sum(value / peak >= t or on for value, on in flat)
    return both / either, None


def rank_accuracy(grid: Grid, mask: Mask) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    flat = pixels(grid, mask)
    size = sum(on for _, on in flat)
    luckiest = sorted(flat, key=lambda item: (-item[0], not item[1]))[:size]
    unluckiest = sorted(flat, key=lambda item: (-item[0], item[1]))[:size]
    if (sum(on for _, on in luckiest) - sum(on for _, on in unluckiest)) > 0.01 * size:
        return undefined("ties straddle the mask size")
    last = luckiest[-1][0]
    tied = [on for value, on in flat if value == last]
    above = [on for value, on in flat if value > last]
    return (sum(above) + (size - len(above)) * sum(tied) / len(tied)) / size, None


def pixel_auc(grid: Grid, mask: Mask) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    if full(mask):
        return undefined("mask covers the whole image")
    flat = pixels(grid, mask)
    if len({value for value, _ in flat}) == 1:
        return undefined("constant map")
    inside = [value for value, on in flat if on]
    outside = [value for value, on in flat if not on]
    wins = sum((a > b) + 0.5 * (a == b) for a in inside for b in outside)
    return wins / (len(inside) * len(outside)), None


def distance_to(mask: Mask, y: float, x: float) -> float:
    return min(
        (hypot(y - row, x - column) for row, bits in enumerate(mask) for column, on in enumerate(bits) if on),
        default=inf,
    )


def pointing(grid: Grid, mask: Mask) -> Answer:
    fault = common_fault(grid, mask)
    if fault:
        return undefined(fault)
    tolerance = 15 * min(len(grid), len(grid[0])) / 224
    peak = max(value for row in grid for value in row)
    peaks = [(y, x) for y, row in enumerate(grid) for x, value in enumerate(row) if value == peak]
    hits = [distance_to(mask, y, x) <= tolerance for y, x in peaks]
    if len(set(hits)) == 1:
        return float(hits[0]), None
    y, x = (sum(numbers) / len(peaks) for numbers in zip(*peaks, strict=True))
    if max(hypot(y - row, x - column) for row, column in peaks) > tolerance:
        return undefined("tied peaks")
    return float(distance_to(mask, y, x) <= tolerance), None


def tolerated_share(mask: Mask) -> float:
    tolerance = 15 * min(len(mask), len(mask[0])) / 224
    near = [distance_to(mask, y, x) <= tolerance for y, row in enumerate(mask) for x in range(len(row))]
    return sum(near) / len(near)


def midranks(values: list[float]) -> list[float]:
    return [
        sum(other < value for other in values) + (sum(other == value for other in values) + 1) / 2
        for value in values
    ]


def similarity_fault(first: Grid, second: Grid) -> str | None:
    flat = [[value for row in grid for value in row] for grid in (first, second)]
    if not all(isfinite(value) for values in flat for value in values):
        return "non-finite map"
    if any(all(value == 0 for value in values) for values in flat):
        return "all-zero map"
    return None


def cosine(first: Grid, second: Grid) -> Answer:
    fault = similarity_fault(first, second)
    if fault:
        return undefined(fault)
    a, b = ([value for row in grid for value in row] for grid in (first, second))
    product = sum(x * y for x, y in zip(a, b, strict=True))
    return product / sqrt(sum(x * x for x in a)) / sqrt(sum(y * y for y in b)), None


def spearman(first: Grid, second: Grid) -> Answer:
    fault = similarity_fault(first, second)
    if fault:
        return undefined(fault)
    a, b = ([value for row in grid for value in row] for grid in (first, second))
    if len(set(a)) == 1 or len(set(b)) == 1:
        return undefined("constant map")
    ranks = [[rank - (len(a) + 1) / 2 for rank in midranks(values)] for values in (a, b)]
    return cosine([ranks[0]], [ranks[1]])
