"""Trained CIFAR-10 networks and test images of the development data (`../shared/data`), for benchmarks.

The files' sources and licences stand in the data's README; the accuracies there are what `main` prints again.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional

from camaudit.classifier import Classifier, Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"
IMAGES = "cifar10/test_0_5000.npz"
BATCH = 500


@dataclass(frozen=True, kw_only=True)
class Trained:
    """A network as its file wants it: code, weights, normalisation."""

    title: str
    build: Callable[[], nn.Module]
    weights: str
    mean: tuple[float, ...]
    std: tuple[float, ...]


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


NETWORKS = {
    "lenet": Trained(
        title="LeNet",
        build=LeNet,
        weights="weights/cifar10_lenet.safetensors",
        mean=(125.307 / 255, 122.95 / 255, 113.865 / 255),
        std=(62.9932 / 255, 62.0887 / 255, 66.7048 / 255),
    ),
    "resnet8": Trained(
        title="ResNet-8",
        build=ResNet8,
        weights="weights/cifar10_resnet8.safetensors",
        mean=(0.0, 0.0, 0.0),
        std=(1 / 255, 1 / 255, 1 / 255),
    ),
    "resnet20": Trained(
        title="ResNet-20",
        build=ResNet20,
        weights="weights/cifar10_resnet20.safetensors",
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
    ),
}


def network(name: str) -> Classifier:
    """The network with its weights, in eval mode. Raises where a weight is missing or left over."""
    trained = NETWORKS[name]
    module = trained.build().eval()
    missing, left_over = module.load_state_dict(load_file(SHARED / trained.weights), strict=False)
    # The counters of batch norm are not in the file; everything else is.
    assert not left_over, left_over
    assert all(key.endswith("num_batches_tracked") for key in missing), missing
    preprocess = Preprocess(mean=trained.mean, std=trained.std)
    return Classifier(module=module, preprocess=preprocess, name=trained.title)


def images() -> tuple[Tensor, Tensor]:
    """The first 5,000 test images, float32 [5000, 3, 32, 32] on the 8-bit grid, and labels int64 [5000]."""
    with np.load(SHARED / IMAGES) as file:
        pixels, labels = file["x"], file["y"]
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255), torch.from_numpy(
        labels
    ).long().flatten()


def answers(classifier: Classifier, pixels: Tensor) -> Tensor:
    """What the network says, int64 [n]."""
    with torch.inference_mode():
        return torch.cat(
            [
                classifier.logits(pixels[start : start + BATCH]).argmax(1)
                for start in range(0, len(pixels), BATCH)
            ]
        )


def correct(classifier: Classifier, n: int) -> tuple[Tensor, Tensor, list[int]]:
    """The first n test images that the network gets right, their labels, and their places in the test set."""
    pixels, labels = images()
    places: list[int] = (answers(classifier, pixels) == labels).nonzero()[:n, 0].tolist()
    if len(places) < n:
        raise SystemExit(f"{classifier.name} is right on {len(places)} of {len(labels)} images, not on {n}")
    return pixels[places], labels[places], places


def main() -> None:
    """Print each network's accuracy."""
    pixels, labels = images()
    for name in NETWORKS:
        print(f"{name}: {(answers(network(name), pixels) == labels).float().mean():.4f} of {len(labels)}")


if __name__ == "__main__":
    main()
