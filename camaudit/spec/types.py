"""What a user may write in an audit spec, as frozen types. Torch-free.

The kinds of check and the data sources bring their own types (`camaudit.checks`, `camaudit.data`);
`camaudit.spec.audit` puts all of them together into the type of a whole file.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationError,
    model_validator,
)

from camaudit import registry
from camaudit.evidence import LayoutAim, TokenGrid
from camaudit.spec.base import Number, Share, StrictModel, member_of
from camaudit.spec.targets import Target  # noqa: TC001 - pydantic reads the annotation at run time

Identifier = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=80)]
"""Letters, digits, ``.``, ``_`` and ``-``: it becomes a pytest id, a folder name and a link."""

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIP", "ERROR"]
Reference = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]
"""``module:callable``."""


ACTING_MARKS = ("filterwarnings", "parametrize", "skip", "skipif", "usefixtures", "xfail")
"""Marks that pytest acts on: some of them would switch checks off."""


def _only_selects(name: str) -> str:
    if name in ACTING_MARKS:
        raise ValueError(
            f'a mark selects checks, and pytest acts on "{name}": it could switch a check off unseen; '
            'use a name of your own, such as "slow"'
        )
    return name


Mark = Annotated[
    str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=80), AfterValidator(_only_selects)
]
"""The name of a pytest mark."""


def metric_base(name: str) -> str:
    """``iou@0.15`` → ``iou``: a metric's name without its parameter."""
    return name.partition("@")[0]


MetricName = Annotated[str, member_of("metric", metric_base)]
MethodName = Annotated[str, member_of("map")]


class WeightsSpec(StrictModel):
    """Weights from a file: safetensors, or a torch file that `weights_only=True` can read."""

    path: str
    """Relative to the spec's folder; ``package:NAME/FILE`` is a file inside an installed package."""
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")] | None = None
    """A mismatch is an error. Without it the hash is only recorded."""
    strict: bool = True
    """Refuse missing and unexpected keys."""


class PreprocessSpec(StrictModel):
    """From an image file to what the network sees.

    Geometry applies to masks too; mean and std to pixels in [0, 1].
    """

    resize: (
        Annotated[int, Field(gt=0)] | tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None
    ) = None
    """Shorter side in pixels, or [height, width]."""
    crop: (
        Annotated[int, Field(gt=0)] | tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None
    ) = None
    """Centre crop: side, or [height, width]."""
    interpolation: Literal["nearest", "bilinear", "bicubic", "lanczos", "box"] = "bilinear"
    mean: Literal["imagenet"] | tuple[Number, ...] | None = None
    std: Literal["imagenet"] | tuple[Number, ...] | None = None
    channels: Literal[1, 3] = 3
    """1 hands the mean of red, green and blue to a network that takes one channel."""


class ModelSpec(StrictModel):
    """A network in pixel space."""

    factory: Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][\w.]*:.+$")]
    """``module:callable`` returning an `nn.Module`, ``torchvision:NAME``, or ``export:FILE.pt2``."""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies defaults
    """Keyword arguments for the factory."""
    weights: WeightsSpec | Literal["random"] | None = None
    """``random`` must be written out; a ``module:callable`` may load its weights itself."""
    preprocess: PreprocessSpec | Reference | None = None
    """Keys, or ``module:callable`` returning a `camaudit.classifier.Preprocess`.

    torchvision networks bring theirs.
    """
    classes: str | tuple[str, ...] | None = None
    """Class names in the order of the outputs: a list, or a text or CSV file (column `name`), one a line."""
    output: str | int | None = None
    """Which entry of a tuple or dict output holds the logits."""
    scores: Literal["segmentation", "detection"] | Reference | None = None
    """How scores [n, k] of whole images are made of an output that holds no logits [n, k].

    ``segmentation`` takes each class's mean over the pixels, ``detection`` the score of its best box;
    ``module:callable`` is given the output and returns floats [n, k].
    """


class TokenGridSpec(StrictModel):
    """How the tokens of a transformer lie."""

    prefix: Annotated[int, Field(ge=0)] | None = None
    """How many tokens come first and have no place, such as a class token; found out if left out."""
    grid: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]] | None = None
    """[rows, columns] of the others, row by row; found out if left out."""


class TokensSpec(StrictModel):
    """Tokens in a layout that is written out."""

    tokens: TokenGridSpec


Layout = Literal["auto", "grid", "channels_last", "tokens"] | TokensSpec


def layout_aim(layout: Layout) -> LayoutAim:
    """What a layout in a spec means."""
    if isinstance(layout, TokensSpec):
        return TokenGrid(prefix=layout.tokens.prefix, grid=layout.tokens.grid)
    return layout


class MapsSpec(StrictModel):
    """How maps are made. Each step is recorded in the result."""

    method: MethodName = "gradcam"
    layer: str = "auto"
    """A module's dotted name, or ``auto``: the last spatial layer, found by a dry run."""
    call: Annotated[int, Field(ge=0)] | None = None
    """Which call of a module that runs several times in one forward (0 is the first)."""
    layout: Layout = "auto"
    """How the layer's output is read: ``grid`` [n, c, h, w], ``channels_last`` [n, h, w, c], ``tokens``
    [n, l, c], `{tokens: {prefix: 1, grid: [14, 14]}}`, or ``auto``, found by a dry run."""
    target: Target = "predicted"
    """What is explained: the logit of the label, of the predicted class, of one class index, `{class: NAME}`
    or `{kth: K}`; `{contrast: [A, B]}`, `{counterfactual: A}`, `{log_likelihood: A}`,
    or a function as ``module:callable``."""
    relu: bool | None = None
    """Keep positive evidence only. Default: as the method's paper does."""
    resize: Literal["bilinear", "nearest"] = "bilinear"
    """Upsampling to the input size (align_corners is False)."""

    @model_validator(mode="after")
    def _named_where_it_must_be(self) -> MapsSpec:
        if registry.find("map", self.method).at == "module" and self.layer == "auto":
            raise ValueError(
                f'"method: {self.method}" needs "layer": the dotted name of the module that puts out the map'
            )
        return self


class SampleSpec(StrictModel):
    """Which samples are used; seeded, and recorded by id."""

    n: Annotated[int, Field(gt=0)] | None = None
    """How many; all if left out or if there are fewer."""
    by: Literal["label", "group"] | None = "label"
    """Stratify, so that every class (or group) keeps its share."""
    seed: int = 0


class CalibrationSpec(StrictModel):
    """Samples that thresholds are tuned on. They are not audited."""

    n: Annotated[int, Field(ge=2)] | None = None
    """How many. Needed unless `data` names another data set, all of which is taken if left out."""
    seed: int = 1
    data: Identifier | None = None
    """Another data set of `data`; left out, they are split off the audited one."""

    @model_validator(mode="after")
    def _a_split_has_a_size(self) -> CalibrationSpec:
        if self.n is None and self.data is None:
            raise ValueError('needs "n", how many samples are split off, or "data", another data set')
        return self

    def text(self, audited: str) -> str:
        """In words, for the plan."""
        count = f"{self.n} samples" if self.n is not None else "all samples"
        place = f"of data {self.data}" if self.data else f"split off data {audited} and not audited"
        return f"{count} {place} (seed {self.seed})"


class Gate(StrictModel):
    """A bound on a number, and which end of its interval decides."""

    at_least: Number | None = None
    at_most: Number | None = None
    decide_on: Literal["ci_lower", "ci_upper", "estimate"] | None = None
    """Default: the end of the interval nearest to failing.

    `ci_lower` for `at_least`, `ci_upper` for `at_most`.
    """
    on_inconclusive: Literal["fail", "warn"] = "fail"

    @model_validator(mode="after")
    def _one_bound(self) -> Gate:
        if (self.at_least is None) == (self.at_most is None):
            raise ValueError('a gate needs exactly one bound: "at_least" or "at_most"')
        lenient = "ci_upper" if self.at_least is not None else "ci_lower"
        if self.decide_on == lenient:
            raise ValueError(
                f'"decide_on: {lenient}" would pass on the lucky end of the interval; '
                f'allowed: "{self.cautious_end}" or "estimate"'
            )
        return self

    @property
    def bound(self) -> float:
        """The number itself."""
        value = self.at_least if self.at_least is not None else self.at_most
        assert value is not None
        return value

    @property
    def cautious_end(self) -> Literal["ci_lower", "ci_upper"]:
        """The end of the interval that is nearest to failing."""
        return "ci_lower" if self.at_least is not None else "ci_upper"

    def text(self) -> str:
        """``at least 0.6``; in full where rounding would move the bound."""
        word = "at least" if self.at_least is not None else "at most"
        short = f"{self.bound:g}"
        return f"{word} {short if float(short) == self.bound else repr(self.bound)}"


class VacuousGateError(ValueError):
    """A gate that decides nothing; knows its bound, so that a reader can point at it."""

    def __init__(self, message: str, gate: Gate) -> None:
        super().__init__(message)
        self.side = "at_least" if gate.at_least is not None else "at_most"
        self.bound = gate.bound

    def is_bound(self, written: Any) -> bool:
        """Whether a value of the file is the bound in question."""
        try:
            return float(TypeAdapter(Number).validate_python(written)) == self.bound
        except ValidationError:
            return False


def refuse_vacuous(gate: Gate, name: str, low: float, high: float) -> None:
    """Refuse a gate on a number in [low, high] that can never fail, or never pass."""
    bound = gate.bound
    never_fails = bound <= low if gate.at_least is not None else bound >= high
    never_passes = bound > high if gate.at_least is not None else bound < low
    if never_fails or never_passes:
        text = f"{name} lies between {low:g} and {high:g}, the gate is {gate.text()}"
        raise VacuousGateError(f"this gate can never {'fail' if never_fails else 'pass'}: {text}", gate)


class CheckSpec(StrictModel):
    """Common keys of every check."""

    id: Identifier
    kind: str
    description: str = ""
    """Why this check exists, in plain words, for the report."""
    model: Identifier | None = None
    """A network of `models`; the audit's own `model` if left out."""
    data: Identifier | None = None
    """A data set of `data`; needed where there are several."""
    maps: MapsSpec | None = None
    """Replaces the audit's `maps` for this check."""
    sample: SampleSpec | None = None
    """Replaces `defaults.sample` for this check."""
    confidence: Annotated[Number, Field(gt=0.5, lt=1.0)] | None = None
    severity: Literal["fail", "warn"] = "fail"
    """`warn`: a failure is shown and does not fail the run."""
    expect: Literal["pass", "fail"] = "pass"
    """`fail` marks a known-bad control that must fail: if it passes, the audit cannot be trusted (ERROR)."""
    allow_undefined: Share = 0.0
    """The share of samples whose number may be undefined (empty mask, all-zero map …) before an ERROR."""


class Defaults(StrictModel):
    """What checks use unless they say otherwise."""

    sample: SampleSpec = SampleSpec()
    confidence: Annotated[Number, Field(gt=0.5, lt=1.0)] = 0.95


class AuditBase(StrictModel):
    """A whole audit, but for the two parts that come from tables: `data` and `checks`."""

    version: Literal[1]
    name: Identifier
    description: str = ""
    model: ModelSpec
    models: dict[Identifier, ModelSpec] = {}  # noqa: RUF012 - pydantic copies defaults
    """Further networks that a check may name, such as known-bad controls."""
    maps: MapsSpec = MapsSpec()
    defaults: Defaults = Defaults()
    marks: tuple[Mark, ...] = ()
    """pytest marks that every check of this file bears, so that ``-m slow`` selects it."""


def metric_parameter(name: str) -> float | None:
    """``iou@0.15`` → 0.15; None where the name has none."""
    match = re.fullmatch(r"[a-z_]+@(?P<value>[\d.]+)", name)
    return float(match["value"]) if match else None


def check_metric(name: str) -> str:
    """Validate the parameter part of a metric's name against its table entry."""
    member = registry.find("metric", metric_base(name))
    takes = member.parameter is not None
    if takes != ("@" in name):
        example = f"{member.name}@0.15" if takes else member.name
        raise ValueError(f"metric {name!r}: write {example!r}")
    if takes and metric_parameter(name) is None:
        raise ValueError(f"metric {name!r}: the part after @ must be a number, as in '{member.name}@0.15'")
    return name


GatedMetric = Annotated[MetricName, AfterValidator(check_metric)]
