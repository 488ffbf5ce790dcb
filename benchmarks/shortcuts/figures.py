"""How well scores tell networks that rely on their cue from those that do not. numpy in, numbers out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats import Interval

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

RESAMPLES = 2000
CONFIDENCE = 0.95
FALSE_ALARMS = 0.05
"""The share of false alarms at which detection is compared."""


def auroc(scores: NDArray[np.float64], guilty: NDArray[np.bool_]) -> float:
    """P(score of a guilty one > of an innocent one) + ½ P(equal); nan where one side is empty."""
    high, low = scores[guilty][:, None], scores[~guilty][None, :]
    return float(((high > low) + 0.5 * (high == low)).mean()) if high.size and low.size else math.nan


def auroc_interval(
    scores: NDArray[np.float64], guilty: NDArray[np.bool_], clusters: Sequence[str]
) -> Interval:
    """`auroc` with a percentile bootstrap over `clusters`, drawn whole; redraws of one side are skipped.

    With one cluster, and with a handful of them, networks are drawn instead, each side for itself: the
    interval then says nothing about other cues, and its method says so.
    """
    rng = np.random.default_rng(0)
    names = sorted(set(clusters))
    few = len(names) < 4  # three cues have ten different redraws
    own = np.asarray(clusters)
    places = [np.flatnonzero(own == name) for name in names]
    drawn = []
    for _ in range(RESAMPLES):
        if few:
            sides = (np.flatnonzero(guilty), np.flatnonzero(~guilty))
            rows = np.concatenate([rng.choice(side, len(side)) for side in sides if len(side)])
        else:
            rows = np.concatenate([places[pick] for pick in rng.integers(len(places), size=len(places))])
        drawn.append(auroc(scores[rows], guilty[rows]))
    tail = 100 * (1 - CONFIDENCE) / 2
    lower, upper = np.nanpercentile(drawn, [tail, 100 - tail])
    return Interval(
        value=auroc(scores, guilty),
        lower=float(lower),
        upper=float(upper),
        n=len(scores),
        confidence=CONFIDENCE,
        method="bootstrap over networks" if few else f"bootstrap over {len(names)} cues",
    )


def threshold(innocent: NDArray[np.float64], share: float = FALSE_ALARMS) -> float:
    """The lowest score above which at most `share` of the `innocent` lie; an alarm is a score above it."""
    ordered = np.sort(innocent)[::-1]
    return float(ordered[int(share * len(ordered))])


def roc(scores: NDArray[np.float64], guilty: NDArray[np.bool_]) -> tuple[list[float], list[float]]:
    """False and true alarms as the threshold falls, both from 0 to 1; equal scores make one sloping step."""
    cuts = [math.inf, *np.unique(scores)[::-1]]
    return (
        [float((scores[~guilty] >= cut).mean()) for cut in cuts],
        [float((scores[guilty] >= cut).mean()) for cut in cuts],
    )


def rank_correlation(first: NDArray[np.float64], second: NDArray[np.float64]) -> float:
    """Spearman's, by midranks; nan where either side is constant."""
    one, two = _midranks(first), _midranks(second)
    constant = np.ptp(one) == 0 or np.ptp(two) == 0
    return math.nan if constant else float(np.corrcoef(one, two)[0, 1])


def _midranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
    ranked: NDArray[np.float64] = (values[:, None] > values).sum(1) + 0.5 * (
        (values[:, None] == values).sum(1) - 1
    )
    return ranked
