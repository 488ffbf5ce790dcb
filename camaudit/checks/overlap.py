"""Overlap of attention with a region: is the map on the object?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from camaudit import registry, stats
from camaudit.checks.controls import control
from camaudit.checks.kind import Estimate, Kind
from camaudit.checks.means import end
from camaudit.evidence import Column, MapRequest
from camaudit.scores import size_quartile
from camaudit.spec.targets import aim
from camaudit.spec.types import (
    CheckSpec,
    Gate,
    GatedMetric,
    MapsSpec,
    layout_aim,
    metric_base,
    refuse_vacuous,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.metrics import Metric
    from camaudit.result import Control
    from camaudit.scores import Table

CONTROLS = {
    "centre_prior": "a fixed blob in the centre",
    "shuffled_mask": "the same map against another image's mask",
}


class PerClass(Gate):
    """A gate on every class that has enough images."""

    severity: Literal["fail", "warn"] = "fail"
    min_n: Annotated[int, Field(ge=2)] = 30
    """Classes with fewer images are shown and not gated."""


def _on_a_mask(name: str) -> str:
    reference = metric_of(name).reference
    if reference != "mask":
        what = "compares two maps" if reference == "map" else "is a check of kind localisation's"
        raise ValueError(f"metric {name!r} {what}; an overlap needs one that compares a map with a mask")
    return name


MaskMetric = Annotated[GatedMetric, AfterValidator(_on_a_mask)]


class OverlapSpec(CheckSpec):
    """Is attention on the object?"""

    kind: Literal["overlap"]
    metric: MaskMetric = "energy_inside"
    """The number that is gated."""
    mask: str = "object"
    """The region of the data that the map is held against."""
    also: tuple[MaskMetric, ...] = ()
    """Further metrics to report without a gate."""
    gate: Gate
    per_class: PerClass | None = None

    @model_validator(mode="after")
    def _gates_can_decide(self) -> OverlapSpec:
        metric = metric_of(self.metric)
        for gate in (self.gate, self.per_class):
            if gate is not None:
                refuse_vacuous(gate, self.metric, *metric.range)
        return self


def metric_of(name: str) -> Metric:
    """The table's entry of a metric's name, with or without its parameter."""
    metric: Metric = registry.find("metric", metric_base(name))
    return metric


def _metrics(spec: OverlapSpec) -> tuple[str, ...]:
    return (spec.metric, *(name for name in spec.also if name != spec.metric))


def map_request(maps: MapsSpec) -> MapRequest:
    """The map that a spec's `maps` describes."""
    return MapRequest(
        method=maps.method,
        layer=maps.layer,
        target=aim(maps.target),
        call=maps.call,
        relu=maps.relu,
        resize=maps.resize,
        layout=layout_aim(maps.layout),
    )


def _columns(spec: OverlapSpec, maps: MapsSpec) -> dict[str, Column]:
    request = map_request(maps)
    columns = {}
    for name in _metrics(spec):
        columns[name] = Column(map=request, metric=name, region=spec.mask)
        for key in CONTROLS:
            columns[f"{name}.{key}"] = Column(map=request, metric=name, region=spec.mask, source=key)  # type: ignore[arg-type]
        if metric_of(name).chance is not None:
            columns[f"{name}.chance"] = Column(map=request, metric=name, region=spec.mask, source="chance")
    return columns


def _estimate(spec: OverlapSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    return tuple(_estimates(spec, table, confidence))


def _estimates(spec: OverlapSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    for name in _metrics(spec):
        yield _one(name, table, confidence, gate=spec.gate if name == spec.metric else None)
    yield from _by_class(spec, table, confidence)
    quartiles = size_quartile(table.frame["object_share"])
    for level in sorted(quartiles.dropna().unique()):
        part = table.where(quartiles == level)
        yield _one(spec.metric, part, confidence, by="object size", level=level)


def _by_class(spec: OverlapSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    labels = table.frame["label"]
    for label in sorted(labels.dropna().unique()):
        part = table.where(labels == label)
        rule = spec.per_class
        defined = len(part.values(spec.metric))
        enough = rule is not None and defined >= rule.min_n
        note = f"not gated: n={defined} is below min_n={rule.min_n}" if rule and not enough else ""
        yield _one(
            spec.metric,
            part,
            confidence,
            gate=rule if enough else None,
            severity=rule.severity if rule else "fail",
            by="class",
            level=str(label),
            note=note,
        )


def _one(
    name: str,
    table: Table,
    confidence: float,
    *,
    gate: Gate | None = None,
    severity: Literal["fail", "warn"] = "fail",
    by: str | None = None,
    level: str | None = None,
    note: str = "",
) -> Estimate:
    metric = metric_of(name)
    chance = list(table.values(f"{name}.chance")) if f"{name}.chance" in table.columns else []
    return Estimate(
        name=name if level is None else f"{name} [{level}]",
        title=metric.title,
        interval=_interval(metric, table, name, confidence),
        column=name,
        gate=gate,
        severity=severity,
        by=by,
        level=level,
        low=end(metric.range[0]),
        high=end(metric.range[1]),
        chance=float(sum(chance) / len(chance)) if chance else None,
        chance_text=metric.chance_text,
        undefined=table.undefined(name),
        controls=tuple(_controls(metric, table, name, confidence)),
        note=note,
    )


def _controls(metric: Metric, table: Table, name: str, confidence: float) -> Iterator[Control]:
    for key, title in CONTROLS.items():
        column = f"{name}.{key}"
        yield control(key, title, _interval(metric, table, column, confidence), table, column)


def _interval(metric: Metric, table: Table, column: str, confidence: float) -> stats.Interval:
    values, clusters = table.values(column), table.clusters(column)
    if metric.statistic == "share":
        return stats.share(values, confidence=confidence, clusters=clusters)
    return stats.bootstrap_mean(values, confidence=confidence, clusters=clusters, bounds=metric.range)


def _question(spec: OverlapSpec) -> str:
    region = "the object" if spec.mask == "object" else f"the region “{spec.mask}”"
    side = "on" if spec.gate.at_least is not None else "away from"
    return f"Does the network's attention lie {side} {region}?"


def _titles(spec: OverlapSpec) -> dict[str, str]:
    titles = {}
    for name in _metrics(spec):
        titles[name] = metric_of(name).title
        titles.update({f"{name}.{control}": f"{name}: {text}" for control, text in CONTROLS.items()})
        titles[f"{name}.chance"] = f"{name}: chance level"
    return titles


def _worst(spec: OverlapSpec) -> Literal["low", "high"]:
    return "low" if spec.gate.at_least is not None else "high"


CHECK = Kind(
    name="overlap",
    title="Attention on a region",
    spec=OverlapSpec,
    columns=_columns,  # type: ignore[arg-type]
    estimate=_estimate,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    limits=(
        (
            "Overlap says where the map lies, not what the answer depends on. A cue inside the object, "
            "such as a collar on a dog, counts as attention on the object."
        ),
        "A map is coarse: what is smaller than one of its cells cannot be told from its surroundings.",
        "Large objects reach high values by chance: compare with the controls beside every number.",
    ),
)
