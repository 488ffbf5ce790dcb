"""Localisation: do boxes and pixels that the map marks find the object?

Sources: R. Selvaraju et al., “Grad-CAM”, 2017, section 4.1 (ILSVRC protocol); J. Choe et al., “Evaluating
weakly supervised object localization methods right”, CVPR 2020, and “Evaluation for weakly supervised
object localization”, TPAMI 2022 (MaxBoxAccV2, PxAP).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

import numpy as np
import pandas as pd
from pydantic import Field, model_validator

from camaudit import stats
from camaudit.checks import rejection
from camaudit.checks.controls import control
from camaudit.checks.figures import FIGURES, MEASURED, SOURCES, TUNED
from camaudit.checks.kind import Estimate, Kind
from camaudit.checks.overlap import PerClass, map_request
from camaudit.errors import DataError
from camaudit.evidence import Column
from camaudit.metrics.localisation import BOX_LEVELS, average_precision, best_level
from camaudit.scores import size_quartile
from camaudit.spec.base import Number  # noqa: TC001 - pydantic reads the annotation at run time
from camaudit.spec.types import CalibrationSpec, CheckSpec, Gate, MapsSpec, refuse_vacuous

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from camaudit.result import Control
    from camaudit.scores import Table

Name = Literal[
    "gt_known_loc",
    "loc_error",
    "loc_error_top5",
    "box_iou",
    "max_box_acc",
    "pxap",
    "pointing",
    "pointing_rejection",
]

IOUS = (0.3, 0.5, 0.7)
_RANKS = {"loc_error": 1, "loc_error_top5": 5, "classification_error": 1, "classification_error_top5": 5}


class LocalisationSpec(CheckSpec):
    """Do boxes drawn from the label's map find the object?"""

    kind: Literal["localisation"]
    metric: Name = "gt_known_loc"
    """The number that is gated."""
    also: tuple[Name, ...] = ()
    """Further numbers to report without a gate."""
    mask: str = "object"
    """The region whose boxes (or whose mask's bounding box, where the data has no boxes) are to be found."""
    threshold: Annotated[Number, Field(ge=0.001, le=1)] = 0.15
    """Share of the map's peak that a box is drawn around; of no meaning for `max_box_acc` and `pxap`."""
    iou: Annotated[Number, Field(gt=0, le=1)] = 0.5
    """From which intersection over union on a box fits; `max_box_acc` has three of its own."""
    calibration: CalibrationSpec | None = None
    """Samples that the thresholds of `max_box_acc` and `pointing_rejection` are tuned on; never the audited
    ones."""
    top: Annotated[int, Field(ge=1, le=10)] = 5
    """How many of the largest classes `pointing_rejection` makes maps for."""
    gate: Gate
    per_class: PerClass | None = None

    @model_validator(mode="after")
    def _fits_together(self) -> LocalisationSpec:
        for gate in (self.gate, self.per_class):
            if gate is not None:
                refuse_vacuous(gate, self.metric, 0.0, 1.0)
        tuned = [name for name in TUNED if name in (self.metric, *self.also)]
        if tuned and self.calibration is None:
            raise ValueError(
                f'"{tuned[0]}" tunes its thresholds: it needs "calibration: {{n: 100}}", samples that are '
                "split off and not audited, or another data set"
            )
        if self.calibration is not None and not tuned:
            raise ValueError(
                f'"calibration" is used by {" and ".join(TUNED)} alone, none of which is asked for'
            )
        if self.maps is not None and self.maps.target != "label" and "target" in self.maps.model_fields_set:
            raise ValueError('localisation explains the label: leave "target" out, or write "target: label"')
        return self


def figures(spec: LocalisationSpec) -> tuple[str, ...]:
    """The numbers of a check: the gated one first, classification errors beside localisation errors."""
    asked = dict.fromkeys((spec.metric, *spec.also))
    beside = [name.replace("loc", "classification") for name in asked if name.startswith("loc_error")]
    return (*asked, *beside)


def _columns(spec: LocalisationSpec, maps: MapsSpec) -> dict[str, Column]:
    asked = set(figures(spec))
    request = replace(map_request(maps), target="label")

    def column(metric: str, source: str, **rest: bool) -> Column:
        return Column(map=request, metric=metric, region=spec.mask, source=source, **rest)  # type: ignore[arg-type]

    columns = {}
    for source in SOURCES:
        columns[_of("box_iou", source)] = column(f"box_iou@{spec.threshold:.6f}", source, boxes=True)
        if "max_box_acc" in asked:
            columns[_of("best_box_ious", source)] = column("best_box_ious", source, profile=True, boxes=True)
        if "pxap" in asked:
            columns[_of("pixel_counts", source)] = column("pixel_counts", source, profile=True)
        if "pointing" in asked:
            # A box of ones has no one peak: what a guess within it scores stands for it.
            metric = "peak_share" if source == "centre_box" else "pointing"
            columns[_of("pointing", source)] = column(metric, source)
    if rejection.NAME in asked:
        columns |= rejection.columns(request, spec.mask, spec.top)
    columns["label_rank"] = column("label_rank", "sample")
    columns["own_boxes"] = column("own_boxes", "sample")
    return columns


def _of(name: str, source: str) -> str:
    return name if source == "map" else f"{name}.{source}"


def _setting(delta: float, source: str) -> str:
    return f"threshold at IoU {delta:g}" + ("" if source == "map" else f" ({source})")


def _fit(spec: LocalisationSpec, table: Table) -> dict[str, float]:
    """The best thresholds on the calibration samples, for the map and for each control."""
    found: dict[str, float] = {}
    if rejection.NAME in figures(spec):
        found |= rejection.fit(table, spec.top, spec.allow_undefined)
    for source in SOURCES if "max_box_acc" in figures(spec) else ():
        profile = table.profiles[_of("best_box_ious", source)]
        ious = profile.dropna().to_numpy(dtype=np.float64)
        missing = len(profile) - len(ious)
        if not len(ious) or (source == "map" and missing > spec.allow_undefined * len(profile)):
            raise DataError(
                f"{missing} of {len(profile)} calibration samples have no boxes to tune a threshold on",
                hint="allow it by `allow_undefined`, if this is as it should be",
            )
        found |= {_setting(delta, source): best_level(ious, delta) for delta in IOUS}
    return found


def _derive(spec: LocalisationSpec, table: Table) -> Table:
    """One number per sample for every figure and control; the gated one in front."""
    columns: dict[str, pd.Series] = {}
    reasons: dict[str, Mapping[str, str]] = {}
    for name in figures(spec):
        if name == rejection.NAME:
            series, whys = rejection.derive(table, spec.top)
            columns |= series
            reasons |= whys
            continue
        for source in SOURCES if FIGURES[name].controls else ("map",):
            if name in MEASURED:
                continue
            own, why = _figure(spec, table, name, source)
            columns[_of(name, source)] = own
            reasons[_of(name, source)] = {key: why[key] for key in own.index[own.isna()]}
    boxed = int((table.frame["own_boxes"] > 0).sum())
    settings = {
        "samples with boxes of their own": boxed,
        "samples with their mask's bounding box": len(table.ids) - boxed,
    }
    first = table.first(columns, reasons) if columns else table
    if spec.metric in MEASURED:
        order = _in_front(list(first.frame.columns), spec.metric, first.columns[0])
        first = replace(first, frame=first.frame[order])
    return replace(
        first, settings={**table.settings, **{name: float(count) for name, count in settings.items()}}
    )


def _in_front(names: list[str], name: str, before: str) -> list[str]:
    rest = [item for item in names if item != name]
    place = rest.index(before) if before in rest else names.index(name)
    return [*rest[:place], name, *rest[place:]]


def _figure(
    spec: LocalisationSpec, table: Table, name: str, source: str
) -> tuple[pd.Series, Mapping[str, str]]:
    if name == "max_box_acc":
        profile = table.profiles[_of("best_box_ious", source)]
        levels = [BOX_LEVELS.index(table.settings[_setting(delta, source)]) for delta in IOUS]
        ious = profile.to_numpy(dtype=np.float64)
        hits = [ious[:, level] >= delta for level, delta in zip(levels, IOUS, strict=True)]
        share = pd.Series(np.mean(hits, axis=0), index=profile.index)
        return share.mask(profile.isna().any(axis=1)), table.reasons[_of("best_box_ious", source)]
    if name == "pxap":
        profile = table.profiles[_of("pixel_counts", source)]
        areas = average_precision(profile.to_numpy(dtype=np.float64))
        return pd.Series(areas, index=profile.index), table.reasons[_of("pixel_counts", source)]
    iou, rank = table.frame[_of("box_iou", source)], table.frame["label_rank"]
    no_box, no_rank = table.reasons.get(_of("box_iou", source), {}), table.reasons.get("label_rank", {})
    fits, among = iou >= spec.iou, rank <= _RANKS.get(name, 1)
    if name == "gt_known_loc":
        return fits.astype(float).mask(iou.isna()), no_box
    if name.startswith("classification"):
        return (~among).astype(float).mask(rank.isna()), no_rank
    # The wrong class is an error whatever the map, unless there is no box that it could have found: the
    # centre box is a map that always is, so that it has no number means that the object has no box.
    no_object = table.frame[_of("box_iou", "centre_box")].isna()
    undefined = rank.isna() | no_object | (iou.isna() & among)
    return (~(fits & among)).astype(float).mask(undefined), {**no_rank, **no_box}


def _estimate(spec: LocalisationSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    return tuple(_estimates(spec, table, confidence))


def _estimates(spec: LocalisationSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    for name in figures(spec):
        yield _one(name, table, confidence, gate=spec.gate if name == spec.metric else None)
    labels = table.frame["label"]
    for label in sorted(labels.dropna().unique()):
        yield _of_class(spec, table.where(labels == label), confidence, str(label))
    quartiles = size_quartile(table.frame["object_share"])
    for level in sorted(quartiles.dropna().unique()):
        yield _one(spec.metric, table.where(quartiles == level), confidence, by="object size", level=level)


def _of_class(spec: LocalisationSpec, part: Table, confidence: float, label: str) -> Estimate:
    rule, defined = spec.per_class, len(part.values(spec.metric))
    enough = rule is not None and defined >= rule.min_n
    return _one(
        spec.metric,
        part,
        confidence,
        gate=rule if enough else None,
        severity=rule.severity if rule else "fail",
        by="class",
        level=label,
        note=f"not gated: n={defined} is below min_n={rule.min_n}" if rule and not enough else "",
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
    figure = FIGURES[name]
    return Estimate(
        name=name if level is None else f"{name} [{level}]",
        title=figure.title,
        interval=_interval(name, table, "map", confidence),
        column=name,
        gate=gate,
        severity=severity,
        by=by,
        level=level,
        chance_text="no closed form: see the centre box and the centre prior" if figure.controls else "",
        undefined=table.undefined(name),
        controls=tuple(_controls(name, table, confidence)) if figure.controls else (),
        note=note,
    )


def _controls(name: str, table: Table, confidence: float) -> Iterator[Control]:
    for key, title in FIGURES[name].controls.items():
        yield control(key, title, _interval(name, table, key, confidence), table, _of(name, key))


def _interval(name: str, table: Table, source: str, confidence: float) -> stats.Interval:
    column = _of(name, source)
    values, clusters = table.values(column), table.clusters(column)
    if FIGURES[name].interval == "share" and np.isin(values, (0.0, 1.0)).all():
        return stats.share(values, confidence=confidence, clusters=clusters)
    if FIGURES[name].interval != "pooled":
        return stats.bootstrap_mean(values, confidence=confidence, clusters=clusters, bounds=(0.0, 1.0))
    counts = table.profiles[_of("pixel_counts", source)].dropna().to_numpy(dtype=np.float64)
    return stats.bootstrap_pooled(
        counts, average_precision, confidence=confidence, clusters=clusters, bounds=(0.0, 1.0)
    )


def _question(spec: LocalisationSpec) -> str:
    region = "the object" if spec.mask == "object" else f"the region “{spec.mask}”"
    if spec.metric == "pxap":
        return f"Do the map's pixels for the label tell {region} from the rest?"
    if spec.metric == "pointing":
        return f"Does the peak of the map for the label lie on {region}?"
    if spec.metric == rejection.NAME:
        return "Do the maps of the predicted classes point at those that are there, and at no others?"
    return f"Does a box drawn from the map for the label find {region}?"


def _titles(spec: LocalisationSpec) -> dict[str, str]:
    titles = {}
    for name in dict.fromkeys((*figures(spec), "box_iou")):
        own = FIGURES[name].title
        titles[name] = f"{own} (of the image alone)" if name == "pxap" else own
        titles |= {f"{name}.{key}": f"{name}: {text}" for key, text in FIGURES[name].controls.items()}
    return {
        **titles,
        "label_rank": "place of the label among the network's answers",
        "own_boxes": "boxes that the data gives",
    }


def _worst(spec: LocalisationSpec) -> Literal["low", "high"]:
    return "low" if spec.gate.at_least is not None else "high"


CHECK = Kind(
    name="localisation",
    title="Boxes from maps",
    spec=LocalisationSpec,
    columns=_columns,  # type: ignore[arg-type]
    fit=_fit,  # type: ignore[arg-type]
    derive=_derive,  # type: ignore[arg-type]
    estimate=_estimate,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    limits=(
        (
            "The maps are those of the label. Of five predicted classes only the label can be right, so its "
            "own map is the one that top-1 and top-5 are decided by."
        ),
        (
            "A map shows what the answer rests on, which may be a part of the object: a face found instead "
            "of the whole animal is an error here and need not be one of the network."
        ),
        "Objects that fill the image are found by a box in its centre: compare with the controls.",
        "Intervals take tuned thresholds as given: the error of having tuned them is not in them.",
    ),
)
