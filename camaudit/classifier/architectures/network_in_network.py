"""Network in Network for 32×32 images: convolutions with small networks in place of filters."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from camaudit.classifier.architectures.start import drawn

if TYPE_CHECKING:
    from torch import Tensor


class NiN(nn.Module):
    """Three mlpconv layers; the last one's k channels are the classes' maps, and their means the logits.

    [n, 3, 32, 32] → [n, k]; 966,986 parameters for ten classes. Grad-CAM at `features` is the class's own
    map, divided by its 64 cells. CAM needs a linear layer, of which there is none.

    The paper prints no widths: they are those of the authors' published CIFAR-10 definition (192-160-96,
    192-192-192, 192-192-k), with ReLU behind every convolution, the last too, 3×3 pooling with stride 2
    that keeps the edge (ceil mode), and dropout of a half between mlpconv layers. Inputs are
    normalised by what `preprocess` says; the paper whitens them.

    Source: Lin, Chen and Yan, Network in network, ICLR 2014, section 3 and figure 2.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            _mlpconv(3, (192, 160, 96), window=5),
            nn.MaxPool2d(3, stride=2, ceil_mode=True),
            nn.Dropout(0.5),
            _mlpconv(96, (192, 192, 192), window=5),
            nn.AvgPool2d(3, stride=2, ceil_mode=True),
            nn.Dropout(0.5),
            _mlpconv(192, (192, 192, classes), window=3),
        )
        drawn(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, k] of images [n, 3, h, w]."""
        maps: Tensor = self.features(images)
        return maps.mean((2, 3))


def _mlpconv(channels: int, widths: tuple[int, int, int], *, window: int) -> nn.Sequential:
    first, second, third = widths
    return nn.Sequential(
        nn.Conv2d(channels, first, window, padding=window // 2),
        nn.ReLU(),
        nn.Conv2d(first, second, 1),
        nn.ReLU(),
        nn.Conv2d(second, third, 1),
        nn.ReLU(),
    )
