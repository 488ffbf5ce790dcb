"""The gradient at the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target


def input_gradient(capture: Capture, targets: Target) -> Tensor:
    """How much the target's score y moves with each pixel; raw maps [n, h, w], ≥ 0.

    M = max_c |∂y/∂x_c|

    Pixels are in [0, 1], before normalisation. NaN where no gradient arrives at all.

    Source: Simonyan et al., Deep inside convolutional networks, ICLR workshop 2014, section 3.1.
    """
    gradients = capture.gradients(targets)
    return gradients.to(accumulation_type(gradients)).abs().amax(1)
