"""Shapes as signed distances on a pixel grid, negative inside: plain arithmetic, alike on every machine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

Point = tuple[float, float]
"""x to the right and y down, in pixels."""


@dataclass(frozen=True, slots=True)
class Grid:
    """The centres of a square canvas's pixels."""

    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, size: int) -> Grid:
        """A canvas of size × size pixels."""
        y, x = np.mgrid[:size, :size] + 0.5
        return cls(x, y)

    def ellipse(self, centre: Point, radii: Point, angle: float = 0.0) -> np.ndarray:
        """Distance to an ellipse turned by `angle` (radians), to first order: (|p/r| − 1)·|p/r| / |p/r²|."""
        u, v = self.local(centre, angle)
        inner = np.hypot(u / radii[0], v / radii[1])
        outer = np.hypot(u / radii[0] ** 2, v / radii[1] ** 2)
        return np.asarray(inner * (inner - 1) / np.maximum(outer, 1e-9))

    def capsule(self, start: Point, end: Point, radius: float, end_radius: float | None = None) -> np.ndarray:
        """Distance to a stroke with round ends whose radius may change along the way."""
        along, across = self.along(start, end)
        t = np.clip(along, 0, 1)
        length = max(float(np.hypot(end[0] - start[0], end[1] - start[1])), 1e-9)
        thick = radius + t * ((radius if end_radius is None else end_radius) - radius)
        return np.asarray(np.hypot((along - t) * length, across) - thick)

    def polygon(self, corners: Sequence[Point]) -> np.ndarray:
        """Distance to a convex polygon whose corners run clockwise on the screen; exact inside."""
        edges = zip(corners, [*corners[1:], corners[0]], strict=True)
        return np.asarray(np.max([-self.along(start, end)[1] for start, end in edges], axis=0))

    def along(self, start: Point, end: Point) -> tuple[np.ndarray, np.ndarray]:
        """How far along a line (0 at `start`, 1 at `end`), and how many pixels to its right."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = max(float(np.hypot(dx, dy)), 1e-9)
        u, v = self.x - start[0], self.y - start[1]
        return (u * dx + v * dy) / length**2, (v * dx - u * dy) / length

    def local(self, centre: Point, angle: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
        """Coordinates around `centre` on axes turned by `angle`."""
        u, v = self.x - centre[0], self.y - centre[1]
        cos, sin = np.cos(angle), np.sin(angle)
        return u * cos + v * sin, v * cos - u * sin


def cover(distance: np.ndarray) -> np.ndarray:
    """How much of each pixel a shape covers, in [0, 1]: smooth over one pixel at its edge."""
    return np.clip(0.5 - distance, 0.0, 1.0)


def paint(image: np.ndarray, distance: np.ndarray, colour: np.ndarray | Sequence[float]) -> None:
    """Lay a colour ([3] or [h, w, 3]) over the part of `image` [h, w, 3] that a shape covers, in place."""
    share = cover(distance)[:, :, None]
    image += share * (np.asarray(colour) - image)
