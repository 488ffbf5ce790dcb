"""What a drawn animal is like: every choice is made here, so that painting it holds no chance.

The same animal can therefore be painted with and without its collar, and nothing else changes: do(collar).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np

Species = Literal["cat", "dog"]
Pose = Literal["sitting", "standing"]
Coat = Literal["plain", "striped", "patched"]
Colour = tuple[float, float, float]
"""Red, green and blue in [0, 1]."""

T = TypeVar("T")

FURS: tuple[Colour, ...] = (
    (0.16, 0.15, 0.16),
    (0.90, 0.88, 0.84),
    (0.52, 0.52, 0.54),
    (0.80, 0.50, 0.22),
    (0.44, 0.29, 0.18),
    (0.84, 0.72, 0.52),
)
EYES: tuple[Colour, ...] = ((0.70, 0.68, 0.25), (0.30, 0.20, 0.10), (0.45, 0.60, 0.65))
NOSES: tuple[Colour, ...] = ((0.07, 0.06, 0.06), (0.75, 0.45, 0.45))
COLLARS: tuple[Colour, ...] = ((0.85, 0.08, 0.12), (0.75, 0.05, 0.30), (0.95, 0.22, 0.08))

UPRIGHT = {"cat": 0.75, "dog": 0.35}
"""How often the ears stand up: most cats' and some dogs', so ears alone do not tell them apart."""
REACH = {"sitting": (14, 11), "standing": (20, 25)}
"""How far an animal reaches behind and before where it stands, in units: it fits into the picture."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Animal:
    """One animal in its scene. Lengths are in pixels of a canvas of 64 × 64, y points down.

    `unit` is the animal's scale, (`x`, `y`) where it stands, `side` (−1 or 1) the way it faces, `turn` how
    far its face is turned that way, `tilt` its head's angle in radians. `scene` seeds background and noise.
    """

    species: Species
    pose: Pose
    coat: Coat
    unit: float
    x: float
    y: float
    side: int
    turn: float
    tilt: float
    upright_ears: bool
    tongue: bool
    fur: Colour
    second: Colour
    eyes: Colour
    nose: Colour
    collar: Colour
    stripe: float
    scene: int


def draw_animal(species: Species, seed: tuple[int, ...]) -> Animal:
    """Draw an animal. But for the ears, cats and dogs are drawn alike; painting makes the difference."""
    rng = np.random.default_rng(seed)
    fur, second = (FURS[int(index)] for index in rng.choice(len(FURS), size=2, replace=False))
    pose: Pose = _one(rng, ("sitting", "standing"))
    side = _one(rng, (-1, 1))
    unit = float(rng.uniform(0.85, 1.2))
    left, right = REACH[pose][::side]
    return Animal(
        species=species,
        pose=pose,
        coat=_one(rng, ("plain", "striped", "patched")),
        unit=unit,
        x=float(rng.uniform(left * unit, 64 - right * unit)),
        y=float(rng.uniform(55, 62)),
        side=side,
        turn=float(rng.uniform(0, 1)),
        tilt=float(rng.normal(0, 0.12)),
        upright_ears=bool(rng.random() < UPRIGHT[species]),
        tongue=bool(rng.random() < 0.4),
        fur=_varied(rng, fur),
        second=_varied(rng, second),
        eyes=_varied(rng, _one(rng, EYES)),
        nose=_varied(rng, _one(rng, NOSES)),
        collar=_varied(rng, _one(rng, COLLARS)),
        stripe=float(rng.uniform(0, 6)),
        scene=int(rng.integers(2**31)),
    )


def _one(rng: np.random.Generator, choices: tuple[T, ...]) -> T:
    return choices[int(rng.integers(len(choices)))]


def _varied(rng: np.random.Generator, colour: Colour) -> Colour:
    red, green, blue = (float(part) for part in np.clip(np.array(colour) + rng.normal(0, 0.035, 3), 0, 1))
    return red, green, blue
