"""What a check may ask for: maps under conditions, and one number per sample from them.

Equal requests of several checks are equal objects, so the plan merges them by putting them in a set.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Stage = Literal["head", "half", "all"]


@dataclass(frozen=True, kw_only=True)
class Condition:
    """What is changed before a map is made; nothing by default.

    `stage` names the share of the network whose parameters are drawn anew (with `seed`).
    """

    stage: Stage | None = None
    seed: int = 0

    @property
    def text(self) -> str:
        """``clean`` or ``head randomised (seed 0)``."""
        return "clean" if self.stage is None else f"{self.stage} randomised (seed {self.seed})"


CLEAN = Condition()


@dataclass(frozen=True, kw_only=True)
class Kth:
    """The class with the k-th largest logit; 1 is the prediction."""

    k: int

    def __str__(self) -> str:
        return f"kth: {self.k}"


@dataclass(frozen=True, kw_only=True)
class Named:
    """The class of that name."""

    name: str

    def __str__(self) -> str:
        return self.name


ClassAim = Literal["label", "predicted"] | int | Kth | Named
"""One class per image."""


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """One class's logit minus another's: why this one rather than that."""

    of: ClassAim
    against: ClassAim

    def __str__(self) -> str:
        return f"contrast: {self.of} − {self.against}"


@dataclass(frozen=True, kw_only=True)
class Counterfactual:
    """A class's logit with its sign turned: what speaks against it."""

    of: ClassAim

    def __str__(self) -> str:
        return f"counterfactual: {self.of}"


@dataclass(frozen=True, kw_only=True)
class LogLikelihood:
    """The logarithm of a class's probability: its logit held against all others."""

    of: ClassAim

    def __str__(self) -> str:
        return f"log_likelihood: {self.of}"


@dataclass(frozen=True, kw_only=True)
class Function:
    """Any ``module:callable`` that makes one number per image of the logits or of the network's output."""

    reference: str
    of: Literal["logits", "output"] = "logits"

    def __str__(self) -> str:
        return f"{self.reference} of the {self.of}"


Aim = ClassAim | Contrast | Counterfactual | LogLikelihood | Function
"""What is explained, one number per image; `camaudit.targets` makes it of a network's answer."""


@dataclass(frozen=True, kw_only=True)
class TokenGrid:
    """Tokens [n, l, c]: `prefix` of them have no place, the others are a grid; None is to be found out."""

    prefix: int | None = None
    grid: tuple[int, int] | None = None

    def __str__(self) -> str:
        prefix = "" if self.prefix is None else f", {self.prefix} without a place"
        return f"tokens{prefix}" + ("" if self.grid is None else f", {self.grid[0]}×{self.grid[1]}")


LayoutAim = Literal["auto", "grid", "channels_last", "tokens"] | TokenGrid
"""How a layer's output is read; `camaudit.maps.layout` makes a grid of it."""


@dataclass(frozen=True, kw_only=True)
class MapRequest:
    """One map per sample. `relu` None means: as the method's paper does."""

    method: str
    layer: str
    target: Aim
    call: int | None = None
    relu: bool | None = None
    resize: Literal["bilinear", "nearest"] = "bilinear"
    condition: Condition = CLEAN
    layout: LayoutAim = "auto"


SCENE = "scene_pointing"
"""The profile of a map of some class against all that the image shows: see `Column`."""


Baseline = Literal["blur", "grey", "mean"]
Order = Literal["map", "reversed", "random", "centre_prior", "centre_prior_reversed"]


@dataclass(frozen=True, kw_only=True)
class Reveal:
    """The network asked again and again while an image is uncovered, one cell of its map after the other.

    `order` says which cells come first, `baseline` what covers the rest, `steps` in how many steps;
    `orders` is how many random orders the control is averaged over.
    """

    order: Order = "map"
    baseline: Baseline = "blur"
    steps: int = 16
    orders: int = 3

    @property
    def forwards(self) -> int:
        """Forwards per image of all orders together, at most: a map of few cells takes fewer steps."""
        return (len(FIXED_ORDERS) + self.orders) * (self.steps - 1) + 2


FIXED_ORDERS: tuple[Order, ...] = ("map", "reversed", "centre_prior", "centre_prior_reversed")
"""The orders that are no draws."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One number per sample.

    `metric` names an entry of the metrics table; or ``status``: 1 where the map is all-zero, else 0.
    `region` is the mask it is held against, `against` another map. `source` says what is scored: the
    ``map``, or a control that never saw the model: the ``centre_prior``, the ``centre_box``, the map against
    another sample's mask (``shuffled_mask``), or the value ``chance`` would give. A ``sample`` has facts of
    its own: ``label_rank``, the place of its label among the network's answers (1 is the prediction), and
    ``own_boxes``, how many boxes the data gives for the region. With `profile`, `metric` names an entry of
    the table of profiles, and there are several numbers per sample; or it is ``scene_pointing``, three
    numbers of a map of one class: whether the image shows that class (1, 0, or −1 where nobody knows),
    whether the map's peak is on it (0 where it is not shown), and how high the peak is. With
    `reveal`, the number is the area under the probability of the map's class while the image is uncovered.
    """

    map: MapRequest
    metric: str
    region: str | None = None
    against: MapRequest | None = None
    source: Literal["map", "centre_prior", "centre_box", "shuffled_mask", "chance", "sample"] = "map"
    profile: bool = False
    boxes: bool = False
    """Whether the region's boxes are needed."""
    reveal: Reveal | None = None

    @property
    def needs_map(self) -> bool:
        """Whether a map is needed, or the mask alone; what is held against a map needs that one."""
        return self.source in {"map", "shuffled_mask"} or self.against is not None

    @property
    def maps(self) -> tuple[MapRequest, ...]:
        """The maps that this number is made from."""
        if not self.needs_map:
            return ()
        return (self.map,) if self.against is None else (self.map, self.against)
