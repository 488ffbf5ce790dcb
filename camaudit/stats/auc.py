"""How well scores tell each class from the others, as one value per image whose mean is the AUC."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from camaudit.stats.interval import Floats

MOST_POINTS = 200
"""Of a curve that is kept to be drawn."""
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


def roc_points(scores: NDArray[np.float64], labels: Sequence[int]) -> Floats:
    """The mean one-against-rest ROC curve of scores [n, k]: [m, 2], the share of others and of own above.

    At every share of the other images the classes' curves are averaged, so that the area below the points
    (trapezoids) is the AUC that `auc_values` gives; ties are slopes. Of more than 200 points every other one
    is left out until they fit, which changes the area a little. Classes with fewer than two images are left
    out; no point at all where none is left.
    """
    known = np.asarray(labels)
    curves = []
    for label in np.unique(known):
        own, rest = scores[known == label, label], scores[known != label, label]
        if min(len(own), len(rest)) >= FEWEST:
            steps = np.unique(np.concatenate([own, rest]))[::-1, None]
            above = [np.concatenate([[0.0], (side >= steps).mean(axis=1)]) for side in (rest, own)]
            curves.append(above)
    if not curves:
        return np.empty((0, 2))
    places = np.unique(np.concatenate([x for x, _ in curves]))
    heights = [
        np.mean([_height(x, y, places, side) for x, y in curves], axis=0) for side in ("left", "right")
    ]
    points = np.stack([np.repeat(places, 2), np.stack(heights, axis=1).ravel()], axis=1)
    while len(points) > MOST_POINTS:
        points = np.concatenate([points[:-1:2], points[-1:]])
    return points


def _height(x: Floats, y: Floats, places: Floats, side: str) -> Floats:
    """A curve's height just left or right of each place, where it may rise upright."""
    if side == "left":
        at = np.searchsorted(x, places, side="left")
        return np.where(x[at] == places, y[at], np.interp(places, x, y))
    at = np.searchsorted(x, places, side="right") - 1
    return np.where(x[at] == places, y[at], np.interp(places, x, y))
