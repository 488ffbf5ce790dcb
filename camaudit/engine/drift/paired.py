"""Two measurements of the same images, subtracted image by image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import torch

from camaudit.checks.drift_estimates import ACCEPTED, CHANGED, DISTANCE, DROP, LOST, NOW, WON
from camaudit.metrics.similarity import spearman, spearman_undefined

if TYPE_CHECKING:
    from camaudit.baseline import Baseline, Row


def paired(old: Baseline, new: Baseline) -> pd.DataFrame:
    """By sample: drop, map distance, changed, lost and won, each with its reason where it has no number."""
    sign = 1.0 if old.fingerprint.worse == "low" else -1.0
    rows = []
    for key in sorted(new.rows):
        before, after = old.rows[key], new.rows[key]
        drop, why = _drop(before, after, sign)
        rows.append(
            {
                "id": key,
                DROP: drop,
                f"why {DROP}": why,
                **_score(ACCEPTED, before),
                **_score(NOW, after),
                **_answers(before, after),
            }
        )
    frame = pd.DataFrame(rows).set_index("id")
    distances = _distances(old, new)
    frame[DISTANCE] = [distances[key][0] for key in frame.index]
    frame[f"why {DISTANCE}"] = [distances[key][1] for key in frame.index]
    return frame


def _score(column: str, row: Row) -> dict[str, float | str]:
    """A score as a file holds it, or why there is none."""
    if row.value is None:
        return {column: float("nan"), f"why {column}": row.reason or "undefined"}
    return {column: float(f"{row.value:.7g}"), f"why {column}": ""}


def _drop(before: Row, after: Row, sign: float) -> tuple[float, str]:
    if before.value is None:
        return float("nan"), f"no number in the baseline ({before.reason or 'undefined'})"
    if after.value is None:
        return float("nan"), f"no number now ({after.reason or 'undefined'})"
    return sign * (before.value - float(f"{after.value:.7g}")), ""


def _answers(before: Row, after: Row) -> dict[str, float | str]:
    """Whether the answer changed, and whether a right one was lost or won."""
    if before.predicted is None or after.predicted is None:
        return _cells((CHANGED, LOST, WON), [], "no answer in the baseline or now")
    changed = _cells((CHANGED,), [before.predicted != after.predicted])
    if before.label is None:
        return changed | _cells((LOST, WON), [], "no label")
    was, is_now = before.predicted == before.label, after.predicted == before.label
    return changed | _cells((LOST, WON), [was and not is_now, is_now and not was])


def _cells(names: tuple[str, ...], values: list[bool], why: str = "") -> dict[str, float | str]:
    """Numbers by column; none, and why, where there are no `values`."""
    found: dict[str, float | str] = {}
    for place, name in enumerate(names):
        found[name] = float(values[place]) if values else float("nan")
        found[f"why {name}"] = why
    return found


def _distances(old: Baseline, new: Baseline) -> dict[str, tuple[float, str]]:
    """1 − Spearman of the packed maps; a reason where there is none."""
    found: dict[str, tuple[float, str]] = {}
    by_shape: dict[tuple[int, ...], list[str]] = {}
    for key, after in new.rows.items():
        before = old.rows[key]
        if before.map is None or after.map is None:
            found[key] = float("nan"), "no map in the baseline or now"
        elif before.map.levels.shape != after.map.levels.shape:
            found[key] = float("nan"), "maps of unlike size"
        elif np.array_equal(before.map.levels, after.map.levels):
            found[key] = 0.0, ""  # also where both are empty: nothing has changed
        else:
            by_shape.setdefault(after.map.levels.shape, []).append(key)
    for keys in by_shape.values():
        stacked = [
            torch.from_numpy(np.stack([_levels(side.rows[key]) for key in keys])) for side in (old, new)
        ]
        values, reasons = spearman(*stacked), spearman_undefined(*stacked)
        for key, value, why in zip(keys, values.tolist(), reasons, strict=True):
            found[key] = (1 - value, "") if why is None else (float("nan"), why)
    return found


def _levels(row: Row) -> np.ndarray:
    assert row.map is not None
    return row.map.levels.astype(np.float64)
