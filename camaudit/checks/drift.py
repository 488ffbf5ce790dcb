"""Drift: does this network still look where the accepted one looked, image by image?

The scores and maps of another check of the audit are held against a baseline of the same images. Differences
are paired, so that what differs between images cancels; `camaudit.checks.drift_estimates` has the formulas.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from camaudit.checks.drift_estimates import estimates, paired, titles
from camaudit.checks.kind import Kind
from camaudit.spec.base import Number, Share, StrictModel
from camaudit.spec.types import CheckSpec, Gate, Identifier, refuse_vacuous

if TYPE_CHECKING:
    from camaudit.evidence import Column
    from camaudit.spec.types import MapsSpec

BaselinePath = Annotated[str, Field(min_length=1, pattern=r"\.json$")]


class DriftBound(StrictModel):
    """The most that is allowed of something."""

    at_most: Number
    on_inconclusive: Literal["fail", "warn"] = "fail"
    above_floor: bool = False
    """Allow it beyond what networks of the same recipe differ by; takes several baselines."""

    def as_gate(self) -> Gate:
        """The same as the one judge takes it."""
        return Gate(at_most=self.at_most, decide_on="ci_upper", on_inconclusive=self.on_inconclusive)


class WorseBound(StrictModel):
    """How many images may get worse by more than so much."""

    by: Annotated[Number, Field(gt=0)]
    """The drop from which on an image counts as worse."""
    at_most: Share
    on_inconclusive: Literal["fail", "warn"] = "fail"

    def as_gate(self) -> Gate:
        """The same as the one judge takes it."""
        return Gate(at_most=self.at_most, decide_on="ci_upper", on_inconclusive=self.on_inconclusive)


class DriftGate(StrictModel):
    """What may have changed, and by how much; at least one of these."""

    mean_drop: DriftBound | None = None
    """The mean drop of the score over the images, in the score's own units."""
    images_worse: WorseBound | None = None
    map_distance: DriftBound | None = None
    """The mean of 1 − rank correlation of the two maps of an image, 0 (the same) to 2 (turned round)."""
    answers_changed: DriftBound | None = None
    """The share of images that are answered otherwise."""

    @model_validator(mode="after")
    def _decides(self) -> DriftGate:
        if not self.model_fields_set or all(getattr(self, name) is None for name in type(self).model_fields):
            raise ValueError(f"nothing is gated; allowed: {', '.join(type(self).model_fields)}")
        for name, high in (("images_worse", 1.0), ("map_distance", 2.0), ("answers_changed", 1.0)):
            bound = getattr(self, name)
            if bound is not None:
                refuse_vacuous(bound.as_gate(), name.replace("_", " "), 0.0, high)
        if self.answers_changed is not None and self.answers_changed.above_floor:
            raise ValueError('"above_floor" goes with mean_drop and map_distance')
        return self

    @property
    def above_floor(self) -> bool:
        """Whether a bound is meant beyond the floor of retraining."""
        bounds = (self.mean_drop, self.map_distance)
        return any(bound is not None and bound.above_floor for bound in bounds)


class DriftSpec(CheckSpec):
    """Does the network still score and look as the accepted one did?"""

    kind: Literal["drift"]
    of: Identifier
    """The check of this audit whose scores and maps are compared: its model, its data, maps and sample."""
    baseline: BaselinePath | Annotated[tuple[BaselinePath, ...], Field(min_length=1)]
    """The accepted file, relative to the spec. Of several, the first is compared with, and the others, of
    networks trained by the same recipe with other seeds, show what retraining alone does."""
    gate: DriftGate

    @model_validator(mode="after")
    def _only_what_is_its_own(self) -> DriftSpec:
        borrowed = [name for name in ("model", "data", "maps", "sample") if getattr(self, name) is not None]
        if borrowed:
            raise ValueError(f'"{borrowed[0]}" is that of the check "{self.of}": leave it out here')
        if len(set(self.baselines)) < len(self.baselines):
            raise ValueError('"baseline" names each file once')
        if self.gate.above_floor and len(self.baselines) < 2:  # noqa: PLR2004 - two differ by something
            raise ValueError(
                '"above_floor" needs several baselines: one alone does not tell what retraining does'
            )
        return self

    @property
    def baselines(self) -> tuple[str, ...]:
        """The files, the one that is compared with in front."""
        return (self.baseline,) if isinstance(self.baseline, str) else self.baseline


def _columns(_spec: CheckSpec, _maps: MapsSpec) -> dict[str, Column]:
    # The plan puts the columns of the check `of` here.
    return {}


def _question(spec: DriftSpec) -> str:
    return f"Does the network still score and look as the accepted one did, in “{spec.of}”?"


def _worst(_: DriftSpec) -> Literal["low", "high"]:
    return "high"


CHECK = Kind(
    name="drift",
    title="Drift from the baseline",
    spec=DriftSpec,
    columns=_columns,
    estimate=estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    compares="camaudit.engine.drift:compare",
    paired=paired,  # type: ignore[arg-type]
    limits=(
        (
            "Drift is change from what was accepted, not error: an accepted network that looked at the "
            "wrong thing may go on doing so."
        ),
        (
            "The images are those of the baseline. Change on other images is seen as far as these stand "
            "for them."
        ),
        (
            "Training the same recipe again changes maps as well. How much of a change that is, only "
            "baselines of several seeds can tell; with one, the floor is unknown."
        ),
    ),
)
