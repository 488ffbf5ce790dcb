"""Two measurements of the same images in lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit import stats
from camaudit.checks.drift_estimates import CHANGED, DISTANCE, DROP, LOST, WON
from camaudit.errors import BaselineError
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from camaudit.baseline import Baseline, Row


def told(old: Baseline, new: Baseline, worst: int) -> Iterator[str]:
    """Mean differences with their intervals, and the `worst` images. Every interval holds for itself.

    Raises `BaselineError` where the two cannot be compared. Groups of the data are not in these files: where
    it has some, the intervals here are too narrow, and those of the check are right.
    """
    from camaudit.engine.drift.paired import paired

    unlike = old.fingerprint.unlike(new.fingerprint)
    if unlike:
        raise BaselineError(f"not comparable: they were measured with {', and with '.join(unlike)}")
    frame = paired(old, new)
    same = "the same network" if old.fingerprint.weights == new.fingerprint.weights else "another network"
    yield f"{old.fingerprint.column} of {len(frame)} images, {same}"
    yield _mean(frame, DROP, "mean drop (above 0 is worse)")
    if frame[DISTANCE].notna().any():
        yield _mean(frame, DISTANCE, "mean map distance (1 − rank correlation)")
    changed, lost, won = (int(frame[name].sum()) for name in (CHANGED, LOST, WON))
    p = stats.mcnemar(lost, won)
    yield f"answers changed: {changed}; right answers lost: {lost}, won: {won} (McNemar's exact p {p:.2g})"
    if worst:
        yield "the largest drops:"
        largest = frame.dropna(subset=[DROP]).nlargest(worst, DROP)
        yield from (_line(old.rows[key], new.rows[key]) for key in map(str, largest.index))


def _line(before: Row, after: Row) -> str:
    answers = f", {before.predicted} → {after.predicted}" if before.predicted != after.predicted else ""
    return f"  {before.id}: {before.value:.4g} → {after.value:.4g}{answers}"


def _mean(frame: pd.DataFrame, column: str, title: str) -> str:
    values = frame[column].dropna()
    interval = stats.bootstrap_mean(values.to_numpy(dtype=float))
    missing = f", {len(frame) - len(values)} undefined" if len(values) < len(frame) else ""
    shown = format_interval(interval.value, interval.lower, interval.upper)
    return f"{title}: {shown} (n={interval.n}{missing})"
