"""Maps that never saw the model: the ground under every overlap figure."""

from __future__ import annotations

from math import sqrt

import torch
from torch import Tensor

CENTRE_BOX = 0.5
"""The share of the image that the centre box covers."""


def centre_prior(h: int, w: int, sigma: float | None = None) -> Tensor:
    """A fixed Gaussian blob in the middle of the image, peak near 1; float64 [h, w].

    exp(−((y − (h−1)/2)² + (x − (w−1)/2)²) / 2σ²), σ in pixels, h/4 unless given. Raises `ValueError`
    for an empty image and for σ ≤ 0.
    """
    sigma = h / 4 if sigma is None else sigma
    if h < 1 or w < 1 or not sigma > 0:
        raise ValueError(f"an image of at least 1×1 and a positive sigma are needed, got {h}×{w}, {sigma}")
    y = torch.arange(h, dtype=torch.float64) - (h - 1) / 2
    x = torch.arange(w, dtype=torch.float64) - (w - 1) / 2
    return torch.exp(-(y[:, None] ** 2 + x[None, :] ** 2) / (2 * sigma**2))


def centre_box(h: int, w: int) -> Tensor:
    """1 in a centred box over half of the image, of the image's own proportions, else 0; float64 [h, w].

    Sides are √½ of the image's, rounded to whole pixels that lie evenly about the centre, at least one.
    Raises `ValueError` for an empty image.
    """
    if h < 1 or w < 1:
        raise ValueError(f"an image of at least 1×1 is needed, got {h}×{w}")
    top, left = (min(round(side * (1 - sqrt(CENTRE_BOX)) / 2), (side - 1) // 2) for side in (h, w))
    box = torch.zeros(h, w, dtype=torch.float64)
    box[top : h - top, left : w - left] = 1
    return box
