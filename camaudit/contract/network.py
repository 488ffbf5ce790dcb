"""The networks and pictures that members are tried on: small, seeded, with all in them that can be spoilt."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

import torch
from torch import Tensor, nn

from camaudit.classifier import Classifier, Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable

_Module = TypeVar("_Module", bound=nn.Module)

CLASSES = 10
SIDE = 8


class Chain(nn.Module):
    """conv → batch norm → in-place ReLU → conv → in-place ReLU → dropout → GAP → linear."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 6, 3, padding=1)
        self.norm = nn.BatchNorm2d(6)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv = nn.Conv2d(6, 8, 3, padding=1, stride=2)
        self.relu2 = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(0.5)
        self.fc = nn.Linear(8, classes)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, k]."""
        x = self.seen(self.relu1(self.norm(self.stem(x))))
        found: Tensor = self.fc(self.drop(self.relu2(self.conv(x)).mean((2, 3))))
        return found

    def seen(self, x: Tensor) -> Tensor:
        """What of the first features goes on."""
        return x


class Attended(Chain):
    """A chain with a map of its own: `look` hands on one map [n, 1, u, v] that gates the first features."""

    def __init__(self, classes: int = 5) -> None:
        super().__init__(classes)
        self.look = nn.Sequential(nn.Conv2d(6, 1, 3, padding=1, stride=2), nn.Sigmoid())

    def seen(self, x: Tensor) -> Tensor:
        """The first features, gated."""
        return x * nn.functional.interpolate(self.look(x), size=x.shape[2:])


class Small(nn.Module):
    """Convolution, batch norm, dropout, a parameter under two names, and a buffer, for attacks."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.deep = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.tied = self.deep
        self.head = nn.Linear(8, classes)
        self.scale: Tensor
        self.register_buffer("scale", torch.tensor(20.0))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, k]."""
        seen = torch.relu(self.norm(self.conv(images)))
        found: Tensor = self.head(self.drop(torch.relu(self.deep(seen))).mean((2, 3))) * self.scale
        return found


def seeded(make: Callable[[], _Module], seed: int = 0) -> _Module:
    """A network in eval mode whose random weights do not depend on what ran before."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        module = make().eval()
        for item in module.modules():
            if isinstance(item, nn.BatchNorm2d) and item.running_mean is not None:
                # Fresh statistics are 0 and 1: a norm that ignored them would pass.
                nn.init.uniform_(item.running_mean, -0.5, 0.5)
                nn.init.uniform_(item.running_var, 0.5, 2.0)  # type: ignore[arg-type]
    return module


def noise(n: int = 4, size: tuple[int, int] = (12, 12), seed: int = 1) -> Tensor:
    """Random images [n, 3, h, w] in [0, 1]."""
    return torch.rand(n, 3, *size, generator=torch.Generator().manual_seed(seed))


def small(dtype: torch.dtype = torch.float32, classes: int = CLASSES, *, raw: bool = False) -> Classifier:
    """A network in eval mode, with gradients of its own here and there; `raw` is without preprocessing.

    Its bias is set so that the pictures lie near the borders between classes: most attacks find something.
    """
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Small(classes)
        nn.init.normal_(module.norm.running_mean)  # type: ignore[arg-type]
    module.to(dtype).eval()
    preprocess = Preprocess() if raw else Preprocess(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    classifier = Classifier(module=module, preprocess=preprocess)
    images = smooth()
    with torch.no_grad():
        module.head.bias.sub_(classifier.logits(images).mean(0) / module.scale)
    module(images.to(dtype)).sum().backward()
    module.norm.weight.grad = None
    module.head.bias.requires_grad_(False)  # noqa: FBT003 - torch names it otherwise
    return classifier


def smooth(count: int = 3, dtype: torch.dtype = torch.float32) -> Tensor:
    """Smooth random pictures on the 8-bit grid, black and white among their values."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    fine = nn.functional.interpolate(coarse, size=SIDE, mode="bilinear")
    return (((fine - 0.5) * 2 + 0.5).clamp(0, 1) * 255).round().div(255).to(dtype)


def answers(classifier: Classifier, images: Tensor) -> Tensor:
    """What the network says, int64 [n]."""
    with torch.no_grad():
        return classifier.logits(images).argmax(1)


def margins(logits: Callable[[Tensor], Tensor], images: Tensor, classes: Tensor) -> Tensor:
    """How far the logits of these classes are above the largest other, [n]."""
    with torch.no_grad():
        found = logits(images)
        others = found.scatter(1, classes[:, None], -torch.inf).amax(1)
        return found.gather(1, classes[:, None])[:, 0] - others
