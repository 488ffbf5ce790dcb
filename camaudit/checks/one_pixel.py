"""One pixel: how little turns the answer, and does the map follow the pixel or the answer?

What a search finds is a lower bound, whatever it costs: an image that it leaves unturned may have a pixel
that it did not try.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from camaudit.checks.kind import Kind
from camaudit.checks.one_pixel_estimates import estimates, own_titles, pairs
from camaudit.checks.perturbed import MapGates, map_titles, refuse_senseless, walk_columns
from camaudit.checks.perturbed_estimates import turned
from camaudit.spec.base import Number, StrictModel
from camaudit.spec.types import CheckSpec, Gate, MapsSpec

if TYPE_CHECKING:
    from camaudit.evidence import Column

SHARES = ("robust_accuracy", "success_rate")
CONTROLS = 16
"""Other pixels that are tried in one image for the control."""
FORWARDS = 3 + CONTROLS
"""Of an image that is turned, besides the search: as found, under matched noise, and the control's."""
CORNERS = 8

SearchName = Literal["guided", "sweep", "evolution"]


class OnePixelAttack(StrictModel):
    """How pixels are searched."""

    pixels: Annotated[int, Field(ge=1)] = 1
    """How many pixels change together; more than one are searched by evolution alone."""
    search: Literal["default", "guided", "sweep", "evolution"] = "default"
    """``guided``: corner colours in the order of the gradient, then near what did best. ``sweep``: every
    position in every corner colour. ``evolution``: differential evolution, as the paper does. ``default``:
    guided, then evolution on the images that are left."""
    guided_queries: Annotated[int, Field(ge=1)] = 1024
    """The most candidates that the guided search asks about in one image, but for 48 refined colours."""
    population: Annotated[int, Field(ge=4)] = 400
    """Members of the evolution."""
    generations: Annotated[int, Field(ge=0)] = 100
    """The most generations of the evolution after the first."""
    seed: int = 0
    """All chance comes from it and the image's id."""
    target: Annotated[int, Field(ge=0)] | str | None = None
    """The class to be reached, by index or name; any wrong answer if left out."""
    any_target: bool = False
    """Aim at each of the other classes in turn, until one is reached: with k classes k − 1 times the
    candidates. The paper's first figure counts so; it is no rate of untargeted searches."""

    @model_validator(mode="after")
    def _one_goal(self) -> OnePixelAttack:
        if self.any_target and self.target is not None:
            raise ValueError('"any_target" aims at every class, and "target" at one: give one of the two')
        return self

    @model_validator(mode="after")
    def _a_search_for_so_many(self) -> OnePixelAttack:
        if self.pixels > 1 and self.search in {"guided", "sweep"}:
            raise ValueError(
                f'"search: {self.search}" goes through single pixels; for "pixels: {self.pixels}" take '
                '"evolution"'
            )
        return self

    @property
    def searches(self) -> tuple[SearchName, ...]:
        """The searches in their order; each is given the images that those before it left."""
        if self.search != "default":
            return (self.search,)
        return ("guided", "evolution") if self.pixels == 1 else ("evolution",)

    def rule(self, search: SearchName) -> str:
        """When a search stops."""
        if search == "sweep":
            return f"sweep: every position in {CORNERS} corner colours, to the first success"
        if search == "guided":
            return f"guided: to the first success or {self.guided_queries} candidates and 48 refined colours"
        most = self.population * (self.generations + 1)
        return (
            f"evolution, rand/1, F = 0.5: {self.population} members, to the first success or "
            f"{self.generations} generations ({most} candidates)"
        )


class OnePixelGates(MapGates):
    """Bounds on what a pixel reaches, and on how far maps move in the images that it turns; at least one."""

    robust_accuracy: Gate | None = None
    """Share of the labelled images that are right before, and that no pixel found turns."""
    success_rate: Gate | None = None
    """Share of the images right before that a pixel turns. A search finds a lower bound."""


class OnePixelSpec(CheckSpec):
    """How many images does a single pixel turn, and what does their map do?"""

    kind: Literal["one_pixel"]
    attack: OnePixelAttack = OnePixelAttack()
    mask: str | None = None
    """The region whose share of the map is followed, and whose distance from the pixel is told."""
    moved_below: Annotated[Number, Field(gt=-1, lt=1)] | None = None
    """A map has moved where its rank correlation with the one before is below this. If left out: below the
    5 % quantile of that under a random colour at the same pixel."""
    gate: OnePixelGates

    @model_validator(mode="after")
    def _gates_can_decide(self) -> OnePixelSpec:
        refuse_senseless(self.gate, {name: getattr(self.gate, name) for name in SHARES}, self.mask)
        return self


def _columns(spec: OnePixelSpec, maps: MapsSpec) -> dict[str, Column]:
    return walk_columns(spec.mask, maps)


def _titles(spec: OnePixelSpec) -> dict[str, str]:
    return {**map_titles(spec.mask, noise=True), **own_titles(spec)}


def _question(spec: OnePixelSpec) -> str:
    what = "a single pixel" if spec.attack.pixels == 1 else f"{spec.attack.pixels} pixels"
    goal = "" if spec.attack.target is None else f" to {spec.attack.target}"
    goal = ", aiming at each other class," if spec.attack.any_target else goal
    return f"How many right answers does {what} turn{goal}, and does the map follow?"


def _costs(spec: OnePixelSpec) -> str:
    attack = spec.attack
    most = {
        "guided": f"{attack.guided_queries + 48}, a gradient",
        "sweep": f"{CORNERS} for each pixel",
        "evolution": f"{attack.population * (attack.generations + 1)}",
    }
    parts = " and ".join(f"{most[name]} ({name})" for name in attack.searches)
    goals = ", for each class but its own" if attack.any_target else ""
    return (
        f"at most {parts} forwards for each image that is classified correctly{goals}, and {FORWARDS} for "
        "each that is turned"
    )


def _worst(_: OnePixelSpec) -> Literal["low", "high"]:
    return "low"


CHECK = Kind(
    name="one_pixel",
    title="Answers turned by single pixels",
    spec=OnePixelSpec,
    columns=_columns,  # type: ignore[arg-type]
    estimate=estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    failures=turned,  # type: ignore[arg-type]
    shows="images whose answer a pixel turned",
    follow_up="camaudit.engine.perturbed:follow_one_pixel",
    examine="camaudit.engine.perturbed:examine_one_pixel",
    paired=pairs,  # type: ignore[arg-type]
    costs=_costs,  # type: ignore[arg-type]
    limits=(
        (
            "Every rate of success is a lower bound: a search that finds no pixel proves nothing, and "
            "another one, a longer one or another seed may find one. The rate depends on queries, strategy "
            "and stop rule, which stand beside it; rates of other searches cannot be compared with it."
        ),
        (
            "A map that moves where a pixel turns the answer may follow the pixel or the answer. Compare the "
            "control: the same colour at a pixel that turns nothing."
        ),
        "Maps are compared on the images that were turned; of the others there is no changed image.",
        "Nothing is said of changes that are smaller and spread wider, or of any that is no set of pixels.",
    ),
)
