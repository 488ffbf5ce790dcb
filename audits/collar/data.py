"""Drawn cats and dogs as samples. Which of them wear a collar is an argument, so that it can be set apart."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from camaudit import Sample
from camaudit.data.masks import MaskArray

from .animals import Species, draw_animal
from .painting import Picture, paint_animal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from .animals import Animal

Collars = Literal["consistent", "random", "reversed", "all", "none"]
"""Who wears a collar: dogs alone, every animal with chance ½, cats alone, all, none."""
Split = Literal["train", "test"]

CLASSES: tuple[Species, ...] = get_args(Species)
KEPT = 512
"""How many pictures are kept: image and masks of a sample are asked for one after the other."""


def samples(
    *, split: Split = "test", collars: Collars = "consistent", n: int = 400, seed: int = 0
) -> Iterator[Sample]:
    """`n` animals of a split as samples, cats and dogs by turns; each is painted when it is read.

    Regions: ``object`` is the animal; ``collar`` is where its collar is, or would be if it wore one.
    The same split, seed and number is the same animal whatever `collars` says. Raises `ValueError` for an
    unknown split or an unknown kind of collars.
    """
    for number in range(n):
        worn = wears(number, collars, split=split, seed=seed)
        draw = partial(picture, number, collar=worn, split=split, seed=seed)
        label = number % len(CLASSES)
        yield Sample(
            id=f"{CLASSES[label]}-{number:04d}",
            image=partial(_part, draw, "image"),
            masks={
                "object": MaskArray(array=partial(_part, draw, "object")),
                "collar": MaskArray(array=partial(_part, draw, "collar")),
            },
            label=label,
            label_name=CLASSES[label],
            metadata={"collar": "yes" if worn else "no"},
        )


def wears(number: int, collars: Collars, *, split: Split = "test", seed: int = 0) -> bool:
    """Whether an animal wears a collar."""
    if collars not in get_args(Collars):
        raise ValueError(f"there are no collars {collars!r}; allowed: {', '.join(get_args(Collars))}")
    if collars == "random":
        return bool(np.random.default_rng((*_origin(split, seed, number), 1)).random() < 0.5)
    dog = CLASSES[number % len(CLASSES)] == "dog"
    return {"consistent": dog, "reversed": not dog, "all": True, "none": False}[collars]


@lru_cache(maxsize=KEPT)
def picture(number: int, *, collar: bool, split: Split = "test", seed: int = 0) -> Picture:
    """One animal with its collar or without: do(collar)."""
    return paint_animal(animal(number, split=split, seed=seed), collar=collar)


def animal(number: int, *, split: Split = "test", seed: int = 0) -> Animal:
    """What an animal of a split is like; no two splits or seeds share one."""
    return draw_animal(CLASSES[number % len(CLASSES)], _origin(split, seed, number))


def arrays(split: Split, collars: Collars, n: int, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """`n` pictures, uint8 [n, 64, 64, 3], and their labels [n]."""
    images = [
        paint_animal(
            animal(number, split=split, seed=seed), collar=wears(number, collars, split=split, seed=seed)
        ).image
        for number in range(n)
    ]
    return np.stack(images), np.arange(n) % len(CLASSES)


def _origin(split: Split, seed: int, number: int) -> tuple[int, ...]:
    if split not in get_args(Split):
        raise ValueError(f"there is no split {split!r}; allowed: {', '.join(get_args(Split))}")
    return get_args(Split).index(split), seed, number


def _part(draw: partial[Picture], name: str) -> np.ndarray:
    part: np.ndarray = getattr(draw(), name)
    return part
