"""Natural corruptions: do the answer and the map survive noise, blur and compression?

Nobody aims at the network here, and there is no budget: a corruption has a kind and a severity.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from camaudit.checks.corruption_estimates import BROKEN, estimates, own_titles, pairs
from camaudit.checks.kind import Kind
from camaudit.checks.perturbed import MapGates, parameters_of, refuse_senseless, told, walk_columns
from camaudit.spec.base import Number, StrictModel, member_of
from camaudit.spec.types import CheckSpec, Gate, MapsSpec, refuse_vacuous

if TYPE_CHECKING:
    import pandas as pd

    from camaudit.evidence import Column
    from camaudit.scores import Table

CorruptionName = Annotated[str, member_of("corruption")]


class CorruptionItem(StrictModel):
    """One corruption. Further keys are its own parameters."""

    model_config = ConfigDict(extra="allow")

    name: CorruptionName
    """`camaudit list corruptions`."""
    severity: Annotated[int, Field(ge=1, le=5)] = 3
    """From 1, hardly seen, to 5."""

    @property
    def parameters(self) -> dict[str, object]:
        """What the corruption is made with."""
        return {"severity": self.severity, **parameters_of(self)}

    @property
    def text(self) -> str:
        """``gaussian_noise 3``; parameters of its own behind it."""
        own = told(parameters_of(self))
        return f"{self.name} {self.severity}" + (f" ({own})" if own else "")


class CorruptionGates(MapGates):
    """Bounds that have to hold under every corruption by itself; at least one."""

    accuracy: Gate | None = None
    """Share of the labelled images that are right under the corruption; the worst corruption decides."""
    accuracy_drop: Gate | None = None
    """Right answers that the corruption costs: right before minus right after, image by image."""


class CorruptionSpec(CheckSpec):
    """Do the answer and the map survive noise, blur and compression?"""

    kind: Literal["corruption"]
    corruptions: Annotated[tuple[CorruptionItem, ...], Field(min_length=1)]
    """The corruptions, each with its severity."""
    seed: int = 0
    """All chance comes from it, the corruption and the image's id."""
    mask: str | None = None
    """The region whose share of the map is followed; none if left out."""
    moved_below: Annotated[Number, Field(gt=-1, lt=1)] | None = None
    """A map has moved where its rank correlation with the one before is below this. Left out, moved maps are
    not counted: a corruption has no norm, and so no noise to hold it against."""
    gate: CorruptionGates

    @model_validator(mode="after")
    def _gates_can_decide(self) -> CorruptionSpec:
        texts = [item.text for item in self.corruptions]
        if len(set(texts)) < len(texts):
            raise ValueError('"corruptions" names one twice')
        refuse_senseless(self.gate, {"accuracy": self.gate.accuracy}, self.mask, ("accuracy_drop",))
        if self.gate.accuracy_drop is not None:
            refuse_vacuous(self.gate.accuracy_drop, "accuracy_drop", -1.0, 1.0)
        for name, gate in self.gate.of_maps().items():
            if gate.minus_noise:
                raise ValueError(
                    f'"minus_noise" of map_{name}: a corruption has no norm, so there is no noise of its size'
                )
        return self


def _columns(spec: CorruptionSpec, maps: MapsSpec) -> dict[str, Column]:
    return walk_columns(spec.mask, maps)


def _question(spec: CorruptionSpec) -> str:
    return f"Do answers and maps survive {', '.join(item.text for item in spec.corruptions)}?"


def _costs(spec: CorruptionSpec) -> str:
    return f"{len(spec.corruptions)} forwards for each image"


def _worst(_: CorruptionSpec) -> Literal["low", "high"]:
    return "low"


def _failures(_: CorruptionSpec, table: Table) -> pd.Series:
    found: pd.Series = table.frame[BROKEN] == 1
    return found


CHECK = Kind(
    name="corruption",
    title="Answers and maps under corruption",
    spec=CorruptionSpec,
    columns=_columns,  # type: ignore[arg-type]
    estimate=estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=own_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    failures=_failures,  # type: ignore[arg-type]
    shows="images that a corruption turned",
    follow_up="camaudit.engine.perturbed:follow_corruption",
    examine="camaudit.engine.perturbed:examine_corruption",
    paired=pairs,  # type: ignore[arg-type]
    costs=_costs,  # type: ignore[arg-type]
    limits=(
        "Corruptions are drawn, not met: real noise, weather and cameras are not these formulas.",
        (
            "There is no noise floor: a corruption has no norm, so its change of the map is told as it is, "
            "and not beyond that of noise of the same size."
        ),
        "Only the kinds and severities written here were tried, each by itself and not together.",
    ),
)
