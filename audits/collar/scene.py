"""Backgrounds: a wall and a floor full of clutter, some of it as bright as a collar."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .shapes import paint

if TYPE_CHECKING:
    from .shapes import Grid

BRIGHT = ((0.10, 0.25, 0.85), (0.10, 0.65, 0.25), (0.95, 0.80, 0.10), (0.50, 0.20, 0.75), (0.05, 0.70, 0.80))
NOISE = 0.05
BRIGHT_SHARE = 0.25
"""How much of the clutter is as bright as a collar (of other colours)."""


def background(rng: np.random.Generator, grid: Grid) -> np.ndarray:
    """A scene [h, w, 3] in [0, 1] without an animal."""
    size = grid.x.shape[0]
    wall, floor = rng.uniform(0.2, 0.9, (2, 3)) * 0.6 + rng.uniform(0.1, 0.35, (2, 1))
    horizon = rng.uniform(0.45, 0.8) * size
    right, down = rng.uniform(-0.25, 0.25, 2)
    light = 1 + right * (grid.x / size - 0.5) + down * (grid.y / size - 0.5)
    below = np.clip(grid.y - horizon + 0.5, 0, 1)[:, :, None]
    image: np.ndarray = (wall * (1 - below) + floor * below) * light[:, :, None]
    for _ in range(int(rng.integers(4, 10))):
        paint(image, _thing(rng, grid, size), _colour(rng))
    return image


def _thing(rng: np.random.Generator, grid: Grid, size: int) -> np.ndarray:
    """A ball, a stick or a board anywhere."""
    x, y = (float(value) for value in rng.uniform(0, size, 2))
    kind, angle = int(rng.integers(3)), float(rng.uniform(0, np.pi))
    long, short = float(rng.uniform(3, 11)), float(rng.uniform(1, 4))
    dx, dy = long * np.cos(angle), long * np.sin(angle)
    if kind == 0:
        return grid.ellipse((x, y), (long * 0.6, long * 0.5), angle)
    if kind == 1:
        return grid.capsule((x - dx, y - dy), (x + dx, y + dy), short * 0.6)
    sx, sy = short * np.sin(angle), -short * np.cos(angle)
    ends = ((-dx + sx, -dy + sy), (dx + sx, dy + sy), (dx - sx, dy - sy), (-dx - sx, -dy - sy))
    return grid.polygon([(x + right, y + down) for right, down in ends])


def _colour(rng: np.random.Generator) -> np.ndarray:
    bright = np.array(BRIGHT[int(rng.integers(len(BRIGHT)))])
    dull = rng.uniform(0.15, 0.85) + rng.normal(0, 0.08, 3)
    colour: np.ndarray = bright if rng.random() < BRIGHT_SHARE else np.clip(dull, 0, 1)
    return colour
