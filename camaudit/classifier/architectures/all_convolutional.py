"""All-CNN-C for 32×32 images: convolutions and nothing else, strided ones in place of pooling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import nn

from camaudit.classifier.architectures.start import drawn

if TYPE_CHECKING:
    from torch import Tensor


class AllCNN(nn.Module):
    """Nine convolutions; the last one's k channels are the classes' maps, 6×6, and their means the logits.

    [n, 3, 32, 32] → [n, k]; 1,369,738 parameters for ten classes. Grad-CAM at `features` is the class's
    own map, divided by its 36 cells. CAM needs a linear layer, of which there is none.

    As in table 1 (model C) with the pooling of table 2 replaced (All-CNN-C): 96-96-96/2-192-192-192/2, then
    192 without padding (8×8 becomes 6×6), 192 and k by 1×1, ReLU behind every one, the last too. Dropout as
    in section 3.1: a fifth of the input, a half behind each strided convolution. Inputs are normalised by
    what `preprocess` says; the paper whitens them.

    Source: Springenberg et al., Striving for simplicity: the all convolutional net, ICLR workshop 2015.
    """

    def __init__(self, classes: int = 10) -> None:
        super().__init__()
        self.features = nn.Sequential(
            nn.Dropout(0.2),
            *_convolution(3, 96),
            *_convolution(96, 96),
            *_convolution(96, 96, stride=2),
            nn.Dropout(0.5),
            *_convolution(96, 192),
            *_convolution(192, 192),
            *_convolution(192, 192, stride=2),
            nn.Dropout(0.5),
            *_convolution(192, 192, padding=0),
            *_convolution(192, 192, window=1, padding=0),
            *_convolution(192, classes, window=1, padding=0),
        )
        drawn(self)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, k] of images [n, 3, h, w]."""
        maps: Tensor = self.features(images)
        return maps.mean((2, 3))


def _convolution(
    channels: int, width: int, *, window: int = 3, stride: int = 1, padding: int = 1
) -> tuple[nn.Conv2d, nn.ReLU]:
    return nn.Conv2d(channels, width, window, stride=stride, padding=padding), nn.ReLU()
