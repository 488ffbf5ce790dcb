"""Paints an animal into its scene, with its collar or without; says where the object and the collar lie."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .anatomy import INSIDE, OUTLINE, Anatomy, union
from .scene import NOISE, background
from .shapes import Grid, cover, paint

if TYPE_CHECKING:
    from .animals import Animal, Colour

SIZE = 64
TAG: Colour = (0.95, 0.80, 0.25)
DARK: Colour = (0.03, 0.03, 0.03)
RIM: Colour = (0.08, 0.07, 0.07)
PINK: Colour = (0.85, 0.60, 0.58)
TONGUE: Colour = (0.90, 0.40, 0.45)
MOUTH: Colour = (0.15, 0.10, 0.10)
WHISKER: Colour = (0.96, 0.96, 0.96)


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """uint8 [64, 64, 3]; bool [64, 64]: the animal, and where its collar is, or would be if it wore one."""

    image: np.ndarray
    object: np.ndarray
    collar: np.ndarray


def paint_animal(animal: Animal, *, collar: bool) -> Picture:
    """Paint the animal with its collar or without. The two pictures differ inside `Picture.collar` alone."""
    return _Painter(animal).picture(collar=collar)


class _Painter:
    """Holds one canvas while it is painted, from the back to the front."""

    def __init__(self, animal: Animal) -> None:
        self.animal = animal
        self.rng = np.random.default_rng(animal.scene)
        self.grid = Grid.of(SIZE)
        self.parts = Anatomy(animal, self.grid)
        self.image = background(self.rng, self.grid)
        self.silhouette = np.full((SIZE, SIZE), np.inf)

    def picture(self, *, collar: bool) -> Picture:
        fur, parts = self._coat(), self.parts
        self._fur(parts.tail, fur)
        for leg in parts.legs:
            self._fur(leg, fur * 0.92)
        self._fur(parts.torso, fur)
        self._chest()
        band, tag = parts.collar
        if collar:
            paint(self.image, band, self.animal.collar)
            paint(self.image, tag, TAG)
        self._fur(parts.head, fur)
        self._face()
        noisy = self.image + self.rng.normal(0, NOISE, self.image.shape)
        return Picture(
            image=np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8),
            object=cover(self.silhouette) >= 0.5,
            collar=cover(union(band, tag)) > 0,
        )

    def _coat(self) -> np.ndarray:
        """The colour of the fur at every pixel, [h, w, 3]."""
        a, x, y = self.animal, self.grid.x, self.grid.y
        fur, second = np.ones((SIZE, SIZE, 3)) * np.array(a.fur), np.array(a.second)
        if a.coat == "striped":
            wave = np.sin((x * 0.9 + np.sin(y / 4) * 1.5) / (0.75 * a.unit) + a.stripe)
            fur = np.where((wave > 0.35)[:, :, None], fur * 0.6 + 0.4 * second * 0.5, fur)
        if a.coat == "patched":
            wave = np.sin(x / (3.2 * a.unit) + a.stripe) + np.sin(y / (3.7 * a.unit) + 2 * a.stripe)
            fur = np.where((wave > 0.5)[:, :, None], second, fur)
        coat: np.ndarray = fur * (1 + 0.06 * self.rng.normal(size=(SIZE, SIZE, 1)))
        return coat

    def _fur(self, distance: np.ndarray, fur: np.ndarray) -> None:
        """Paint a part with its outline and a little shade at its edge, and add it to the silhouette."""
        paint(self.image, distance - OUTLINE, np.minimum(self._toned(0.45), 0.35))
        shade = 1 - 0.25 * np.clip(1 + distance / (4 * self.animal.unit), 0, 1)
        paint(self.image, distance, fur * shade[:, :, None])
        self.silhouette = union(self.silhouette, distance - OUTLINE)

    def _chest(self) -> None:
        a = self.animal
        if a.pose == "sitting" and a.coat != "plain":
            chest = self.grid.ellipse((a.x, a.y - 14 * a.unit), (4 * a.unit, 6 * a.unit))
            paint(self.image, np.maximum(chest, self.parts.torso), self._toned(0.4, 0.55))

    def _face(self) -> None:
        upright = self.animal.upright_ears
        for s in (-1, 1):
            ear = self.parts.ear(s, 0.55 if upright else 1.0)
            paint(self.image, ear, PINK if upright else self._toned(0.55))
        for s in (-1, 1):
            self._eye(s)
        paint(self.image, self.parts.muzzle, self._toned(0.45, 0.5))
        if self.animal.species == "cat":
            self._cat_nose()
        else:
            self._dog_nose()

    def _eye(self, s: int) -> None:
        cat = self.animal.species == "cat"
        shift = self.animal.side * self.animal.turn * 1.3
        middle = self.parts.on_head(s * (3.4 if cat else 2.9) + shift, -1.2)
        pupil = (0.5, 1.2) if cat else (0.8, 0.8)
        for radii, colour in (((1.7, 1.6), RIM), ((1.3, 1.2), self.animal.eyes), (pupil, DARK)):
            paint(self.image, self.grid.ellipse(middle, self.parts.scaled(radii)), colour)

    def _cat_nose(self) -> None:
        at, nose = self.parts.on_head, self.parts.nose
        triangle = self.grid.polygon([at(nose - 1.2, 1.4), at(nose + 1.2, 1.4), at(nose, 2.8)])
        paint(self.image, triangle, self.animal.nose)
        for s in (-1, 1):
            for rise in (-0.5, 1.0):
                hair = self.grid.capsule(at(nose + s * 2.2, 2.8), at(nose + s * 7.5, 2.4 + 1.6 * rise), 0.1)
                paint(self.image, np.maximum(hair, self.silhouette + INSIDE), WHISKER)

    def _dog_nose(self) -> None:
        at, nose = self.parts.on_head, self.parts.nose
        if self.animal.tongue:
            tongue = self.grid.capsule(at(nose, 6.4), at(nose, 7.8), 1.3 * self.animal.unit)
            paint(self.image, np.maximum(tongue, self.parts.muzzle), TONGUE)
        paint(self.image, self.grid.ellipse(at(nose, 2.6), self.parts.scaled((1.7, 1.2))), self.animal.nose)
        paint(self.image, self.grid.capsule(at(nose, 3.6), at(nose, 5.8), 0.3), MOUTH)

    def _toned(self, share: float, plus: float = 0.0) -> np.ndarray:
        """A darker or lighter colour of the same fur."""
        return np.array(self.animal.fur) * share + plus
