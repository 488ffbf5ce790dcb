"""What every metric shares: its input checked, and a value or a reason for every row, never both."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from camaudit.errors import MapError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

EMPTY_MASK = "empty mask"
FULL_MASK = "mask covers the whole image"
ALL_ZERO = "all-zero map"
NON_FINITE = "non-finite map"
CONSTANT = "constant map"


@dataclass(frozen=True, kw_only=True)
class Scored:
    """One number per row, and the faults that make it undefined: reason → bool[n], the first one counts.

    `numbers` is called only for values: most reasons are known without them.
    """

    numbers: Callable[[], Tensor]
    faults: Mapping[str, Tensor]

    def values(self) -> Tensor:
        """float64 [n], NaN where there is a fault."""
        blank = torch.stack(tuple(self.faults.values())).any(dim=0)
        return self.numbers().double().masked_fill(blank, torch.nan)

    def reasons(self) -> list[str | None]:
        """The reason of every row; None exactly where the value is a number."""
        found: list[str | None] = [None] * len(next(iter(self.faults.values())))
        for reason, rows in self.faults.items():
            for row in rows.nonzero().flatten().tolist():
                found[row] = found[row] or reason
        return found


@dataclass(frozen=True, kw_only=True)
class Pair:
    """Maps float64 [n, N] with non-finite rows blanked, masks bool [n, N], and what is wrong with either."""

    maps: Tensor
    masks: Tensor
    faults: Mapping[str, Tensor]

    @property
    def inside(self) -> Tensor:
        """Pixels of the mask, [n]."""
        return self.masks.sum(dim=1, dtype=torch.float64)

    @property
    def share(self) -> Tensor:
        """The mask's share a of the image, [n]."""
        return self.inside / self.masks.shape[1]

    def mass(self) -> Tensor:
        """The maps divided by their peaks: sums of doubles near the end of their range would overflow."""
        return by_peak(self.maps)

    def full(self) -> dict[str, Tensor]:
        """The fault of a mask that leaves nothing outside."""
        return {FULL_MASK: self.masks.all(dim=1)}


def pair(maps: Tensor, masks: Tensor, *, signed: bool) -> Pair:
    """Check maps [n, h, w] and masks [n, h, w]; `signed` allows negative values.

    Raises `MapError` for wrong shapes and types, and for negative values where they have no meaning.
    """
    if masks.dtype != torch.bool:
        raise MapError(
            f"masks must be bool, got {masks.dtype}", hint="compare the mask with a threshold first"
        )
    if maps.shape != masks.shape:
        raise MapError(f"maps {tuple(maps.shape)} and masks {tuple(masks.shape)} must have the same shape")
    flat, bad = flatten(maps)
    if not signed and bool((flat < 0).any()):
        rows = int((flat < 0).any(dim=1).sum())
        raise MapError(
            f"{rows} of {len(flat)} maps hold negative values, which this metric has no meaning for",
            hint="finish the maps with relu (relu: true), or choose rank_accuracy, pointing or pixel_auc",
        )
    pixels = masks.flatten(1)
    faults = {EMPTY_MASK: ~pixels.any(dim=1), NON_FINITE: bad, ALL_ZERO: (flat == 0).all(dim=1)}
    return Pair(maps=flat, masks=pixels, faults=faults)


def flatten(maps: Tensor) -> tuple[Tensor, Tensor]:
    """Maps as float64 [n, N], and which rows are not finite (they are blanked)."""
    if maps.ndim != 3 or 0 in maps.shape[1:]:  # noqa: PLR2004 - [n, h, w]
        raise MapError(f"maps must have the shape [n, h, w], got {tuple(maps.shape)}")
    if not maps.is_floating_point():
        raise MapError(f"maps must be floating point, got {maps.dtype}")
    flat = maps.detach().flatten(1).double()
    bad = ~flat.isfinite().all(dim=1)
    return flat.masked_fill(bad[:, None], 0.0), bad


def by_peak(flat: Tensor) -> Tensor:
    """Rows [n, N] divided by their largest magnitude; rows of zeros stay."""
    peak = flat.abs().amax(dim=1, keepdim=True)
    return flat / peak.masked_fill(peak == 0, 1.0)


def both(maps: Tensor, reference: Tensor) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
    """Two maps [n, u, v] of one grid as float64 [n, N], and what is wrong with either.

    Raises `MapError` for wrong shapes and types.
    """
    if maps.shape != reference.shape:
        raise MapError(f"maps {tuple(maps.shape)} and {tuple(reference.shape)} must have the same shape")
    (first, bad), (second, worse) = flatten(maps), flatten(reference)
    zero = (first == 0).all(dim=1) | (second == 0).all(dim=1)
    return first, second, {NON_FINITE: bad | worse, ALL_ZERO: zero}
