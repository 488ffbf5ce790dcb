"""Images of which a part is covered: by their own blur, by grey, or by their mean colour."""

from __future__ import annotations

from math import ceil
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.evidence import Baseline

GREY = 0.5
BLUR = 1 / 8
"""The blur's σ as a share of the image's shorter side: what is smaller than that is gone."""
REACH = 3
"""Where the Gaussian is cut off, in σ."""


def baseline(images: Tensor, kind: Baseline) -> Tensor:
    """What covers images [n, c, h, w] in [0, 1] where they are covered; the same shape, in [0, 1].

    ``blur``: a Gaussian blur of the image, σ an eighth of its shorter side, edges repeated. ``grey``: 0.5.
    ``mean``: each channel's mean over the image.
    """
    if kind == "grey":
        return torch.full_like(images, GREY)
    if kind == "mean":
        return images.mean((2, 3), keepdim=True).expand_as(images)
    sigma = BLUR * min(images.shape[2:])
    return _blurred(_blurred(images, sigma, dim=2), sigma, dim=3).clamp(0, 1)


def covered(images: Tensor, base: Tensor, shown: Tensor) -> Tensor:
    """Images [n, c, h, w] where `shown` (bool [n, u, v]) says so, and `base` elsewhere.

    A pixel belongs to the cell that its place falls into: row ⌊y · u / h⌋, column ⌊x · v / w⌋.
    """
    # Named exactly: plain "nearest" computes the row in float32, which may be off by one pixel.
    rows, columns = (
        torch.arange(side, device=images.device) * cells // side
        for side, cells in zip(images.shape[2:], shown.shape[1:], strict=True)
    )
    return torch.where(shown[:, rows][:, :, columns][:, None], images, base)


def _blurred(images: Tensor, sigma: float, *, dim: int) -> Tensor:
    """A Gaussian along one dimension, by its own weights: 1-d convolution of every channel by itself."""
    reach = max(1, ceil(REACH * sigma))
    distance = torch.arange(-reach, reach + 1, device=images.device, dtype=images.dtype)
    weights = torch.exp(-distance.square() / (2 * sigma**2))
    weights = weights / weights.sum()
    channels = images.shape[1]
    kernel = weights.view(1, 1, -1, 1) if dim == 2 else weights.view(1, 1, 1, -1)  # noqa: PLR2004 - rows
    padding = (0, 0, reach, reach) if dim == 2 else (reach, reach, 0, 0)  # noqa: PLR2004 - rows
    padded = functional.pad(images, padding, mode="replicate")
    return functional.conv2d(padded, kernel.expand(channels, 1, -1, -1), groups=channels)
