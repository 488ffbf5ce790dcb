"""The sweep's candidates in a clever order, and few of them; then colours inside the cube."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camaudit.errors import ModelError
from camaudit.perturb.one_pixel.candidates import CORNERS, LEVELS
from camaudit.perturb.one_pixel.sweep import corner_candidates

if TYPE_CHECKING:
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
NEIGHBOURS = np.array([(down, right) for down in (-1, 0, 1) for right in (-1, 0, 1) if down or right])
"""Rows down and columns right of a position to those around it, [8, 2]."""
TURNED = np.array([1, 2, 4])
"""What a corner's number is combined with to turn one of blue, green and red round."""
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
        self._spread = np.zeros(len(self.candidates), dtype=bool)

    def hear(self, chosen: np.ndarray, fitness: np.ndarray) -> None:
        """Note what the network said."""
        self.fitness[chosen] = fitness

    def fittest(self, count: int) -> np.ndarray:
        """The fittest candidates at different positions."""
        ranked = self._ranked(np.isfinite(self.fitness))
        best: np.ndarray = ranked[_first(ranked // len(CORNERS))][:count]
        return best

    def by_gradient(self, count: int) -> np.ndarray:
        """The next candidates in order of gradient."""
        self._order = self._order[self._open[self._order]]
        return self._take(self._order[:count])

    def coarse(self) -> np.ndarray:
        """Every so many rows and columns, in the colours that the gradient prefers there."""
        height, width = self.size
        rows, columns = np.arange(STRIDE // 2, height, STRIDE), np.arange(STRIDE // 2, width, STRIDE)
        places = (rows[:, None] * width + columns).ravel()
        estimates = self._estimates.reshape(-1, len(CORNERS))[places]
        colours = np.argsort(estimates, axis=1, kind="stable")[:, :COLOURS_EACH]
        wanted = (places[:, None] * len(CORNERS) + colours).ravel()
        return self._take(wanted[self._open[wanted]])

    def near_and_next(self, count: int) -> np.ndarray:
        """A round: neighbours of the fittest, and the next in order of gradient. Empty at the end."""
        near = self._take(self._neighbours(int(SHARE_NEAR * count)))
        return np.concatenate([near, self.by_gradient(count - len(near))])

    def _neighbours(self, count: int) -> np.ndarray:
        """Open neighbours of the fittest candidates, fittest first, each once; at most so many."""
        ranked = self._ranked(np.isfinite(self.fitness) & ~self._spread)
        found = np.empty(0, dtype=np.int64)
        for start in range(0, len(ranked), count):
            items = ranked[start : start + count]
            around = self._around(items)
            fresh = self._open[around]
            # Their neighbours will not open again: they need not be looked at a second time.
            self._spread[items[~fresh.any(axis=1)]] = True
            found = np.concatenate([found, around[fresh]])
            found = found[_first(found)]
            if len(found) >= count:
                break
        return found[:count]

    def _around(self, items: np.ndarray) -> np.ndarray:
        """One pixel further, or another corner: [q, 11]. Beyond the border stands the candidate itself."""
        places, corners = np.divmod(items, len(CORNERS))
        height, width = self.size
        rows = places[:, None] // width + NEIGHBOURS[:, 0]
        columns = places[:, None] % width + NEIGHBOURS[:, 1]
        inside = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        moved = (rows * width + columns) * len(CORNERS) + corners[:, None]
        turned = places[:, None] * len(CORNERS) + (corners[:, None] ^ TURNED)
        return np.concatenate([np.where(inside, moved, items[:, None]), turned], axis=1)

    def _ranked(self, which: np.ndarray) -> np.ndarray:
        """These candidates, fittest first."""
        items = np.flatnonzero(which)
        ranked: np.ndarray = items[np.argsort(self.fitness[items], kind="stable")]
        return ranked

    def _take(self, items: np.ndarray) -> np.ndarray:
        """So many of them as the budget allows, marked as asked."""
        chosen = items[: self.left]
        self._open[chosen] = False
        self.left -= len(chosen)
        return chosen


def _first(items: np.ndarray) -> np.ndarray:
    """Where each value stands first, in order of place."""
    _, places = np.unique(items, return_index=True)
    ordered: np.ndarray = np.sort(places)
    return ordered


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
