"""How a sample is pictured: map over input, outlines of masks, raw map; one colour scale for all maps."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from camaudit.report import colours

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SMALL, LARGE = 192, 448
"""Shorter side below which a picture is enlarged by a whole factor, longer side to which it is reduced."""

OUTLINES = (
    ("white", (255, 255, 255)),
    ("amber", (255, 193, 37)),
    ("cyan", (64, 224, 240)),
    ("pink", (255, 130, 190)),
)
"""Line colours of the regions in order; every line has a black one beside it."""

_SCALE_PERCENTILE = 95.0


@dataclass(frozen=True, kw_only=True)
class Scale:
    """One colour scale for all maps of a check that are shown."""

    top: float
    """The value of the last colour; 0 where every map shown is zero."""
    largest: float
    """The largest value of all maps shown."""
    clipped: int
    """How many maps reach above `top`."""
    maps: int
    """How many maps are shown."""
    negative: bool
    """Whether any map shown holds negative evidence."""


def scale_of(maps: Sequence[NDArray[np.float32]]) -> Scale | None:
    """The scale that all maps share: up to the 95th percentile (nearest rank) of their largest sizes.

    One extreme map would otherwise darken all others; fewer than 20 maps are never clipped.
    """
    if not maps:
        return None
    peaks = np.array([float(np.abs(raw).max()) for raw in maps])
    top = float(np.percentile(peaks, _SCALE_PERCENTILE, method="higher"))
    return Scale(
        top=top,
        largest=float(peaks.max()),
        clipped=int((peaks > top).sum()),
        maps=len(maps),
        negative=any(bool((raw < 0).any()) for raw in maps),
    )


def display_size(width: int, height: int) -> tuple[int, int]:
    """The size to show: small pictures enlarged by a whole factor, large ones reduced."""
    if min(width, height) < SMALL:
        factor = max(1, min(ceil(SMALL / min(width, height)), LARGE // max(width, height) or 1))
        return width * factor, height * factor
    shrink = min(1.0, LARGE / max(width, height))
    return max(1, round(width * shrink)), max(1, round(height * shrink))


def overlay(image: Image.Image, raw: NDArray[np.float32], scale: float) -> Image.Image:
    """Positive evidence in colour over the grey picture; where there is none the picture stays plain.

    The map is resized bilinearly (pixel centres, as `align_corners=False`). Opacity rises with the value
    up to 0.85, the colour is that of the scale.
    """
    grey = np.asarray(image.convert("L"), dtype=np.float32)[..., None]
    resized = Image.fromarray(np.maximum(raw, 0.0)).resize(image.size, Image.Resampling.BILINEAR)
    value = np.asarray(resized, dtype=np.float32)
    share = np.clip(value / scale, 0.0, 1.0)[..., None] if scale > 0 else np.zeros_like(grey)
    opacity = 0.85 * share
    painted = colours.paint(value, scale or 1.0).astype(np.float32)
    return Image.fromarray(np.rint(grey * (1 - opacity) + painted * opacity).astype(np.uint8))


def outline(
    image: Image.Image, masks: Sequence[tuple[NDArray[np.bool_], tuple[int, int, int]]]
) -> Image.Image:
    """The picture with each mask's border: a line in its colour inside, a black one outside of it."""
    drawn = np.asarray(image).copy()
    width = max(1, round(min(image.size) / 110))
    for mask, colour in masks:
        inside = _resized(mask, image.size)
        drawn[_grown(inside, width) & ~inside] = 0
        drawn[inside & ~_shrunk(inside, width)] = colour
    return Image.fromarray(drawn)


def raw_map(raw: NDArray[np.float32], size: tuple[int, int], scale: float) -> Image.Image:
    """The map's own cells, unblended, at about the size of the picture."""
    painted = Image.fromarray(colours.paint(raw, scale or 1.0))
    return painted.resize(size, Image.Resampling.NEAREST)


def _resized(mask: NDArray[np.bool_], size: tuple[int, int]) -> NDArray[np.bool_]:
    resized = Image.fromarray(mask.astype(np.uint8) * 255).resize(size, Image.Resampling.NEAREST)
    inside: NDArray[np.bool_] = np.asarray(resized) > 0
    return inside


def _grown(mask: NDArray[np.bool_], steps: int, *, beyond: bool = False) -> NDArray[np.bool_]:
    """The mask and its four neighbours, `steps` times; `beyond` is what lies outside of the picture."""
    for _ in range(steps):
        padded = np.pad(mask, 1, constant_values=beyond)
        mask = (
            padded[1:-1, 1:-1] | padded[:-2, 1:-1] | padded[2:, 1:-1] | padded[1:-1, :-2] | padded[1:-1, 2:]
        )
    return mask


def _shrunk(mask: NDArray[np.bool_], steps: int) -> NDArray[np.bool_]:
    """The mask without its rim; a mask at the picture's edge has a rim there."""
    return ~_grown(~mask, steps, beyond=True)
