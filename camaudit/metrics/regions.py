"""Masks grown by a distance."""

from __future__ import annotations

from math import floor, hypot, sqrt
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from torch import Tensor


def dilate(masks: Tensor, radius: float) -> Tensor:
    """Pixels whose centre is at most `radius` pixels (Euclidean) from a mask pixel's; bool [n, h, w]."""
    height = masks.shape[1]
    radius = min(radius, hypot(*masks.shape[1:]))
    aside = _distance_in_row(masks)
    grown = torch.zeros_like(masks)
    for dy in range(min(floor(radius), height - 1) + 1):
        near = aside <= floor(sqrt(radius**2 - dy**2))
        grown[:, : height - dy] |= near[:, dy:]
        grown[:, dy:] |= near[:, : height - dy]
    return grown


def _distance_in_row(masks: Tensor) -> Tensor:
    """Distance to the nearest mask pixel of the same row; beyond any in the image where the row has none."""
    _, height, width = masks.shape
    far = height + width
    position = torch.arange(width, device=masks.device, dtype=torch.int32).expand(masks.shape)
    left = position - torch.where(masks, position, -far).cummax(dim=2).values
    right = torch.where(masks, position, far + width).flip(2).cummin(dim=2).values.flip(2) - position
    return torch.minimum(left, right)
