"""Noise of a sensor. The same at every image size: each value is hit for itself.

Functions take an image float64 [c, h, w] in [0, 1], a severity from 1 to 5 and the chance of that image.
Constants: Hendrycks and Dietterich, ICLR 2019 (ImageNet-C).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

GAUSSIAN = (0.08, 0.12, 0.18, 0.26, 0.38)
PHOTONS = (60.0, 25.0, 12.0, 5.0, 3.0)
IMPULSES = (0.03, 0.06, 0.09, 0.17, 0.27)
SPECKLE = (0.15, 0.2, 0.35, 0.45, 0.6)


def gaussian_noise(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Little light: x + N(0, σ), σ = 0.08 … 0.38."""
    noisy: np.ndarray = image + rng.normal(scale=GAUSSIAN[severity - 1], size=image.shape)
    return noisy


def shot_noise(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Counted light: Poisson(x · k) / k with k = 60 … 3 counts at full light."""
    counts = PHOTONS[severity - 1]
    noisy: np.ndarray = rng.poisson(image * counts) / counts
    return noisy


def impulse_noise(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Broken values: a share of 0.03 … 0.27 becomes 0 or 1, by halves."""
    drawn, share = rng.uniform(size=image.shape), IMPULSES[severity - 1]
    noisy = image.copy()
    noisy[drawn < share / 2] = 0.0
    noisy[drawn > 1 - share / 2] = 1.0
    return noisy


def speckle_noise(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Noise that grows with the light: x + x · N(0, σ), σ = 0.15 … 0.6."""
    noisy: np.ndarray = image + image * rng.normal(scale=SPECKLE[severity - 1], size=image.shape)
    return noisy
