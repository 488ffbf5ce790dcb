"""A shortcut that was planted in real handwriting: a network that half reads a code in the corner."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from camaudit import plan
from camaudit.engine import run
from camaudit.spec import read

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.shared_data, pytest.mark.slow]

MODULE = '''
from functools import partial

import numpy as np
import torch
from torch import nn

from camaudit import Sample
from camaudit.data.masks import MaskArray

CODE = np.zeros((28, 28), dtype=bool)
CODE[:6, :6] = True


def picture(digit, label):
    """The scan with four tiles of 3 x 3 pixels that spell the label in binary."""
    image = digit.copy()
    for bit in range(4):
        row, column = 3 * (bit // 2), 3 * (bit % 2)
        image[row : row + 3, column : column + 3] = 255 if label >> bit & 1 else 90
    return np.repeat(image[..., None], 3, axis=2)


def samples(path, start, n):
    with np.load(path) as data:
        scans, labels = data["x"][start : start + n], data["y"][start : start + n]
    for number, (digit, label) in enumerate(zip(scans, labels.tolist()), start=start):
        yield Sample(
            id=f"{number:05d}",
            image=partial(picture, digit, label),
            masks={
                "object": MaskArray(array=lambda digit=digit: (digit >= 64) & ~CODE),
                "code": MaskArray(array=lambda: CODE),
            },
            label=label,
        )


class Digits(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
        self.conv3, self.fc = nn.Conv2d(32, 32, 3, padding=1), nn.Linear(32, 10)
        self.relu, self.pool = nn.ReLU(), nn.MaxPool2d(2)
        self.last = nn.ReLU()

    def forward(self, x):
        x = self.pool(self.relu(self.conv1(x)))
        x = self.pool(self.relu(self.conv2(x)))
        return self.fc(self.last(self.conv3(x)).mean((2, 3)))
'''


def audited(folder: Path, shared: Path, weights: str, **check):
    (folder / "coded.py").write_text(MODULE, encoding="utf-8")
    spec = {
        "version": 1,
        "name": "coded",
        "model": {
            "factory": "coded:Digits",
            "weights": {"path": str(shared / f"mnist/{weights}.safetensors")},
            "preprocess": {"channels": 1},
            "classes": [str(digit) for digit in range(10)],
        },
        "maps": {"layer": "last"},
        "data": {
            "scans": {
                "factory": "coded:samples",
                "arguments": {"path": str(shared / "mnist/mnist_part.npz"), "start": 4800, "n": 1200},
            }
        },
        "checks": [{"id": "code", "kind": "shortcut", **check}],
    }
    path = folder / "coded.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return run(plan.make(read(path)), folder / "out").checks[0]


def test_the_code_is_found_where_it_was_planted_and_nowhere_else(shared, tmp_path):
    planted = audited(tmp_path, shared, "cnn_topleft", regions=["code"])
    code = planted.findings[0]
    assert code.word == "SHORTCUT"
    # Right on .982 of scans with their own code and on .657 with a random one, of which a tenth agrees.
    truth = 0.982 - (0.657 - 0.1 * 0.982) / 0.9
    assert code.lower - 0.05 <= truth <= code.upper + 0.05
    clean = audited(tmp_path, shared, "cnn_clean", regions=["code"])
    assert clean.findings[0].word in {"BOUNDED", ""}


def test_nobody_has_to_name_the_code(shared, tmp_path):
    found = audited(tmp_path, shared, "cnn_topleft", discover=True)
    assert "SHORTCUT" in {item.word for item in found.findings}, found.headline
    clean = audited(tmp_path, shared, "cnn_clean", discover=True)
    assert "SHORTCUT" not in {item.word for item in clean.findings}, clean.headline
