"""HiResCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def hirescam(capture: Capture, targets: Target) -> Tensor:
    """Every cell's own contribution to the target's logit y, to first order; raw maps [n, u, v].

    L = Σ_k ∂y/∂A_k ⊙ A_k

    Grad-CAM without the averaging of gradients over the grid; both agree where the gradient is the
    same in every cell (global average pooling and one linear layer). Signed; the ReLU is a later step.
    All zero where no gradient arrives, NaN where the layer is not connected to the logits.

    Source: Draelos and Carin, Use HiResCAM instead of Grad-CAM for faithful explanations of
    convolutional neural networks, 2020 (arXiv 2011.08891), section 3.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    return (capture.gradients(targets).to(sums) * A.to(sums)).sum(1)
