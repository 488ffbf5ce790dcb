"""Slow, obvious localisation: flood fill, boxes by their definition, precision and recall by counting."""

from __future__ import annotations

from math import isfinite, nan

Grid = list[list[float]]
Mask = list[list[bool]]
Box = tuple[float, float, float, float]


def components(marked: Mask) -> list[set[tuple[int, int]]]:
    """Sets of pixels (row, column) that touch each other, also at corners; in the order of the scan."""
    height, width = len(marked), len(marked[0])
    seen: set[tuple[int, int]] = set()
    found = []
    for start in ((y, x) for y in range(height) for x in range(width)):
        if start in seen or not marked[start[0]][start[1]]:
            continue
        part, waiting = {start}, [start]
        while waiting:
            y, x = waiting.pop()
            for near in ((y + dy, x + dx) for dy in (-1, 0, 1) for dx in (-1, 0, 1)):
                inside = 0 <= near[0] < height and 0 <= near[1] < width
                if inside and marked[near[0]][near[1]] and near not in part:
                    part.add(near)
                    waiting.append(near)
        seen |= part
        found.append(part)
    return found


def box_of(part: set[tuple[int, int]]) -> Box:
    ys, xs = [y for y, _ in part], [x for _, x in part]
    return (min(xs), min(ys), max(xs) + 1, max(ys) + 1)


def iou(first: Box, second: Box) -> float:
    width = max(0.0, min(first[2], second[2]) - max(first[0], second[0]))
    height = max(0.0, min(first[3], second[3]) - max(first[1], second[1]))
    areas = [(box[2] - box[0]) * (box[3] - box[1]) for box in (first, second)]
    return width * height / (areas[0] + areas[1] - width * height)


def fault(grid: Grid, boxes: list[Box]) -> str | None:
    flat = [value for row in grid for value in row]
    if not boxes:
        return "no box"
    if not all(isfinite(value) for value in flat):
        return "non-finite map"
    return "all-zero map" if all(value == 0 for value in flat) else None


def marked(grid: Grid, t: float) -> Mask:
    peak = max(value for row in grid for value in row)
    return [[value / peak >= t for value in row] for row in grid]


def box_iou(grid: Grid, boxes: list[Box], t: float) -> tuple[float, str | None]:
    reason = fault(grid, boxes)
    if reason:
        return nan, reason
    parts = components(marked(grid, t))
    largest = max(parts, key=len)  # the first of equals
    return max(iou(box_of(largest), box) for box in boxes), None


def best_box_iou(grid: Grid, boxes: list[Box], t: float) -> float:
    if fault(grid, boxes):
        return nan
    return max(iou(box_of(part), box) for part in components(marked(grid, t)) for box in boxes)


def max_box_acc(grids: list[Grid], boxes: list[list[Box]], levels: tuple[float, ...], delta: float) -> float:
    """The best share of images over all levels (MaxBoxAccV2 at one IoU, on the images themselves)."""
    return max(
        sum(best_box_iou(grid, own, t) >= delta for grid, own in zip(grids, boxes, strict=True)) / len(grids)
        for t in levels
    )


def pxap(grids: list[Grid], masks: list[Mask], levels: tuple[float, ...]) -> float:
    """Precision times gain of recall, pixels of all images in one pot, from the highest level down."""
    pixels = []
    for grid, mask in zip(grids, masks, strict=True):
        peak = max(value for row in grid for value in row)
        pixels += [
            (value / peak, on)
            for row, bits in zip(grid, mask, strict=True)
            for value, on in zip(row, bits, strict=True)
        ]
    positive = sum(on for _, on in pixels)
    area, before = 0.0, 0.0
    for t in sorted(levels, reverse=True):
        chosen = [on for value, on in pixels if value >= t]
        recall = sum(chosen) / positive
        if chosen:
            area += sum(chosen) / len(chosen) * (recall - before)
        before = recall
    return area
