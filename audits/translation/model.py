"""An attention-guided generator, G(x) = a(x)·t(x) + (1 − a(x))·x, and a judge of what it makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

if TYPE_CHECKING:
    from torch import Tensor

DOMAINS = ("before", "after")


class Mix(nn.Module):
    """a·t + (1 − a)·x: attention a [n, 1, u, v] and paint t [n, 3, u, v] enlarged to the picture's size."""

    def forward(self, attention: Tensor, paint: Tensor, images: Tensor) -> Tensor:
        """The translated picture [n, 3, h, w]."""
        share, colour = (
            nn.functional.interpolate(item, size=images.shape[2:], mode="bilinear")
            for item in (attention, paint)
        )
        return images + share * (colour - images)


class Change(nn.Module):
    """What was done to each pixel: |G(x) − x|, mean of the channels; a module so that it has a name."""

    def forward(self, made: Tensor, images: Tensor) -> Tensor:
        """[n, 1, h, w], 0 where nothing changed."""
        return (made - images).abs().mean(1, keepdim=True)


class Generator(nn.Module):
    """Pictures [n, 3, 32, 32] in [0, 1] → ``image`` (the translation), ``attention`` and ``change``.

    `attention` and `paint` put out a weight in (0, 1) and a colour for each of 16 × 16 cells. Each
    cell sees 28 × 28 pixels, more than a whole fruit.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=2, dilation=2),
            nn.ReLU(),
            nn.Conv2d(32, 32, 3, padding=2, dilation=2),
            nn.ReLU(),
        )
        self.attention = nn.Sequential(
            nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 1, 1), nn.Sigmoid()
        )
        self.paint = nn.Sequential(
            nn.Conv2d(32, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 3, 1), nn.Sigmoid()
        )
        self.mix = Mix()
        self.change = Change()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """The translation and what led to it."""
        seen = self.features(images)
        attention, paint = self.attention(seen), self.paint(seen)
        made = self.mix(attention, paint, images)
        return {"image": made, "attention": attention, "paint": paint, "change": self.change(made, images)}


class Judge(nn.Module):
    """Pictures [n, 3, h, w] → logits [n, 2]: are they from before or from after?"""

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(3, 24, 4, stride=2, padding=1),
            nn.ReLU(),
            nn.Conv2d(24, 32, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(32, 48, 4, stride=2, padding=1),
            nn.ReLU(),
        )
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.head = nn.Linear(48, len(DOMAINS))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 2]."""
        logits: Tensor = self.head(self.pool(self.features(images)).flatten(1))
        return logits


class Translator(nn.Module):
    """Generator and judge: what the audit looks at.

    Puts out what the generator does, and as ``logits`` [n, 2] the judge's answer about the translation. The
    judge learned from real pictures alone and taught the generator nothing, so its answer is a test.
    """

    def __init__(self) -> None:
        super().__init__()
        self.generator = Generator()
        self.judge = Judge()

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``image``, ``attention``, ``change`` and ``logits``."""
        made = self.generator(images)
        return {**made, "logits": self.judge(made["image"])}


def network() -> Translator:
    """The network without its weights: those are in ``guided.safetensors`` and ``scenery.safetensors``."""
    return Translator()
