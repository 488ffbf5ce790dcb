"""Guided backpropagation and Guided Grad-CAM: sharp pictures, no evidence.

They look much the same whatever the network has learned (Adebayo et al., Sanity checks for saliency maps,
NeurIPS 2018; Nie et al., ICML 2018), so no gate may rest on them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.capture import pixels
from camaudit.maps.finish import resize
from camaudit.maps.gradcam import gradcam
from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def guided_backprop(capture: Capture, targets: Target) -> Tensor:
    """The gradient at the pixels, with negative gradients set to zero at every ReLU; raw maps [n, h, w].

    M = Σ_c R_c,  R^l = 1[f^l > 0] · 1[R^(l+1) > 0] · R^(l+1) through every ReLU f^l

    ReLUs are found in the graph of the forward: modules and functions, in place or not; the network is not
    changed. Signed. NaN where no gradient arrives at all. Raises `MapError` where no ReLU runs, or where a
    checkpoint or a compiled part hides them.

    Source: Springenberg et al., Striving for simplicity, ICLR workshop 2015, section 3.4.
    """
    gradients = capture.gradients(targets, guided=True)
    return gradients.sum(1, dtype=accumulation_type(gradients))


def guided_gradcam(capture: Capture, targets: Target) -> Tensor:
    """Guided backpropagation where Grad-CAM is positive; raw maps [n, h, w].

    M = Σ_c R_c · up(max(L, 0)), with Grad-CAM's L of the layer upsampled to the pixels (bilinear)

    Signed. Costs a second forward. Raises `MapError` as `guided_backprop` does.

    Source: Selvaraju et al., Grad-CAM, ICCV 2017, section 3.2.
    """
    size = (capture.images.shape[2], capture.images.shape[3])
    where = resize(gradcam(capture, targets).clamp(min=0), size)
    return guided_backprop(pixels(capture.network, capture.images), targets) * where
