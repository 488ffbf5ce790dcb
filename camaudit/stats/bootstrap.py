"""Interval of a mean: bootstrap over images or groups, and what to say where no value differs."""

from __future__ import annotations

from math import inf, isfinite, nan, sqrt
from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats.interval import (
    BOOTSTRAP,
    NO_SPREAD,
    RULE_OF_THREE,
    Interval,
    checked,
    effective_number,
    named,
    t_quantile,
    totals,
    variance,
    without_interval,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from camaudit.stats.interval import Clusters, Floats

_RESAMPLES = 10_000
_FEWEST = 2_000
_DRAWS = 50_000_000
"""Draws beyond which fewer resamples are made: 100,000 images get 2,000, not 10,000."""
_CHUNK = 1 << 21


def bootstrap_mean(
    values: Sequence[float] | Floats,
    *,
    confidence: float = 0.95,
    seed: int = 0,
    clusters: Clusters = None,
    resamples: int | None = None,
    bounds: tuple[float, float] = (-inf, inf),
) -> Interval:
    """Interval of a mean: at each end the wider of expanded percentile bootstrap and skewness-adjusted t.

    Expanded percentiles, α' = Φ(√(n/(n−1)) · t_{α/2, n−1}), mend the narrowness of the plain ones at
    small n; the adjusted t, x̄ + s/√n · (κ(1 + 2t²) + t) with κ = skewness/(6√n), reaches past the
    extremes seen, which no resample does. Simulated coverage at 0.95: Beta(2, 5) and Beta(8, 1)
    .945 at n = 8 and at least .95 from n = 20; strongly skewed, Beta(½, 3), .91 at n = 8 and .95 at 20.

    With `clusters` (the group of each value), groups are resampled as a whole, the mean stays that of
    all images, and n in both formulas is the effective number of groups (Σsize)²/Σsize². `bounds` are
    what the mean cannot leave. All values (or all group means) equal: see `_rule_of_three`; one value or
    one group: both ends NaN; none: all NaN. Raises `ValueError` for values not finite or outside `bounds`.

    Sources: T. Hesterberg, "What teachers should know about the bootstrap", Am. Stat. 69, 2015;
    N. Johnson, "Modified t tests and confidence intervals for asymmetrical populations", JASA 73, 1978.
    """
    data = checked(values, confidence)
    if len(data) and (data.min() < bounds[0] - 1e-9 or data.max() > bounds[1] + 1e-9):
        raise ValueError(f"values from {data.min():g} to {data.max():g} leave the bounds {bounds}")
    sums, sizes = totals(data, clusters)
    if len(sums) < 2:  # noqa: PLR2004 - below two there is no spread
        return without_interval(data, confidence)
    # Rounding must not carry a mean out of the range of its own values.
    mean = float(np.clip(sums.sum() / sizes.sum(), data.min(), data.max()))
    residuals = sums - mean * sizes
    if np.ptp(sums / sizes) <= 1e-12 * _scale(data, bounds):
        return _rule_of_three(
            mean, len(data), effective_number(sizes), bounds, confidence, grouped=clusters is not None
        )
    centred = _resampled(residuals, sizes, np.random.default_rng(seed), resamples or _affordable(len(sums)))
    tail = (1 - confidence) / 2
    ends = [
        np.quantile(centred, _expanded(tail, effective_number(sizes))),
        _adjusted_t(tail, residuals, sizes),
        0.0,
        _adjusted_t(1 - tail, residuals, sizes),
        np.quantile(centred, 1 - _expanded(tail, effective_number(sizes))),
    ]
    return Interval(
        value=mean,
        lower=float(max(mean + min(ends), bounds[0])),
        upper=float(min(mean + max(ends), bounds[1])),
        n=len(data),
        confidence=confidence,
        method=named(BOOTSTRAP, len(sums), grouped=clusters is not None),
    )


def _rule_of_three(
    mean: float, n: int, effective: float, bounds: tuple[float, float], confidence: float, *, grouped: bool
) -> Interval:
    """All values equal: the bootstrap's width of zero would be false certainty.

    That n draws show one value only leaves a share u = 1 − (α/2)^(1/n) of the population that may differ
    (Clopper-Pearson at 0 of n; about 3.7/n at 0.95), at worst by lying at the end of the range: lower =
    mean − u(mean − low). With groups, n is their effective number. An end without a range is NaN, since that
    share may lie anywhere: no sample bounds the mean of a quantity without bounds (R. Bahadur, L. Savage,
    "The nonexistence of certain statistical procedures in nonparametric problems", 1956).
    """
    unseen = 1 - ((1 - confidence) / 2) ** (1 / effective)
    low, high = bounds
    return Interval(
        value=mean,
        lower=mean - unseen * (mean - low) if isfinite(low) else nan,
        upper=mean + unseen * (high - mean) if isfinite(high) else nan,
        n=n,
        confidence=confidence,
        method=named(
            RULE_OF_THREE if isfinite(low) or isfinite(high) else NO_SPREAD, round(effective), grouped=grouped
        ),
    )


def _scale(data: Floats, bounds: tuple[float, float]) -> float:
    """The size beside which a difference is rounding: the largest value, or the range if that is finite."""
    width = bounds[1] - bounds[0]
    return max(float(np.abs(data).max()), width if isfinite(width) else 0.0)


def _affordable(n: int) -> int:
    return max(_FEWEST, min(_RESAMPLES, _DRAWS // n))


def _resampled(residuals: Floats, sizes: Floats, rng: np.random.Generator, resamples: int) -> Floats:
    """Means of resamples, centred on the observed mean; memory does not grow with n × resamples."""
    return np.concatenate(
        [residuals[pick].sum(axis=1) / sizes[pick].sum(axis=1) for pick in _picks(len(sizes), rng, resamples)]
    )


def _picks(n: int, rng: np.random.Generator, resamples: int) -> Iterator[NDArray[np.int32]]:
    rows = max(1, _CHUNK // n)
    for start in range(0, resamples, rows):
        yield rng.integers(0, n, size=(min(rows, resamples - start), n), dtype=np.int32)


def _expanded(tail: float, effective: float) -> float:
    from scipy.special import ndtr

    return float(ndtr(sqrt(effective / max(effective - 1, 1.0)) * t_quantile(tail, effective)))


def _adjusted_t(tail: float, residuals: Floats, sizes: Floats) -> float:
    """End of the skewness-adjusted t interval, from the mean."""
    t = t_quantile(tail, effective_number(sizes))
    size = float(np.abs(residuals).max())
    unit = residuals / size  # Cubes of tiny numbers would vanish.
    kappa = float((unit**3).mean() / (unit**2).mean() ** 1.5) / (6 * sqrt(len(sizes)))
    return size * sqrt(variance(unit, sizes)) * (kappa * (1 + 2 * t**2) + t)
