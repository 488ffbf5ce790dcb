"""Can the maps be trusted? Parameter randomisation, all-zero maps, disagreement with HiResCAM; faithfulness.

Source: J. Adebayo et al., “Sanity checks for saliency maps”, NeurIPS 2018; R. L. Draelos and L. Carin, 2020.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from camaudit import registry, stats
from camaudit.checks import faithfulness
from camaudit.checks.faithfulness import FaithfulnessSpec  # noqa: TC001 - pydantic reads it at run time
from camaudit.checks.kind import Estimate, Kind
from camaudit.checks.means import mean
from camaudit.checks.overlap import map_request
from camaudit.evidence import Column, Condition, Stage
from camaudit.spec.base import StrictModel
from camaudit.spec.types import CheckSpec, Gate, MapsSpec, SampleSpec, refuse_vacuous

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.scores import Table

STAGES: dict[Stage, str] = {
    "head": "the last layer's parameters drawn anew",
    "half": "the later half of all layers drawn anew",
    "all": "all parameters drawn anew",
}
SIMILARITY = (-1.0, 1.0)
DISAGREEMENT = (0.0, 2.0)
SHARE = (0.0, 1.0)


class SanityGates(StrictModel):
    """Bounds on what would make maps worthless as evidence."""

    randomised_similarity: Gate = Gate(at_most=0.5)
    """Rank correlation of a map with that of the same network with its parameters drawn anew; every
    stage (head, half, all) must stay below. A map that does not change does not show the network."""
    all_zero: Gate = Gate(at_most=0.1)
    """Share of maps without any positive evidence."""
    hirescam_disagreement: Gate | None = None
    """1 minus the rank correlation with HiResCAM, which averages no gradients. Reported; gated if given."""
    insertion_gain: Gate | None = None
    """Area under the class's probability while cells are uncovered in the map's order, minus that of random
    orders. This and what follows needs `faithfulness`; reported, gated if given."""
    deletion_gain: Gate | None = None
    """Area of random orders minus that while cells are covered in the map's order."""
    occlusion_agreement: Gate | None = None
    """Rank correlation with occlusion."""
    method_agreement: Gate | None = None
    """Mean rank correlation between the maps of several methods."""

    @model_validator(mode="after")
    def _gates_can_decide(self) -> SanityGates:
        refuse_vacuous(self.randomised_similarity, "randomised_similarity", *SIMILARITY)
        refuse_vacuous(self.all_zero, "all_zero", *SHARE)
        if self.hirescam_disagreement is not None:
            refuse_vacuous(self.hirescam_disagreement, "hirescam_disagreement", *DISAGREEMENT)
        for name, ends in faithfulness.GATES.items():
            if getattr(self, name) is not None:
                refuse_vacuous(getattr(self, name), name, *ends)
        return self


class SanitySpec(CheckSpec):
    """Can the maps be trusted on this network?"""

    kind: Literal["sanity"]
    sample: SampleSpec | None = SampleSpec(n=64)
    """Each sample costs 1 + 3 × `seeds` forwards, hence fewer samples than elsewhere."""
    seeds: Annotated[int, Field(ge=1, le=20)] = 3
    """How often each stage is drawn anew."""
    faithfulness: FaithfulnessSpec | None = None
    """Insertion, deletion, occlusion and other methods' maps as well; left out, they are not asked for."""
    gate: SanityGates = SanityGates()

    @model_validator(mode="after")
    def _what_is_gated_is_measured(self) -> SanitySpec:
        own = self.faithfulness
        for name in faithfulness.GATES:
            off = own is None or not {
                "occlusion_agreement": own.occlusion,
                "method_agreement": own.methods,
            }.get(name, True)
            if off and getattr(self.gate, name) is not None:
                raise ValueError(f'the gate "{name}" needs "faithfulness", which does not measure it here')
        return self


def _name(stage: str, seed: int) -> str:
    return f"similarity.{stage}.{seed}"


def _columns(spec: SanitySpec, maps: MapsSpec) -> dict[str, Column]:
    clean = map_request(maps)
    columns = {
        _name(stage, seed): Column(
            map=replace(clean, condition=Condition(stage=stage, seed=seed)), metric="spearman", against=clean
        )
        for stage in STAGES
        for seed in range(spec.seeds)
    }
    columns["all_zero"] = Column(map=clean, metric="status")
    # What a module puts out has no gradient to average: HiResCAM has nothing to say about it.
    if maps.method != "hirescam" and registry.find("map", maps.method).at != "module":
        columns["hirescam_similarity"] = Column(
            map=clean, metric="spearman", against=replace(clean, method="hirescam")
        )
    if spec.faithfulness is not None:
        columns |= faithfulness.columns(spec.faithfulness, clean)
    return columns


def _estimate(spec: SanitySpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    return tuple(_estimates(spec, table, confidence))


def _estimates(spec: SanitySpec, table: Table, confidence: float) -> Iterator[Estimate]:
    for stage, title in STAGES.items():
        yield _stage(spec, table, confidence, stage=stage, title=title)
    yield Estimate(
        name="all_zero",
        title="share of maps without any positive evidence",
        interval=stats.share(
            table.values("all_zero"), confidence=confidence, clusters=table.clusters("all_zero")
        ),
        column="all_zero",
        gate=spec.gate.all_zero,
        undefined=table.undefined("all_zero"),
    )
    if "hirescam_similarity" in table.columns:
        yield _disagreement(spec, table, confidence)
    if spec.faithfulness is not None:
        gates = {name: getattr(spec.gate, name) for name in faithfulness.GATES}
        yield from faithfulness.estimates(table, gates, confidence)


def _derive(spec: SanitySpec, table: Table) -> Table:
    """Average a sample's similarity over the draws that gave a number: draws are no samples."""
    means, reasons = {}, {}
    for stage in STAGES:
        names = [_name(stage, seed) for seed in range(spec.seeds)]
        mean = table.frame[names].mean(axis=1)
        means[f"similarity.{stage}"] = mean
        reasons[f"similarity.{stage}"] = {
            key: table.reasons[names[0]][key] for key in mean.index[mean.isna()]
        }
    if spec.faithfulness is not None:
        more, why = faithfulness.derived(table)
        means, reasons = {**means, **more}, {**reasons, **why}
    return table.first(means, reasons)


def _stage(spec: SanitySpec, table: Table, confidence: float, *, stage: str, title: str) -> Estimate:
    column = f"similarity.{stage}"
    return replace(
        mean(column, f"rank correlation with the map after {title}", table, confidence, SIMILARITY),
        name=f"randomised_similarity [{stage}]",
        gate=spec.gate.randomised_similarity,
        chance=0.0,
        chance_text="two unrelated maps: 0",
    )


def _disagreement(spec: SanitySpec, table: Table, confidence: float) -> Estimate:
    column = "hirescam_similarity"
    interval = stats.bootstrap_mean(
        1 - table.values(column), confidence=confidence, clusters=table.clusters(column), bounds=DISAGREEMENT
    )
    return Estimate(
        name="hirescam_disagreement",
        title="1 − rank correlation with HiResCAM",
        interval=interval,
        column=column,
        gate=spec.gate.hirescam_disagreement,
        low=DISAGREEMENT[0],
        high=DISAGREEMENT[1],
        chance=1.0,
        chance_text="two unrelated maps: 1",
        undefined=table.undefined(column),
    )


def _question(_: SanitySpec) -> str:
    return "Do the maps show this network, or would they look the same whatever the network had learned?"


def _titles(spec: SanitySpec) -> dict[str, str]:
    titles = {
        f"similarity.{stage}": f"rank correlation, {title} (mean of draws)" for stage, title in STAGES.items()
    }
    titles |= {
        _name(stage, seed): f"rank correlation, {stage} randomised, draw {seed}"
        for stage in STAGES
        for seed in range(spec.seeds)
    }
    if spec.faithfulness is not None:
        titles |= faithfulness.titles(spec.faithfulness)
    return {**titles, "all_zero": "all-zero map", "hirescam_similarity": "rank correlation with HiResCAM"}


def _worst(_: SanitySpec) -> Literal["low", "high"]:
    return "high"


CHECK = Kind(
    name="sanity",
    title="Can the maps be trusted?",
    spec=SanitySpec,
    columns=_columns,  # type: ignore[arg-type]
    derive=_derive,  # type: ignore[arg-type]
    estimate=_estimate,  # type: ignore[arg-type]
    question=_question,  # type: ignore[arg-type]
    titles=_titles,  # type: ignore[arg-type]
    worst=_worst,  # type: ignore[arg-type]
    limits=(
        "Passing shows that the maps depend on what was learned. It does not show that they are right.",
        "The intervals describe the images; the random draws are few, so they are averaged, not resampled.",
        (
            "Insertion, deletion and occlusion show covered images, which the network was not trained on: an "
            "answer may change because of the cover and not for want of what it hides."
        ),
    ),
)
