"""Outlines and run lengths the slow way: point by point, character by character."""

from __future__ import annotations

from itertools import groupby


def inside(x: float, y: float, polygon: list[float]) -> bool:
    """Even-odd rule: count the edges that a ray to the left crosses."""
    points = list(zip(polygon[0::2], polygon[1::2], strict=True))
    crossings = 0
    for (x0, y0), (x1, y1) in zip(points, points[1:] + points[:1], strict=True):
        if (y0 <= y) != (y1 <= y) and x0 + (y - y0) / (y1 - y0) * (x1 - x0) <= x:
            crossings += 1
    return crossings % 2 == 1


def polygon_mask(polygon: list[float], height: int, width: int) -> list[list[bool]]:
    return [[inside(j + 0.5, i + 0.5, polygon) for j in range(width)] for i in range(height)]


def runs(mask: list[list[bool]]) -> list[int]:
    """Run lengths column by column, outside first."""
    flat = [row[j] for j in range(len(mask[0])) for row in mask]
    counts = [len(list(group)) for _, group in groupby(flat)]
    return [0, *counts] if flat[0] else counts


def pack(counts: list[int]) -> str:
    """COCO's compressed run lengths (rleToString of the COCO API, written from its description)."""
    text = ""
    for index, count in enumerate(counts):
        value = count - counts[index - 2] if index > 2 else count
        while True:
            payload, value = value & 0x1F, value >> 5
            done = value == (-1 if payload & 0x10 else 0)
            text += chr(48 + payload + (0 if done else 0x20))
            if done:
                break
    return text


def nearest(mask: list[list[bool]], height: int, width: int) -> list[list[bool]]:
    """The input pixel under each output pixel's centre."""
    rows, columns = len(mask), len(mask[0])
    return [
        [mask[int((i + 0.5) * rows / height)][int((j + 0.5) * columns / width)] for j in range(width)]
        for i in range(height)
    ]
