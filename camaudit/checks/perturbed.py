"""What checks on attacked images share: the measures of a map's change, the gates on them, column names."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from camaudit.checks.overlap import map_request
from camaudit.evidence import Column
from camaudit.exhibits import Paired
from camaudit.spec.base import StrictModel, loose_number
from camaudit.spec.types import Gate, MapsSpec, refuse_vacuous

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

SHARE = (0.0, 1.0)
CLEAN_RIGHT, ROBUST, SUCCESS, UNROUNDED = "clean right", "robust", "success", "success before rounding"
QUERIES = "queries"
WRONG_BEFORE = "wrong before the attack"
DECIDED = "turned by the search before"
IS_TARGET = "its label is the attack's target"
NO_FLIP = "no pixel was found that turns it"
OUTSIDE = frozenset({WRONG_BEFORE, IS_TARGET, NO_FLIP, DECIDED})
"""Why an image is none that a number is about; that is no failure to measure."""
NO_LABEL = "no label"
NOT_FINITE = "the network's answer is not finite"
INVALID = "invalid: "
"""How the reason begins where an attack broke the rules that it was given."""
TOP = 0.1
"""The share of a map's cells that are its top."""


@dataclass(frozen=True, kw_only=True)
class Measure:
    """How far a map moved: what the number is, its range, and which end means little movement."""

    name: str
    title: str
    range: tuple[float, float]
    still: Literal["high", "low"]

    @property
    def differences(self) -> tuple[float, float]:
        """The range of the number minus another one of its kind."""
        low, high = self.range
        return low - high, high - low


_LIST = (
    Measure(name="spearman", title="rank correlation with the map before", range=(-1.0, 1.0), still="high"),
    Measure(
        name="topk",
        title="share of the map's top tenth of cells that stay in the top tenth",
        range=SHARE,
        still="high",
    ),
    Measure(name="ssim", title="structural similarity to the map before", range=(-1.0, 1.0), still="high"),
    Measure(
        name="wasserstein",
        title="how far the map's mass moved (Wasserstein, pixels)",
        range=(0.0, inf),
        still="low",
    ),
    Measure(
        name="centroid_shift",
        title="how far the map's centre of mass moved (pixels)",
        range=(0.0, inf),
        still="low",
    ),
    Measure(
        name="energy_change",
        title="share of the map's mass on the object after, minus before",
        range=(-1.0, 1.0),
        still="high",
    ),
)
MEASURES: dict[str, Measure] = {item.name: item for item in _LIST}
ENERGY = "energy_change"
"""The measure that needs masks."""
ENERGY_BEFORE, ENERGY_AFTER = "energy before", "energy after"
"""What it is the difference of."""

Kept = Literal["clean", "new"]
"""Whose map is compared with the one before: that of what was explained before, or of the new answer."""


class MapGate(Gate):
    """A bound on how far maps move."""

    target: Kept = "clean"
    """``clean``: the map of what was explained before the change. ``new``: that of the new prediction."""
    minus_noise: bool = False
    """Whether the bound is on the change beyond that under noise of the same size and shape."""


class MapGates(StrictModel):
    """Bounds on how far maps move, averaged over the images."""

    map_spearman: MapGate | None = None
    """Rank correlation with the map before, −1 to 1."""
    map_topk: MapGate | None = None
    """Share of the map's top tenth of cells that stay in the top tenth, 0 to 1."""
    map_ssim: MapGate | None = None
    """Structural similarity to the map before, −1 to 1."""
    map_wasserstein: MapGate | None = None
    """How far mass moved, in pixels."""
    map_centroid_shift: MapGate | None = None
    """How far the centre of mass moved, in pixels."""
    map_energy_change: MapGate | None = None
    """Share of the mass on the object after, minus before; needs ``mask``."""

    def of_maps(self) -> dict[str, MapGate]:
        """The gates that are given, by the measure's name."""
        found = {name: getattr(self, f"map_{name}") for name in MEASURES}
        return {name: gate for name, gate in found.items() if gate is not None}


def refuse_senseless(
    gates: MapGates, shares: Mapping[str, Gate | None], mask: str | None, others: Sequence[str] = ()
) -> None:
    """Refuse gates that decide nothing, gates without the masks they need, and no gate at all.

    `others` are gates on numbers that are no shares.
    """
    own = gates.of_maps()
    given = {name: gate for name, gate in shares.items() if gate is not None}
    if not own and not given and not any(getattr(gates, name) for name in others):
        names = ", ".join([*shares, *others, *MapGates.model_fields])
        raise ValueError(f'"gate" needs at least one of {names}')
    for name, share in given.items():
        refuse_vacuous(share, name, *SHARE)
    for name, gate in own.items():
        measure = MEASURES[name]
        refuse_vacuous(gate, f"map_{name}", *(measure.differences if gate.minus_noise else measure.range))
    if ENERGY in own and mask is None:
        raise ValueError(f'a gate on "map_{ENERGY}" needs "mask": the region that is the object')


def column(measure: str, kept: Kept, part: str = "") -> str:
    """Where a measure stands: ``map_spearman``, ``map_spearman new``, ``map_spearman under noise``."""
    return " ".join(filter(None, [f"map_{measure}", "new" if kept == "new" else "", part]))


NOISE, BEYOND = "under noise", "minus noise"


def measures(mask: str | None) -> tuple[Measure, ...]:
    """The measures of a check: without a mask none of the object."""
    return tuple(item for item in _LIST if mask is not None or item.name != ENERGY)


def walk_columns(mask: str | None, maps: MapsSpec) -> dict[str, Column]:
    """What the walk over unchanged images has to give: their maps and their answers."""
    request = map_request(maps)
    columns = {
        "all-zero map": Column(map=request, metric="status"),
        "place of the label": Column(map=request, metric="label_rank", source="sample"),
    }
    if mask is not None:
        columns[ENERGY_BEFORE] = Column(map=request, metric="energy_inside", region=mask)
    return columns


def map_titles(mask: str | None, *, noise: bool) -> dict[str, str]:
    """What each column of maps is."""
    found = {}
    for item in measures(mask):
        for kept, of in (("clean", "same target"), ("new", "new answer")):
            parts: Iterator[tuple[str, str]] = iter(
                (("", ""), (NOISE, ", under matched noise"), (BEYOND, ", minus that under matched noise"))
                if noise
                else (("", ""),)
            )
            for part, text in parts:
                found[column(item.name, kept, part)] = f"{item.title}, {of}{text}"  # type: ignore[arg-type]
    if mask is not None:
        found |= energies()
    return found


def energies() -> dict[str, str]:
    """The share of the map's mass on the object, before and after."""
    share = "share of the map's mass on the object"
    return {ENERGY_BEFORE: f"{share}, before", ENERGY_AFTER: f"{share}, after, same target"}


def energy_pair(after: str = ENERGY_AFTER, what: str = "") -> Paired:
    """The share of the map's mass on the object before and after, as a pair of columns."""
    title = f"{what}share of the map's mass on the object, same target"
    return Paired(title=title, before=ENERGY_BEFORE, after=after, names=("before", "after"))


def parameters_of(model: StrictModel) -> dict[str, object]:
    """The keys that a spec gives beyond those that its type names; texts such as 2/255 are numbers."""
    return {name: loose_number(value) for name, value in (model.model_extra or {}).items()}


def told(parameters: Mapping[str, Any]) -> str:
    """Parameters as a person reads them: ``steps = 10``."""
    return ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in parameters.items()
    )
