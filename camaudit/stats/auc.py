"""How well scores tell each class from the others, as one value per image whose mean is the AUC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camaudit.stats.interval import Floats

FEWEST = 2
"""Images that a class and its complement need, so that one can be left out."""


def auc_values(scores: NDArray[np.float64], labels: Sequence[int]) -> Floats:
    """Jackknife pseudo-values [n] of the mean one-against-rest AUC of scores [n, k]; chance is 0.5.

    The AUC of class c is the share of pairs, an image of c and one of another class, in which the first has
    the higher score for c (ties count half); classes weigh alike. Value i is n·A − (n − 1)·A₋ᵢ, so the mean
    is A, and the spread of single values gives its error though every pair joins two images. Values may leave
    [0, 1]. Classes with fewer than two images are left out; NaN throughout where none is left.

    Source: J. Arvesen, "Jackknifing U-statistics", Ann. Math. Stat. 40, 1969.
    """
    known = np.asarray(labels)
    n = len(known)
    whole, without = [], []
    for label in np.unique(known):
        own, rest = (known == label).nonzero()[0], (known != label).nonzero()[0]
        if min(len(own), len(rest)) < FEWEST:
            continue
        first, second = scores[own, label][:, None], scores[rest, label][None]
        wins = (first > second) + 0.5 * (first == second)
        total = wins.sum()
        left = np.empty(n)
        left[own] = (total - wins.sum(axis=1)) / ((len(own) - 1) * len(rest))
        left[rest] = (total - wins.sum(axis=0)) / (len(own) * (len(rest) - 1))
        whole.append(total / wins.size)
        without.append(left)
    if not whole:
        return np.full(n, np.nan)
    return np.asarray(n * np.mean(whole) - (n - 1) * np.mean(without, axis=0))
