"""The parts of an animal as signed distances: where each of them lies, before anything is painted."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, reduce
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from .animals import Animal
    from .shapes import Grid, Point

OUTLINE = 0.6
"""Pixels by which the dark outline reaches beyond the fur; it belongs to the object."""
INSIDE = 1.0
"""Pixels between collar and silhouette, so that even the collar's smoothed edge stays inside the object."""
COLLAR = 1.8
"""Half of the collar's width, in units."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Skeleton:
    """Where things are, in units from where the animal stands: right is the way it faces, down is down.

    `throat` is how far along the neck from the head's centre the collar is.
    """

    body: Point
    body_radii: Point
    shoulder: Point
    head: Point
    neck: float
    throat: float
    tail: Point


SKELETONS = {
    "sitting": Skeleton(
        body=(0, -10.5),
        body_radii=(8, 10.5),
        shoulder=(0, -14),
        head=(1.5, -31),
        neck=5,
        throat=10.6,
        tail=(-7, -4),
    ),
    "standing": Skeleton(
        body=(0, -15),
        body_radii=(13.5, 6.6),
        shoulder=(9.5, -16),
        head=(16, -31),
        neck=4.6,
        throat=10.2,
        tail=(-12.5, -18),
    ),
}


@dataclass(frozen=True)
class Anatomy:
    """The parts of one animal on one grid. All distances are [h, w], in pixels, negative inside."""

    animal: Animal
    grid: Grid

    @cached_property
    def torso(self) -> np.ndarray:
        """Body and neck."""
        bones, u = self.bones, self.animal.unit
        body = self.grid.ellipse(self.place(bones.body), self.scaled(bones.body_radii))
        shoulder, head = self.place(bones.shoulder), self.place(bones.head)
        neck = self.grid.capsule(shoulder, head, bones.neck * u * 1.1, bones.neck * u * 0.9)
        return union(body, neck)

    @property
    def legs(self) -> list[np.ndarray]:
        """Haunches and fore legs of one that sits, four legs of one that stands."""
        if self.animal.pose == "standing":
            return [self._leg(foot, -13, foot * 1.04, 1.9) for foot in (-10.5, -7.5, 7, 10)]
        haunches = [self.grid.ellipse(self.place((s * 6.5, -4)), self.scaled((4.2, 4))) for s in (-1, 1)]
        return haunches + [self._leg(s * 3.2, -10, s * 3.4, 2) for s in (-1, 1)]

    @property
    def tail(self) -> np.ndarray:
        """A dog's is short, a cat's long and curled."""
        u, (x, y) = self.animal.unit, self.bones.tail
        if self.animal.species == "dog":
            return self.grid.capsule(self.place((x, y)), self.place((x - 5, y - 7)), 1.9 * u, 1.2 * u)
        bends = [(x, y), (x - 5.5, y - 5), (x - 4.5, y - 15), (x - 7.5, y - 18)]
        places = [self.place(bend) for bend in bends]
        return union(*(self.grid.capsule(*pair, 1.25 * u) for pair in pairwise(places)))

    @cached_property
    def head(self) -> np.ndarray:
        """Skull and ears, with a dog's muzzle, which reaches beyond its skull."""
        radii = (8.2, 6.9) if self.animal.species == "cat" else (6.9, 7.9)
        skull = self.grid.ellipse(self.place(self.bones.head), self.scaled(radii), self.animal.tilt)
        ears = [self.ear(s) for s in (-1, 1)]
        return union(skull, *ears, *([self.muzzle] if self.animal.species == "dog" else []))

    def ear(self, s: int, shrink: float = 1.0) -> np.ndarray:
        """The left (−1) or right (1) ear: upright, folded (cats), or hanging (dogs)."""
        cat, u = self.animal.species == "cat", self.animal.unit
        if self.animal.upright_ears:
            foot, wide, high = (5.0, 3.4 * shrink, 7.5 * shrink) if cat else (4.3, 2.7 * shrink, 6.5 * shrink)
            corners = [(s * foot - wide, -3.6), (s * (foot + 1.4), -4.6 - high), (s * foot + wide, -3.0)]
            return self.grid.polygon([self.on_head(*corner) for corner in corners])
        if cat:
            radii = self.scaled((2.9 * shrink, 2.1 * shrink))
            return self.grid.ellipse(self.on_head(s * 5.6, -5.4), radii, s * 0.6)
        top, tip = self.on_head(s * 6.4, -4.6), self.on_head(s * 8.6, 3.8)
        return self.grid.capsule(top, tip, 1.9 * u * shrink, 2.7 * u * shrink)

    @cached_property
    def muzzle(self) -> np.ndarray:
        """Small on a cat, long on a dog."""
        cat = self.animal.species == "cat"
        down, radii = (2.9, (3.4, 2.4)) if cat else (4.2, (3.9, 4.6))
        return self.grid.ellipse(self.on_head(self.nose, down), self.scaled(radii), self.animal.tilt)

    @property
    def nose(self) -> float:
        """How far to the right of the head's centre the nose is, in units."""
        turned = self.animal.side * self.animal.turn * 2.6
        return turned * 0.6 if self.animal.species == "cat" else turned

    @cached_property
    def collar(self) -> tuple[np.ndarray, np.ndarray]:
        """Band and tag, clipped to what is seen of neck and body and kept off their edges."""
        bones, u = self.bones, self.animal.unit
        head, shoulder = self.place(bones.head), self.place(bones.shoulder)
        along, across = self.grid.along(head, shoulder)
        length = float(np.hypot(head[0] - shoulder[0], head[1] - shoulder[1]))
        sag = 0.8 * u * (1 - (across / (5 * u)) ** 2)
        band = np.maximum(
            np.abs(along * length - bones.throat * u - sag) - COLLAR * u, np.abs(across) - 7 * u
        )
        t = (bones.throat + 2.9) * u / length
        hangs = head[0] + t * (shoulder[0] - head[0]), head[1] + t * (shoulder[1] - head[1])
        tag = self.grid.ellipse(hangs, self.scaled((1.6, 1.6)))
        seen = np.maximum(self.torso + INSIDE, INSIDE + OUTLINE - self.head)
        return np.maximum(band, seen), np.maximum(tag, seen)

    @property
    def bones(self) -> Skeleton:
        """The skeleton of its pose."""
        return SKELETONS[self.animal.pose]

    def place(self, spot: Point) -> Point:
        """From units, counted the way it faces, to pixels."""
        a = self.animal
        return a.x + a.side * spot[0] * a.unit, a.y + spot[1] * a.unit

    def on_head(self, right: float, down: float) -> Point:
        """A place on the head, in units from its centre as one sees it, with the head's tilt."""
        u, cos, sin = self.animal.unit, np.cos(self.animal.tilt), np.sin(self.animal.tilt)
        x, y = self.place(self.bones.head)
        return float(x + u * (right * cos - down * sin)), float(y + u * (right * sin + down * cos))

    def scaled(self, radii: Point) -> Point:
        """From units to pixels."""
        return radii[0] * self.animal.unit, radii[1] * self.animal.unit

    def _leg(self, hip: float, top: float, foot: float, radius: float) -> np.ndarray:
        a, u = self.animal, self.animal.unit
        return self.grid.capsule((a.x + hip * u, a.y + top * u), (a.x + foot * u, a.y - 1.5 * u), radius * u)


def union(*distances: np.ndarray) -> np.ndarray:
    """The distance to several shapes taken together."""
    return reduce(np.minimum, distances)
