"""Drawn scenes of two objects, and the caption that describes them: “a red circle left of a blue square”.

The caption begins with the left object where the two lie rather beside each other, and with the upper one
where they lie rather above each other. Colours differ, and so do shapes, so that each content word names one
object.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache, partial
from itertools import product
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from camaudit import Sample
from camaudit.data.masks import MaskArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Split = Literal["train", "test"]
Colour = tuple[float, float, float]

Change = tuple[Literal[0, 1], Literal["colour", "shape"]]
"""Which object is changed, the first or the second of the caption, and in what."""

SIZE = 32
NOISE = 0.02
COLOURS: dict[str, Colour] = {
    "red": (0.80, 0.18, 0.16),
    "green": (0.22, 0.62, 0.24),
    "blue": (0.20, 0.32, 0.80),
    "yellow": (0.88, 0.76, 0.20),
}
SHAPES = ("circle", "square", "triangle")
RELATIONS = ("left", "above")
WORDS = ("a", *COLOURS, *SHAPES, *RELATIONS, "of")
"""The vocabulary. “above” is followed by “of” as well, so that all captions have eight words."""
SLOTS = ("a", "first colour", "first shape", "relation", "of", "a", "second colour", "second shape")
"""What each word of a caption says."""
CONTENT = {"first colour": 0, "first shape": 0, "second colour": 1, "second shape": 1}
"""The slots that name an object, and which of the two it is."""
WHOLE = "whole caption"
SCORES = (*CONTENT, WHOLE)
"""What the audit explains, in the order of the network's scores."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Thing:
    """One object: its colour, its shape, where it lies (pixels), how large it is and how it is turned."""

    colour: str
    shape: str
    x: float
    y: float
    radius: float
    turn: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Scene:
    """uint8 [32, 32, 3]; the two objects in the order of the caption, and their masks, bool [32, 32]."""

    image: np.ndarray
    things: tuple[Thing, Thing]
    masks: tuple[np.ndarray, np.ndarray]

    @property
    def caption(self) -> tuple[str, ...]:
        """The eight words."""
        first, second = self.things
        return (
            "a",
            first.colour,
            first.shape,
            _relation(first, second),
            "of",
            "a",
            second.colour,
            second.shape,
        )


def samples(
    *, n: int = 300, what: Literal["words", "captions"] = "words", split: Split = "test"
) -> Iterator[Sample]:
    """The first `n` scenes: one sample for each content word, or one for each whole caption.

    The label says which score is explained (`SCORES`), the group which scene it is. Regions: ``object`` is
    what the word names, ``other`` the object that it does not; of a whole caption, ``object`` are both.
    Raises `ValueError` for an unknown split, or where `what` is neither.
    """
    slots = {"words": tuple(CONTENT), "captions": (WHOLE,)}
    if what not in slots:
        raise ValueError(f"there are no {what!r}; allowed: {', '.join(slots)}")
    for number, slot in product(range(n), slots[what]):
        draw = partial(scene, number, split=split)
        own = CONTENT.get(slot)
        masks = {"object": MaskArray(array=partial(_mask, draw, own))}
        if own is not None:
            masks["other"] = MaskArray(array=partial(_mask, draw, 1 - own))
        yield Sample(
            id=f"scene-{number:04d}-{slot.replace(' ', '-')}",
            image=partial(_image, draw),
            masks=masks,
            label=SCORES.index(slot),
            label_name=slot,
            group=f"scene-{number:04d}",
            metadata={"caption": " ".join(draw().caption)},
        )


def scene(number: int, *, split: Split = "test", change: Change | None = None) -> Scene:
    """Scene `number` of a split; the same every time.

    `change` gives one object the colour, or the shape, that neither of the two has (the first such one), and
    leaves all else as it was.
    """
    if split not in get_args(Split):
        raise ValueError(f"there is no split {split!r}; allowed: {', '.join(get_args(Split))}")
    rng = np.random.default_rng((get_args(Split).index(split), number))
    things = _changed(_ordered(*_things(rng)), change)
    canvas = _ground(rng)
    covers = [_paint(canvas, thing) for thing in things]
    noisy = canvas + rng.normal(0, NOISE, canvas.shape)
    return Scene(
        image=np.round(np.clip(noisy, 0, 1) * 255).astype(np.uint8),
        things=things,
        masks=(covers[0] >= 0.5, covers[1] >= 0.5),
    )


def arrays(n: int, *, split: Split, change: Change | None = None) -> tuple[np.ndarray, np.ndarray]:
    """The first `n` pictures of a split, uint8 [n, 32, 32, 3], and captions as places in `WORDS` [n, 8]."""
    scenes = [scene(number, split=split, change=change) for number in range(n)]
    captions = [[WORDS.index(word) for word in item.caption] for item in scenes]
    return np.stack([item.image for item in scenes]), np.array(captions)


def _things(rng: np.random.Generator) -> tuple[Thing, Thing]:
    """Two objects that do not touch, unlike in colour and shape, and clearly beside or above each other."""
    colours, shapes = rng.permutation(list(COLOURS))[:2], rng.permutation(SHAPES)[:2]
    while True:
        first, second = (
            Thing(
                colour=str(colour),
                shape=str(shape),
                x=rng.uniform(7, SIZE - 7),
                y=rng.uniform(7, SIZE - 7),
                radius=rng.uniform(5, 6.5),
                turn=rng.uniform(-0.3, 0.3),
            )
            for colour, shape in zip(colours, shapes, strict=True)
        )
        across, down = abs(first.x - second.x), abs(first.y - second.y)
        if np.hypot(across, down) >= first.radius + second.radius + 1 and abs(across - down) >= 4:
            return first, second


def _ordered(first: Thing, second: Thing) -> tuple[Thing, Thing]:
    beside = abs(first.x - second.x) > abs(first.y - second.y)
    leads = first.x < second.x if beside else first.y < second.y
    return (first, second) if leads else (second, first)


def _changed(things: tuple[Thing, Thing], change: Change | None) -> tuple[Thing, Thing]:
    if change is None:
        return things
    which, what = change
    taken = {getattr(thing, what) for thing in things}
    free = next(name for name in (COLOURS if what == "colour" else SHAPES) if name not in taken)
    new = replace(things[which], colour=free) if what == "colour" else replace(things[which], shape=free)
    return (new, things[1]) if which == 0 else (things[0], new)


def _relation(first: Thing, second: Thing) -> str:
    return "left" if abs(first.x - second.x) > abs(first.y - second.y) else "above"


def _ground(rng: np.random.Generator) -> np.ndarray:
    """A grey texture of three waves, [32, 32, 3]."""
    x, y = _grid()
    waves = np.zeros((SIZE, SIZE))
    for _ in range(3):
        angle, phase = rng.uniform(0, 2 * np.pi, size=2)
        waves += np.sin((x * np.cos(angle) + y * np.sin(angle)) * rng.uniform(0.2, 0.9) + phase)
    return np.repeat((rng.uniform(0.4, 0.6) + 0.04 * waves)[:, :, None], 3, axis=2)


def _paint(canvas: np.ndarray, thing: Thing) -> np.ndarray:
    """Lay an object over the canvas, in place; how much of each pixel it covers, [32, 32] in [0, 1]."""
    x, y = _grid()
    u, v = x - thing.x, y - thing.y
    across = u * np.cos(thing.turn) + v * np.sin(thing.turn)
    along = v * np.cos(thing.turn) - u * np.sin(thing.turn)
    cover: np.ndarray = np.clip(0.5 - _distance(thing, across, along), 0, 1)
    canvas += cover[:, :, None] * (np.array(COLOURS[thing.colour]) - canvas)
    return cover


def _distance(thing: Thing, across: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Pixels to the outline, negative inside; every shape fits into a circle of the object's radius."""
    if thing.shape == "circle":
        return np.asarray(np.hypot(across, along) - thing.radius)
    if thing.shape == "square":
        return np.asarray(np.maximum(abs(across), abs(along)) - thing.radius / np.sqrt(2))
    sides = [across * np.cos(a) + along * np.sin(a) for a in np.arange(3) * 2 * np.pi / 3]
    return np.asarray(np.max(sides, axis=0) - thing.radius / 2)


@cache
def _grid() -> tuple[np.ndarray, np.ndarray]:
    y, x = np.mgrid[:SIZE, :SIZE] + 0.5
    return x, y


def _image(draw: partial[Scene]) -> np.ndarray:
    return draw().image


def _mask(draw: partial[Scene], own: int | None) -> np.ndarray:
    """The mask of one of the objects, or of both."""
    masks = draw().masks
    return masks[0] | masks[1] if own is None else masks[own]
