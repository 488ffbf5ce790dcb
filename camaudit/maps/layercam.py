"""LayerCAM."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def layercam(capture: Capture, targets: Target) -> Tensor:
    """Every cell weighted by its own positive gradient of the target's logit y; raw maps [n, u, v].

    L = Σ_k max(∂y/∂A_k, 0) ⊙ A_k

    Unlike Grad-CAM it stays sharp at early layers. Signed where A is; the ReLU is a later step. All zero
    where no positive gradient arrives, NaN where the layer is not connected to the logits.

    Source: Jiang et al., LayerCAM: exploring hierarchical class activation maps for localization,
    IEEE TIP 2021, equations 7 to 9.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    return (capture.gradients(targets).to(sums).clamp(min=0) * A.to(sums)).sum(1)
