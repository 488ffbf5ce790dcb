"""The pointing game with rejection: of the classes that a network names, point at those that are there.

NumPy alone, so that a saved run can be judged again without torch. States are 1 (the image shows the
class), 0 (it does not) and −1 (unknown); hits are in [0, 1]; a map is rejected where its peak is below
the threshold, or holds no positive evidence at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def rejection_scores(states: Floats, hits: Floats, heights: Floats, threshold: float) -> Floats:
    """Mean over an image's classes of what its maps deserve; all [n, k] → [n] in [0, 1].

    A class that is shown scores its hit, unless its map is rejected; one that is absent scores 1 where its
    map is rejected. Unknown classes are left out; NaN where all of them are.
    Source: R. Selvaraju et al., "Grad-CAM", 2017, section on the pointing game (Acc = hits/(hits + misses)).
    """
    kept = (heights >= threshold) & (heights > 0)
    score = np.where(states == 1, hits * kept, ~kept)
    return _mean_of_known(states, score)


def always_reject(states: Floats) -> Floats:
    """What maps that are all rejected score: the share of absent classes among the known, [n]."""
    return _mean_of_known(states, (states == 0).astype(np.float64))


def best_threshold(states: Floats, hits: Floats, heights: Floats) -> float:
    """The threshold with the highest mean score; of equal ones the lowest, which rejects least.

    Candidates are 0, which rejects empty maps alone, the middles between neighbouring heights, and one beyond
    all heights, which rejects every map. Raises `ValueError` where no class is known.
    """
    known = states >= 0
    if not known.any():
        raise ValueError("a threshold cannot be tuned where no class is known")
    gains = np.where(states == 1, -hits, 1.0) / np.maximum(known.sum(axis=1, keepdims=True), 1)
    open_to = known & (heights > 0)
    order = np.argsort(heights[open_to], kind="stable")
    rejected = np.concatenate([[0.0], np.cumsum(gains[open_to][order])])
    candidates, first = np.unique(heights[open_to][order], return_index=True)
    totals = rejected[np.append(first, len(order))]
    # Of two heights that no float lies between, the upper one tells them apart.
    between = np.maximum((candidates[1:] + candidates[:-1]) / 2, np.nextafter(candidates[:-1], np.inf))
    beyond = np.nextafter(candidates[-1:], np.inf)
    thresholds = np.concatenate([[0.0], between, beyond])
    # Sums that differ by rounding alone are equal.
    return float(thresholds[int(np.argmax(totals >= totals.max() - 1e-9))])


def _mean_of_known(states: Floats, score: Floats) -> Floats:
    known = states >= 0
    count = known.sum(axis=1)
    total = np.where(known, score, 0.0).sum(axis=1)
    mean: Floats = np.divide(total, count, out=np.full(len(total), np.nan), where=count > 0)
    return mean
