"""From paired differences to drift: the mean drop, images that got worse, maps and answers that changed.

The table has one row per image. ``drop`` is the accepted score minus this network's, turned round where high
scores are bad, so that above 0 is worse; ``map distance`` is 1 − the rank correlation of the two maps;
``changed`` whether the answer is another. ``lost`` and ``won`` are right answers that came to be wrong, and
the reverse; ``accepted score`` and ``score now`` are the two that were subtracted. Of each further baseline,
``drop`` and ``map distance`` of the same images against the first one stand in the profiles: what networks of
one recipe differ by. Torch-free.
"""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.means import end
from camaudit.exhibits import Paired
from camaudit.result import Control

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.checks.drift import DriftBound, DriftSpec
    from camaudit.scores import Table
    from camaudit.stats import Interval

DROP, DISTANCE, CHANGED = "drop", "map distance", "changed"
LOST, WON = "lost", "won"
ACCEPTED, NOW = "accepted score", "score now"
FLOOR = "floor "
"""In front of a column: the profile with that number of the further baselines."""
SAME, RANGE = "same network", "range of the score"
"""Settings: whether the network is the baseline's own, and the width of what the score can be."""
NOISE = 1e-4
"""What arithmetic may change in a score: threads, batch sizes and memory formats move it by less."""
EXACT = "same network"
FEWEST = 5
"""Images below which a class is not looked at for its own drop."""
UNKNOWN = "floor unknown: one baseline does not tell what training again would change"


def titles(_spec: DriftSpec) -> dict[str, str]:
    """What each column is."""
    return {
        DROP: "accepted score minus this one; above 0 is worse",
        DISTANCE: "1 − rank correlation of the two maps",
        CHANGED: "answered otherwise",
        LOST: "right before, wrong now",
        WON: "wrong before, right now",
        ACCEPTED: "score in the baseline",
        NOW: "score of this network",
    }


def paired(spec: DriftSpec, _table: Table) -> tuple[Paired, ...]:
    """The score of each image, accepted and now."""
    return (Paired(title=f"score in “{spec.of}”", before=ACCEPTED, after=NOW, names=("accepted", "now")),)


def estimates(spec: DriftSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """What is gated first, then the rest; classes last."""
    return (
        *_mean_drop(spec, table, confidence),
        *_images_worse(spec, table, confidence),
        *_map_distance(spec, table, confidence),
        *_answers(spec, table, confidence),
        *_by_class(table, confidence),
    )


def _mean_drop(spec: DriftSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    bound = spec.gate.mean_drop
    width = table.settings.get(RANGE, inf)
    yield _paired(
        table,
        DROP,
        bound,
        confidence,
        name="mean drop",
        title="accepted score minus this one, mean over the images; above 0 is worse",
        bounds=(-width, width),
    )


def _map_distance(spec: DriftSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    bound = spec.gate.map_distance
    if bound is None and not len(table.values(DISTANCE)):
        return  # a check without maps
    yield _paired(
        table,
        DISTANCE,
        bound,
        confidence,
        name="map distance",
        title="1 − rank correlation of the accepted map and this one, mean over the images",
        bounds=(0.0, 2.0),
    )


def _paired(
    table: Table,
    column: str,
    bound: DriftBound | None,
    confidence: float,
    *,
    name: str,
    title: str,
    bounds: tuple[float, float],
) -> Estimate:
    """The mean of a paired difference, with what networks of one recipe differ by beside it or taken off."""
    above = bound is not None and bound.above_floor
    values = table.frame[column].to_numpy(dtype=np.float64)
    if above:
        values, span = values - _floor(table, column), bounds[1] - bounds[0]
        bounds, title = (-span, span), f"{title}, beyond what networks of the same recipe differ by"
    return Estimate(
        name=name,
        title=title,
        interval=_interval(table, values, confidence, bounds),
        column=column,
        gate=None if bound is None else bound.as_gate(),
        undefined=table.undefined(column) | (_no_floor(table, column) if above else {}),
        low=end(bounds[0]),
        high=end(bounds[1]),
        chance_text="" if _others(table, column) else UNKNOWN,
        controls=tuple(_controls(table, column, confidence, (-inf, inf) if above else bounds)),
    )


def _interval(table: Table, values: np.ndarray, confidence: float, bounds: tuple[float, float]) -> Interval:
    """Of the mean of the defined values; of the same network nothing was drawn that could differ."""
    there = np.isfinite(values)
    if table.settings.get(SAME) and there.any() and np.abs(values[there]).max() <= NOISE:
        return stats.Interval(
            value=float(values[there].mean()),
            lower=float(values[there].min()),
            upper=float(values[there].max()),
            n=int(there.sum()),
            confidence=confidence,
            method=EXACT,
        )
    return stats.bootstrap_mean(
        values[there], confidence=confidence, clusters=table.groups(there), bounds=bounds
    )


def _images_worse(spec: DriftSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    bound = spec.gate.images_worse
    if bound is None:
        return
    worse = (table.values(DROP) > bound.by).astype(np.float64)
    interval = (
        _interval(table, np.zeros(len(table.ids)), confidence, (0.0, 1.0))
        if table.settings.get(SAME) and not worse.any()
        else stats.share(worse, confidence=confidence, clusters=table.clusters(DROP))
    )
    yield Estimate(
        name="images worse",
        title=f"share of images whose score dropped by more than {bound.by:g}",
        interval=interval,
        column=DROP,
        gate=bound.as_gate(),
        undefined=table.undefined(DROP),
    )


def _answers(spec: DriftSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    bound = spec.gate.answers_changed
    values = table.values(CHANGED)
    if len(values) or bound is not None:
        same = table.settings.get(SAME) and not values.any()
        interval = (
            _interval(table, table.frame[CHANGED].to_numpy(dtype=np.float64), confidence, (0.0, 1.0))
            if same
            else stats.share(values, confidence=confidence, clusters=table.clusters(CHANGED))
        )
        yield Estimate(
            name="answers changed",
            title="share of images that are answered otherwise",
            interval=interval,
            column=CHANGED,
            gate=None if bound is None else bound.as_gate(),
            undefined=table.undefined(CHANGED),
        )
    lost, won = table.values(LOST), table.values(WON)
    if len(lost):
        p = stats.mcnemar(int(lost.sum()), int(won.sum()))
        yield Estimate(
            name="right answers lost",
            title=f"right before and wrong now; won back: {won.sum():.0f} of {len(won)} "
            f"(McNemar's exact p of no difference {p:.2g})",
            interval=stats.share(lost, confidence=confidence, clusters=table.clusters(LOST)),
            column=LOST,
        )


def _by_class(table: Table, confidence: float) -> Iterator[Estimate]:
    labels = table.frame["label"]
    width = table.settings.get(RANGE, inf)
    for level in sorted(labels.dropna().unique(), key=str):
        part = table.where(labels == level)
        if len(part.values(DROP)) >= FEWEST:
            yield Estimate(
                name=f"mean drop [{level}]",
                title="accepted score minus this one, in one class",
                interval=_interval(
                    part, part.frame[DROP].to_numpy(dtype=np.float64), confidence, (-width, width)
                ),
                column=DROP,
                by="class",
                level=str(level),
                low=end(-width),
                high=end(width),
            )


def _others(table: Table, column: str) -> list[str]:
    """The names of the further baselines."""
    return (
        [str(name) for name in table.profiles[FLOOR + column].columns]
        if FLOOR + column in table.profiles
        else []
    )


def _floor(table: Table, column: str) -> np.ndarray:
    """Of each image the number of the further baseline that differs most on the whole."""
    rows = table.profiles[FLOOR + column]
    return np.asarray(rows[rows.mean().idxmax()].to_numpy(dtype=np.float64))


def _no_floor(table: Table, column: str) -> dict[str, int]:
    """Images with a difference of their own and none of the further baseline's."""
    missing = int((table.frame[column].notna().to_numpy() & ~np.isfinite(_floor(table, column))).sum())
    return {"no number in a further baseline": missing} if missing else {}


def _controls(table: Table, column: str, confidence: float, bounds: tuple[float, float]) -> Iterator[Control]:
    for name in _others(table, column):
        values = table.profiles[FLOOR + column][name].to_numpy(dtype=np.float64)
        there = np.isfinite(values)
        interval = stats.bootstrap_mean(
            values[there], confidence=confidence, clusters=table.groups(there), bounds=bounds
        )
        missing = int((~there).sum())
        yield Control(
            name=name,
            title=f"{name}, of the same recipe, against the accepted one",
            value=interval.value,
            lower=interval.lower,
            upper=interval.upper,
            n=interval.n,
            note=f"undefined for {missing}" if missing else "",
        )
