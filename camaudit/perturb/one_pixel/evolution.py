"""Differential evolution over pixels and colours, as the one-pixel paper does it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camaudit.errors import ModelError
from camaudit.perturb.one_pixel.candidates import GENES, LEVELS

if TYPE_CHECKING:
    from camaudit.perturb.one_pixel.oracle import Oracle
    from camaudit.perturb.one_pixel.run import Proposals

COLOUR_MEAN = 128.0
COLOUR_SPREAD = 127.0
PARENTS = 4
"""rand/1 takes three others beside the member itself."""


@dataclass(frozen=True, kw_only=True)
class Evolution:
    """DE/rand/1 without crossover: child i = x_a + F (x_b − x_c), a, b, c, i distinct.

    Generation 0: places uniform over the image, colours N(128, 127) clipped to 0 … 255; it is asked first.
    A child takes its parent's place where it is at least as fit. What leaves the image or the colour cube is
    put back on its border. At most `population` · (`generations` + 1) queries.

    Source: J. Su, D. V. Vargas and K. Sakurai, IEEE TEVC 2019, section III (400 members, 100 generations,
    F = 0.5). Raises `ModelError` for fewer than four members, no pixels, or a negative number of generations.
    """

    pixels: int = 1
    population: int = 400
    generations: int = 100
    weight: float = 0.5
    name: str = "evolution"

    def __post_init__(self) -> None:
        if self.population < PARENTS:
            raise ModelError(f"a population of {self.population}; rand/1 needs at least {PARENTS}")
        if self.pixels < 1 or self.generations < 0:
            raise ModelError(
                f"{self.pixels} pixels and {self.generations} generations; at least 1 and 0 are needed"
            )

    def proposals(self, oracle: Oracle, row: int, rng: np.random.Generator) -> Proposals:  # noqa: ARG002 - the same for every image
        """The generations of one image, members [population, pixels, 5]."""
        top = _top(oracle.size)
        members = self._first(top, rng)
        fitness = yield members
        for _ in range(self.generations):
            first, second, third = distinct(self.population, rng)
            children = np.clip(members[first] + self.weight * (members[second] - members[third]), 0.0, top)
            heard = yield children
            better = heard <= fitness
            members = np.where(better[:, None, None], children, members)
            fitness = np.where(better, heard, fitness)

    def _first(self, top: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        shape = (self.population, self.pixels)
        places = rng.uniform(0.0, top[:2], size=(*shape, 2))
        colours = rng.normal(COLOUR_MEAN, COLOUR_SPREAD, size=(*shape, GENES - 2))
        return np.concatenate([places, np.clip(colours, 0.0, LEVELS)], axis=2)


def distinct(population: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """For every member three others, all four distinct, each triple equally likely: int64 [population]."""
    own = np.arange(population)
    taken = own[:, None]
    drawn = []
    for _ in range(PARENTS - 1):
        chosen = rng.integers(population - taken.shape[1], size=population)
        # The chosen-th of those that are not taken: step over each taken one, from the lowest.
        for column in np.sort(taken, axis=1).T:
            chosen = chosen + (chosen >= column)
        drawn.append(chosen)
        taken = np.column_stack([taken, chosen])
    first, second, third = drawn
    return first, second, third


def _top(size: tuple[int, int]) -> np.ndarray:
    """The largest value of every gene; places stay below the size, so that they lie in the last cell."""
    return np.array([*(np.nextafter(side, 0.0) for side in size), *[float(LEVELS)] * 3])
