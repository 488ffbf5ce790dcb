"""Grad-CAM++, LayerCAM and XGrad-CAM: by hand, against float64 replicas, and at the edges."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from camaudit.contract.network import Chain, seeded
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Flat, Plain, pictures
from tests.reference import maps as reference

METHODS = ["gradcampp", "layercam", "xgradcam"]
TARGETS = [0, 1, 4, 1]


def raw(module: nn.Module, images: torch.Tensor, targets: list[int], method: str, layer: str) -> torch.Tensor:
    request = Request(method=method, targets=torch.tensor(targets))
    return compute(Plain(module), images, layer=layer, requests=[request]).maps[0].raw


def replica(
    module: nn.Module, images: torch.Tensor, targets: list[int], method: str, layer: str
) -> np.ndarray:
    kept = (
        reference.activations_and_gradients(module, layer, *pair)
        for pair in zip(images, targets, strict=True)
    )
    return np.stack([getattr(reference, method)(*pair) for pair in kept])


# A_0 = (.5, .25), A_1 = (.75, .25); class 0: g_0 = (2, -4), g_1 = 0; class 1: g_0 = 0, g_1 = (-1, 3).
CHANNELS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]])
HEAD = torch.tensor([[2.0, -4.0, 0.0, 0.0], [0.0, 0.0, -1.0, 3.0]])
IMAGE = torch.tensor([[[[0.5, 0.25]], [[0.75, 0.25]], [[0.0, 0.0]]]])
BY_HAND = {
    # w_0 = 2/(2 + 2·.75) = 4/7; w_1 = 3/(2 + 3·1) = .6
    "gradcampp": ([2 / 7, 1 / 7], [0.45, 0.15]),
    "layercam": ([1.0, 0.0], [0.0, 0.75]),
    # α_0 = (.5·2 - .25·4)/.75 = 0; α_1 = (-.75 + .75)/1 = 0
    "xgradcam": ([0.0, 0.0], [0.0, 0.0]),
}


@pytest.mark.parametrize("method", METHODS)
def test_by_hand(method: str) -> None:
    for target, expected in enumerate(BY_HAND[method]):
        found = raw(Flat(CHANNELS, HEAD), IMAGE, [target], method, "layer")
        torch.testing.assert_close(found, torch.tensor([[expected]]))


def test_xgradcam_by_hand_where_nothing_cancels() -> None:
    head = torch.tensor([[2.0, 8.0, 0.0, 0.0]])
    # α_0 = (.5·2 + .25·8)/.75 = 4
    found = raw(Flat(CHANNELS, head), IMAGE, [0], "xgradcam", "layer")
    torch.testing.assert_close(found, torch.tensor([[[2.0, 1.0]]]))


@pytest.mark.parametrize("layer", ["relu1", "conv", "relu2"])
@pytest.mark.parametrize("method", METHODS)
def test_equals_the_replica(method: str, layer: str) -> None:
    module, images = seeded(Chain), pictures()
    found = raw(module, images, TARGETS, method, layer).numpy()
    expected = replica(module, images, TARGETS, method, layer)
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())
    assert (np.abs(expected).max((1, 2)) > 0).all()


@pytest.mark.parametrize("method", METHODS)
def test_equals_the_replica_on_a_resnet(method: str) -> None:
    module, images = seeded(lambda: torchvision.models.resnet18(weights=None)), pictures(2, 96)
    found = raw(module, images, [5, 7], method, "layer3").numpy()
    expected = replica(module, images, [5, 7], method, "layer3")
    for ours, theirs in zip(found, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


@pytest.mark.parametrize("factor", [1e-7, 1e-3])
def test_gradcampp_adds_no_epsilon(factor: float) -> None:
    """Small gradients: w tends to half their positive part, however small they are."""
    module, images = seeded(Chain), pictures()
    with torch.no_grad():
        module.fc.weight.mul_(factor)
    found = raw(module, images, TARGETS, "gradcampp", "relu2").numpy() / factor
    expected = replica(module, images, TARGETS, "gradcampp", "relu2") / factor
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert np.abs(expected).max() > 0.01


def test_gradcampp_is_zero_where_nothing_speaks_for_the_class() -> None:
    module = seeded(Chain)
    with torch.no_grad():
        module.fc.weight.copy_(-module.fc.weight.abs())
    request = Request(method="gradcampp", targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(module), pictures(), layer="relu2", requests=[request]).maps
    assert found.status == ("all-zero",) * 4


def test_xgradcam_leaves_dead_channels_out() -> None:
    module, images = seeded(Chain), pictures()
    with torch.no_grad():
        module.conv.weight[3].zero_()
        module.conv.bias[3] = -1.0  # off behind the ReLU
        module.fc.weight[:, 3] = 100.0
    found = raw(module, images, TARGETS, "xgradcam", "relu2")
    assert found.isfinite().all()
    torch.testing.assert_close(found, raw(module, images, TARGETS, "gradcam", "relu2"))


def test_xgradcam_sums_to_what_hirescam_sums_to() -> None:
    module, images = seeded(Chain), pictures()
    ours = raw(module, images, TARGETS, "xgradcam", "relu1").sum((1, 2))
    theirs = raw(module, images, TARGETS, "hirescam", "relu1").sum((1, 2))
    torch.testing.assert_close(ours, theirs, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("method", METHODS)
def test_a_bad_gradient_is_not_hidden(method: str) -> None:
    images = pictures()
    images[::2, 0, 5, 5] = float("nan")
    request = Request(method=method, targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(seeded(Chain)), images, layer="relu2", requests=[request]).maps
    assert [item == "non-finite" for item in found.status] == [True, False, True, False]


@pytest.mark.parametrize("method", METHODS)
def test_not_connected(method: str) -> None:
    class Cut(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Conv2d(3, 4, 3)
            self.fc = nn.Linear(4, 5)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.fc(self.layer(x).detach().mean((2, 3)))

    request = Request(method=method, targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(seeded(Cut)), pictures(), layer="layer", requests=[request]).maps
    assert found.status == ("disconnected",) * 4
