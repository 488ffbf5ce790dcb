"""Interval of a share of yes and no: Wilson's, also over groups."""

from __future__ import annotations

from math import hypot, inf, sqrt
from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats.interval import (
    NEWCOMBE,
    WILSON,
    Interval,
    checked,
    effective_number,
    named,
    t_quantile,
    totals,
    variance,
    without_interval,
    z_quantile,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.stats.interval import Clusters, Floats


def wilson(k: int, n: int, confidence: float = 0.95) -> Interval:
    """Score interval of a share, k of n. NaN throughout for n = 0.

    Source: E. Wilson, "Probable inference, the law of succession, and statistical inference", JASA 22, 1927.
    """
    none = checked([], confidence)
    if not 0 <= k <= n:
        raise ValueError(f"k must lie between 0 and n={n}, got {k}")
    if n == 0:
        return without_interval(none, confidence)
    lower, upper = _score(k / n, n, confidence)
    return Interval(value=k / n, lower=lower, upper=upper, n=n, confidence=confidence, method=WILSON)


def share(
    values: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    clusters: Clusters = None,
) -> Interval:
    """Interval of a share of ones: Wilson's; with `clusters` Wilson's at the effective sample size.

    n_eff = p(1 − p)/V · (t_{n−1}/t_{G−1})² ≤ n, where V is the between-group variance of the share and
    G the effective number of groups. Where p is 0 or 1, V says nothing, and groups are taken to be
    all alike inside: n_eff = G. One group has NaN ends. Raises `ValueError` for values but 0 and 1.

    Source: E. Korn and B. Graubard, "Confidence intervals for proportions with small expected number of
    positive counts estimated from survey data", Survey Methodology 24, 1998 (there with Clopper-Pearson).
    """
    data = checked(values, confidence)
    if not np.isin(data, (0.0, 1.0)).all():
        raise ValueError("a share is made of values 0 and 1")
    if clusters is None:
        return wilson(int(data.sum()), len(data), confidence)
    sums, sizes = totals(data, clusters)
    if len(sums) < 2:  # noqa: PLR2004 - one group says nothing about others
        return without_interval(data, confidence)
    p = float(sums.sum() / sizes.sum())
    lower, upper = _score(p, _effective_sample(sums, sizes, confidence), confidence)
    method = named(WILSON, len(sums), grouped=True)
    return Interval(value=p, lower=lower, upper=upper, n=len(data), confidence=confidence, method=method)


def share_difference(first: Interval, second: Interval) -> Interval:
    """Interval of the first share minus the second, of images that are not the same; in [−1, 1].

    d = p₁ − p₂; lower = d − √((p₁ − l₁)² + (u₂ − p₂)²), upper = d + √((u₁ − p₁)² + (p₂ − l₂)²)

    At the confidence of the two, which must be one; over groups where these are. A group that is in both
    makes it too wide rather than too narrow. NaN ends where either has such. Raises `ValueError` for two
    confidences.

    Source: R. Newcombe, "Interval estimation for the difference between independent proportions", Stat. Med.
    17, 1998 (method 10).
    """
    if first.confidence != second.confidence:
        raise ValueError(f"confidence must be one, got {first.confidence} and {second.confidence}")
    gap = first.value - second.value
    return Interval(
        value=gap,
        # NaN has to come first to stay what it is.
        lower=max(gap - hypot(first.value - first.lower, second.upper - second.value), -1.0),
        upper=min(gap + hypot(first.upper - first.value, second.value - second.lower), 1.0),
        n=first.n + second.n,
        confidence=first.confidence,
        method=NEWCOMBE + (" over groups" if "groups" in first.method + second.method else ""),
    )


def _effective_sample(sums: Floats, sizes: Floats, confidence: float) -> float:
    n, groups = float(sizes.sum()), effective_number(sizes)
    p = float(sums.sum() / n)
    if p in {0.0, 1.0}:
        return groups
    tail = (1 - confidence) / 2
    penalty = (t_quantile(tail, n) / t_quantile(tail, groups)) ** 2
    between = variance(sums - p * sizes, sizes)
    independent = p * (1 - p) / between if between > 0 else inf
    return min(independent, n) * penalty


def _score(p: float, n: float, confidence: float) -> tuple[float, float]:
    z = z_quantile(confidence)
    centre = p + z**2 / (2 * n)
    half = z * sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    scale = 1 + z**2 / n
    # Exactly 0 and 1 at the ends, where rounding would leave a trace.
    return (0.0 if p == 0 else (centre - half) / scale), (1.0 if p == 1 else (centre + half) / scale)
