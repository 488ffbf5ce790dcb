"""Shortcuts: does the answer depend on a region that should not matter, and what does that cost?

A region is carried over from another image, of the same class and of another one. What the answer loses by
the second and not by the first is the reliance on the region: r = accuracy where the cue agrees with the
label minus accuracy where it contradicts it. Maps only propose; this test alone decides.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from camaudit.checks.kind import Kind
from camaudit.checks.overlap import map_request
from camaudit.checks.shortcut_columns import (
    BACKGROUND,
    DRAWS,
    IMAGES,
    MOST,
    OCCLUDED,
    PLACE,
    SIDE,
    titles,
)
from camaudit.checks.shortcut_estimates import estimates, pairs, rocs
from camaudit.data.pairing import OBJECT, Pattern, Region
from camaudit.evidence import Column
from camaudit.spec.base import Number, StrictModel
from camaudit.spec.types import CheckSpec, Gate, MapsSpec, refuse_vacuous

if TYPE_CHECKING:
    from camaudit.evidence import MapRequest

InfillName = Literal["blur", "mean", "tile"]


class ShortcutGate(StrictModel):
    """How much reliance on a region is allowed."""

    effect_at_most: Number = 0.05
    """The largest reliance allowed, as a difference of two accuracies, 0 to 1."""
    decide_on: Literal["ci_upper"] = "ci_upper"
    """The whole interval has to lie below the bound."""
    on_inconclusive: Literal["fail", "warn"] = "fail"

    def as_gate(self) -> Gate:
        """The same as the one judge takes it."""
        return Gate(
            at_most=self.effect_at_most, decide_on=self.decide_on, on_inconclusive=self.on_inconclusive
        )


class ShortcutSpec(CheckSpec):
    """Does the answer depend on a region that should not matter?"""

    kind: Literal["shortcut"]
    regions: tuple[Region, ...] | dict[Region, Pattern] = ()
    """Regions under suspicion: names of the data's own, or names with the pattern of their mask files.
    ``background`` is all but the object, and is swapped for another image's. An image without a mask of a
    region counts as one that does not show it."""
    metadata: tuple[str, ...] = ()
    """Columns of the data whose values may go with the errors: accuracy is shown by value, with the gap and
    the worst group, without a gate, since nothing is changed in the images. With "discover" also how the
    maps' evidence and their clusters go with them."""
    discover: bool = False
    """Let maps of a part of the images propose regions, which are then tested on the others, and the
    background with them. They can accuse and never clear."""
    infills: Annotated[tuple[InfillName, ...], Field(min_length=2)] = ("blur", "mean")
    """Ways to fill and blend what is changed; the weakest effect counts."""
    pairs: Annotated[int, Field(ge=2)] | None = None
    """The most images that are changed; each takes two others as donors. All if left out."""
    gate: ShortcutGate = ShortcutGate()

    @model_validator(mode="after")
    def _something_is_tested(self) -> ShortcutSpec:
        if not self.regions and not self.discover:
            raise ValueError(
                'nothing is tested: give "regions", or let maps propose some with "discover: true"'
            )
        if len(set(self.infills)) < len(self.infills) or len(set(self.regions)) < len(self.regions):
            raise ValueError('"infills" and "regions" name each thing once')
        if OBJECT in self.regions:
            raise ValueError('the object itself is no shortcut; for all but the object, name "background"')
        if self.discover and any(name.startswith(PLACE) for name in self.regions):
            raise ValueError(
                f'with "discover", names that begin with "{PLACE}" are those of proposed regions'
            )
        refuse_vacuous(self.gate.as_gate(), "reliance", 0.0, 1.0)
        return self

    @property
    def needs_object(self) -> bool:
        """Whether the object's masks are needed."""
        return BACKGROUND in self.regions or self.discover


def shown_map(maps: MapsSpec) -> MapRequest:
    """The map that proposes regions and that the report shows."""
    return map_request(maps)


def _columns(spec: ShortcutSpec, maps: MapsSpec) -> dict[str, Column]:
    """What the walk over all samples has to give: maps where these propose, else nothing but answers."""
    request, region = shown_map(maps), OBJECT if spec.needs_object else None
    if spec.discover:
        return {"all-zero map": Column(map=request, metric="status", region=region)}
    return {"place of the label": Column(map=request, metric="label_rank", region=region, source="sample")}


def forwards(spec: ShortcutSpec) -> str:
    """What the follow-up takes, in words."""
    each = 2 * len(spec.infills)
    known = {*spec.regions, *([BACKGROUND] if spec.discover else [])}
    count = 1 + each * len(known) + len(spec.infills) * (BACKGROUND in known)
    more = (
        f", and {each} more for each region that maps propose ({MOST} at most); before that, {DRAWS} maps of "
        f"up to {IMAGES} images with the head drawn anew, and up to {SIDE**2 + 1} forwards for each of up to "
        f"{OCCLUDED} images, a part of which is covered (occlusion)"
        if spec.discover
        else ""
    )
    share = "a quarter" if spec.discover else "a third"
    return f"{count} forwards for each image that is changed, {share} of them at most{more}"


def _question(spec: ShortcutSpec) -> str:
    names = " or ".join(f"“{name}”" for name in spec.regions)
    found = "a region that its maps propose" if spec.discover else ""
    return f"Does the network's answer rely on {' or on '.join(filter(None, [names, found]))}?"


def _worst(_: ShortcutSpec) -> Literal["low", "high"]:
    return "high"


CHECK = Kind(
    name="shortcut",
    title="Reliance on what should not matter",
    spec=ShortcutSpec,
    columns=_columns,  # type: ignore[arg-type]
    estimate=estimates,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    follow_up="camaudit.engine.shortcut:follow",
    together="regions are carried over from one sample of the run to another",
    costs=forwards,  # type: ignore[arg-type]
    paired=pairs,  # type: ignore[arg-type]
    rocs=rocs,  # type: ignore[arg-type]
    limits=(
        (
            "Only the regions shown here were tested. Blind spots: cues that lie nowhere in particular, such "
            "as blur, tint and compression; cues inside the object that no mask outlines; cues that these "
            "images do not have. BOUNDED speaks of the tested regions and of nothing else; of a region that "
            "nobody named it clears nothing."
        ),
        (
            "A cue that only often goes with the class is carried over only often: the reliance found is "
            "then smaller than that on the cue itself."
        ),
        (
            "Reliance is counted in right answers. A network that weighs a region without changing its "
            "answers is BOUNDED; the shift of the margin beside it shows such weighing."
        ),
        (
            "Accuracy by metadata says what goes together with errors. No image was changed for it, so it "
            "proves no reliance; the column may stand for something else."
        ),
        "A changed image is not a photograph. The control shows what the change by itself costs.",
    ),
)
