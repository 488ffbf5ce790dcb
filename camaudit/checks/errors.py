"""Errors: where did the network look for the wrong class, and where for the right one?

All samples are run; those that are classified correctly are counted, and only the misclassified ones enter
the estimates of maps and are shown.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from camaudit.checks.error_estimates import estimates, failures, names
from camaudit.checks.kind import Kind
from camaudit.checks.overlap import CONTROLS, MaskMetric, map_request, metric_of
from camaudit.evidence import Column
from camaudit.scores import FACTS
from camaudit.spec.base import Number, StrictModel
from camaudit.spec.targets import LinearTarget, linear_aim
from camaudit.spec.types import CheckSpec, Gate, MapsSpec, refuse_vacuous

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camaudit.evidence import MapRequest
    from camaudit.scores import Table

SHARE = (0.0, 1.0)
_RIGHT = "classified correctly"


class ErrorsGates(StrictModel):
    """Bounds on how often the network errs, and on where it looks when it does; at least one."""

    error_rate: Gate | None = None
    """Share of the labelled images whose prediction is not the label."""
    on_object: Gate | None = None
    """Share of the misclassified images whose first map of `compare` reaches `on_object`."""
    inside: Gate | None = None
    """Mean of `metric` of the first map, over the misclassified images."""
    difference: Gate | None = None
    """Mean over the misclassified images of the first map's metric minus the second's."""


class ErrorsSpec(CheckSpec):
    """Where did the network look for the wrong class, and where for the right one?"""

    kind: Literal["errors"]
    compare: Annotated[tuple[LinearTarget, ...], Field(min_length=2, max_length=4)] = ("label", "predicted")
    """The maps that are shown side by side: the class that would have been right, the one that was said,
    and up to two more. Each is "label", "predicted", an index, a class's name, {kth: 2}, {contrast: [A, B]}
    or {counterfactual: A}."""
    metric: MaskMetric = "energy_inside"
    """What is measured of every map against the mask."""
    mask: str = "object"
    """The region of the data that the maps are held against."""
    on_object: Number = 0.5
    """From which value of `metric` on a map's evidence counts as being on the object."""
    gate: ErrorsGates
    allow_none: bool = False
    """Without misclassified images, gates on their maps decide nothing instead of being an ERROR. Needs a
    gate on `error_rate`, so that something is gated."""

    @model_validator(mode="after")
    def _fits_together(self) -> ErrorsSpec:
        names = [str(linear_aim(item)) for item in self.compare]
        if len(set(names)) < len(names):
            raise ValueError(f'"compare" names a target twice: {", ".join(names)}')
        if self.maps is not None and "target" in self.maps.model_fields_set:
            raise ValueError('errors explains what "compare" names: leave "target" out of its maps')
        low, high = metric_of(self.metric).range
        if not low < self.on_object <= high:
            text = f"{self.metric} lies between {low:g} and {high:g}"
            raise ValueError(f'"on_object: {self.on_object:g}" tells nothing apart: {text}')
        self._gates_can_decide(low, high)
        return self

    def _gates_can_decide(self, low: float, high: float) -> None:
        ranges = {
            "error_rate": SHARE,
            "on_object": SHARE,
            "inside": (low, high),
            "difference": (low - high, high - low),
        }
        given = {name: gate for name in ranges if (gate := getattr(self.gate, name)) is not None}
        if not given:
            raise ValueError(f'"gate" needs at least one of {", ".join(ranges)}')
        for name, gate in given.items():
            refuse_vacuous(gate, name, *ranges[name])
        if self.allow_none and "error_rate" not in given:
            raise ValueError(
                '"allow_none" needs a gate on "error_rate": without errors nothing else would be gated'
            )


def _columns(spec: ErrorsSpec, maps: MapsSpec) -> dict[str, Column]:
    base = map_request(maps)
    requests = {str(aim): replace(base, target=aim) for aim in map(linear_aim, spec.compare)}
    first, second = tuple(requests.values())[:2]
    columns = {
        f"{name} {spec.metric}": Column(map=request, metric=spec.metric, region=spec.mask)
        for name, request in requests.items()
    }
    columns["similarity"] = Column(map=first, metric="spearman", against=second)
    for name, request in requests.items():
        columns[f"{name} peak"] = Column(map=request, metric="pointing", region=spec.mask)
    for name, request in requests.items():
        columns[f"{name} blank"] = Column(map=request, metric="status")
    for control in CONTROLS:
        columns[control] = Column(map=first, metric=spec.metric, region=spec.mask, source=control)  # type: ignore[arg-type]
    if metric_of(spec.metric).chance is not None:
        columns["chance"] = Column(map=first, metric=spec.metric, region=spec.mask, source="chance")
    columns["label_rank"] = Column(map=first, metric="label_rank", region=spec.mask, source="sample")
    return columns


def _maps(spec: ErrorsSpec, columns: Mapping[str, Column]) -> dict[str, MapRequest]:
    return {name: columns[f"{name} {spec.metric}"].map for name in names(spec)}


def _derive(spec: ErrorsSpec, table: Table) -> Table:
    """Who is misclassified, the paired difference, and which evidence is on the object."""
    rank = table.frame["label_rank"]
    wrong = (rank > 1).astype(float).mask(rank.isna())
    first, second = (f"{name} {spec.metric}" for name in names(spec)[:2])
    values = {name: table.frame[name] for name in (first, second)}
    columns = {"wrong": wrong, "difference": values[first] - values[second]}
    reasons = {"wrong": table.reasons.get("label_rank", {})}
    reasons["difference"] = {**table.reasons.get(second, {}), **table.reasons.get(first, {})}
    for source in (first, second, *CONTROLS):
        value = table.frame[source]
        columns[f"{source} on"] = (value >= spec.on_object).astype(float).mask(value.isna())
        reasons[f"{source} on"] = table.reasons.get(source, {})
    derived = table.first(columns, reasons)
    front = [*FACTS, first, second, "difference", "similarity"]
    order = [*front, *(name for name in table.columns if name not in front)]
    order += [name for name in columns if name not in order]
    counts = {"misclassified": (wrong == 1).sum(), _RIGHT: (wrong == 0).sum(), "no label": wrong.isna().sum()}
    settings = {**table.settings, **{name: float(count) for name, count in counts.items()}}
    return replace(derived, frame=derived.frame[order], settings=settings)


def _question(spec: ErrorsSpec) -> str:
    first, second = names(spec)[:2]
    region = "the object" if spec.mask == "object" else f"the region “{spec.mask}”"
    return (
        f"Where the network errs: does its evidence for “{first}” lie on {region}, and that for “{second}”?"
    )


def _titles(spec: ErrorsSpec) -> dict[str, str]:
    metric = metric_of(spec.metric)
    titles = {
        "wrong": "the prediction is not the label",
        "difference": f"{spec.metric}: first map minus second",
        "similarity": "rank correlation of the first two maps",
        "chance": f"{spec.metric}: chance level",
        "label_rank": "place of the label among the network's answers",
        **{key: f"{spec.metric}: {text}" for key, text in CONTROLS.items()},
    }
    for name in names(spec):
        titles[f"{name} {spec.metric}"] = f"{metric.title}, map of “{name}”"
        titles[f"{name} peak"] = f"the map of “{name}” peaks on the region or near it"
        titles[f"{name} blank"] = f"no evidence for “{name}”"
    return titles | {
        f"{source} on": f"{titles[source]}: at least {spec.on_object:g}"
        for source in (*(f"{name} {spec.metric}" for name in names(spec)[:2]), *CONTROLS)
    }


def _worst(_: ErrorsSpec) -> Literal["low", "high"]:
    return "low"


CHECK = Kind(
    name="errors",
    title="Where it looks when it errs",
    spec=ErrorsSpec,
    columns=_columns,  # type: ignore[arg-type]
    derive=_derive,  # type: ignore[arg-type]
    estimate=estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    failures=failures,  # type: ignore[arg-type]
    shows="misclassified images",
    maps=_maps,  # type: ignore[arg-type]
    limits=(
        (
            "Maps of two classes show where evidence for each was found. They do not show why one outweighed "
            "the other: evidence for the right class on the object and a wrong answer go together well."
        ),
        (
            "Few errors give wide intervals, and errors are picked by the network: their images may be "
            "unusual in other ways than the network's attention."
        ),
        "A label that is itself wrong makes a misclassified image of a correct answer. Look at the pictures.",
    ),
)
