"""What a lens or a moving camera does. Lengths are meant for 224 pixels and scaled with the shorter side.

So that lengths below a pixel do something (at 32 pixels 3 become 0.43), disks and lines are made of points
between pixels, each shared out over the four pixels around it, which reads the image there by bilinear
interpolation, and Gaussians are discrete ones, of the right variance however small it is. Functions take an
image float64 [c, h, w] in [0, 1], a severity from 1 to 5 and the chance of that image.
Constants: Hendrycks and Dietterich, ICLR 2019 (ImageNet-C).
"""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from scipy import ndimage, special

Mode = Literal["nearest", "mirror", "constant"]
"""What lies beyond the border, in SciPy's words."""

MADE_FOR = 224
GAUSSIAN = (1.0, 2.0, 3.0, 4.0, 6.0)
DEFOCUS = ((3, 0.1), (4, 0.5), (6, 0.5), (8, 0.5), (10, 0.5))
"""Radius of the disk, and σ of what softens its edge."""
MOTION = ((10, 3.0), (15, 5.0), (15, 8.0), (15, 12.0), (20, 15.0))
"""Half the number of places along the way, less a half, and σ of their weights, one pixel apart."""
STEEPEST = 45.0
ZOOM = ((1.11, 0.01), (1.16, 0.01), (1.21, 0.02), (1.26, 0.02), (1.31, 0.03))
"""End (left out) and step of the zoom factors, which start at 1."""
FINE = 8
"""Points per pixel and direction that a disk is made of; more where it is smaller than one."""
SOFT = 4
"""Where a Gaussian is cut off, in σ."""


def gaussian_blur(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Out of focus, softly: a Gaussian of σ = 1 … 6 pixels at 224; edges are repeated."""
    sigma = GAUSSIAN[severity - 1] * _scale(image)
    return np.stack([_softened(channel, sigma, "nearest") for channel in image])


def defocus_blur(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Out of focus: a disk of radius 3 … 10 pixels at 224, its edge softened; edges are mirrored."""
    radius, soft = (length * _scale(image) for length in DEFOCUS[severity - 1])
    step = min(radius, 1.0) / FINE
    line = np.arange(-math.ceil(radius / step), math.ceil(radius / step) + 1) * step
    rows, columns = (axis.ravel() for axis in np.meshgrid(line, line, indexing="ij"))
    inside = rows**2 + columns**2 <= radius**2
    kernel = _kernel(rows[inside], columns[inside], np.ones(inside.sum()), margin=_reach(soft) + 1)
    return _correlated(image, _softened(kernel, soft, "constant"), "mirror")


def motion_blur(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """A camera that moves: up to 41 places on a line, weights exp(−i² / 2σ²) from the place itself on.

    Places are a pixel apart at 224; the angle is uniform in ± 45°; edges are repeated.
    """
    radius, sigma = MOTION[severity - 1]
    angle = math.radians(rng.uniform(-STEEPEST, STEEPEST))
    places = np.arange(2 * radius + 1)
    way = places * _scale(image)
    weights = np.exp(-(places**2) / (2 * sigma**2))
    return _correlated(image, _kernel(way * math.sin(angle), way * math.cos(angle), weights), "nearest")


def zoom_blur(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Zooming while exposed: the mean of the image and of its views enlarged by 1 … 1.1 to 1 … 1.3."""
    end, step = ZOOM[severity - 1]
    factors = np.arange(1.0, end, step)
    views = [image, *(_enlarged(image, factor) for factor in factors)]
    mean: np.ndarray = np.mean(views, axis=0)
    return mean


def _reach(sigma: float) -> int:
    return math.ceil(SOFT * sigma)


def _softened(values: np.ndarray, sigma: float, mode: Mode) -> np.ndarray:
    """Smoothed along both axes by the discrete Gaussian e^{−t} I_n(t), t = σ².

    Source: T. Lindeberg, “Scale-space for discrete signals”, IEEE PAMI 12, 1990, equation 22.
    """
    places = np.abs(np.arange(-_reach(sigma) - 1, _reach(sigma) + 2))
    weights = special.ive(places, sigma**2)
    for axis in (0, 1):
        values = ndimage.correlate1d(values, weights / weights.sum(), axis=axis, mode=mode)
    return values


def _scale(image: np.ndarray) -> float:
    return float(min(image.shape[1:])) / MADE_FOR


def _kernel(rows: np.ndarray, columns: np.ndarray, weights: np.ndarray, *, margin: int = 0) -> np.ndarray:
    """Weights at points between pixels, each shared out over the four pixels around it; the sum is 1."""
    reach = math.ceil(max(np.abs(rows).max(), np.abs(columns).max())) + 1 + margin
    kernel = np.zeros((2 * reach + 1, 2 * reach + 1))
    top, left = np.floor(rows).astype(int), np.floor(columns).astype(int)
    down, right = rows - top, columns - left
    for row, part in ((top, 1 - down), (top + 1, down)):
        for column, share in ((left, 1 - right), (left + 1, right)):
            np.add.at(kernel, (row + reach, column + reach), weights * part * share)
    normed: np.ndarray = kernel / kernel.sum()
    return normed


def _correlated(image: np.ndarray, kernel: np.ndarray, mode: Mode) -> np.ndarray:
    return np.stack([ndimage.correlate(channel, kernel, mode=mode) for channel in image])


def _enlarged(image: np.ndarray, factor: float) -> np.ndarray:
    """The middle of the image, enlarged to its size; read between pixels by bilinear interpolation."""
    middle = (np.array(image.shape[1:]) - 1) / 2
    places = [
        (np.arange(side) - centre) / factor + centre
        for side, centre in zip(image.shape[1:], middle, strict=True)
    ]
    grid = np.meshgrid(*places, indexing="ij")
    return np.stack([ndimage.map_coordinates(channel, grid, order=1, mode="nearest") for channel in image])
