"""Three small architectures: images [n, 3, 40, 40] in [0, 1] → logits [n, 2].

All end in `features` [n, c, 10, 10], global average pooling and one linear layer, so that Grad-CAM at the
last grid is known in closed form (that is what the fine-tuning against maps uses).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


class Pooled(nn.Module):
    """Features, their average over all places, one linear layer."""

    def __init__(self, features: nn.Module, width: int) -> None:
        super().__init__()
        self.features = features
        self.head = nn.Linear(width, 2)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 2]."""
        return self.answer(self.features(images))

    def answer(self, features: Tensor) -> Tensor:
        """Logits [n, 2] of features [n, c, u, v]."""
        logits: Tensor = self.head(features.mean((2, 3)))
        return logits


class Residual(nn.Module):
    """Two convolutions beside a shortcut connection."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            *_block(width, width),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
        )

    def forward(self, images: Tensor) -> Tensor:
        """Features of the same shape."""
        changed: Tensor = (images + self.branch(images)).relu()
        return changed


def plain() -> Pooled:
    """Four convolutions of 3 × 3, the first of them strided, and one pooling."""
    features = nn.Sequential(
        *_block(3, 16, stride=2),
        *_block(16, 16),
        nn.MaxPool2d(2),
        *_block(16, 32),
        *_block(32, 32),
    )
    return Pooled(features, 32)


def residual() -> Pooled:
    """Two strided convolutions and a residual block."""
    return Pooled(nn.Sequential(*_block(3, 12, stride=2), *_block(12, 28, stride=2), Residual(28)), 28)


def wide() -> Pooled:
    """A convolution of 7 × 7 that takes every fourth place, and two of 3 × 3; smooth activations."""
    features = nn.Sequential(
        nn.Conv2d(3, 24, 7, stride=4, padding=3, bias=False),
        nn.BatchNorm2d(24),
        nn.GELU(),
        nn.Conv2d(24, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.GELU(),
        nn.Conv2d(32, 32, 3, padding=1, bias=False),
        nn.BatchNorm2d(32),
        nn.ReLU(),
    )
    return Pooled(features, 32)


ARCHITECTURES: dict[str, Callable[[], Pooled]] = {"plain": plain, "residual": residual, "wide": wide}


def _block(channels: int, width: int, *, stride: int = 1) -> tuple[nn.Module, ...]:
    return (
        nn.Conv2d(channels, width, 3, padding=1, stride=stride, bias=False),
        nn.BatchNorm2d(width),
        nn.ReLU(),
    )
