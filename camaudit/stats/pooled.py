"""Interval of a number that is no mean: made of counts that are added up over images."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats.bootstrap import _affordable, _expanded, _picks, _rule_of_three
from camaudit.stats.interval import BOOTSTRAP, Interval, checked, effective_number, named, without_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.stats.interval import Clusters, Floats


def bootstrap_pooled(
    counts: Floats,
    statistic: Callable[[Floats], Floats],
    *,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Clusters = None,
    resamples: int | None = None,
    bounds: tuple[float, float],
) -> Interval:
    """Expanded percentile interval of ``statistic(Σ counts)``: images, or whole groups, are resampled.

    `counts` is [n, k], one row per image; `statistic` maps sums [r, k] to numbers [r] within `bounds`.
    Percentiles are expanded as in `bootstrap_mean`; where no resample differs, the rule of three speaks.
    One image or one group: both ends NaN; none: all NaN. Raises `ValueError` for counts that are not finite
    and for a statistic that is not finite or leaves the bounds.
    Source: T. Hesterberg, "What teachers should know about the bootstrap", Am. Stat. 69, 2015.
    """
    counts = np.asarray(counts, dtype=np.float64)
    checked(counts.ravel(), confidence)
    if not len(counts):
        return without_interval(checked([], confidence), confidence)
    value = float(_within(statistic(counts.sum(axis=0)[None]), bounds)[0])
    sums, sizes = _by_group(counts, clusters)
    if len(sums) < 2:  # noqa: PLR2004 - below two there is no spread
        return without_interval(np.full(len(counts), value), confidence)
    drawn = np.concatenate(
        [
            _within(statistic(_summed(pick, sums)), bounds)
            for pick in _picks(len(sums), np.random.default_rng(seed), resamples or _affordable(len(sums)))
        ]
    )
    effective, grouped = effective_number(sizes), clusters is not None
    if np.ptp(drawn) <= 1e-12 * max(abs(value), 1.0):
        return _rule_of_three(value, len(counts), effective, bounds, confidence, grouped=grouped)
    tail = _expanded((1 - confidence) / 2, effective)
    return Interval(
        value=value,
        lower=min(float(np.quantile(drawn, tail)), value),
        upper=max(float(np.quantile(drawn, 1 - tail)), value),
        n=len(counts),
        confidence=confidence,
        method=named(BOOTSTRAP, len(sums), grouped=grouped),
    )


def _by_group(counts: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    if clusters is None:
        return counts, np.ones(len(counts))
    if len(clusters) != len(counts):
        raise ValueError(f"{len(counts)} rows need as many clusters, got {len(clusters)}")
    names, group = np.unique(np.asarray(clusters), return_inverse=True)
    sums = np.zeros((len(names), counts.shape[1]))
    np.add.at(sums, group, counts)
    return sums, np.bincount(group).astype(np.float64)


def _summed(picks: np.ndarray, sums: Floats) -> Floats:
    """Sums over each resample [r, n] of rows, through how often each row was drawn."""
    n = len(sums)
    flat = (picks + np.arange(len(picks))[:, None] * n).ravel()
    weights = np.bincount(flat, minlength=len(picks) * n).reshape(len(picks), n)
    added: Floats = weights.astype(np.float64) @ sums
    return added


def _within(values: Floats, bounds: tuple[float, float]) -> Floats:
    low, high = float(values.min()), float(values.max())
    if not (isfinite(low) and isfinite(high)) or low < bounds[0] - 1e-9 or high > bounds[1] + 1e-9:
        raise ValueError(f"the statistic runs from {low:g} to {high:g}, outside the bounds {bounds}")
    return values.clip(*bounds)
