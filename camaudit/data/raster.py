"""Outlines and run lengths to pixels. A pixel is inside where its centre is."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

_MIN_NUMBERS = 6
"""Three points."""


def fill_polygon(polygon: Sequence[float] | np.ndarray, height: int, width: int) -> np.ndarray:
    """Rasterise one closed outline: bool [height, width], even-odd rule.

    `polygon` is flat, x1, y1, x2, y2 …, in pixels from the image's top left corner (COCO's
    convention): pixel (row i, column j) is inside where the point (j + ½, i + ½) is. Parts outside the
    image are cut off. Raises `ValueError` for less than three points, an odd count or non-finite numbers.
    """
    numbers = np.asarray(polygon, dtype=np.float64)
    if numbers.ndim != 1 or numbers.size < _MIN_NUMBERS or numbers.size % 2 or not np.isfinite(numbers).all():
        raise ValueError(
            f"a polygon needs x, y of at least three points as finite numbers, got {numbers.tolist()[:8]}"
        )
    x0, y0 = numbers[0::2], numbers[1::2]
    x1, y1 = np.roll(x0, -1), np.roll(y0, -1)
    centres = np.arange(height) + 0.5
    edge, row = np.nonzero((y0[:, None] <= centres) != (y1[:, None] <= centres))
    along = (centres[row] - y0[edge]) / (y1[edge] - y0[edge])
    crossing = x0[edge] + along * (x1[edge] - x0[edge])
    first = np.clip(np.ceil(crossing - 0.5), 0, width).astype(np.int64)  # the first centre right of the edge
    toggles = np.zeros((height, width + 1), dtype=np.uint8)
    np.bitwise_xor.at(toggles, (row, first), 1)
    return np.bitwise_xor.accumulate(toggles, axis=1)[:, :width].astype(bool)


def fill_box(box: Sequence[float], height: int, width: int) -> np.ndarray:
    """Rasterise left, top, right, bottom: bool [height, width]."""
    left, top, right, bottom = box
    rows, columns = np.arange(height) + 0.5, np.arange(width) + 0.5
    return ((top <= rows) & (rows < bottom))[:, None] & ((left <= columns) & (columns < right))[None, :]


def unpack_counts(text: str) -> list[int]:
    """Read COCO's compressed run lengths: 5 bits a character, least first, and differences from the third on.

    Each character holds its code minus 48: bits 0-4 are payload, bit 5 says that more follow; the last
    payload's bit 4 is the sign. From the fourth number on, each is the difference to the one two before.
    Raises `ValueError` for text that is cut off or holds other characters.
    """
    counts: list[int] = []
    value = shift = 0
    for character in text:
        code = ord(character) - 48
        if not 0 <= code < 64:  # noqa: PLR2004 - six bits
            raise ValueError(f"{character!r} is no character of compressed run lengths")
        value |= (code & 0x1F) << shift
        shift += 5
        if code & 0x20:
            continue
        if code & 0x10:
            value -= 1 << shift
        counts.append(value + (counts[-2] if len(counts) > 2 else 0))  # noqa: PLR2004 - from the fourth on
        value = shift = 0
    if shift:
        raise ValueError("the compressed run lengths are cut off")
    return counts


def fill_runs(counts: Sequence[int], height: int, width: int) -> np.ndarray:
    """Expand run lengths, outside first, column by column (COCO): bool [height, width].

    Raises `ValueError` where a count is negative or they do not add up to the number of pixels.
    """
    if any(count < 0 for count in counts) or sum(counts) != height * width:
        raise ValueError(f"run lengths add up to {sum(counts)}, the image has {height} × {width} pixels")
    flat = np.zeros(height * width, dtype=bool)
    ends = np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))])
    for index, (start, end) in enumerate(pairwise(ends)):
        flat[start:end] = index % 2 == 1
    return np.ascontiguousarray(flat.reshape(width, height).T)
