"""What is estimated of a network's errors, and of where it looked in them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from camaudit import stats
from camaudit.checks.controls import control
from camaudit.checks.kind import Estimate
from camaudit.checks.means import mean
from camaudit.checks.overlap import CONTROLS, metric_of
from camaudit.spec.targets import linear_aim

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas as pd

    from camaudit.checks.errors import ErrorsSpec
    from camaudit.result import Control
    from camaudit.scores import Table
    from camaudit.spec.types import Gate

_CELLS = (("on", "on"), ("on", "off"), ("off", "on"), ("off", "off"))
_WRONG = "images whose prediction is not the label"


def names(spec: ErrorsSpec) -> tuple[str, ...]:
    """What the maps are called: ``label``, ``predicted``, ``contrast: label − predicted``."""
    return tuple(str(linear_aim(item)) for item in spec.compare)


def failures(_: ErrorsSpec, table: Table) -> pd.Series:
    """Which samples are misclassified: not those without a label."""
    wrong: pd.Series = table.frame["wrong"] == 1
    return wrong


def estimates(spec: ErrorsSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Error rate, what the maps of the misclassified images show, and correct ones for comparison."""
    return tuple(_estimates(spec, table, confidence))


def _estimates(spec: ErrorsSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    wrong = table.where(failures(spec, table))
    yield _share(
        "error_rate",
        "wrong",
        _WRONG,
        table,
        confidence,
        gate=spec.gate.error_rate,
    )
    for estimate in _of_errors(spec, wrong, confidence):
        excused = spec.allow_none and not wrong.ids and estimate.gate is not None
        gate, note = (None, "not gated: no image is misclassified") if excused else (estimate.gate, "")
        yield replace(estimate, of=len(wrong.ids), gate=gate, note=note)
    yield from _correct(spec, table.where(table.frame["wrong"] == 0), confidence)
    labels = table.frame["label"]
    for label in sorted(labels.dropna().unique()):
        part = table.where(labels == label)
        yield _share(
            "error_rate",
            "wrong",
            _WRONG,
            part,
            confidence,
            by="class",
            level=str(label),
        )


def _of_errors(spec: ErrorsSpec, wrong: Table, confidence: float) -> Iterator[Estimate]:
    first, second, *more = names(spec)
    metric, what = metric_of(spec.metric), "misclassified images"
    yield replace(
        _share(
            "on_object",
            f"{first} {spec.metric} on",
            f"{what} with evidence for “{first}” on the region ({spec.metric} at least {spec.on_object:g})",
            wrong,
            confidence,
            gate=spec.gate.on_object,
        ),
        controls=tuple(_controls(wrong, confidence, " on", None)),
    )
    inside = mean(
        f"{first} {spec.metric}", f"{metric.title}: map of “{first}”, {what}", wrong, confidence, metric.range
    )
    yield replace(
        inside,
        name="inside",
        gate=spec.gate.inside,
        chance=_average(wrong, "chance"),
        chance_text=metric.chance_text,
        controls=tuple(_controls(wrong, confidence, "", metric.range)),
    )
    for name in (second, *more):
        yield mean(
            f"{name} {spec.metric}",
            f"{metric.title}: map of “{name}”, {what}",
            wrong,
            confidence,
            metric.range,
        )
    low, high = metric.range
    title = f"{spec.metric} of “{first}” minus that of “{second}”, image by image, {what}"
    difference = mean("difference", title, wrong, confidence, (low - high, high - low))
    yield replace(difference, gate=spec.gate.difference, chance=0.0, chance_text="two maps alike: 0")
    yield mean(
        "similarity",
        f"rank correlation of the maps of “{first}” and “{second}”, {what}",
        wrong,
        confidence,
        (-1.0, 1.0),
    )
    for name in names(spec):
        yield _share(
            f"{name} peak",
            f"{name} peak",
            f"{what} whose map of “{name}” peaks on the region or near it",
            wrong,
            confidence,
        )
        yield _share(
            f"{name} blank", f"{name} blank", f"{what} without any evidence for “{name}”", wrong, confidence
        )
    if wrong.ids:
        yield from _cells(spec, wrong, confidence)


def _cells(spec: ErrorsSpec, wrong: Table, confidence: float) -> Iterator[Estimate]:
    """The four ways in which the evidence for two classes may lie; without one of both maps: undefined."""
    first, second = names(spec)[:2]
    columns = [f"{name} {spec.metric} on" for name in (first, second)]
    both = wrong.where(wrong.frame[columns].notna().all(axis=1))
    undefined = {**wrong.reasons.get(columns[1], {}), **wrong.reasons.get(columns[0], {})}
    missing = [undefined[key] for key in wrong.ids if key not in set(both.ids)]
    for one, other in _CELLS:
        here = (both.frame[columns[0]] == (one == "on")) & (both.frame[columns[1]] == (other == "on"))
        level = f"“{first}” {one} it, “{second}” {other} it: {int(here.sum())} of {len(both.ids)}"
        yield Estimate(
            name=f"cell [{first} {one}, {second} {other}]",
            title=f"share of misclassified images (on: {spec.metric} at least {spec.on_object:g})",
            interval=stats.share(
                list(map(float, here)), confidence=confidence, clusters=both.clusters(columns[0])
            ),
            column="difference",
            by="evidence on the region",
            level=level,
            undefined={why: missing.count(why) for why in dict.fromkeys(missing)},
        )


def _correct(spec: ErrorsSpec, right: Table, confidence: float) -> Iterator[Estimate]:
    """The first map's metric where the network was right: what the number of the errors is held against."""
    name, metric = names(spec)[0], metric_of(spec.metric)
    title = f"{metric.title}: map of “{name}”, images classified correctly, for comparison"
    estimate = mean(f"{name} {spec.metric}", title, right, confidence, metric.range)
    yield replace(estimate, name="inside where correct", of=len(right.ids))


def _share(
    name: str,
    column: str,
    title: str,
    table: Table,
    confidence: float,
    *,
    gate: Gate | None = None,
    by: str | None = None,
    level: str | None = None,
) -> Estimate:
    interval = stats.share(table.values(column), confidence=confidence, clusters=table.clusters(column))
    return Estimate(
        name=name if level is None else f"{name} [{level}]",
        title=f"share of {title}",
        interval=interval,
        column=column,
        gate=gate,
        by=by,
        level=level,
        undefined=table.undefined(column),
    )


def _average(table: Table, column: str) -> float | None:
    values = list(table.values(column)) if column in table.columns else []
    return float(sum(values) / len(values)) if values else None


def _controls(
    table: Table, confidence: float, suffix: str, bounds: tuple[float, float] | None
) -> Iterator[Control]:
    """Centre blob and shuffled mask on the misclassified images; shares where there are no `bounds`."""
    for key, title in CONTROLS.items():
        column = f"{key}{suffix}"
        values, clusters = table.values(column), table.clusters(column)
        interval = (
            stats.share(values, confidence=confidence, clusters=clusters)
            if bounds is None
            else stats.bootstrap_mean(values, confidence=confidence, clusters=clusters, bounds=bounds)
        )
        yield control(key, title, interval, table, column)
