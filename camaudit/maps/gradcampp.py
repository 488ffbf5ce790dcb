"""Grad-CAM++."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def gradcampp(capture: Capture, targets: Target) -> Tensor:
    """Channels weighted by their positive gradients, each cell's share in closed form; raw maps [n, u, v].

    w_k = Σ_ij α_k,ij · max(g_k,ij, 0),  α_k,ij = 1 / (2 + g_k,ij · Σ_ab A_k,ab),  L = Σ_k w_k A_k

    with g = ∂S/∂A of the target's logit S. The paper explains Y = exp(S), whose first three derivatives
    are exp(S)·g, exp(S)·g² and exp(S)·g³, so exp(S) cancels in α = g² / (2g² + ΣA · g³); in w it would be a
    positive factor per image and is left out (it overflows, and no map is compared by its scale). Where
    g ≤ 0 the weight is 0, and no epsilon is added anywhere: maps are no less exact for small gradients.

    Signed where A is. Meant for layers that put out A ≥ 0; elsewhere 2 + g·ΣA may vanish, and the map is
    then not finite and says so. All zero where no gradient arrives, NaN where the layer is not connected.

    Source: Chattopadhay et al., Grad-CAM++, WACV 2018, equations 10 to 12 and 19.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    A = A.to(sums)  # noqa: N806
    g = capture.gradients(targets).to(sums).clamp(min=0)
    w = (g / (2 + g * A.sum((2, 3), keepdim=True))).sum((2, 3), keepdim=True)
    return (w * A).sum(1)
