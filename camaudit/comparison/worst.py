"""The images that got worse by most, with what both sides kept of them."""

from __future__ import annotations

from dataclasses import replace
from math import isfinite
from typing import TYPE_CHECKING

from camaudit.comparison.kept import NAN, NOT_KEPT
from camaudit.comparison.record import Image, Shown

if TYPE_CHECKING:
    from camaudit.comparison.kept import Kept, Run
    from camaudit.comparison.paired import Pairs
    from camaudit.comparison.record import Worse

TINY = 1e-9
"""A drop below this is rounding of the table."""


def worst(
    pairs: Pairs,
    column: str,
    *,
    worse: Worse,
    most: int,
    runs: tuple[Run | None, Run | None],
) -> tuple[Image, ...]:
    """The `most` largest drops of a number; the largest changes where nothing says which way is worse.

    Images that did not drop are left out, also where there are fewer others. `runs` hold the pictures.
    """
    drops = {key: _drop(delta, worse) for key, delta in pairs.deltas(column).items() if isfinite(delta)}
    chosen = sorted((key for key in drops if drops[key] > TINY), key=lambda key: (-drops[key], key))[:most]
    distances = pairs.distances(chosen) if pairs.same_view else {}
    found = []
    for key in chosen:
        before, after = (
            _shown(side, key, column, run) for side, run in zip((pairs.old, pairs.new), runs, strict=True)
        )
        if pairs.same_view:
            before, after = _lent(before, after), _lent(after, before)
        distance, why = distances.get(key, (NAN, "the two networks see pictures otherwise"))
        found.append(
            Image(
                id=key,
                label=pairs.new.samples[key].label,
                drop=drops[key],
                distance=distance,
                distance_why=why,
                before=before,
                after=after,
            )
        )
    return tuple(found)


def _lent(one: Shown, other: Shown) -> Shown:
    """With the picture of the other side where this one kept none: both saw the same."""
    return one if one.picture is not None or other.picture is None else replace(one, picture=other.picture)


def _drop(delta: float, worse: Worse) -> float:
    return -delta if worse == "low" else delta if worse == "high" else abs(delta)


def _shown(side: Kept, key: str, column: str, run: Run | None) -> Shown:
    sample, row = side.samples[key], side.rows.get(key)
    raw = side.maps.get(key)
    file = row.image if row is not None else None
    changed = run.changed(file) if run is not None and file is not None else ""
    kept = run is not None and file is not None and not changed
    return Shown(
        value=sample.values.get(column, NAN),
        why=sample.why.get(column, ""),
        predicted=sample.predicted,
        score=row.predicted_score if row is not None else None,
        map=raw,
        map_missing="" if raw is not None else side.no_maps or NOT_KEPT,
        explains={"label": sample.label, "predicted": sample.predicted}.get(side.target) or "",
        picture=(run.folder, file) if run is not None and file is not None and kept else None,
        picture_missing="" if kept else changed or NOT_KEPT,
    )
