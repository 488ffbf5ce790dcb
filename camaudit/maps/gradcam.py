"""Grad-CAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def gradcam(capture: Capture, targets: Target) -> Tensor:
    """Channels weighted by how much the target's logit y gains from them on average; raw maps [n, u, v].

    α_k = 1/(u·v) Σ_ij ∂y/∂A_k,ij,  L = Σ_k α_k A_k

    Signed; the paper's ReLU is a later step (`camaudit.maps.finish`). All zero where no gradient
    arrives, NaN where the layer is not connected to the logits.

    Source: Selvaraju et al., Grad-CAM, ICCV 2017, equations 1 and 2.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    alpha = capture.gradients(targets).mean((2, 3), keepdim=True, dtype=sums)
    # A product and a sum, no matrix product: those may run in TF32 or, under autocast, in bf16.
    return (alpha * A.to(sums)).sum(1)
