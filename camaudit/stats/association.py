"""How much two groupings of the same images go together, and two rankings of the same cells."""

from __future__ import annotations

from math import nan, sqrt
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def cramers_v(counts: Sequence[Sequence[int]] | np.ndarray) -> float:
    """Cramér's V of a table of counts [r, c], corrected for chance: in [0, 1], 0 where nothing goes together.

    φ² = χ²/n; φ̃² = max(0, φ² − (r−1)(c−1)/(n−1)); r̃ = r − (r−1)²/(n−1), c̃ alike; V = √(φ̃² / min(r̃−1, c̃−1))

    Without the correction a column with a value of its own for every image would go together with anything.
    Empty rows and columns are left out. NaN where fewer than two rows or two columns are left. Raises
    `ValueError` for counts below 0 or not in a table.

    Source: W. Bergsma, "A bias-correction for Cramér's V and Tschuprow's T", J. Korean Stat. Soc. 42, 2013.
    """
    table = np.asarray(counts, dtype=np.float64)
    if table.ndim != 2 or (table < 0).any():  # noqa: PLR2004 - rows and columns
        raise ValueError(f"counts must be a table of numbers from 0, got shape {table.shape}")
    table = table[table.sum(axis=1) > 0][:, table.sum(axis=0) > 0]
    if min(table.shape) < 2:  # noqa: PLR2004 - one group goes with nothing
        return nan
    n = table.sum()
    expected = table.sum(axis=1, keepdims=True) * table.sum(axis=0, keepdims=True) / n
    phi = float(((table - expected) ** 2 / expected).sum() / n)
    extra = [size - 1 for size in table.shape]
    phi = max(0.0, phi - extra[0] * extra[1] / (n - 1))
    room = min(own - own**2 / (n - 1) for own in extra)
    return min(1.0, sqrt(phi / room)) if room > 0 else 0.0


def rank_correlation(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """Spearman's rank correlation row by row of two tables [n, k]: float64 [n] in [−1, 1].

    cov(R, S) / (σ_R σ_S) with the midranks R and S of a row in the two. NaN where either row is constant or
    holds a number that is not finite. Raises `ValueError` for unlike shapes. Source: C. Spearman, 1904.
    """
    if first.shape != second.shape or first.ndim != 2:  # noqa: PLR2004 - rows and columns
        raise ValueError(f"two tables of one shape are needed, got {first.shape} and {second.shape}")
    if not first.size:
        return np.full(len(first), nan)
    ranks = [_centred_ranks(rows) for rows in (first, second)]
    norm = np.sqrt((ranks[0] ** 2).sum(axis=1) * (ranks[1] ** 2).sum(axis=1))
    known = (norm > 0) & np.isfinite(first).all(axis=1) & np.isfinite(second).all(axis=1)
    together = (ranks[0] * ranks[1]).sum(axis=1)
    found = np.divide(together, norm, out=np.full(len(first), nan), where=known)
    return np.asarray(np.clip(found, -1.0, 1.0), dtype=np.float64)


def _centred_ranks(rows: NDArray[np.floating]) -> NDArray[np.float64]:
    from scipy.stats import rankdata

    ranks = np.asarray(rankdata(rows, axis=1), dtype=np.float64)
    centred: NDArray[np.float64] = ranks - (rows.shape[1] + 1) / 2
    return centred
