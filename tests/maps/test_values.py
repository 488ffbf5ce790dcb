"""The maps' values: known answers by hand, the float64 replica, captum, and properties."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from camaudit.contract.network import Chain, seeded
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer
from tests.maps.networks import Flat, Plain, pictures
from tests.reference import maps as reference

TOLERANCE = 1e-5


def raw(
    module: nn.Module, images: torch.Tensor, targets: list[int], method: str = "gradcam", layer: str = "layer"
) -> torch.Tensor:
    request = Request(method=method, targets=torch.tensor(targets))
    return compute(Plain(module), images, layer=layer, requests=[request]).maps[0].raw


# Two channels: red, and green minus blue. Two classes over the cells of a 1×2 grid:
# class 0 reads red left (2) and right (4); class 1 reads channel 1 left (-1) and right (3).
CHANNELS = torch.tensor([[1.0, 0.0, 0.0], [0.0, 1.0, -1.0]])
HEAD = torch.tensor([[2.0, 4.0, 0.0, 0.0], [0.0, 0.0, -1.0, 3.0]])
IMAGE = torch.tensor([[[[0.5, 0.25]], [[1.0, 0.5]], [[0.25, 0.75]]]])  # A_0 = (.5, .25), A_1 = (.75, -.25)


def test_gradcam_by_hand() -> None:
    module = Flat(CHANNELS, HEAD)
    # class 0: α = ((2+4)/2, 0), L = 3·A_0; class 1: α = (0, (-1+3)/2), L = A_1
    assert raw(module, IMAGE, [0]).tolist() == [[[1.5, 0.75]]]
    assert raw(module, IMAGE, [1]).tolist() == [[[0.75, -0.25]]]


def test_hirescam_by_hand() -> None:
    module = Flat(CHANNELS, HEAD)
    assert raw(module, IMAGE, [0], "hirescam").tolist() == [[[1.0, 1.0]]]
    assert raw(module, IMAGE, [1], "hirescam").tolist() == [[[-0.75, -0.75]]]


def test_record_by_hand() -> None:
    request = Request(method="gradcam", targets=torch.tensor([1]))
    (found,) = compute(Plain(Flat(CHANNELS, HEAD)), IMAGE, layer="layer", requests=[request]).maps
    assert found.score.tolist() == [-1.5]  # -1·.75 + 3·(-.25)
    assert found.target.tolist() == [1]
    assert found.scale.tolist() == [0.75]
    assert (found.positive_mass.tolist(), found.negative_mass.tolist()) == ([0.75], [0.25])
    assert (found.status, found.layer, found.method, found.relu) == (("ok",), "layer", "gradcam", True)


def test_the_replica_by_hand() -> None:
    activations, gradients = reference.activations_and_gradients(Flat(CHANNELS, HEAD), "layer", IMAGE[0], 1)
    assert activations.tolist() == [[[0.5, 0.25]], [[0.75, -0.25]]]
    assert gradients.tolist() == [[[0.0, 0.0]], [[-1.0, 3.0]]]
    assert reference.gradcam(activations, gradients).tolist() == [[0.75, -0.25]]
    assert reference.hirescam(activations, gradients).tolist() == [[-0.75, -0.75]]
    assert reference.cam(activations, np.array([2.0, -1.0])).tolist() == [[0.25, 0.75]]


@pytest.mark.parametrize("layer", ["stem", "norm", "conv", "relu2"])
@pytest.mark.parametrize("method", ["gradcam", "hirescam"])
def test_equals_the_replica_at_every_layer(method: str, layer: str) -> None:
    module, images, targets = seeded(Chain), pictures(), [0, 1, 4, 1]
    found = raw(module, images, targets, method, layer)
    for row, (image, target) in enumerate(zip(images, targets, strict=True)):
        kept = reference.activations_and_gradients(module, layer, image, target)
        expected = getattr(reference, method)(*kept)
        np.testing.assert_allclose(found[row].numpy(), expected, atol=TOLERANCE * np.abs(expected).max())


def test_cam_equals_the_replica() -> None:
    module, images, targets = seeded(Chain), pictures(), [0, 1, 4, 1]
    found = raw(module, images, targets, "cam", "relu2")
    weights = module.fc.weight.detach().double().numpy()
    for row, (image, target) in enumerate(zip(images, targets, strict=True)):
        activations, _ = reference.activations_and_gradients(module, "relu2", image, target)
        expected = reference.cam(activations, weights[target])
        np.testing.assert_allclose(found[row].numpy(), expected, atol=TOLERANCE * np.abs(expected).max())


FAMILIES = [
    pytest.param("resnet18", "layer4", 96),
    pytest.param("mobilenet_v3_small", "features", 96),
    pytest.param("densenet121", "features", 96),
    pytest.param("vgg16", "features", 64, marks=pytest.mark.slow),
    pytest.param("convnext_tiny", "features", 96, marks=pytest.mark.slow),
]


@pytest.mark.parametrize(("name", "layer", "size"), FAMILIES)
def test_equals_captum_and_the_replica_on_torchvision(name: str, layer: str, size: int) -> None:
    captum = pytest.importorskip("captum.attr")
    module = seeded(lambda: getattr(torchvision.models, name)(weights=None))
    images = pictures(4, size)
    assert auto_layer(Plain(module), images).name == layer
    # Each image's own prediction, and classes for which nothing speaks, too.
    targets = [int(module(images[:1]).argmax()), 5, 7, 900]
    signed = raw(module, images, targets, layer=layer)
    target_layer = module.get_submodule(layer)
    theirs = captum.LayerGradCam(module, target_layer).attribute(
        images, torch.tensor(targets), relu_attributions=True
    )[:, 0]
    assert (signed.abs().amax((1, 2)) > 0).all()
    for row, (image, target) in enumerate(zip(images, targets, strict=True)):
        scale = float(signed[row].abs().max())
        torch.testing.assert_close(
            signed[row].clamp(min=0), theirs[row].detach(), rtol=0, atol=TOLERANCE * scale
        )
        expected = reference.gradcam(*reference.activations_and_gradients(module, layer, image, target))
        np.testing.assert_allclose(signed[row].numpy(), expected, rtol=0, atol=TOLERANCE * scale)


def test_signed_maps_equal_captum_without_relu() -> None:
    captum = pytest.importorskip("captum.attr")
    module, images, targets = seeded(Chain), pictures(), [0, 1, 4, 1]
    theirs = captum.LayerGradCam(module, module.stem).attribute(images, torch.tensor(targets))[:, 0]
    found = raw(module, images, targets, layer="stem")
    assert (found < 0).any()
    torch.testing.assert_close(found, theirs.detach(), rtol=0, atol=TOLERANCE * float(found.abs().max()))


@given(factor=st.floats(1e-4, 1e4), seed=st.integers(0, 50))
def test_linear_in_the_logits(factor: float, seed: int) -> None:
    """Logits times a factor are maps times that factor: nothing is normalised, no epsilon is added."""
    images = pictures(2, 8, seed)
    module = seeded(Chain, seed)
    before = {name: raw(module, images, [1, 3], name, "relu2") for name in ("gradcam", "hirescam", "cam")}
    with torch.no_grad():
        module.fc.weight.mul_(factor)
    for name, expected in before.items():
        found = raw(module, images, [1, 3], name, "relu2")
        torch.testing.assert_close(found, expected * factor, rtol=1e-4, atol=1e-6 * factor)


@given(seed=st.integers(0, 50))
def test_maps_of_a_sum_of_logits_add_up(seed: int) -> None:
    images = pictures(1, 8, seed)
    module = seeded(Chain, seed)
    with torch.no_grad():
        module.fc.weight[2] = module.fc.weight[0] + module.fc.weight[1]
    for name in ("gradcam", "hirescam", "cam"):
        parts = raw(module, images, [0], name, "relu2") + raw(module, images, [1], name, "relu2")
        torch.testing.assert_close(raw(module, images, [2], name, "relu2"), parts, rtol=1e-4, atol=1e-5)


@given(seed=st.integers(0, 50), order=st.permutations(range(4)))
def test_images_of_a_batch_do_not_matter_to_each_other(seed: int, order: list[int]) -> None:
    module, images, targets = seeded(Chain, seed), pictures(4, 8, seed), [0, 1, 2, 3]
    for layer in ("stem", "conv"):
        found = raw(module, images, targets, "hirescam", layer)
        turned = raw(module, images[order], [targets[i] for i in order], "hirescam", layer)
        torch.testing.assert_close(turned, found[order], rtol=1e-5, atol=1e-6)


@given(seed=st.integers(0, 50))
def test_hirescam_adds_up_to_the_logit_where_the_tail_is_linear(seed: int) -> None:
    module, images = seeded(Chain, seed), pictures(3, 8, seed)
    targets = [0, 3, 4]
    (found,) = compute(
        Plain(module),
        images,
        layer="relu2",
        requests=[Request(method="hirescam", targets=torch.tensor(targets))],
    ).maps
    bias = module.fc.bias.detach()[targets]
    torch.testing.assert_close(found.raw.sum((1, 2)), found.score - bias, rtol=1e-4, atol=1e-5)


def test_gradcam_equals_hirescam_where_the_gradient_is_the_same_everywhere() -> None:
    module, images = seeded(Chain), pictures()
    torch.testing.assert_close(
        raw(module, images, [0, 1, 2, 3], "gradcam", "relu2"),
        raw(module, images, [0, 1, 2, 3], "hirescam", "relu2"),
    )
    differs = raw(module, images, [0] * 4, "gradcam", "stem") - raw(
        module, images, [0] * 4, "hirescam", "stem"
    )
    assert differs.abs().max() > 1e-3
