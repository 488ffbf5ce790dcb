"""The part of `sanity` that asks the network again: insertion, deletion, occlusion, and other methods' maps.

Sources: V. Petsiuk, A. Das and K. Saenko, “RISE”, BMVC 2018 (insertion, deletion); R. Selvaraju et al.,
“Grad-CAM”, ICCV 2017, section 5.3 (rank correlation with occlusion).
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator

from camaudit import registry
from camaudit.checks.controls import control
from camaudit.checks.means import interval, mean
from camaudit.evidence import Column, MapRequest, Reveal
from camaudit.spec.base import StrictModel
from camaudit.spec.types import MethodName  # noqa: TC001 - pydantic reads the annotation at run time

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from camaudit.checks.kind import Estimate
    from camaudit.evidence import Order
    from camaudit.result import Control
    from camaudit.scores import Table
    from camaudit.spec.types import Gate

METHODS = ("gradcam", "hirescam", "gradcampp", "layercam", "xgradcam")
CORRELATION = (-1.0, 1.0)
AREA = (0.0, 1.0)
_ORDERS: dict[str, Order] = {
    "insertion": "map",
    "deletion": "reversed",
    "random_order": "random",
    "insertion.centre_prior": "centre_prior",
    "deletion.centre_prior": "centre_prior_reversed",
}
"""Column → the order in which cells are uncovered; deletion is uncovering from the lowest cell on."""
_RANDOM = "cells in random order"
_CENTRE = "cells in the order of a blob in the centre"
_TITLES = {
    "insertion": "insertion: area under the class's probability, highest cells uncovered first",
    "deletion": "deletion: area under the class's probability, highest cells covered first",
    "random_order": f"area under the class's probability, {_RANDOM} (mean of the draws)",
    "insertion.centre_prior": f"insertion, {_CENTRE}",
    "deletion.centre_prior": f"deletion, {_CENTRE}",
    "insertion_gain": "insertion: area beyond that of random orders of the same image",
    "deletion_gain": "deletion: area below that of random orders of the same image",
    "insertion_gain.centre_prior": f"insertion beyond random orders, {_CENTRE}",
    "deletion_gain.centre_prior": f"deletion below random orders, {_CENTRE}",
    "occlusion_agreement": "rank correlation with occlusion: how far the answer falls where a square hides",
    "occlusion_agreement.centre_prior": "rank correlation of a blob in the centre with occlusion",
    "method_agreement": "mean rank correlation between the maps of several methods",
}
GATES: dict[str, tuple[float, float]] = {
    "insertion_gain": CORRELATION,
    "deletion_gain": CORRELATION,
    "occlusion_agreement": CORRELATION,
    "method_agreement": CORRELATION,
}
"""What may be gated, with the ends of its range: a difference of areas lies in [−1, 1] as well."""


class FaithfulnessSpec(StrictModel):
    """Does the answer follow what the map marks? Takes about (4 + `orders`) × `steps` forwards more."""

    steps: Annotated[int, Field(ge=2, le=256)] = 16
    """In how many steps an image is uncovered, by cells of the map."""
    baseline: Literal["blur", "grey", "mean"] = "blur"
    """What covers a cell: the image's blur (σ an eighth of its shorter side), grey, or its mean colour."""
    orders: Annotated[int, Field(ge=1, le=50)] = 3
    """Random orders per image that insertion and deletion are held against."""
    occlusion: bool = True
    """Rank correlation with the map of method `occlusion`, about 225 forwards (extra `explain`)."""
    methods: tuple[MethodName, ...] = METHODS
    """Layer methods whose maps are compared pair by pair; they share the forward. An empty list: none."""

    @field_validator("methods")
    @classmethod
    def _comparable(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(methods)) != len(methods) or len(methods) == 1:
            raise ValueError("methods are compared in pairs: name each once, at least two, or none: []")
        other = [name for name in methods if registry.find("map", name).at != "layer"]
        if other:
            raise ValueError(f"{other[0]!r} does not look at a layer; such methods share no forward")
        return methods


def columns(spec: FaithfulnessSpec, clean: MapRequest) -> dict[str, Column]:
    """What is measured for a check whose maps are `clean`."""
    reveal = Reveal(steps=spec.steps, baseline=spec.baseline, orders=spec.orders)
    found = {
        name: Column(map=clean, metric="reveal", reveal=replace(reveal, order=order))
        for name, order in _ORDERS.items()
    }
    if spec.occlusion:
        agreement = Column(map=clean, metric="spearman", against=replace(clean, method="occlusion"))
        found["occlusion_agreement"] = agreement
        found["occlusion_agreement.centre_prior"] = replace(agreement, source="centre_prior")
    # What a module puts out is no layer's activation: there is nothing to compare it with.
    layered = registry.find("map", clean.method).at != "module"
    for one, other in combinations(spec.methods if layered else (), 2):
        found[_pair(one, other)] = Column(
            map=replace(clean, method=one), metric="spearman", against=replace(clean, method=other)
        )
    return found


def derived(table: Table) -> tuple[dict[str, pd.Series], dict[str, dict[str, str]]]:
    """Gains over the random orders, image by image, and the mean over pairs of methods; with reasons."""
    frame = table.frame
    random = frame["random_order"]
    made = {
        "insertion_gain": frame["insertion"] - random,
        "deletion_gain": random - frame["deletion"],
        "insertion_gain.centre_prior": frame["insertion.centre_prior"] - random,
        "deletion_gain.centre_prior": random - frame["deletion.centre_prior"],
    }
    sources = {name: ["insertion"] for name in made}
    pairs = [name for name in table.columns if name.startswith("agreement.")]
    if pairs:
        # An image without one of the pairs has no mean: the rest would flatter it.
        made["method_agreement"] = frame[pairs].mean(axis=1, skipna=False)
        sources["method_agreement"] = pairs
    reasons = {name: _why(table, column, sources[name]) for name, column in made.items()}
    return made, reasons


def _why(table: Table, made: pd.Series, sources: list[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for source in reversed(sources):
        known: Mapping[str, str] = table.reasons.get(source, {})
        found.update({key: known[key] for key in made.index[made.isna()] if key in known})
    return found


def estimates(table: Table, gates: Mapping[str, Gate | None], confidence: float) -> Iterator[Estimate]:
    """The numbers of the check; `gates` by their names."""
    for name in ("insertion_gain", "deletion_gain"):
        yield _gain(name, table, gates[name], confidence)
    for name in ("insertion", "deletion"):
        yield _area(name, table, confidence)
    for name in ("occlusion_agreement", "method_agreement"):
        if name in table.columns:
            yield _agreement(name, table, gates[name], confidence)
    for name in table.columns:
        if name.startswith("agreement."):
            _, one, other = name.split(".")
            estimate = _agreement(name, table, None, confidence)
            yield replace(
                estimate, column="method_agreement", by="pair of methods", level=f"{one} and {other}"
            )


def _gain(name: str, table: Table, gate: Gate | None, confidence: float) -> Estimate:
    return replace(
        mean(name, _TITLES[name], table, confidence, CORRELATION),
        gate=gate,
        chance=0.0,
        chance_text="an order that knows nothing: 0",
        controls=(_control(table, f"{name}.centre_prior", _CENTRE, confidence, CORRELATION),),
    )


def _area(name: str, table: Table, confidence: float) -> Estimate:
    other = "deletion" if name == "insertion" else "insertion"
    return replace(
        mean(name, _TITLES[name], table, confidence, AREA),
        chance_text="no closed form: see the random order",
        controls=(
            _control(table, "random_order", _RANDOM, confidence, AREA),
            _control(table, f"{name}.centre_prior", _CENTRE, confidence, AREA),
            replace(
                _control(table, other, "the map's order turned round", confidence, AREA),
                name="reversed_order",
            ),
        ),
    )


def _agreement(name: str, table: Table, gate: Gate | None, confidence: float) -> Estimate:
    title = _TITLES.get(name, "rank correlation between the maps of two methods")
    return replace(
        mean(name, title, table, confidence, CORRELATION),
        gate=gate,
        chance=0.0,
        chance_text="two unrelated maps: 0",
        controls=tuple(
            _control(table, column, "a blob in the centre instead of the map", confidence, CORRELATION)
            for column in [f"{name}.centre_prior"]
            if column in table.columns
        ),
    )


def _control(
    table: Table, column: str, title: str, confidence: float, bounds: tuple[float, float]
) -> Control:
    found = interval(column, table, confidence, bounds)
    return control(column.rpartition(".")[2], title, found, table, column)


def titles(spec: FaithfulnessSpec) -> dict[str, str]:
    """What each column is."""
    pairs = combinations(spec.methods, 2)
    return {
        **_TITLES,
        **{_pair(one, other): f"rank correlation of {one} and {other}" for one, other in pairs},
    }


def _pair(one: str, other: str) -> str:
    return f"agreement.{one}.{other}"
