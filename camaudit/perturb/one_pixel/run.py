"""Advances the searches of many images together: full batches, and a decided image leaves at once."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.perturb.one_pixel.oracle import Oracle

Proposals = Generator[np.ndarray, np.ndarray, None]
"""Yields candidates [q, k, 5] and is sent their fitness [q]; ends where it gives up."""


class Search(Protocol):
    """A way to search; `name` stands in results."""

    @property
    def name(self) -> str:
        """What it is called."""

    def proposals(self, oracle: Oracle, row: int, rng: np.random.Generator) -> Proposals:
        """The search for one image of the oracle, all its chance from `rng`."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a search found for one image.

    `candidate` [k, 5] reaches the goal, or is None; `predicted` is the answer to it. `queries` counts the
    candidates of this image up to the deciding one, or all: the same whatever else is in the batch.
    `best` is the lowest fitness seen.
    """

    row: int
    search: str
    candidate: np.ndarray | None
    predicted: int | None
    queries: int
    best: float

    @property
    def success(self) -> bool:
        """Whether the goal was reached."""
        return self.candidate is not None


def run(
    oracle: Oracle, search: Search, rows: Iterable[int] | None = None, *, seeds: Sequence[int] | None = None
) -> tuple[Found, ...]:
    """Search for every image of `rows` (all if left out), in their order.

    `seeds` [n] is one seed for each image *of the oracle*; with it the result of an image depends on neither
    its place nor its companions (but for what a batch's arithmetic does in the last digit).
    """
    chosen = list(range(len(oracle))) if rows is None else list(rows)
    waiting = [_Image(oracle, search, row, 0 if seeds is None else seeds[row]) for row in chosen]
    under_way: list[_Image] = []
    everyone = list(waiting)
    while waiting or under_way:
        while waiting and sum(image.left for image in under_way) < oracle.batch:
            image = waiting.pop(0)
            if not image.over:
                under_way.append(image)
        if under_way:
            _advance(oracle, under_way)
        under_way = [image for image in under_way if not image.over]
    return tuple(image.found() for image in everyone)


def _advance(oracle: Oracle, images: list[_Image]) -> None:
    """Put one batch to the network, from the images in their order."""
    room, parts = oracle.batch, []
    for image in images:
        part = image.next(room)
        parts.append((image, part))
        room -= len(part)
        if not room:
            break
    rows = np.concatenate([np.full(len(part), image.row) for image, part in parts])
    answers = oracle.ask(rows, np.concatenate([part for _, part in parts]))
    start = 0
    for image, part in parts:
        end = start + len(part)
        image.hear(answers.fitness[start:end], answers.done[start:end], answers.predicted[start:end])
        start = end


class _Image:
    """One image's search: its open proposal, how much of it was asked, and what came of it."""

    def __init__(self, oracle: Oracle, search: Search, row: int, seed: int) -> None:
        self.row = row
        self.search = search.name
        self.over = False
        self._candidate: np.ndarray | None = None
        self._predicted: int | None = None
        self._queries = 0
        self._best = np.inf
        self._fitness: list[np.ndarray] = []
        self._proposals = search.proposals(oracle, row, np.random.default_rng(seed))
        self._open = self._proposed(None)
        self._asked = 0

    @property
    def left(self) -> int:
        """How many candidates of the open proposal are still to be asked."""
        return 0 if self.over else len(self._open) - self._asked

    def next(self, most: int) -> np.ndarray:
        """The next candidates to ask, at most so many."""
        return self._open[self._asked : self._asked + most]

    def hear(self, fitness: np.ndarray, done: np.ndarray, predicted: np.ndarray) -> None:
        """Take the answers to what `next` gave."""
        hit = int(done.argmax()) if done.any() else None
        heard = len(fitness) if hit is None else hit + 1
        self._queries += heard
        self._best = min(self._best, float(fitness[:heard].min()))
        if hit is not None:
            self._candidate, self._predicted = self._open[self._asked + hit], int(predicted[hit])
            self.over = True
            self._proposals.close()
            return
        self._fitness.append(fitness)
        self._asked += len(fitness)
        if self._asked == len(self._open):
            self._open, self._asked, self._fitness = self._proposed(np.concatenate(self._fitness)), 0, []

    def found(self) -> Found:
        """What came of it."""
        return Found(
            row=self.row,
            search=self.search,
            candidate=self._candidate,
            predicted=self._predicted,
            queries=self._queries,
            best=self._best,
        )

    def _proposed(self, fitness: np.ndarray | None) -> np.ndarray:
        """The next proposal that is not empty; the search is over where there is none."""
        try:
            proposal = next(self._proposals) if fitness is None else self._proposals.send(fitness)
            while not len(proposal):
                proposal = self._proposals.send(np.empty(0))
        except StopIteration:
            self.over = True
            return np.empty((0, 1, 5))
        return proposal
