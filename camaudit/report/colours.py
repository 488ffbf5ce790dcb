"""The colours of maps: lightness rises steadily with the value, and equal steps look equal.

Built in OKLab (Ottosson 2020): control points of lightness, chroma and hue, walked at equal colour
distance. Positive evidence goes from near-black over purple, red and orange to pale yellow; negative
evidence from the same near-black to pale grey, so that lightness is size and colour is sign.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LEVELS = 256

_KNEE = 0.0031308
"""Linear light below which sRGB is linear."""

# Rows of position, lightness, chroma and hue in degrees.
_POSITIVE = (
    (0.00, 0.17, 0.020, 285.0),
    (0.22, 0.34, 0.130, 305.0),
    (0.45, 0.52, 0.180, 365.0),
    (0.68, 0.69, 0.170, 402.0),
    (0.86, 0.84, 0.150, 440.0),
    (1.00, 0.96, 0.070, 462.0),
)
_NEGATIVE = ((0.00, 0.17, 0.020, 285.0), (0.30, 0.38, 0.025, 255.0), (1.00, 0.90, 0.012, 240.0))


@cache
def positive() -> NDArray[np.uint8]:
    """The colours of values from 0 to the scale's end: uint8 [256, 3]."""
    return _ramp(_POSITIVE)


@cache
def negative() -> NDArray[np.uint8]:
    """The colours of values from 0 down to minus the scale's end: uint8 [256, 3]."""
    return _ramp(_NEGATIVE)


def paint(values: NDArray[np.float32], scale: float) -> NDArray[np.uint8]:
    """Colours [h, w, 3] of signed values; beyond ±`scale` (> 0) the last colour is used."""
    index = np.rint(np.clip(np.abs(values) / scale, 0.0, 1.0) * (LEVELS - 1)).astype(np.intp)
    painted: NDArray[np.uint8] = np.where((values < 0)[..., None], negative()[index], positive()[index])
    return painted


def lightness(colours: NDArray[np.uint8]) -> NDArray[np.float64]:
    """OKLab lightness of sRGB colours [n, 3]."""
    light: NDArray[np.float64] = to_oklab(colours / 255.0)[:, 0]
    return light


def to_oklab(rgb: NDArray[np.float64]) -> NDArray[np.float64]:
    """SRGB in [0, 1] to OKLab, rows of three."""
    linear = np.where(rgb <= _KNEE * 12.92, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    cone = np.cbrt(linear @ np.linalg.inv(_TO_LINEAR).T)
    lab: NDArray[np.float64] = cone @ np.linalg.inv(_TO_CONE).T
    return lab


def from_oklab(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """OKLab to sRGB, rows of three; outside of [0, 1] where the screen has no such colour."""
    linear = ((lab @ _TO_CONE.T) ** 3) @ _TO_LINEAR.T
    curved: NDArray[np.float64] = np.where(
        linear <= _KNEE, 12.92 * linear, 1.055 * np.maximum(linear, 0.0) ** (1 / 2.4) - 0.055
    )
    return curved


# Ottosson 2020, “A perceptual color space for image processing”: OKLab to the cube roots of cone
# responses, and cone responses to linear sRGB.
_TO_CONE = np.array(
    [
        [1.0, 0.3963377774, 0.2158037573],
        [1.0, -0.1055613458, -0.0638541728],
        [1.0, -0.0894841775, -1.2914855480],
    ]
)
_TO_LINEAR = np.array(
    [
        [4.0767416621, -3.3077115913, 0.2309699292],
        [-1.2684380046, 2.6097574011, -0.3413193965],
        [-0.0041960863, -0.7034186147, 1.7076147010],
    ]
)


def _ramp(points: tuple[tuple[float, float, float, float], ...]) -> NDArray[np.uint8]:
    path = _within_screen(_curve(points, 4096))
    walked = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(path, axis=0), axis=1))])
    even = np.linspace(0.0, walked[-1], LEVELS)
    lab = np.stack([np.interp(even, walked, path[:, axis]) for axis in range(3)], axis=1)
    colours: NDArray[np.uint8] = np.rint(np.clip(from_oklab(lab), 0.0, 1.0) * 255).astype(np.uint8)
    return colours


def _curve(points: tuple[tuple[float, float, float, float], ...], steps: int) -> NDArray[np.float64]:
    at = np.linspace(0.0, 1.0, steps)
    place, light, chroma, hue = (np.array(column) for column in zip(*points, strict=True))
    angle = np.radians(np.interp(at, place, hue))
    strength = np.interp(at, place, chroma)
    return np.stack([np.interp(at, place, light), strength * np.cos(angle), strength * np.sin(angle)], axis=1)


def _within_screen(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """Less chroma, same lightness and hue, where a screen cannot show the colour."""
    inside = lab.copy()
    for _ in range(60):
        rgb = from_oklab(inside)
        outside = ((rgb < 0.0) | (rgb > 1.0)).any(axis=1)
        if not outside.any():
            break
        inside[outside, 1:] *= 0.96
    return inside
