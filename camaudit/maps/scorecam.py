"""Score-CAM, without gradients: channels are tried out as masks."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from camaudit.maps.capture import ask
from camaudit.maps.shapes import accumulation_type
from camaudit.maps.untouched import untouched
from camaudit.targets import take

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target

CHUNK = 32
"""Masked images that the network sees at once: the memory taken does not depend on the number of channels."""


def scorecam(capture: Capture, targets: Target, *, chunk: int = CHUNK) -> Tensor:
    """Channels weighted by the score of the image that they leave visible; raw maps [n, u, v].

    H_k = s(up(A_k)) with s(M) = (M − min M) / (max M − min M),  S_k = f(X ∘ H_k) − f(X_b),
    α_k = exp(S_k) / Σ_j exp(S_j),  L = Σ_k α_k A_k

    f is the target's score, a logit in the paper. The baseline f(X_b) is the same for all channels of an
    image and cancels in α, so it is not run. X are pixels: what is masked out turns black. A channel that is
    the same everywhere makes no mask: it is left out (α = 0); a map without any other is all zero. The
    masks alone are min-max normalised, which is part of the method; the map is not. Signed where A is.

    One forward per channel and image, `chunk` masked images at a time, without a graph.

    Source: Wang et al., Score-CAM, CVPR workshops 2020, algorithm 1.
    """
    A = capture.activations  # noqa: N806 - the paper's letter
    n, channels = A.shape[:2]
    sums = accumulation_type(A)
    low, high = A.amin((2, 3)), A.amax((2, 3))
    # NaN is not the same everywhere: it has to come out as NaN.
    used = ~(low == high)
    pairs = used.nonzero()
    S = torch.full((n, channels), float("-inf"), dtype=sums, device=A.device)  # noqa: N806 - the paper's letter
    with untouched(capture.network.module):
        for some in torch.split(pairs, chunk):
            rows, ks = some.unbind(1)
            masked = capture.images[rows] * _masks(A[rows, ks].to(sums), capture.images)
            S[rows, ks] = ask(capture.network.rows(rows), masked, take(targets, rows)).to(sums)
    # Rows without a channel are -inf throughout, of which softmax makes NaN.
    alpha = torch.where(used, S.softmax(1), torch.zeros_like(S))
    return (alpha[:, :, None, None] * A.to(sums)).sum(1)


def _masks(channels: Tensor, images: Tensor) -> Tensor:
    """H [m, 1, h, w] in [0, 1] of single channels [m, u, v]."""
    size = tuple(images.shape[2:])
    up = functional.interpolate(channels[:, None], size=size, mode="bilinear", align_corners=False)
    low, high = up.amin((2, 3), keepdim=True), up.amax((2, 3), keepdim=True)
    return ((up - low) / (high - low)).to(images.dtype)
