"""What every interval shares: the record, the checks of its input, groups and their effective number."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, isfinite, log, log1p, nan
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Clusters = Sequence[str] | NDArray[np.generic] | None

BOOTSTRAP = "bootstrap"
WILSON = "Wilson"
NEWCOMBE = "Newcombe"
RULE_OF_THREE = "rule of three"
NO_SAMPLES = "no samples"
ONE_SAMPLE = "one sample"
ONE_GROUP = "one group"
NO_SPREAD = "no spread"


@dataclass(frozen=True, kw_only=True)
class Interval:
    """An estimate with its two-sided interval.

    `lower` and `upper` are NaN where nothing bounds that end (one sample, one group, no images); an
    end that is NaN decides nothing. `n` counts images, also where whole groups were resampled.
    `method` says how it was made.
    """

    value: float
    lower: float
    upper: float
    n: int
    confidence: float
    method: str


def n_to_settle(interval: Interval, bound: float) -> int | None:
    """About how many images it takes for the interval to leave the bound, if the estimate stays.

    The end that faces the bound closes in with 1/√n; exactly as the score test says for Wilson's, and
    with the rule of three as 1 − (α/2)^(1/n). None where no number would do: that end is NaN, or the
    estimate is the bound (to a millionth of the interval's width).
    """
    value, n = interval.value, interval.n
    half = value - interval.lower if value > bound else interval.upper - value
    gap = abs(value - bound)
    if not (isfinite(half) and isfinite(gap)) or gap <= 1e-6 * half:
        return None
    tail = (1 - interval.confidence) / 2
    if interval.method == WILSON and 0 < bound < 1:
        return ceil((z_quantile(interval.confidence) / gap) ** 2 * bound * (1 - bound))
    if interval.method == RULE_OF_THREE and 0 < gap < half:
        unseen = 1 - tail ** (1 / n)
        return ceil(log(tail) / log1p(-unseen * gap / half))
    return ceil(n * (half / gap) ** 2)


def without_interval(data: Floats, confidence: float) -> Interval:
    """The estimate alone: no values, one value, or values of one group only."""
    n = len(data)
    method = {0: NO_SAMPLES, 1: ONE_SAMPLE}.get(n, ONE_GROUP)
    value = float(data.mean()) if n else nan
    return Interval(value=value, lower=nan, upper=nan, n=n, confidence=confidence, method=method)


def checked(values: Sequence[float] | Floats, confidence: float) -> Floats:
    """The values as one array of finite numbers. Raises `ValueError` for anything else."""
    data: Floats = np.asarray(values, dtype=np.float64)
    if data.ndim != 1:
        raise ValueError(f"values must be one-dimensional, got shape {data.shape}")
    if not np.isfinite(data).all():
        raise ValueError(
            f"{np.count_nonzero(~np.isfinite(data))} values are NaN or infinite: count them as undefined"
        )
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must lie between 0 and 1, got {confidence:g}")
    return data


def totals(data: Floats, clusters: Clusters) -> tuple[Floats, Floats]:
    """Sum and number of values of every group; without groups every value is one."""
    if clusters is None:
        return data, np.ones_like(data)
    if len(clusters) != len(data):
        raise ValueError(f"{len(data)} values need as many clusters, got {len(clusters)}")
    _, group = np.unique(np.asarray(clusters), return_inverse=True)
    sums: Floats = np.asarray(np.bincount(group, weights=data), dtype=np.float64)
    sizes: Floats = np.bincount(group).astype(np.float64)
    return sums, sizes


def effective_number(sizes: Floats) -> float:
    """The number of equal groups that would weigh the same: (Σsize)²/Σsize² (L. Kish, 1965)."""
    return float(sizes.sum() ** 2 / (sizes**2).sum())


def t_quantile(tail: float, effective: float) -> float:
    """Quantile of Student's t for an effective number of independent values."""
    from scipy.stats import t

    # Below one degree of freedom (one group outweighs all others) quantiles grow beyond use.
    return float(t.ppf(tail, max(effective - 1, 1.0)))


def z_quantile(confidence: float) -> float:
    """Two-sided standard normal quantile: 1.96 for 0.95."""
    from scipy.special import ndtri

    return float(ndtri((1 + confidence) / 2))


def variance(residuals: Floats, sizes: Floats) -> float:
    """Variance of the mean, between groups, linearised."""
    count = len(sizes)
    return float(count / (count - 1) * (residuals**2).sum() / sizes.sum() ** 2)


def named(method: str, groups: int, *, grouped: bool) -> str:
    """The method in words, with the groups where there are some."""
    return f"{method} over {groups:,} groups" if grouped else method
