"""Scenes of two to four coloured shapes on grey noise, drawn without smoothing, so that masks are exact."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

SHAPES = ("circle", "square", "triangle")
COLOURS = {"red": (205, 45, 45), "green": (50, 165, 65), "blue": (55, 85, 210), "yellow": (220, 200, 50)}
SIZE = 48
RADII = (5, 8)
"""Half the height of a shape in pixels, the end left out."""
GAP = 2
"""Pixels at least between the boxes of two shapes, and between a shape and the border."""
APART = 8
"""How far the centres of two like shapes lie apart along the direction that is asked for."""
ATTEMPTS = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One coloured shape; `row` and `column` are its centre."""

    shape: str
    colour: str
    row: int
    column: int
    radius: int

    def mask(self) -> np.ndarray:
        """Its pixels, bool [48, 48]."""
        rows, columns = np.ogrid[:SIZE, :SIZE]
        down, right = rows - self.row, columns - self.column
        if self.shape == "circle":
            return np.asarray(down**2 + right**2 <= self.radius**2)
        if self.shape == "square":
            return np.asarray(np.maximum(abs(down), abs(right)) <= round(self.radius * 0.85))
        return np.asarray((2 * abs(right) <= down + self.radius) & (down <= self.radius))


def place(rng: np.random.Generator, looks: list[tuple[str, str]], apart: str | None) -> list[Thing] | None:
    """Things that look so, as (colour, shape), anywhere without touching; None where there is no room.

    With a direction `apart`, the first lies clearly farther that way than the second.
    """
    placed: list[Thing] = []
    for colour, shape in looks:
        for _ in range(ATTEMPTS):
            radius = int(rng.integers(*RADII))
            low, high = radius + GAP, SIZE - radius - GAP
            row, column = (int(value) for value in rng.integers(low, high, size=2))
            thing = Thing(shape=shape, colour=colour, row=row, column=column, radius=radius)
            if all(_clear(thing, other) for other in placed):
                placed.append(thing)
                break
        else:
            return None
    return placed if apart is None else _in_order(placed, apart)


def _in_order(placed: list[Thing], apart: str) -> list[Thing] | None:
    first, second, *rest = placed
    if farther(first, second, apart) < 0:
        first, second = _at(first, second), _at(second, first)
    return [first, second, *rest] if farther(first, second, apart) >= APART else None


def _at(look: Thing, spot: Thing) -> Thing:
    return replace(spot, shape=look.shape, colour=look.colour)


def farther(thing: Thing, other: Thing, direction: str) -> int:
    """By how many pixels a thing lies farther in a direction than another."""
    return {
        "left": other.column - thing.column,
        "right": thing.column - other.column,
        "top": other.row - thing.row,
        "bottom": thing.row - other.row,
    }[direction]


def paint(things: tuple[Thing, ...], rng: np.random.Generator) -> np.ndarray:
    """The picture, uint8 [48, 48, 3]: grey ground and colours both vary, and all of it is noisy."""
    canvas = np.full((SIZE, SIZE, 3), rng.uniform(70, 140))
    for thing in things:
        canvas[thing.mask()] = np.array(COLOURS[thing.colour]) + rng.uniform(-20, 20, size=3)
    canvas += rng.normal(0, 10, size=canvas.shape)
    return np.clip(np.round(canvas), 0, 255).astype(np.uint8)


def _clear(thing: Thing, other: Thing) -> bool:
    reach = thing.radius + other.radius + GAP
    return max(abs(thing.row - other.row), abs(thing.column - other.column)) > reach
