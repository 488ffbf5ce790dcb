"""Questions about drawn scenes, their answers, and the object that each of them asks about.

A question is drawn first and then a scene that fits it, so that every answer of a family is as frequent as
any other and the question alone tells nothing of the answer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from camaudit import Sample
from camaudit.data.masks import MaskArray

from .scenes import COLOURS, SHAPES, SIZE, Thing, paint, place

if TYPE_CHECKING:
    from collections.abc import Iterator

Split = Literal["train", "test"]
Family = Literal["colour", "colour-where", "shape", "shape-where", "exists"]
FAMILIES: tuple[Family, ...] = get_args(Family)
DIRECTIONS = ("left", "right", "top", "bottom")
ANSWERS = (*COLOURS, *SHAPES, "yes", "no")
WORDS = ("", "what", "colour", "shape", "is", "the", "there", "a", "one", *DIRECTIONS, *COLOURS, *SHAPES)
"""All words of questions; their places are the tokens, and 0 fills a question up."""
LENGTH = 7
ALL_OF_THEM = 4
CACHED = 512


@dataclass(frozen=True, kw_only=True, slots=True)
class Asked:
    """A scene, a question about it, and its answer; the thing that it asks about comes first in `things`.

    `present` is False where there is none: the answer is "no" then.
    """

    family: Family
    question: str
    answer: str
    things: tuple[Thing, ...]
    image: np.ndarray
    present: bool = True

    @property
    def tokens(self) -> np.ndarray:
        """The question as int64 [7]."""
        return encode(self.question)

    @property
    def object(self) -> np.ndarray:
        """The pixels of the thing that is asked about, bool [48, 48]."""
        return _union(self.things[:1] if self.present else ())

    @property
    def others(self) -> np.ndarray:
        """The pixels of all other things, bool [48, 48]."""
        return _union(self.things[1:] if self.present else self.things)


def encode(question: str) -> np.ndarray:
    """A question as tokens, int64 [7], filled up with 0. Raises `ValueError` for an unknown word."""
    found = [WORDS.index(word) for word in question.split()]
    return np.array(found + [0] * (LENGTH - len(found)), dtype=np.int64)


@lru_cache(maxsize=CACHED)
def ask(number: int, *, split: Split, family: Family) -> Asked:
    """Question `number` of a family: the same every time. Raises `ValueError` for unknown names."""
    if split not in get_args(Split):
        raise ValueError(f"there is no split {split!r}; allowed: {', '.join(get_args(Split))}")
    if family not in FAMILIES:
        raise ValueError(f"there is no family {family!r}; allowed: {', '.join(FAMILIES)}")
    rng = np.random.default_rng((get_args(Split).index(split), FAMILIES.index(family), number))
    where = _one(rng, DIRECTIONS) if family.endswith("-where") else None
    while True:
        question, answer, looks = _ABOUT[family](rng, where)
        things = place(rng, looks, where)
        if things is not None:
            break
    drawn = tuple(things)
    return Asked(
        family=family,
        question=question,
        answer=answer,
        things=drawn,
        image=paint(drawn, rng),
        present=answer != "no",
    )


def samples(*, n: int, split: Split = "test", families: tuple[Family, ...] = FAMILIES) -> Iterator[Sample]:
    """`n` questions, the families in turn, each about a thing that is there: no answer is "no".

    Regions: ``object`` is the thing asked about, ``others`` are all other things.
    """
    made, number = 0, 0
    while made < n:
        family = families[number % len(families)]
        draw = partial(ask, number // len(families), split=split, family=family)
        asked, number = draw(), number + 1
        if not asked.present:
            continue
        made += 1
        yield Sample(
            id=f"{family}-{(number - 1) // len(families):04d}",
            image=partial(_part, draw, "image"),
            masks={name: MaskArray(array=partial(_part, draw, name)) for name in ("object", "others")},
            label=ANSWERS.index(asked.answer),
            label_name=asked.answer,
            metadata={"question": asked.question},
            inputs={"question": asked.tokens},
        )


def arrays(
    n: int, split: Split, families: tuple[Family, ...] = FAMILIES
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`n` questions, the families in turn: images uint8 [n, 48, 48, 3], tokens [n, 7], answers [n]."""
    count = len(families)
    found = [
        ask.__wrapped__(number // count, split=split, family=families[number % count]) for number in range(n)
    ]
    answers = np.array([ANSWERS.index(item.answer) for item in found])
    return np.stack([item.image for item in found]), np.stack([item.tokens for item in found]), answers


Drawn = tuple[str, str, list[tuple[str, str]]]
"""A question, its answer, and how the things look, as (colour, shape), the one asked about first."""


def _colour(rng: np.random.Generator, where: str | None) -> Drawn:
    """Among things of other shapes; with a direction, also one of the same shape and of another colour."""
    colour, shape = _look(rng)
    looks = [(colour, shape)]
    if where is not None:
        looks.append((_other(rng, COLOURS, colour), shape))
    looks += [(_one(rng, COLOURS), _other(rng, SHAPES, shape)) for _ in range(_further(rng, looks))]
    return f"what colour is the {_kind(where, shape)}", colour, looks


def _shape(rng: np.random.Generator, where: str | None) -> Drawn:
    """Among things of other colours; with a direction, also one of the same colour and of another shape."""
    colour, shape = _look(rng)
    looks = [(colour, shape)]
    if where is not None:
        looks.append((colour, _other(rng, SHAPES, shape)))
    looks += [(_other(rng, COLOURS, colour), _one(rng, SHAPES)) for _ in range(_further(rng, looks))]
    return f"what shape is the {_kind(where, colour)} one", shape, looks


def _exists(rng: np.random.Generator, _where: str | None) -> Drawn:
    """One of the others has the colour alone, one the shape alone, be the thing there or not."""
    colour, shape = _look(rng)
    there = bool(rng.integers(2))
    looks = [(colour, shape) if there else (_other(rng, COLOURS, colour), _other(rng, SHAPES, shape))]
    looks += [(colour, _other(rng, SHAPES, shape)), (_other(rng, COLOURS, colour), shape)]
    if bool(rng.integers(2)):
        looks.append((_other(rng, COLOURS, colour), _other(rng, SHAPES, shape)))
    return f"is there a {colour} {shape}", "yes" if there else "no", looks


_ABOUT = {
    "colour": _colour,
    "colour-where": _colour,
    "shape": _shape,
    "shape-where": _shape,
    "exists": _exists,
}


def _kind(where: str | None, what: str) -> str:
    return what if where is None else f"{where} {what}"


def _further(rng: np.random.Generator, looks: list[tuple[str, str]]) -> int:
    """How many things more: two to four in all, and at least one that is not of the kind asked about."""
    return int(rng.integers(1, ALL_OF_THEM - len(looks) + 1))


def _look(rng: np.random.Generator) -> tuple[str, str]:
    return _one(rng, COLOURS), _one(rng, SHAPES)


def _one(rng: np.random.Generator, names: tuple[str, ...] | dict[str, tuple[int, int, int]]) -> str:
    return list(names)[rng.integers(len(names))]


def _other(
    rng: np.random.Generator, names: tuple[str, ...] | dict[str, tuple[int, int, int]], but: str
) -> str:
    return _one(rng, tuple(name for name in names if name != but))


def _union(things: tuple[Thing, ...]) -> np.ndarray:
    drawn = np.zeros((SIZE, SIZE), dtype=bool)
    for thing in things:
        drawn |= thing.mask()
    return drawn


def _part(draw: partial[Asked], name: str) -> np.ndarray:
    part: np.ndarray = getattr(draw(), name)
    return part
