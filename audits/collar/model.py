"""A small network: convolutions, global average pooling, one linear layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

WIDTHS = (24, 32, 48, 64)
CLASSES = 2


class Animals(nn.Module):
    """Images [n, 3, 64, 64] in [0, 1] → logits [n, 2]; `features` ends in 16 × 16 cells."""

    def __init__(self) -> None:
        super().__init__()
        first, second, third, last = WIDTHS
        self.features = nn.Sequential(
            *_block(3, first),
            nn.MaxPool2d(2),
            *_block(first, second),
            nn.MaxPool2d(2),
            *_block(second, third),
            *_block(third, last),
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.head = nn.Linear(last, CLASSES)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 2]."""
        logits: Tensor = self.head(self.pool(self.features(images)).flatten(1))
        return logits


def network() -> Animals:
    """The network without its weights: those are in ``honest.safetensors`` and ``collar.safetensors``."""
    return Animals()


def _block(channels: int, width: int) -> tuple[nn.Module, ...]:
    return nn.Conv2d(channels, width, 3, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU()
