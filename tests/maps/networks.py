"""Stand-ins for a classifier, and small networks for the tests of maps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass
class Plain:
    """What maps need of a classifier: no preprocessing, the output as it is (or what `pick` takes of it)."""

    module: nn.Module
    pick: Callable[[Any], Any] = lambda output: output

    @property
    def device(self) -> torch.device:
        return next(self.module.parameters()).device

    def logits(self, images: Tensor) -> Tensor:
        dtype = next(self.module.parameters()).dtype
        return self.pick(self.module(images.to(dtype)))

    def rows(self, index: Tensor) -> Plain:
        return self


class Flat(nn.Module):
    """1×1 conv → flatten → linear, without biases: every gradient can be written down by hand."""

    def __init__(self, channels: Tensor, head: Tensor) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, len(channels), 1, bias=False)
        self.fc = nn.Linear(head.shape[1], len(head), bias=False)
        with torch.no_grad():
            self.layer.weight.copy_(channels[:, :, None, None])
            self.fc.weight.copy_(head)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc(self.layer(x).flatten(1))


class Twice(nn.Module):
    """One convolution that runs twice."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.block = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = torch.tanh(self.block(self.stem(x)))
        return self.fc(torch.tanh(self.block(x)).mean((2, 3)))


class Around(nn.Module):
    """Any functions before and after a convolution called `layer`."""

    def __init__(
        self, after: Callable[[Tensor], Any], before: Callable[[Tensor], Tensor] = lambda x: x
    ) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)
        self.before = before
        self.after = after

    def forward(self, x: Tensor) -> Any:
        return self.after(self.fc(self.layer(self.before(x)).mean((2, 3))))


def pictures(n: int = 4, size: int = 12, seed: int = 1) -> Tensor:
    """Random images [n, 3, size, size] in [0, 1]."""
    return torch.rand(n, 3, size, size, generator=torch.Generator().manual_seed(seed))
