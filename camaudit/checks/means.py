"""The mean of a column, with its interval and as an estimate. Torch-free."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from camaudit import stats
from camaudit.checks.kind import Estimate

if TYPE_CHECKING:
    from camaudit.scores import Table


def mean(key: str, title: str, table: Table, confidence: float, bounds: tuple[float, float]) -> Estimate:
    """The mean of a column whose numbers cannot leave the `bounds`, infinite where they have none."""
    return Estimate(
        name=key,
        title=title,
        interval=interval(key, table, confidence, bounds),
        column=key,
        low=end(bounds[0]),
        high=end(bounds[1]),
        undefined=table.undefined(key),
    )


def interval(key: str, table: Table, confidence: float, bounds: tuple[float, float]) -> stats.Interval:
    """The mean of a column's defined numbers; groups are resampled as a whole."""
    return stats.bootstrap_mean(
        table.values(key), confidence=confidence, clusters=table.clusters(key), bounds=bounds
    )


def end(value: float) -> float | None:
    """The end of a range, None where it has none."""
    return value if isfinite(value) else None
