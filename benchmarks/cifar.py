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

from audits.cifar10.model import LeNet, ResNet8, ResNet20
from camaudit.classifier import Classifier, Preprocess

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor, nn

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
    module.load_state_dict(load_file(SHARED / trained.weights))
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
