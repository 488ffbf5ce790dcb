"""What every metric keeps."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from functools import partial
from math import nan
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor

from camaudit.contract.clause import contract, is_a, name_of, refuses, require
from camaudit.errors import MapError
from camaudit.metrics import Metric

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract.clause import Contract

    Part = Literal["function", "undefined", "chance"]

FLOATS = (torch.float64, torch.float32, torch.bfloat16, torch.float16)
N = 5
ORDER = torch.tensor([3, 0, 4, 1, 2])


def awkward() -> tuple[Tensor, Tensor, list[str]]:
    """Every degenerate map [n, 8, 8] against every degenerate mask, with a name for each row."""
    generator = torch.Generator().manual_seed(0)
    ordinary = torch.rand(8, 8, generator=generator, dtype=torch.float64)
    centre = torch.zeros(8, 8, dtype=torch.bool)
    centre[2:5, 3:7] = True
    maps = {
        "ordinary": ordinary,
        "zero": torch.zeros(8, 8, dtype=torch.float64),
        "constant": torch.full((8, 8), 0.3, dtype=torch.float64),
        "NaN": ordinary.where(ordinary < 0.9, torch.nan),  # noqa: PLR2004 - some of the pixels
        "infinite": ordinary.where(ordinary < 0.9, torch.inf),  # noqa: PLR2004 - see above
        "inside only": ordinary * centre,
        "outside only": ordinary * ~centre,
        "huge": ordinary * 1e308,
        "tiny": ordinary * 5e-324 / 0.001,
        "two peaks": torch.eye(8, dtype=torch.float64),
    }
    one = torch.zeros(8, 8, dtype=torch.bool)
    one[0, 0] = True
    masks = {
        "centre": centre,
        "empty": ~torch.ones(8, 8, dtype=torch.bool),
        "full": torch.ones(8, 8, dtype=torch.bool),
        "one": one,
    }
    names = [f"{name} map, {mask} mask" for name in maps for mask in masks]
    return (
        torch.stack([item for item in maps.values() for _ in masks]),
        torch.stack([item for _ in maps for item in masks.values()]),
        names,
    )


def boxes_around(masks: Tensor) -> Tensor:
    """The box around each mask, float64 [n, 1, 4]; NaN where it is empty."""
    from camaudit.data.boxes import bounding_box

    boxes = [bounding_box(mask.numpy()) or ((nan,) * 4,) for mask in masks]
    return torch.tensor(boxes, dtype=torch.float64).reshape(len(masks), 1, 4)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A metric with its parameter, and what it is tried on."""

    metric: Metric
    argument: float

    def run(self, *given: Tensor, part: Part = "function") -> Any:
        """What one of its functions makes of maps and reference."""
        name = self.metric.parameter
        return self.metric.load(part)(*given, **({} if name is None else {name: self.argument}))

    def inputs(self, n: int = N, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
        """Ordinary maps [n, 12, 9] and a reference for each."""
        generator = torch.Generator().manual_seed(7)
        maps = torch.rand(n, 12, 9, generator=generator, dtype=torch.float64).to(dtype)
        if self.metric.reference == "map":
            return maps, torch.rand(n, 12, 9, generator=generator, dtype=torch.float64).to(dtype)
        masks = torch.rand(n, 12, 9, generator=generator) > 0.6  # noqa: PLR2004 - some of the pixels
        return maps, boxes_around(masks) if self.metric.reference == "boxes" else masks

    def degenerate(self) -> tuple[Tensor, Tensor, list[str]]:
        """Every awkward map against every awkward reference, with a name for each row."""
        maps, masks, names = awkward()
        if self.metric.reference == "mask":
            return maps, masks, names
        if self.metric.reference == "boxes":
            return maps, boxes_around(masks), names
        return maps, maps.flip(0), names

    def entry(self) -> None:
        is_a(self.metric, Metric)
        low, high = self.metric.range
        require(self.metric.name, "its name is empty")
        require(low < high, f"its range is {self.metric.range}, and no gate could fail")
        require(self.metric.title, "its title is empty: it stands in reports")
        require(self.metric.chance_text, "chance_text is empty: say what a map scores that knows nothing")
        parts: list[Part] = ["function", "undefined"]
        parts += ["chance"] if self.metric.chance is not None else []
        for part in parts:
            require(callable(self.metric.load(part)), f"{part} is no function")
        require(
            self.metric.load().__doc__, "its function has no docstring: formula, range, what is undefined"
        )
        for part in parts[:2]:
            extra = list(inspect.signature(self.metric.load(part)).parameters)[2:]
            wanted = [] if self.metric.parameter is None else [self.metric.parameter]
            require(
                extra == wanted, f"{part} takes {extra} beside maps and reference, the entry says {wanted}"
            )

    def numbers(self) -> None:
        for dtype in FLOATS:
            values = self.run(*self.inputs(dtype=dtype))
            require(isinstance(values, Tensor), f"it returned {type(values).__name__}, not a tensor")
            text = f"values are {list(values.shape)} for {N} maps, needed are [{N}]"
            require(values.shape == (N,), text)
            require(values.dtype == torch.float64, f"values are {values.dtype} for {dtype}, not float64")
            require(values.isfinite().all(), f"values of ordinary maps in {dtype} are {values.tolist()}")
            self._within(values)

    def _within(self, values: Tensor) -> None:
        low, high = self.metric.range
        finite = values[values.isfinite()]
        wrong = finite[(finite < low) | (finite > high)].tolist()
        require(not wrong, f"values {wrong[:3]} lie beyond its range {low:g} to {high:g}")

    def reasons(self) -> None:
        maps, reference, names = self.degenerate()
        values, reasons = self.run(maps, reference), self.run(maps, reference, part="undefined")
        require(isinstance(reasons, list), f"undefined returned {type(reasons).__name__}, not a list")
        require(len(reasons) == len(maps), f"{len(reasons)} reasons for {len(maps)} maps")
        for name, value, reason in zip(names, values.tolist(), reasons, strict=True):
            require(abs(value) != torch.inf, f"{name}: the value is infinite: undefined is NaN")
            undefined = value != value  # noqa: PLR0124 - NaN
            require(not undefined or reason, f"{name}: NaN without a reason")
            require(undefined or reason is None, f"{name}: {value:g} and the reason {reason!r}")
        require(any(reasons), "no degenerate map is undefined: an all-zero map has no number")
        require(not all(reasons), "every map is undefined")

    def rows(self) -> None:
        maps, reference, names = self.degenerate()
        values = self.run(maps, reference)
        self._within(values)
        for row, name in enumerate(names):
            own = self.run(maps[row : row + 1], reference[row : row + 1])
            same = torch.allclose(own, values[row : row + 1], rtol=1e-12, atol=1e-12, equal_nan=True)
            require(same, f"{name}: {float(values[row]):g} in a batch, {float(own[0]):g} by itself")

    def order(self) -> None:
        maps, reference = self.inputs()
        turned, wanted = self.run(maps[ORDER], reference[ORDER]), self.run(maps, reference)[ORDER]
        same = torch.allclose(turned, wanted, rtol=1e-12, atol=1e-12)
        require(same, "rows in another order have other values")

    def empty(self) -> None:
        given = self.inputs(n=0)
        require(self.run(*given).shape == (0,), "no maps do not give values [0]")
        require(self.run(*given, part="undefined") == [], "no maps do not give an empty list of reasons")

    def twice(self) -> None:
        maps, reference = self.inputs()
        before = maps.clone(), reference.clone()
        first = self.run(maps, reference)
        torch.rand(3)  # what draws from the global state gives something else now
        require(torch.equal(first, self.run(maps, reference)), "two calls with the same input differ")
        reasons = self.run(maps, reference, part="undefined")
        require(reasons == [None] * N, f"ordinary maps have reasons: {reasons}")
        require(torch.equal(maps, before[0]), "it changed the maps in place")
        require(torch.equal(reference, before[1]), "it changed the reference in place")

    def views(self) -> None:
        maps, reference = self.inputs()
        expanded = maps[:1].expand(N, 12, 9)
        one, other = self.run(expanded, reference), self.run(expanded.contiguous(), reference)
        require(torch.allclose(one, other), "maps that share memory have other values")
        turned = maps.transpose(1, 2).contiguous().transpose(1, 2).requires_grad_()
        values = self.run(turned, reference)
        require(not values.requires_grad, "values of maps with a graph hang on it: detach them")
        require(torch.allclose(values, self.run(maps, reference)), "turned maps have other values")

    def signs(self) -> None:
        maps, reference = self.inputs()
        if self.metric.signed:
            require(self.run(maps - 0.5, reference).isfinite().all(), "signed maps have no number")
        else:
            text = "signed=False: a map with negative values"
            refuses(lambda: self.run(maps - 0.5, reference), MapError, text)

    def refusals(self) -> None:
        maps, reference = self.inputs()
        whole = reference.long() if self.metric.reference == "map" else reference
        wrong = {
            "3 maps with 5 references": (maps[:3], reference),
            "one map [h, w]": (maps[0], reference[0]),
            "maps without a pixel": (maps[:, :0], reference[:, :0]),
            "maps of whole numbers": (maps.long(), whole),
        }
        if self.metric.reference == "mask":
            wrong["masks of floats"] = (maps, reference.double())
        parts: tuple[Part, ...] = ("function", "undefined")
        for part in parts:
            for name, given in wrong.items():
                refuses(partial(self.run, *given, part=part), MapError, f"{part}: {name}")

    def chance(self) -> None:
        maps, reference, names = self.degenerate()
        ordinary = torch.rand(maps.shape, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
        found = self.run(ordinary, reference, part="chance")
        require(found.shape == (len(maps),), f"chance is {list(found.shape)} for {len(maps)} maps")
        require(found.dtype == torch.float64, f"chance is {found.dtype}, not float64")
        self._within(found)
        if self.metric.reference != "mask":
            return
        values = self.run(ordinary, reference)
        for name, expected, value in zip(names, found.isfinite(), values.isfinite(), strict=True):
            text = f"an ordinary map and the reference of {name}: chance and value are not defined alike"
            require(expected == value, text)


def of_metric(metric: Metric, *, argument: float = 0.15) -> Contract:
    """What a metric keeps: one number per map in float64, or NaN and a reason.

    `argument` is what a metric with a parameter is tried with. Clauses: the entry; values within the range
    for every float type; NaN exactly where there is a reason; each row by itself, degenerate neighbours or
    not; any order; no maps at all; the same twice, input as it was; views and graphs; signed maps taken or
    refused as the entry says; wrong shapes and types refused with `MapError`; chance wherever an ordinary
    map has a value.
    """
    case = _Case(metric=metric, argument=argument)
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("values", case.numbers),
        ("NaN with a reason", case.reasons),
        ("each row by itself", case.rows),
        ("any order", case.order),
        ("no maps", case.empty),
        ("the same twice", case.twice),
        ("views and graphs", case.views),
        ("signed maps", case.signs),
        ("wrong input", case.refusals),
    ]
    if getattr(metric, "chance", None) is not None:
        clauses.append(("chance", case.chance))
    return contract(f"metric {name_of(metric)}", clauses)
