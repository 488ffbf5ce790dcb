"""XGrad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def xgradcam(capture: Capture, targets: Target) -> Tensor:
    """Channels weighted by gradients averaged where the channel is active; raw maps [n, u, v].

    α_k = Σ_ij (A_k,ij / Σ_ab A_k,ab) · ∂y/∂A_k,ij,  L = Σ_k α_k A_k

    Summed over the grid, L gives Σ_k Σ_ij A·∂y/∂A: HiResCAM's sum, spread over the channel. A channel
    whose sum is exactly 0 has no such average: its weight is 0 (a channel that is off says nothing
    either way). Meant for layers that put out A ≥ 0: sums that nearly cancel make large weights. Signed;
    the ReLU is a later step. All zero where no gradient arrives, NaN where the layer is not connected.

    Source: Fu et al., Axiom-based Grad-CAM, BMVC 2020, equation 8.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    A = A.to(sums)  # noqa: N806
    total = A.sum((2, 3), keepdim=True)
    weighted = (A * capture.gradients(targets).to(sums)).sum((2, 3), keepdim=True)
    # The divisor is mended where it is 0, so that NaN elsewhere goes through.
    off = total == 0
    alpha = torch.where(off, weighted * 0, weighted / torch.where(off, torch.ones_like(total), total))
    return (alpha * A).sum(1)
