"""EfficientNet-Lite0 in plain torch, with the names under which its published weights are stored.

Architecture: M. Tan and Q. V. Le, “EfficientNet: Rethinking model scaling for convolutional neural
networks”, ICML 2019, Table 1 (B0); in the Lite variant (TensorFlow blog, March 2020) squeeze-and-excite is
left out, swish is ReLU6, and stem and head keep their width. Input: RGB, 224 x 224, (x − 127) / 128 of
8-bit values. Padding is TensorFlow's "SAME": what cannot be split evenly goes to the right and the bottom.
"""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

EPSILON = 1e-3
"""TensorFlow's default for batch normalisation; torch's would be 1e-5."""
STAGES = (
    # blocks, kernel, stride of the first block, expansion, channels out
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
STEM, HEAD, CLASSES = 32, 1280, 1000


class SameConv2d(nn.Conv2d):
    """A convolution with ⌈size / stride⌉ outputs, padded as TensorFlow does."""

    def forward(self, x: Tensor) -> Tensor:
        """[n, c, h, w] → [n, c', ⌈h / stride⌉, ⌈w / stride⌉]."""
        rows, columns = (
            max((-(-size // stride) - 1) * stride + kernel - size, 0)
            for size, stride, kernel in zip(x.shape[2:], self.stride, self.kernel_size, strict=True)
        )
        padded = functional.pad(x, (columns // 2, columns - columns // 2, rows // 2, rows - rows // 2))
        return super().forward(padded)


class Block(nn.Module):
    """An inverted residual: widen, convolve each channel by itself, narrow; plus the input where it fits."""

    def __init__(self, inputs: int, outputs: int, *, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        width = inputs * expansion
        if expansion > 1:
            self._expand_conv = SameConv2d(inputs, width, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(width, eps=EPSILON)
        self._depthwise_conv = SameConv2d(width, width, kernel, stride, groups=width, bias=False)
        self._bn1 = nn.BatchNorm2d(width, eps=EPSILON)
        self._project_conv = SameConv2d(width, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=EPSILON)
        self.widens = expansion > 1
        self.adds_input = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        """[n, inputs, h, w] → [n, outputs, ⌈h / stride⌉, ⌈w / stride⌉]."""
        wide = functional.relu6(self._bn0(self._expand_conv(x))) if self.widens else x
        wide = functional.relu6(self._bn1(self._depthwise_conv(wide)))
        narrow: Tensor = self._bn2(self._project_conv(wide))
        return narrow + x if self.adds_input else narrow


class EfficientNetLite0(nn.Module):
    """1,000 ImageNet classes from images [n, 3, 224, 224], normalised as the module says."""

    def __init__(self) -> None:
        super().__init__()
        self._conv_stem = SameConv2d(3, STEM, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(STEM, eps=EPSILON)
        self._blocks = nn.Sequential(*_blocks())
        self._conv_head = SameConv2d(STAGES[-1][-1], HEAD, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(HEAD, eps=EPSILON)
        self._fc = nn.Linear(HEAD, CLASSES)

    def forward(self, x: Tensor) -> Tensor:
        """Images → logits [n, 1000]."""
        x = self._blocks(functional.relu6(self._bn0(self._conv_stem(x))))
        x = functional.relu6(self._bn1(self._conv_head(x)))
        logits: Tensor = self._fc(x.mean((2, 3)))  # dropout of the training is left out
        return logits


def _blocks() -> list[Block]:
    blocks, inputs = [], STEM
    for count, kernel, stride, expansion, outputs in STAGES:
        for place in range(count):
            first = stride if place == 0 else 1
            blocks.append(Block(inputs, outputs, kernel=kernel, stride=first, expansion=expansion))
            inputs = outputs
    return blocks


def network() -> EfficientNetLite0:
    """The factory that the spec names; its weights are loaded from the spec's file."""
    return EfficientNetLite0()
