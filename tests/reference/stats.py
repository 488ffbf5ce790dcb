"""Slow, obvious intervals: one resample at a time, formulas as printed."""

from __future__ import annotations

import random
from math import sqrt
from statistics import NormalDist, fmean
from typing import TYPE_CHECKING

from scipy.stats import t as student

if TYPE_CHECKING:
    from collections.abc import Sequence

Ends = tuple[float, float]


def expanded_percentile(values: Sequence[float], confidence: float, *, seed: int, resamples: int) -> Ends:
    """Hesterberg 2015: percentiles α′ = Φ(√(n/(n−1)) · t_{α/2, n−1}) of the bootstrap means."""  # noqa: RUF002
    n, draw = len(values), random.Random(seed)
    means = sorted(fmean(draw.choices(values, k=n)) for _ in range(resamples))
    tail = (1 - confidence) / 2
    expanded = NormalDist().cdf(sqrt(n / (n - 1)) * student.ppf(tail, n - 1))
    return interpolated(means, expanded), interpolated(means, 1 - expanded)


def interpolated(ordered: Sequence[float], probability: float) -> float:
    position = probability * (len(ordered) - 1)
    below = min(int(position), len(ordered) - 2)
    return ordered[below] + (position - below) * (ordered[below + 1] - ordered[below])


def adjusted_t(values: Sequence[float], confidence: float) -> Ends:
    """Johnson 1978: mean + s/√n · (κ(1 + 2t²) + t), κ = skewness / (6√n)."""
    n, mean = len(values), fmean(values)
    second = fmean((value - mean) ** 2 for value in values)
    third = fmean((value - mean) ** 3 for value in values)
    error = sqrt(second * n / (n - 1)) / sqrt(n)
    kappa = third / second**1.5 / (6 * sqrt(n))
    tail = (1 - confidence) / 2
    ends = [student.ppf(quantile, n - 1) for quantile in (tail, 1 - tail)]
    return mean + error * (kappa * (1 + 2 * ends[0] ** 2) + ends[0]), mean + error * (
        kappa * (1 + 2 * ends[1] ** 2) + ends[1]
    )


def bootstrap_mean(values: Sequence[float], confidence: float, *, seed: int, resamples: int) -> Ends:
    """The wider of both at each end."""
    one = expanded_percentile(values, confidence, seed=seed, resamples=resamples)
    other = adjusted_t(values, confidence)
    return min(one[0], other[0], other[1], fmean(values)), max(one[1], other[0], other[1], fmean(values))


def wilson(k: int, n: int, confidence: float) -> Ends:
    """All shares p that the score test does not reject, found by bisection: |k/n − p| ≤ z √(p(1 − p)/n)."""
    z = NormalDist().inv_cdf((1 + confidence) / 2)
    share = k / n

    def kept(p: float) -> bool:
        return abs(share - p) <= z * sqrt(p * (1 - p) / n)

    def edge(inside: float, outside: float) -> float:
        if kept(outside):
            return outside
        for _ in range(200):
            middle = (inside + outside) / 2
            inside, outside = (middle, outside) if kept(middle) else (inside, middle)
        return inside

    return edge(share, 0.0), edge(share, 1.0)
