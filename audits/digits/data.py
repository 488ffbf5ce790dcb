"""scikit-learn's handwritten digits somewhere on a black canvas, with a grey patch in one of the corners.

The patch is Decoy-MNIST's idea: its grey level may give the label away (A. S. Ross, M. C. Hughes and
F. Doshi-Velez, “Right for the right reasons”, 2017). The digits are real scans, 8 × 8 pixels each, that
travel inside scikit-learn (E. Alpaydin, C. Kaynak, UCI “Optical recognition of handwritten digits”, 1998).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, partial
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from PIL import Image
from sklearn.datasets import load_digits

from camaudit import Sample
from camaudit.data.masks import MaskArray

if TYPE_CHECKING:
    from collections.abc import Iterator

Patch = Literal["consistent", "random", "absent"]
"""How the patch's grey level comes about: from the label, by chance, or no patch at all."""
Split = Literal["train", "test"]

INK = 16
"""The scans' darkest value."""
ZOOM = 2
DIGIT = 8 * ZOOM
CANVAS = 36
MARGIN = 6
"""Pixels at the canvas's border that belong to the patch: the digit lies anywhere within the rest."""
PATCH = 5
INSET = 1
"""Pixels between the patch and the border of the canvas; with them the patch keeps inside the margin."""
STROKE = 64
"""A pixel belongs to the strokes from this grey level on: a quarter of full ink."""
TRAINING = 1197
"""How many of the 1,797 scans are for training; the other 600 are for the audit."""
ORDER = 20
"""Seed of the shuffle that tells training from test scans."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """One canvas: uint8 [36, 36, 3], with the strokes and the patch as bool [36, 36]."""

    image: np.ndarray
    strokes: np.ndarray
    decoy: np.ndarray


def level(label: int) -> int:
    """The grey level that stands for a label: 255, 230 … 30."""
    return 255 - 25 * label


def samples(*, split: Split = "test", patch: Patch = "consistent", seed: int = 0) -> Iterator[Sample]:
    """The scans of a split as samples; each draws its picture when it is read.

    Regions: ``object`` are the strokes, ``decoy`` is the patch (not there where it is absent).
    `seed` decides places, corners and chance grey levels; places and corners are the same whatever `patch`
    says. Raises `ValueError` for an unknown split or patch.
    """
    for number in numbers(split):
        label = int(_scans()[1][number])
        draw = partial(picture, int(number), patch=patch, seed=seed)
        masks = {"object": MaskArray(array=partial(_part, draw, "strokes"))}
        if patch != "absent":
            masks["decoy"] = MaskArray(array=partial(_part, draw, "decoy"))
        yield Sample(
            id=f"digit-{number:04d}",
            image=partial(_part, draw, "image"),
            masks=masks,
            label=label,
            label_name=str(label),
            metadata={"patch": patch},
        )


def numbers(split: Split) -> np.ndarray:
    """Which scans belong to a split; disjoint, the same on every machine."""
    if split not in get_args(Split):
        raise ValueError(f"there is no split {split!r}; allowed: {', '.join(get_args(Split))}")
    order = np.random.default_rng(ORDER).permutation(len(_scans()[1]))
    return order[:TRAINING] if split == "train" else order[TRAINING:]


def picture(number: int, *, patch: Patch, seed: int = 0) -> Picture:
    """Scan `number`, twice as large, somewhere on its canvas, with its patch in one of the corners."""
    if patch not in get_args(Patch):
        raise ValueError(f"there is no patch {patch!r}; allowed: {', '.join(get_args(Patch))}")
    scans, labels = _scans()
    rng = np.random.default_rng((seed, number))
    top, left = rng.integers(MARGIN, CANVAS - MARGIN - DIGIT + 1, size=2)
    rows, columns = (_edge(far=bool(far)) for far in rng.integers(2, size=2))
    told = int(labels[number]) if patch == "consistent" else int(rng.integers(10))
    grey = np.zeros((CANVAS, CANVAS), dtype=np.uint8)
    grey[top : top + DIGIT, left : left + DIGIT] = _enlarged(scans[number])
    strokes = grey >= STROKE
    decoy = np.zeros_like(strokes)
    if patch != "absent":
        decoy[rows, columns] = True
        grey[decoy] = level(told)
    return Picture(image=np.repeat(grey[:, :, None], 3, axis=2), strokes=strokes, decoy=decoy)


def arrays(split: Split, patch: Patch, *, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """All pictures of a split, uint8 [n, 36, 36, 3], and their labels [n]."""
    chosen = numbers(split)
    images = np.stack([picture(int(number), patch=patch, seed=seed).image for number in chosen])
    return images, _scans()[1][chosen]


@cache
def _scans() -> tuple[np.ndarray, np.ndarray]:
    """Ink 0 … 16 as [1797, 8, 8], and the labels."""
    digits = load_digits()
    return digits.images, digits.target


def _enlarged(scan: np.ndarray) -> np.ndarray:
    grey = Image.fromarray(np.round(scan * (255 / INK)).astype(np.uint8))
    return np.asarray(grey.resize((DIGIT, DIGIT), Image.Resampling.BILINEAR))


def _edge(*, far: bool) -> slice:
    return slice(CANVAS - INSET - PATCH, CANVAS - INSET) if far else slice(INSET, INSET + PATCH)


def _part(draw: partial[Picture], name: str) -> np.ndarray:
    part: np.ndarray = getattr(draw(), name)
    return part
