"""What an attack was allowed to change, and whether it kept to it. The attack proposes, this verifies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import torch

from camaudit.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

Norm = Literal["linf", "l2", "l0", "patch"]
NORMS: dict[Norm, str] = {
    "linf": "the largest change of any value",
    "l2": "the root of the sum of squared changes of all values",
    "l0": "how many pixels change",
    "patch": "the longer side of the smallest rectangle that holds all changed pixels",
}
COUNTED: frozenset[Norm] = frozenset({"l0", "patch"})
"""Norms whose distances are whole numbers of pixels."""
TOLERANCE = 1e-6
"""Relative and absolute: float32 adds and subtracts a pixel's change with an error below 1e-7."""
LEVELS = 255
DIMENSIONS = 4


@dataclass(frozen=True, kw_only=True)
class Budget:
    """At most `eps` in a norm, on pixels in [0, 1]; for `l0` and `patch` a whole number of pixels.

    Raises `ModelError` where `eps` is not positive or not what the norm counts in.
    """

    norm: Norm
    eps: float

    def __post_init__(self) -> None:
        if not 0 < self.eps < float("inf"):
            raise ModelError(f"a budget of {self.eps} in {self.norm}; it must be positive and finite")
        if self.norm in COUNTED and self.eps != int(self.eps):
            raise ModelError(f"a budget of {self.eps} in {self.norm}, which counts whole pixels")
        if self.norm == "linf" and self.eps > 1:
            raise ModelError(
                f"a budget of {self.eps} in linf on pixels in [0, 1]",
                hint=f"write {self.eps:g}/255 if 8-bit levels are meant",
            )

    @property
    def text(self) -> str:
        """``L∞ ≤ 8/255``; fractions of 255 where they are whole."""
        name = {"linf": "L∞", "l2": "L2", "l0": "pixels changed", "patch": "patch side"}[self.norm]
        steps = self.eps * LEVELS
        whole = self.norm == "linf" and abs(steps - round(steps)) < TOLERANCE
        return f"{name} ≤ {f'{round(steps)}/255' if whole else f'{self.eps:g}'}"


def distance(clean: Tensor, changed: Tensor, norm: Norm) -> Tensor:
    """How far images [n, c, h, w] are from the clean ones, float64 [n]; 0 where nothing changed.

    `linf`: max |Δ|. `l2`: √ΣΔ². `l0`: pixels with any |Δ| > 0. `patch`: the longer side, in pixels, of the
    bounding rectangle of those. NaN where a value is not finite. Raises `ModelError` for unlike shapes.
    """
    if clean.shape != changed.shape or clean.dim() != DIMENSIONS:
        raise ModelError(f"images {list(changed.shape)} in place of {list(clean.shape)}")
    change = changed.detach().double() - clean.detach().double()
    found = _MEASURES[norm](change)
    return found.masked_fill(~change.isfinite().flatten(1).all(1), torch.nan)


def violations(clean: Tensor, changed: Tensor, budget: Budget) -> list[str | None]:
    """What is wrong with each of the changed images, None where nothing is: a defect of the attack.

    Looked at: finite values, range [0, 1], distance within the budget. Distances are measured anew; float32's
    own error, 1e-6, is forgiven. Raises `ModelError` for unlike shapes.
    """
    distances = distance(clean, changed, budget.norm).tolist()
    low, high = (getattr(changed.detach().flatten(1), name)(1) for name in ("amin", "amax"))
    return [_fault(*row, budget) for row in zip(distances, low.tolist(), high.tolist(), strict=True)]


def rounded(images: Tensor) -> Tensor:
    """Images in [0, 1] as 8 bits hold them: each value at the nearest multiple of 1/255."""
    return (images.clamp(0, 1) * LEVELS).round() / LEVELS


def _fault(found: float, low: float, high: float, budget: Budget) -> str | None:
    if found != found:  # noqa: PLR0124 - NaN
        return "pixels that are not finite"
    if low < -TOLERANCE or high > 1 + TOLERANCE:
        return f"pixels from {low:.6g} to {high:.6g}, beyond [0, 1]"
    if found > budget.eps * (1 + TOLERANCE) + (0 if budget.norm in COUNTED else TOLERANCE):
        return f"{budget.norm} distance {found:.6g}, beyond {budget.eps:.6g}"
    return None


def _touched(change: Tensor) -> Tensor:
    return (change != 0).any(1)


def _patch(change: Tensor) -> Tensor:
    touched = _touched(change)
    return torch.maximum(_extent(touched.any(2)), _extent(touched.any(1)))


def _extent(lines: Tensor) -> Tensor:
    """From the first to the last true entry of each row, inclusive; 0 where there is none."""
    numbers = torch.arange(lines.shape[1], device=lines.device).expand_as(lines)
    first = numbers.masked_fill(~lines, lines.shape[1]).amin(1)
    last = numbers.masked_fill(~lines, -1).amax(1)
    return (last - first + 1).clamp(min=0).double()


_MEASURES: dict[Norm, Callable[[Tensor], Tensor]] = {
    "linf": lambda change: change.abs().flatten(1).amax(1),
    "l2": lambda change: change.square().flatten(1).sum(1).sqrt(),
    "l0": lambda change: _touched(change).flatten(1).sum(1).double(),
    "patch": _patch,
}
