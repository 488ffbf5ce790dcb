"""What a map that knows nothing is expected to score: float64 [n], NaN where the mask leaves it undefined."""

from __future__ import annotations

import torch
from torch import Tensor

from camaudit.metrics.overlap import tolerance_of
from camaudit.metrics.regions import dilate


def mask_share(_: Tensor, masks: Tensor) -> Tensor:
    """The mask's share a of the image: an even map, or one with its pixels shuffled."""
    return _where_there_is_a_mask(masks.flatten(1).double().mean(dim=1), masks)


def tolerated_share(_: Tensor, masks: Tensor) -> Tensor:
    """The share of the image within the pointing game's tolerance of the mask: a peak put down at random."""
    near = dilate(masks, tolerance_of(masks))
    return _where_there_is_a_mask(near.flatten(1).double().mean(dim=1), masks)


def zero(_: Tensor, masks: Tensor) -> Tensor:
    """0: inside is as outside."""
    return _where_both_sides(torch.zeros(len(masks), dtype=torch.float64, device=masks.device), masks)


def half(_: Tensor, masks: Tensor) -> Tensor:
    """½: a pixel inside is above one outside as often as below."""
    return _where_both_sides(torch.full((len(masks),), 0.5, dtype=torch.float64, device=masks.device), masks)


def unrelated(maps: Tensor, _: Tensor) -> Tensor:
    """0: two maps that have nothing to do with each other."""
    return torch.zeros(len(maps), dtype=torch.float64, device=maps.device)


def _where_there_is_a_mask(values: Tensor, masks: Tensor) -> Tensor:
    return values.masked_fill(~masks.flatten(1).any(dim=1), torch.nan)


def _where_both_sides(values: Tensor, masks: Tensor) -> Tensor:
    return _where_there_is_a_mask(values, masks).masked_fill(masks.flatten(1).all(dim=1), torch.nan)
