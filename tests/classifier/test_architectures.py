"""NiN and All-CNN-C, layer by layer as in their papers."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from camaudit.classifier import architectures, load
from camaudit.spec.types import ModelSpec

# Window² × inputs × outputs + biases, by hand.
NIN = [
    25 * 3 * 192 + 192,
    192 * 160 + 160,
    160 * 96 + 96,
    25 * 96 * 192 + 192,
    192 * 192 + 192,
    192 * 192 + 192,
    9 * 192 * 192 + 192,
    192 * 192 + 192,
    192 * 10 + 10,
]
ALL_CNN = [
    9 * 3 * 96 + 96,
    9 * 96 * 96 + 96,
    9 * 96 * 96 + 96,
    9 * 96 * 192 + 192,
    9 * 192 * 192 + 192,
    9 * 192 * 192 + 192,
    9 * 192 * 192 + 192,
    192 * 192 + 192,
    192 * 10 + 10,
]


@pytest.mark.parametrize(
    ("name", "by_hand", "total"), [("nin", NIN, 966_986), ("all_cnn", ALL_CNN, 1_369_738)]
)
def test_parameters(name, by_hand, total):
    module = getattr(architectures, name)()
    layers = [item for item in module.modules() if isinstance(item, nn.Conv2d)]
    assert [sum(value.numel() for value in item.parameters()) for item in layers] == by_hand
    assert sum(value.numel() for value in module.parameters()) == sum(by_hand) == total


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("nin", [32, 32, 32, 16, 16, 16, 8, 8, 8]),
        ("all_cnn", [32, 32, 16, 16, 16, 8, 6, 6, 6]),
    ],
)
def test_sizes_on_the_way(name, sizes):
    module = getattr(architectures, name)(7).eval()
    images = torch.rand(2, 3, 32, 32)
    found = []
    with torch.no_grad():
        values = images
        for item in [item for item in module.features.modules() if not list(item.children())]:
            values = item(values)
            if isinstance(item, nn.Conv2d):
                found.append(values.shape[-1])
        assert module(images).shape == (2, 7)
        assert torch.equal(module(images), values.mean((2, 3)))
    assert found == sizes
    assert sum(isinstance(item, nn.ReLU) for item in module.modules()) == 9


@pytest.mark.parametrize("name", ["nin", "all_cnn"])
def test_a_spec_builds_it(name, tmp_path):
    spec = ModelSpec(
        factory=f"camaudit.classifier.architectures:{name}",
        arguments={"classes": 4},
        weights="random",
        preprocess={"resize": [32, 32]},
    )
    assert load(spec, tmp_path).identity.classes == 4
