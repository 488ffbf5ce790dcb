"""Adversarial attacks: does the answer hold under one, and does the network still look at the same place?

The attack proposes, the engine verifies: budget, range and effect are measured anew, and success counts
after rounding to 8 bits, on images that were classified correctly before.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from camaudit.checks.kind import Kind
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    QUERIES,
    ROBUST,
    SUCCESS,
    UNROUNDED,
    MapGates,
    map_titles,
    parameters_of,
    refuse_senseless,
    walk_columns,
)
from camaudit.checks.perturbed_estimates import attacked_estimates, attacked_pairs, turned
from camaudit.spec.base import Number, StrictModel, member_of
from camaudit.spec.types import CheckSpec, Gate, MapsSpec

if TYPE_CHECKING:
    from camaudit.evidence import Column

AttackName = Annotated[str, member_of("attack")]
COUNTED = ("l0", "patch")
SHARES = {"robust_accuracy": ROBUST, "success_rate": SUCCESS}
FORWARDS = 3
"""Of each attacked image: as proposed, rounded to 8 bits with its maps, and under matched noise with its."""


class AttackSpec(StrictModel):
    """The attack and the rules that it has to keep. Further keys are the attack's own parameters."""

    model_config = ConfigDict(extra="allow")

    name: AttackName
    """`camaudit list attacks`."""
    norm: Literal["linf", "l2", "l0", "patch"]
    """What the budget is measured in, on pixels in [0, 1]; ``l0`` and ``patch`` count pixels."""
    eps: Annotated[Number, Field(gt=0)]
    """The budget: 8/255, say, in ``linf``."""
    seed: int = 0
    """All chance comes from it, the attack's name and the image's id."""
    target: Annotated[int, Field(ge=0)] | str | None = None
    """The class to be reached, by index or name; any wrong answer if left out."""

    @model_validator(mode="after")
    def _a_budget(self) -> AttackSpec:
        if self.norm == "linf" and self.eps > 1:
            raise ValueError(
                f'"eps: {self.eps:g}" in linf on pixels in [0, 1]: write {self.eps:g}/255 for 8-bit levels'
            )
        if self.norm in COUNTED and self.eps != int(self.eps):
            raise ValueError(f'"eps: {self.eps:g}" in {self.norm}, which counts whole pixels')
        return self

    @property
    def parameters(self) -> dict[str, object]:
        """The attack's own."""
        return parameters_of(self)


class AdversarialGates(MapGates):
    """Bounds on what the attack reaches, and on how far maps move; at least one."""

    robust_accuracy: Gate | None = None
    """Share of the labelled images that are classified correctly before and after the attack."""
    success_rate: Gate | None = None
    """Share of the images that are right before whose answer the attack turns, after rounding to 8 bits.
    An attack finds a lower bound of what can be reached."""


class AdversarialSpec(CheckSpec):
    """Does the answer hold under an attack, and does the network still look at the same place?"""

    kind: Literal["adversarial"]
    attack: AttackSpec
    mask: str | None = None
    """The region whose share of the map is followed; none if left out."""
    moved_below: Annotated[Number, Field(gt=-1, lt=1)] | None = None
    """A map has moved where its rank correlation with the one before is below this. If left out: below the
    5 % quantile of that under matched noise, on the same images."""
    gate: AdversarialGates

    @model_validator(mode="after")
    def _gates_can_decide(self) -> AdversarialSpec:
        refuse_senseless(self.gate, {name: getattr(self.gate, name) for name in SHARES}, self.mask)
        return self


def _columns(spec: AdversarialSpec, maps: MapsSpec) -> dict[str, Column]:
    return walk_columns(spec.mask, maps)


def _titles(spec: AdversarialSpec) -> dict[str, str]:
    goal = "the target" if spec.attack.target is not None else "another class"
    return {
        **map_titles(spec.mask, noise=True),
        CLEAN_RIGHT: "right before the attack",
        ROBUST: "right before and after the attack",
        SUCCESS: f"the attack turns the answer to {goal}, after rounding to 8 bits",
        UNROUNDED: f"the attack turns the answer to {goal}, as it proposes the image",
        QUERIES: "answers that the attack asked the network for (a gradient is taken of one of them)",
    }


def _eps(attack: AttackSpec) -> str:
    """The budget as a person writes it: ``8/255`` where it is whole grey levels."""
    levels = 255 * attack.eps
    whole = attack.norm == "linf" and abs(levels - round(levels)) < 1e-6  # noqa: PLR2004 - rounding of 8/255
    return f"{round(levels)}/255" if whole else f"{attack.eps:.4g}"


def _question(spec: AdversarialSpec) -> str:
    return (
        f"Does the answer hold under {spec.attack.name}, {spec.attack.norm} {_eps(spec.attack)}, "
        "and does the network still look at the same place?"
    )


def _costs(spec: AdversarialSpec) -> str:
    return f"{FORWARDS} forwards for each image that is right before, besides what {spec.attack.name} takes"


def _worst(_: AdversarialSpec) -> Literal["low", "high"]:
    return "low"


LIMITS = (
    (
        "An attack that fails proves nothing: its success is a lower bound. Another attack, more steps or "
        "one made for this network (an adaptive attack) may succeed where this one does not."
    ),
    (
        "Robustness holds for the threat model written here and for no other: another norm, a larger budget, "
        "blur, rotation or another photograph are not covered."
    ),
    (
        "A map that moves under an attack may follow an answer that moved. Compare flipped and unflipped "
        "images, and the change under noise of the same size."
    ),
)

CHECK = Kind(
    name="adversarial",
    title="Answers and maps under attack",
    spec=AdversarialSpec,
    columns=_columns,  # type: ignore[arg-type]
    estimate=attacked_estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    failures=turned,  # type: ignore[arg-type]
    shows="images whose answer the attack turned",
    follow_up="camaudit.engine.perturbed:follow_attack",
    examine="camaudit.engine.perturbed:examine_attack",
    paired=attacked_pairs,  # type: ignore[arg-type]
    costs=_costs,  # type: ignore[arg-type]
    limits=LIMITS,
)
