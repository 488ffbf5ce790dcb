"""Boxes: read from text, checked against their image, filled to masks, drawn around masks."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from camaudit.data.masks import MaskBox, MaskUnion
from camaudit.data.sample_error import SampleError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.data.sample import Box, MaskSource

BoxFormat = Literal["corners", "size"]
OVERHANG = 1.0
"""Pixels that a box may reach past its image: annotations are rounded."""
_NUMBERS = 4


def read_boxes(text: str, kind: BoxFormat = "corners") -> tuple[Box, ...]:
    """``"10 20 50 60; 70 20 90 40"`` or ``[[10, 20, 50, 60]]`` → boxes (left, top, right, bottom).

    Four numbers each, with spaces or commas between them: `corners` left, top, right, bottom; `size` left,
    top, width, height. Raises `SampleError` for anything else and for boxes without area.
    """
    return tuple(_box(numbers, text, kind) for numbers in _groups(text))


def _groups(text: str) -> Sequence[Sequence[Any]]:
    if text.startswith("["):
        try:
            found = json.loads(text)
        except ValueError as failure:
            raise _unreadable(text, f"this is no JSON: {failure}") from failure
        return found if found and isinstance(found[0], list) else [found]
    return [re.split(r"[\s,]+", part.strip()) for part in text.split(";") if part.strip()]


def _box(numbers: Sequence[Any], text: str, kind: BoxFormat) -> Box:
    try:
        first, second, third, fourth = map(float, numbers)
    except (TypeError, ValueError) as failure:
        raise _unreadable(text, f"four numbers make a box, got {numbers}") from failure
    box = (first, second, third, fourth)
    if kind == "size":
        box = (first, second, first + third, second + fourth)
    if not all(map(isfinite, box)) or box[0] >= box[2] or box[1] >= box[3]:
        raise _unreadable(
            text, f"a box from ({box[0]:g}, {box[1]:g}) to ({box[2]:g}, {box[3]:g}) has no area"
        )
    return box


def _unreadable(text: str, why: str) -> SampleError:
    hint = 'write "left top right bottom", several with ";" between them, or set `box_format: size`'
    return SampleError(f"{text[:60]!r}: {why}", reason="unreadable box", hint=hint)


def refuse_outside(box: Box, size: tuple[int, int]) -> None:
    """Raise `SampleError` where a box reaches more than a pixel past its image of `size` (height, width)."""
    height, width = size
    past = max(-box[0], -box[1], box[2] - width, box[3] - height)
    if past > OVERHANG:
        raise SampleError(
            f"the box {' '.join(f'{edge:g}' for edge in box)} leaves the image, {width} × {height} pixels",
            reason="box outside the image",
            hint="boxes are in pixels of the upright image file; does `box_format` fit?",
        )


def filled(boxes: Sequence[Box]) -> MaskSource:
    """A mask of all that lies in any of the boxes."""
    masks = tuple(MaskBox(box=box) for box in boxes)
    return masks[0] if len(masks) == 1 else MaskUnion(masks=masks)


def is_filled(mask: MaskSource) -> bool:
    """Whether a mask is nothing but filled boxes, and so knows no outline."""
    if isinstance(mask, MaskUnion):
        return all(is_filled(part) for part in mask.masks)
    return isinstance(mask, MaskBox)


def bounding_box(mask: np.ndarray) -> tuple[Box, ...]:
    """The one box around all that a mask [h, w] holds; none where it is empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return ()
    return ((float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)),)
