"""From decoded pixels to what a network takes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.data.stream import Loaded


def images(loaded: Sequence[Loaded], device: torch.device) -> torch.Tensor:
    """Float32 [n, 3, h, w] in [0, 1] of samples of one size. Copies: decoded arrays may be read-only."""
    pixels = torch.from_numpy(np.stack([item.pixels for item in loaded]))
    return pixels.to(device).permute(0, 3, 1, 2).float().div_(255)
