"""Searches for pixels that turn the answer, one after the other, each on the images that are left."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.perturb.guard import guarded
from camaudit.perturb.one_pixel import Evolution, Guided, Oracle, Sweep, paint, run
from camaudit.perturb.one_pixel.candidates import LEVELS, colours_8bit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.checks.one_pixel import OnePixelAttack, SearchName
    from camaudit.classifier import Classifier
    from camaudit.perturb.one_pixel.run import Search

MOST, LEAST = 512, 16
"""Candidates in one forward: of small images, and of any."""
PIXELS_AT_ONCE = MOST * 64 * 64


@dataclass(frozen=True, kw_only=True)
class Hunted:
    """What came of one image: the candidate [k, 5] that turns it or None, and queries by search asked."""

    candidate: np.ndarray | None
    queries: dict[SearchName, int]
    by: SearchName | None

    def places(self, size: tuple[int, ...]) -> np.ndarray:
        """Row and column of its pixels [k, 2], in an image of `size`."""
        assert self.candidate is not None
        placed: np.ndarray = np.clip(np.floor(self.candidate[:, :2]), 0, np.array(size) - 1)
        return placed

    @property
    def text(self) -> str:
        """Which pixels became which colour: ``row 3, column 7: (255, 0, 0)``."""
        assert self.candidate is not None
        colours = colours_8bit(self.candidate[:, 2:]).astype(int).tolist()
        places = np.floor(self.candidate[:, :2]).astype(int).tolist()
        return "; ".join(
            f"row {row}, column {column}: ({', '.join(map(str, colour))})"
            for (row, column), colour in zip(places, colours, strict=True)
        )


def hunt(
    attack: OnePixelAttack,
    network: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    goals: Sequence[int] | None,
    seeds: Sequence[int],
) -> list[Hunted]:
    """Search images [n, 3, h, w] for any answer but their label, or for the first of the `goals` reached.

    Each search aims at one goal after the other, but at no image's own label, before the next search begins.
    """
    size = images.shape[2] * images.shape[3]
    batch = max(LEAST, min(MOST, PIXELS_AT_ONCE // size))
    queries: list[dict[SearchName, int]] = [{} for _ in images]
    hits: dict[int, tuple[np.ndarray, SearchName]] = {}
    with guarded(network.module, seed=seeds[0]):
        oracles = (
            [Oracle(network, images, labels, batch=batch)]
            if goals is None
            else [
                Oracle(network, images, torch.full_like(labels, goal), targeted=True, batch=batch)
                for goal in goals
            ]
        )
        for name, oracle in product(attack.searches, oracles):
            own = oracle.targeted & (oracle.classes == labels)
            left = [row for row in range(len(images)) if row not in hits and not own[row]]
            for found in run(oracle, made(attack, name), left, seeds=seeds) if left else ():
                queries[found.row][name] = queries[found.row].get(name, 0) + found.queries
                if found.candidate is not None:
                    hits[found.row] = found.candidate, name
    return [
        Hunted(
            candidate=hits[row][0] if row in hits else None, queries=own, by=hits.get(row, (None, None))[1]
        )
        for row, own in enumerate(queries)
    ]


def made(attack: OnePixelAttack, name: SearchName) -> Search:
    """The search as the spec describes it."""
    if name == "guided":
        return Guided(budget=attack.guided_queries)
    if name == "sweep":
        return Sweep()
    return Evolution(pixels=attack.pixels, population=attack.population, generations=attack.generations)


def control(
    network: Classifier, image: Tensor, candidate: np.ndarray, label: int, *, tries: int, seed: int
) -> Tensor | None:
    """The same colours at other pixels, where the answer stays `label`: the image [1, 3, h, w], or None.

    Places are drawn at random without repetition, none of them the candidate's own or one that has the
    colour already; the first of `tries` that leaves the answer as it is is taken.
    """
    places = _elsewhere(image, candidate, tries, np.random.default_rng(seed))
    if not len(places):
        return None
    painted = paint(image.expand(len(places), -1, -1, -1), places)
    with torch.inference_mode():
        logits = network.logits(painted)
    held = ((logits.argmax(1) == label) & logits.isfinite().all(1)).nonzero().flatten()
    return painted[held[:1]] if len(held) else None


def _elsewhere(image: Tensor, candidate: np.ndarray, tries: int, rng: np.random.Generator) -> np.ndarray:
    """Candidates [t, k, 5] of the same colours at pixels that do not have them, and not its own."""
    height, width = image.shape[2:]
    levels = (image[0].double() * LEVELS).round().cpu().numpy()
    colours = colours_8bit(candidate[:, 2:])
    free = np.ones((height, width), dtype=bool)
    for colour in colours:
        free &= (levels != colour[:, None, None]).any(0)
    rows, columns = np.floor(candidate[:, :2]).astype(int).T
    free[np.clip(rows, 0, height - 1), np.clip(columns, 0, width - 1)] = False
    places = rng.permutation(np.argwhere(free))
    each = len(candidate)
    count = min(tries, len(places) // each)
    chosen = places[: count * each].reshape(count, each, 2).astype(np.float64)
    return np.concatenate([chosen, np.broadcast_to(colours, (count, each, 3))], axis=2)
