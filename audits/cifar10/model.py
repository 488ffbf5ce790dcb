"""Three small networks for CIFAR-10, laid out as the published weights of the development data want them."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional


class LeNet(nn.Module):
    """Two convolutions with pooling, three linear layers; [n, 3, 32, 32] → [n, 10]."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(3, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits."""
        seen = functional.max_pool2d(functional.relu(self.conv1(images)), 2)
        seen = functional.max_pool2d(functional.relu(self.conv2(seen)), 2).flatten(1)
        logits: Tensor = self.fc3(functional.relu(self.fc2(functional.relu(self.fc1(seen)))))
        return logits


class Block(nn.Module):
    """Two convolutions beside a shortcut without parameters: every second pixel, new channels zero."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(width)
        self.stride, self.added = stride, (width - channels) // 2

    def forward(self, images: Tensor) -> Tensor:
        """Features [n, width, h / stride, w / stride]."""
        seen = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(images)))))
        beside = images[:, :, :: self.stride, :: self.stride]
        return functional.relu(seen + functional.pad(beside, (0, 0, 0, 0, self.added, self.added)))


class ResNet20(nn.Module):
    """He et al., CVPR 2016, section 4.2: three stages of three blocks, 16, 32 and 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        self.layer1 = self._stage(16, 16, 1)
        self.layer2 = self._stage(16, 32, 2)
        self.layer3 = self._stage(32, 64, 2)
        self.linear = nn.Linear(64, 10)

    def _stage(self, channels: int, width: int, stride: int) -> nn.Sequential:
        return nn.Sequential(Block(channels, width, stride), Block(width, width, 1), Block(width, width, 1))

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 10] of images [n, 3, 32, 32]."""
        seen = functional.relu(self.bn1(self.conv1(images)))
        logits: Tensor = self.linear(self.layer3(self.layer2(self.layer1(seen))).mean((2, 3)))
        return logits


class TinyBlock(nn.Module):
    """A block of `ResNet8`: TensorFlow pads a strided convolution on the right and below only."""

    def __init__(self, channels: int, width: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride=stride, padding=1 if stride == 1 else 0)
        self.bn1 = nn.BatchNorm2d(width, eps=1e-3)
        self.conv2 = nn.Conv2d(width, width, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(width, eps=1e-3)
        self.proj = nn.Identity() if stride == 1 else nn.Conv2d(channels, width, 1, stride=stride)
        self.stride = stride

    def forward(self, images: Tensor) -> Tensor:
        """Features [n, width, h / stride, w / stride]."""
        padded = images if self.stride == 1 else functional.pad(images, (0, 1, 0, 1))
        seen = self.bn2(self.conv2(functional.relu(self.bn1(self.conv1(padded)))))
        return functional.relu(seen + self.proj(images))


class ResNet8(nn.Module):
    """The network of MLPerf Tiny: three blocks of 16, 32 and 64 channels."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 16, 3, padding=1)
        self.bn = nn.BatchNorm2d(16, eps=1e-3)
        self.blocks = nn.Sequential(TinyBlock(16, 16, 1), TinyBlock(16, 32, 2), TinyBlock(32, 64, 2))
        self.fc = nn.Linear(64, 10)

    def forward(self, images: Tensor) -> Tensor:
        """Logits [n, 10] of images [n, 3, 32, 32]."""
        seen = self.blocks(functional.relu(self.bn(self.conv(images))))
        logits: Tensor = self.fc(seen.mean((2, 3)))
        return logits
