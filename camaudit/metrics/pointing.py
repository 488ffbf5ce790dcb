"""The pointing game where a map has many equal peaks: the share of them that hit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.metrics.overlap import tolerance_of
from camaudit.metrics.regions import dilate
from camaudit.metrics.scoring import Scored, pair

if TYPE_CHECKING:
    from torch import Tensor


def peak_share(maps: Tensor, masks: Tensor) -> Tensor:
    """Share of a map's peaks that lie within τ of the mask: `pointing` with ties broken at random, in [0, 1].

    With one peak it is `pointing` itself; of a box of ones it is what a guess within the box scores.
    τ = 15 pixels at a shorter side of 224. Undefined for an empty mask and an all-zero or non-finite map.
    Source: J. Zhang et al., "Top-down neural attention by excitation backprop", 2018, with its tolerance.
    """
    return _peak_share(maps, masks).values()


def peak_share_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `peak_share` is NaN, row by row."""
    return _peak_share(maps, masks).reasons()


def _peak_share(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=True)
    peaks = given.maps == given.maps.amax(dim=1, keepdim=True)

    def numbers() -> Tensor:
        near = dilate(masks, tolerance_of(masks)).flatten(1)
        return (peaks & near).sum(dim=1, dtype=torch.float64) / peaks.sum(dim=1)

    return Scored(numbers=numbers, faults=given.faults)
