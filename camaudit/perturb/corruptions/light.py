"""What weather and light do.

Functions take an image float64 [c, h, w] in [0, 1], a severity from 1 to 5 and the chance of that image.
Constants: Hendrycks and Dietterich, ICLR 2019 (ImageNet-C).
"""

from __future__ import annotations

import numpy as np

FOG = ((1.5, 2.0), (2.0, 2.0), (2.5, 1.7), (2.5, 1.5), (3.0, 1.4))
"""How thick, and by how much each finer layer of it is thinner."""
BRIGHTER = (0.1, 0.2, 0.3, 0.4, 0.5)
CONTRAST = (0.4, 0.3, 0.2, 0.1, 0.05)


def fog(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:
    """Fog: (x + t · cloud) · m / (m + t), m the image's maximum, cloud in [0, 1] by diamonds and squares."""
    thick, decay = FOG[severity - 1]
    height, width = image.shape[1:]
    side = 1 << (max(height, width) - 1).bit_length()
    brightest = image.max()
    cloud = _cloud(max(side, 2), decay, rng)[:height, :width]
    foggy: np.ndarray = (image + thick * cloud) * brightest / (brightest + thick)
    return foggy


def brightness(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """More light: the value of HSV (the largest channel) plus 0.1 … 0.5; hue and saturation stay."""
    value = image.max(axis=0)
    wanted = np.clip(value + BRIGHTER[severity - 1], 0, 1)
    scale = np.divide(wanted, value, out=np.zeros_like(value), where=value > 0)
    # Black has no hue: it becomes grey.
    brighter: np.ndarray = np.where(value > 0, image * scale, wanted)
    return brighter


def contrast(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Less contrast: (x − mean) · c + mean for each channel, c = 0.4 … 0.05."""
    mean = image.mean(axis=(1, 2), keepdims=True)
    flat: np.ndarray = (image - mean) * CONTRAST[severity - 1] + mean
    return flat


def _cloud(side: int, decay: float, rng: np.random.Generator) -> np.ndarray:
    """A fractal height map [side, side] in [0, 1], without borders; `side` is a power of two.

    The middle of every square, then of every diamond, is the mean of its four corners and something at
    random; squares are halved until they are single pixels, what is random is divided by decay² each time.
    """
    heights = np.zeros((side, side))
    step, size = side, 1.0
    while step > 1:
        half = step // 2
        corners = heights[::step, ::step]
        across = corners + np.roll(corners, -1, axis=1)
        squares = (across + np.roll(across, -1, axis=0)) / 4
        middles = squares + size * rng.uniform(-1, 1, squares.shape)
        heights[half::step, half::step] = middles
        above = (corners + np.roll(corners, -1, axis=1) + middles + np.roll(middles, 1, axis=0)) / 4
        heights[::step, half::step] = above + size * rng.uniform(-1, 1, above.shape)
        beside = (corners + np.roll(corners, -1, axis=0) + middles + np.roll(middles, 1, axis=1)) / 4
        heights[half::step, ::step] = beside + size * rng.uniform(-1, 1, beside.shape)
        step, size = half, size / decay**2
    span = heights.max() - heights.min()
    flat: np.ndarray = (heights - heights.min()) / span if span else heights
    return flat
