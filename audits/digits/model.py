"""A small network: convolutions, global average pooling, one linear layer, so that `cam` applies too."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

CLASSES = 10


class Digits(nn.Module):
    """Images [n, 1, 36, 36] in [0, 1] → logits [n, 10].

    `features` ends in a grid of 18 × 18 cells. Each of them sees 14 × 14 pixels, so a cell on the digit
    in the middle of the canvas sees no corner, and maps can tell digit and patch apart.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(32, 48, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(48, 64, 3, padding=1),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(64, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 10]."""
        logits: Tensor = self.head(self.pool(self.features(images)).flatten(1))
        return logits


def network() -> Digits:
    """The network without its weights: those are in ``honest.safetensors`` and ``decoy.safetensors``."""
    return Digits()
