"""Tests of paired differences by flipping their signs, alone or several at once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats.interval import checked, totals

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from camaudit.stats.interval import Clusters, Floats

DRAWS = 9_999
EXACT = 13
"""Up to so many differences, all 2^n signs are gone through: 8,192, fewer than would be drawn."""
_CHUNK = 1 << 21
_ROUNDING = 1e-9
"""Sums that differ by less than this share of all values are equal: which is larger would be chance."""


def sign_flip(
    values: Sequence[float] | Floats, *, clusters: Clusters = None, seed: int = 0, draws: int = DRAWS
) -> float:
    """Two-sided p of the mean of paired differences, each of which might as well have the other sign.

    The share of sign patterns whose |sum| is at least the one seen: all 2^n for n ≤ 13, else the pattern
    seen and `draws` at random. With `clusters`, groups flip as a whole. 1 where all differences are 0 or
    there are none. Raises `ValueError` for values not finite.

    Source: R. Fisher, "The design of experiments", 1935, §21.
    """
    return max_t(checked(values, 0.5)[:, None], clusters=clusters, seed=seed, draws=draws)[0]


def max_t(
    values: NDArray[np.float64], *, clusters: Clusters = None, seed: int = 0, draws: int = DRAWS
) -> tuple[float, ...]:
    """Adjusted two-sided p of k hypotheses, from differences [n, k]: the family-wise error is held at α.

    One pattern of signs flips whole rows, so that dependence between hypotheses is kept. The statistic is
    |Σx|/√Σx², which under sign flips orders as |t| does. Step-down: hypotheses in order of their statistic
    are held against the maximum over themselves and all weaker ones, and no p is below that of a stronger
    one. A row that has no difference for a hypothesis holds 0 there: it adds nothing. k = 1 is `sign_flip`.

    Source: P. Westfall and S. Young, "Resampling-based multiple testing", 1993, algorithm 2.8.
    """
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 2 or not np.isfinite(data).all():  # noqa: PLR2004 - a matrix
        raise ValueError(f"differences must be finite and [n, k], got shape {data.shape}")
    columns = [totals(column, clusters)[0] for column in data.T]
    sums = np.stack(columns, axis=1) if columns else data
    scale = np.sqrt((sums**2).sum(axis=0))
    unit = np.divide(sums, scale, out=np.zeros_like(sums), where=scale > 0)
    seen = np.abs(unit.sum(axis=0))
    order = np.argsort(-seen, kind="stable")
    counts, total = np.zeros(len(seen)), 0
    for flips in _flips(len(unit), seed, draws):
        drawn = np.abs(flips @ unit[:, order])
        largest = np.maximum.accumulate(drawn[:, ::-1], axis=1)[:, ::-1]
        counts += (largest >= seen[order] - _ROUNDING).sum(axis=0)
        total += len(flips)
    adjusted = np.empty(len(seen))
    adjusted[order] = np.maximum.accumulate(counts / total)
    adjusted[seen == 0] = 1.0
    return tuple(float(p) for p in adjusted)


def holm(ps: Sequence[float]) -> tuple[float, ...]:
    """Holm's step-down adjusted p: for hypotheses whose differences cannot be flipped together.

    Source: S. Holm, "A simple sequentially rejective multiple test procedure", Scand. J. Stat. 6, 1979.
    """
    if not all(0 <= p <= 1 for p in ps):
        raise ValueError(f"a p lies between 0 and 1, got {list(ps)}")
    adjusted, highest = [0.0] * len(ps), 0.0
    for rank, place in enumerate(sorted(range(len(ps)), key=lambda item: ps[item])):
        highest = max(highest, min(1.0, (len(ps) - rank) * ps[place]))
        adjusted[place] = highest
    return tuple(adjusted)


def _flips(n: int, seed: int, draws: int) -> Iterator[Floats]:
    """Rows of ±1: every pattern, or the one seen and random ones."""
    if n <= EXACT:
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        yield np.where(bits, -1.0, 1.0)
        return
    yield np.ones((1, n))
    rng, rows = np.random.default_rng(seed), max(1, _CHUNK // n)
    for start in range(0, draws, rows):
        yield np.where(rng.integers(0, 2, size=(min(rows, draws - start), n)), -1.0, 1.0)
