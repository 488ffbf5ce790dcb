"""SmoothGrad."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.maps.capture import pixels
from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target

SAMPLES = 25
NOISE = 0.15
"""Standard deviation of the noise, as a share of an image's range of values (the paper's 10 to 20 %)."""
SEED = 0


def smoothgrad(capture: Capture, targets: Target, *, samples: int = SAMPLES, noise: float = NOISE) -> Tensor:
    """The gradient at the pixels, averaged over noisy copies of the image; raw maps [n, h, w], ≥ 0.

    M = max_c |1/N Σ_i ∂y/∂x_c (x + ε_i)|,  ε_i ~ N(0, (noise · (max x − min x))²)

    The target is chosen on the clean image. The noise is drawn by a generator of its own with a fixed seed,
    the same for every image: a map depends neither on the batch nor on the run. Noisy values may leave
    [0, 1]. One forward and one backward per noisy copy.

    Source: Smilkov et al., SmoothGrad, 2017 (arXiv 1706.03825), section 2 (absolute values: section 3).
    """
    images = capture.images
    generator = torch.Generator().manual_seed(SEED)
    sigma = noise * (images.amax((1, 2, 3), keepdim=True) - images.amin((1, 2, 3), keepdim=True))
    total = torch.zeros(images.shape, dtype=accumulation_type(images), device=images.device)
    for _ in range(samples):
        drawn = torch.randn(images.shape[1:], generator=generator).to(images)
        total += pixels(capture.network, images + sigma * drawn).gradients(targets)
    return (total / samples).abs().amax(1)
