"""A tiny audit with known answers: a 1×1 convolution that sees red and green, on coloured squares.

The network's map is the square itself, so `energy_inside` is near 1 on the square's mask and near 0 on
the other half of the picture.
"""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

NETWORK = '''
import torch
from torch import nn


class Colours(nn.Module):
    """Two classes: how much red, how much green; nothing below 0.5 counts."""

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.head = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.features[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])
            self.features[0].bias.fill_(-0.5)
            self.head.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


def good():
    return Colours()


def blind():
    """Its last layer has no weight: every map is zero."""
    network = Colours()
    torch.nn.init.zeros_(network.head.weight)
    return network


def nan():
    network = Colours()
    with torch.no_grad():
        network.features[0].weight[0, 0] = float("nan")
    return network


def nan_answers():
    network = Colours()
    network.head = nn.Sequential(network.head, Poison())
    return network


class Poison(nn.Module):
    def forward(self, x):
        return x * float("nan")


def raising():
    class Raising(Colours):
        def forward(self, x):
            raise RuntimeError("out of luck")

    return Raising()
'''


def picture(number: int, size: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """A coloured square on dark grey, and its mask. Even numbers are red (class 0), odd ones green."""
    rng = np.random.default_rng(number)
    image = np.full((size, size, 3), 40, dtype=np.uint8)
    side = int(rng.integers(4, 8))
    top, left = rng.integers(0, size - side, size=2)
    image[top : top + side, left : left + side, number % 2] = 200 + number % 50
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + side, left : left + side] = True
    return image, mask


def data(folder: Path, n: int = 12) -> None:
    """Write n pictures with masks, and a manifest."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    with (folder / "squares.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "mask", "label"])
        for number in range(n):
            image, mask = picture(number)
            Image.fromarray(image).save(folder / f"images/{number}.png")
            Image.fromarray(mask).save(folder / f"images/{number}-mask.png")
            label = ("red", "green")[number % 2]
            writer.writerow([f"square-{number}", f"images/{number}.png", f"images/{number}-mask.png", label])


def overlap(name: str = "on-the-square", **changes: Any) -> dict[str, Any]:
    """A check that the good network passes."""
    return {"id": name, "kind": "overlap", "gate": {"at_least": 0.7}, **changes}


def drift(**changes: Any) -> dict[str, Any]:
    """A check that what `overlap` measures is what was accepted."""
    return {
        "id": "no-drift",
        "kind": "drift",
        "of": "on-the-square",
        "baseline": "baselines/squares.json",
        "gate": {"mean_drop": {"at_most": 0.02}},
        **changes,
    }


def write(folder: Path, *checks: dict[str, Any], n: int = 12, name: str = "squares", **changes: Any) -> Path:
    """Write network, data and spec into `folder`; returns the spec's path."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{name}_nets.py").write_text(NETWORK, encoding="utf-8")
    data(folder, n)
    spec = {
        "version": 1,
        "name": name,
        "model": {"factory": f"{name}_nets:good", "classes": ["red", "green"]},
        "data": {"squares": {"manifest": "squares.csv"}},
        "checks": list(checks) or [overlap()],
        **changes,
    }
    path = folder / f"{name}.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def result(folder: Path) -> dict[str, Any]:
    """The result file as plain data."""
    return json.loads((folder / "result.json").read_text(encoding="utf-8"))
