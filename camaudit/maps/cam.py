"""CAM, in closed form: no gradient is computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.errors import MapError
from camaudit.maps.shapes import accumulation_type
from camaudit.targets import Scalar

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target

ROUNDING = {torch.float64: 1e-9, torch.float32: 1e-4, torch.float16: 1e-2, torch.bfloat16: 4e-2}
"""By type: how far a mean that the network took may be off ours, as a share of the largest mean magnitude."""


def cam(capture: Capture, targets: Target) -> Tensor:
    """Channels weighted by the linear layer's weights w for the target; raw maps [n, u, v].

    L = Σ_k w_k A_k

    For networks that end in global average pooling and one linear layer. Equals Grad-CAM times u·v.
    Signed. Of a weighted sum of logits, w is the same sum of weights. Raises `MapError` for a function
    of the logits, and where, on these images, the linear layer's input is not the spatial mean of the
    captured layer's output or its output is not the logits.

    Source: Zhou et al., Learning deep features for discriminative localization, CVPR 2016, equation 2.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    w = _rows(_weight(capture), targets, capture).to(sums)
    return (w[:, :, None, None] * A.to(sums)).sum(1)


def _rows(weight: Tensor, targets: Target, capture: Capture) -> Tensor:
    if isinstance(targets, Scalar):
        raise MapError(
            f"CAM explains logits and weighted sums of them, not {targets.name}",
            where=f"layer {capture.layer!r}",
            hint='"gradcam" explains any function of the output',
        )
    if not targets.is_floating_point():
        return weight[targets]
    # In float64, where no product runs in TF32.
    return targets.double() @ weight.double()


def _weight(capture: Capture) -> Tensor:
    head = capture.head
    where = f"layer {capture.layer!r}"
    if head is None:
        raise _misfit("no linear layer runs in this network", where)
    A, logits = capture.activations, capture.logits  # noqa: N806 - the paper's letter
    sums = accumulation_type(A)
    if not _equal(head.features, A.mean((2, 3), dtype=sums), scale=A.abs().mean((2, 3), dtype=sums)):
        raise _misfit("the last linear layer's input is not the spatial mean of this layer's output", where)
    if not _equal(head.output, logits.to(accumulation_type(logits)), scale=logits.abs()):
        raise _misfit("the last linear layer's output is not the network's logits", where)
    return head.weight


def _misfit(found: str, where: str) -> MapError:
    return MapError(
        f"CAM needs global average pooling and one linear layer behind it; {found}",
        where=where,
        hint='name the layer whose output is pooled, or use "gradcam", which needs neither',
    )


def _equal(found: Tensor, expected: Tensor, *, scale: Tensor) -> bool:
    if found.shape != expected.shape:
        return False
    tolerance = ROUNDING[found.dtype] * scale.nan_to_num(0.0, 0.0).amax().item()
    # NaN stands for NaN: weights gone bad are told by the maps' status.
    return bool(
        torch.isclose(found.to(expected.dtype), expected, rtol=0, atol=tolerance, equal_nan=True).all()
    )
