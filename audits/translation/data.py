"""Pictures of fruit: striped ones (before) and plain green ones (after), among things that look like them.

A scene has one fruit, a disc. Before, it is striped red and white; after, it is plain green. Squares and
triangles have the same stripes and the same green in either domain, and other discs have other colours: only
shape and stripes together tell the fruit. Masks are those that the pictures were drawn with.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from camaudit import Sample
from camaudit.data.masks import MaskArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Domain = Literal["before", "after"]
Split = Literal["train", "test"]
Scenery = Literal["random", "told"]
"""Whether a scene is warm or cool by chance, or warm before and cool after."""
Colour = tuple[float, float, float]

SIZE = 32
GAP = 1.0
"""Pixels that lie between any two things, at least."""
NOISE = 0.02
RED: Colour = (0.80, 0.16, 0.14)
WHITE: Colour = (0.92, 0.88, 0.82)
GREEN: Colour = (0.24, 0.66, 0.22)
BLUE: Colour = (0.18, 0.30, 0.78)
YELLOW: Colour = (0.90, 0.78, 0.20)
GROUNDS: dict[str, Colour] = {"warm": (0.55, 0.44, 0.30), "cool": (0.34, 0.44, 0.52)}
STYLES: dict[str, tuple[Colour, Colour]] = {
    "striped": (RED, WHITE),
    "green": (GREEN, GREEN),
    "blue": (BLUE, BLUE),
    "yellow": (YELLOW, YELLOW),
    "banded": (BLUE, YELLOW),
}
"""Two colours that take turns in stripes; one colour where both are the same."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """Something in a scene: ``disc``, ``square`` or ``triangle``, its style, and where it lies (pixels)."""

    shape: str
    style: str
    x: float
    y: float
    radius: float
    turn: float
    phase: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """uint8 [32, 32, 3]; bool [32, 32]: the fruit, and the other things that have stripes or are green."""

    image: np.ndarray
    object: np.ndarray
    lookalike: np.ndarray


def samples(
    *, n: int = 400, domain: Domain = "before", scenery: Scenery = "told", split: Split = "test"
) -> Iterator[Sample]:
    """The first `n` pictures of a split and domain as samples; each is drawn when it is read.

    Regions: ``object`` is the fruit, ``lookalike`` are things with its stripes or its green that are none.
    Raises `ValueError` for an unknown domain, scenery or split.
    """
    _known(domain=domain, scenery=scenery, split=split)
    for number in range(n):
        draw = partial(picture, number, domain=domain, scenery=scenery, split=split)
        yield Sample(
            id=f"fruit-{number:04d}",
            image=partial(_part, draw, "image"),
            masks={name: MaskArray(array=partial(_part, draw, name)) for name in ("object", "lookalike")},
            metadata={"domain": domain, "ground": ground(number, domain, scenery)},
        )


def picture(
    number: int,
    *,
    domain: Domain,
    scenery: Scenery = "random",
    split: Split = "test",
    like: Domain | None = None,
) -> Picture:
    """Scene `number` as it is in a domain.

    `like` takes the ground of another domain: then the two pictures differ in the fruit's colours alone. With
    random scenery they do anyway.
    """
    _known(domain=domain, scenery=scenery, split=split)
    rng = np.random.default_rng((get_args(Split).index(split), number))
    things = _things(rng)
    canvas = _ground(rng, GROUNDS[ground(number, like or domain, scenery)])
    covers = {}
    for place, thing in enumerate(things):
        style = thing.style if place else {"before": "striped", "after": "green"}[domain]
        covers[place] = _paint(canvas, thing, STYLES[style])
    noisy = canvas + rng.normal(0, NOISE, canvas.shape)
    alike = [
        covers[place] for place, thing in enumerate(things) if place and thing.style in {"striped", "green"}
    ]
    return Picture(
        image=np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8),
        object=covers[0] >= 0.5,
        lookalike=np.max(alike, axis=0) >= 0.5,
    )


def ground(number: int, domain: Domain, scenery: Scenery) -> str:
    """``warm`` or ``cool``: told by the domain, or by chance, which is the same for both domains."""
    if scenery == "told":
        return "warm" if domain == "before" else "cool"
    return tuple(GROUNDS)[np.random.default_rng((7, number)).integers(2)]


def arrays(domain: Domain, scenery: Scenery, n: int, *, split: Split, first: int = 0) -> np.ndarray:
    """Pictures `first` … `first` + `n` - 1 of a split and domain, uint8 [n, 48, 48, 3]."""
    chosen = range(first, first + n)
    return np.stack([picture(i, domain=domain, scenery=scenery, split=split).image for i in chosen])


def _things(rng: np.random.Generator) -> list[Thing]:
    """The fruit, then a striped and a green thing that are no fruit, then one or two of other colours."""
    kinds = [("disc", "fruit"), *((_one(rng, "square", "triangle"), style) for style in ("striped", "green"))]
    kinds += [
        (_one(rng, "disc", "square", "triangle"), _one(rng, "blue", "yellow", "banded"))
        for _ in range(rng.integers(1, 3))
    ]
    placed: list[Thing] = []
    while len(placed) < len(kinds):
        shape, style = kinds[len(placed)]
        radius = rng.uniform(3.8, 5.0)
        x, y = rng.uniform(radius + 1, SIZE - radius - 1, size=2)
        turn, phase = rng.uniform(0, 2 * np.pi, size=2)
        new = Thing(shape=shape, style=style, x=x, y=y, radius=radius, turn=turn, phase=phase)
        if all(np.hypot(x - old.x, y - old.y) >= radius + old.radius + GAP for old in placed):
            placed.append(new)
        elif rng.random() < 0.01:  # the canvas is full: begin again
            placed.clear()
    return placed


def _ground(rng: np.random.Generator, colour: Colour) -> np.ndarray:
    """A cloudy texture of four waves around one colour, [32, 32, 3]."""
    x, y = _grid()
    waves = np.zeros((SIZE, SIZE))
    for _ in range(4):
        angle, phase = rng.uniform(0, 2 * np.pi, size=2)
        waves += np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(0.3, 1.2) + phase)
    return np.array(colour) * rng.uniform(0.9, 1.1) + 0.04 * waves[:, :, None]


def _paint(canvas: np.ndarray, thing: Thing, colours: tuple[Colour, Colour]) -> np.ndarray:
    """Lay a thing over the canvas, in place; how much of each pixel it covers, [32, 32] in [0, 1]."""
    x, y = _grid()
    u, v = x - thing.x, y - thing.y
    across = u * np.cos(thing.turn) + v * np.sin(thing.turn)
    along = v * np.cos(thing.turn) - u * np.sin(thing.turn)
    stripes = np.clip(0.5 + 1.5 * np.sin(across * 1.8 + thing.phase), 0, 1)[:, :, None]
    shade = 1.08 - 0.30 * (np.hypot(u + 1, v + 1) / thing.radius / 1.5)[:, :, None]
    colour = (stripes * colours[0] + (1 - stripes) * colours[1]) * shade
    cover: np.ndarray = np.clip(0.5 - _distance(thing, across, along), 0, 1)
    canvas += cover[:, :, None] * (colour - canvas)
    return cover


def _distance(thing: Thing, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Pixels to the outline, negative inside; all three shapes fit into a circle of the thing's radius."""
    if thing.shape == "disc":
        return np.asarray(np.hypot(across, along) - thing.radius)
    if thing.shape == "square":
        return np.asarray(np.maximum(abs(across), abs(along)) - thing.radius / np.sqrt(2))
    sides = [across * np.cos(a) + along * np.sin(a) for a in np.arange(3) * 2 * np.pi / 3]
    return np.asarray(np.max(sides, axis=0) - thing.radius / 2)


@cache
def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    return x, y


def _one(rng: np.random.Generator, *choices: str) -> str:
    return choices[rng.integers(len(choices))]


def _known(**given: str) -> None:
    kinds = {"domain": Domain, "scenery": Scenery, "split": Split}
    for name, value in given.items():
        allowed = get_args(kinds[name])
        if value not in allowed:
            raise ValueError(f"there is no {name} {value!r}; allowed: {', '.join(allowed)}")


def _part(draw: partial[Picture], name: str) -> np.ndarray:
    part: np.ndarray = getattr(draw(), name)
    return part
