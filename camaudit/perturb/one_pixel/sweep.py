"""Every position in every corner of the colour cube: no chance, and an end."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from camaudit.perturb.one_pixel.candidates import CORNERS

if TYPE_CHECKING:
    from camaudit.perturb.one_pixel.oracle import Oracle
    from camaudit.perturb.one_pixel.run import Proposals


@dataclass(frozen=True, kw_only=True)
class Sweep:
    """All 8·h·w one-pixel candidates with corner colours, row by row, until one reaches the goal.

    Where none does, none of them exists: “no corner-colour one-pixel flip (8,192 of 8,192 checked)”. Colours
    inside the cube may still flip the answer, so this is a reference and no bound.
    """

    name: str = "sweep"

    def proposals(self, oracle: Oracle, row: int, rng: np.random.Generator) -> Proposals:  # noqa: ARG002 - the same for every image
        """Batches of candidates [q, 1, 5]."""
        candidates = corner_candidates(oracle.size)
        for start in range(0, len(candidates), oracle.batch):
            yield candidates[start : start + oracle.batch]


@lru_cache(maxsize=2)
def corner_candidates(size: tuple[int, int]) -> np.ndarray:
    """Every position of such an image in each of the eight corners, [8·h·w, 1, 5]; colours vary fastest."""
    height, width = size
    rows, columns, corners = np.meshgrid(
        np.arange(height), np.arange(width), np.arange(len(CORNERS)), indexing="ij"
    )
    places = np.stack([rows, columns], axis=-1).reshape(-1, 2).astype(np.float64)
    candidates = np.concatenate([places, CORNERS[corners.ravel()]], axis=1)[:, None, :]
    candidates.setflags(write=False)  # the next image of this size gets the same
    return candidates
