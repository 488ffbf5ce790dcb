"""The sweep's candidates in a clever order, and few of them; then colours inside the cube."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING

import numpy as np

from camaudit.errors import ModelError
from camaudit.perturb.one_pixel.candidates import CORNERS, LEVELS
from camaudit.perturb.one_pixel.sweep import corner_candidates

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.perturb.one_pixel.oracle import Oracle
    from camaudit.perturb.one_pixel.run import Proposals

ROUND = 64
"""Candidates between two looks at what the network said."""
SHARE_NEAR = 0.75
"""Of a round, how much goes to the neighbourhood of what did best so far; the rest goes on by gradient."""
STRIDE = 4
"""Pixels between the positions of the coarse look."""
COLOURS_EACH = 2
"""Corner colours tried at each position of the coarse look: those that the gradient prefers."""
REFINED = 4
"""Positions whose colour is refined inside the cube at the end."""
STEPS = (0.5, 0.25)
"""How far colours are moved in the two rounds of refinement, as a share of the cube's edge."""


@dataclass(frozen=True, kw_only=True)
class Guided:
    """Corner colours by gradient, by a coarse look over the image, near what did best; then finer colours.

    1. `hints` [m, 1, 5], if there are any: candidates that worked for other images.
    2. The first 64 candidates in the order of the first-order estimate Σ_c ∂fitness/∂x_c · (corner_c − x_c).
    3. A coarse look: every fourth row and column in the two corners that the gradient prefers there.
    4. Rounds of 64: the neighbours (one pixel further, or another corner) of the fittest candidates so far,
       and the next ones in order of gradient, until `budget` candidates were asked.
    5. The colours of the four fittest positions, moved inside the cube.

    One gradient is taken besides. The seed plays no part.
    """

    budget: int = 1024
    hints: np.ndarray | None = None
    name: str = "guided"

    def __post_init__(self) -> None:
        if self.budget < 1:
            raise ModelError(f"a budget of {self.budget} candidates; at least 1 is needed")

    def proposals(self, oracle: Oracle, row: int, rng: np.random.Generator) -> Proposals:  # noqa: ARG002 - no chance
        """Batches of candidates [q, 1, 5]."""
        if self.hints is not None and len(self.hints):
            yield self.hints
        board = _Board(oracle.size, _estimates(oracle, row), self.budget)
        for chosen in (board.by_gradient(ROUND), board.coarse()):
            board.hear(chosen, (yield board.candidates[chosen]))
        while len(chosen := board.near_and_next(ROUND)):
            board.hear(chosen, (yield board.candidates[chosen]))
        best = board.fittest(REFINED)
        places, fitness = board.candidates[best], board.fitness[best]
        for step in STEPS:
            tried = _moved(places, step * LEVELS)
            heard = yield tried.reshape(-1, 1, 5)
            places, fitness = _better(places, fitness, tried, heard.reshape(tried.shape[:2]))


def _estimates(oracle: Oracle, row: int) -> np.ndarray:
    """First-order change of fitness of every corner candidate, float64 [8·h·w], in the sweep's order."""
    gradient = oracle.gradient(row)
    own = oracle.images[row].double().cpu().numpy()
    corners = CORNERS / LEVELS
    reach = np.tensordot(gradient, corners, axes=(0, 1)) - (gradient * own).sum(axis=0)[:, :, None]
    estimates: np.ndarray = np.nan_to_num(reach, nan=0.0).ravel()
    return estimates


class _Board:
    """Which corner candidates were asked, and how fit they were."""

    def __init__(self, size: tuple[int, int], estimates: np.ndarray, budget: int) -> None:
        self.size = size
        self.candidates = corner_candidates(size)
        self.fitness = np.full(len(self.candidates), np.inf)
        self.left = budget
        self._estimates = estimates
        self._order = np.argsort(estimates, kind="stable")
        self._open = np.ones(len(self.candidates), dtype=bool)
        self._spread: set[int] = set()

    def hear(self, chosen: np.ndarray, fitness: np.ndarray) -> None:
        """Note what the network said."""
        self.fitness[chosen] = fitness

    def fittest(self, count: int) -> np.ndarray:
        """The fittest candidates at different positions."""
        ranked = np.argsort(self.fitness, kind="stable")
        ranked = ranked[np.isfinite(self.fitness[ranked])]
        _, first = np.unique(ranked // len(CORNERS), return_index=True)
        best: np.ndarray = ranked[np.sort(first)[:count]]
        return best

    def by_gradient(self, count: int) -> np.ndarray:
        """The next candidates in order of gradient."""
        return self._take(islice((int(item) for item in self._order if self._open[item]), count))

    def coarse(self) -> np.ndarray:
        """Every so many rows and columns, in the colours that the gradient prefers there."""
        height, width = self.size
        places = [
            row * width + column
            for row in range(STRIDE // 2, height, STRIDE)
            for column in range(STRIDE // 2, width, STRIDE)
        ]
        estimates = self._estimates.reshape(-1, len(CORNERS))[places]
        colours = np.argsort(estimates, axis=1, kind="stable")[:, :COLOURS_EACH]
        wanted = (np.array(places)[:, None] * len(CORNERS) + colours).ravel()
        return self._take(int(item) for item in wanted if self._open[item])

    def near_and_next(self, count: int) -> np.ndarray:
        """A round: neighbours of the fittest, and the next in order of gradient. Empty at the end."""
        near = self._take(islice(self._neighbours(), int(SHARE_NEAR * count)))
        return np.concatenate([near, self.by_gradient(count - len(near))])

    def _neighbours(self) -> Iterator[int]:
        """Open neighbours of the fittest candidates that were not spread from before, fittest first."""
        for item in np.argsort(self.fitness, kind="stable"):
            if not np.isfinite(self.fitness[item]):
                return
            if item in self._spread:
                continue
            fresh = [other for other in self._around(int(item)) if self._open[other]]
            yield from fresh
            self._spread.add(int(item))

    def _around(self, item: int) -> Iterator[int]:
        place, corner = divmod(item, len(CORNERS))
        height, width = self.size
        row, column = divmod(place, width)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                if (down or right) and 0 <= row + down < height and 0 <= column + right < width:
                    yield ((row + down) * width + column + right) * len(CORNERS) + corner
        for other in (1, 2, 4):  # one of red, green and blue turned round
            yield place * len(CORNERS) + (corner ^ other)

    def _take(self, items: Iterator[int]) -> np.ndarray:
        """So many of them as the budget allows, marked as asked."""
        chosen = np.fromiter(islice(items, max(self.left, 0)), dtype=np.int64)
        self._open[chosen] = False
        self.left -= len(chosen)
        return chosen


def _moved(places: np.ndarray, step: float) -> np.ndarray:
    """Colours moved up and down along each axis, [p, 6, 1, 5]; what leaves the cube stays on its border."""
    moves = np.concatenate([np.eye(3), -np.eye(3)]) * step
    tried = np.repeat(places[:, None], len(moves), axis=1)
    tried[..., 2:] = np.clip(tried[..., 2:] + moves[None, :, None, :], 0.0, LEVELS)
    return tried


def _better(
    places: np.ndarray, fitness: np.ndarray, tried: np.ndarray, heard: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    best = heard.argmin(axis=1)
    each = np.arange(len(places))
    gained = heard[each, best] < fitness
    return (
        np.where(gained[:, None, None], tried[each, best], places),
        np.where(gained, heard[each, best], fitness),
    )
