"""What every map method keeps: one test file over the whole table."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import torch

from camaudit import registry
from camaudit.maps import METHODS, Method
from camaudit.maps.capture import capture, observe, pixels
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Attended, Plain, pictures, seeded

if TYPE_CHECKING:
    from camaudit.maps.record import MapBatch

TARGETS = torch.tensor([0, 1, 4, 1])
# A layer that every method admits: its output is pooled and goes into one linear layer.
LAYERS = {"attention": "look"}
LAYER = "relu2"

METHODS_AT_PIXELS = {name for name in registry.names("map") if registry.find("map", name).at == "pixels"}
AT_PIXELS = METHODS_AT_PIXELS | {"guided_gradcam"}
"""Those whose maps are as large as the image."""
UNSIGNED = {"input_gradient", "smoothgrad", "attention"}
SAME_FOR_ALL_TARGETS = {"attention"}
EXTRA = {"integrated_gradients": "captum", "occlusion": "captum", "lime": "captum"}

pytestmark = pytest.mark.parametrize("name", registry.names("map"))


def run(
    name: str,
    images: torch.Tensor,
    targets: torch.Tensor,
    module: torch.nn.Module | None = None,
    layer: str | None = None,
) -> MapBatch:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    request = Request(method=name, targets=targets)
    network = Plain(module if module is not None else seeded(Attended))
    layer = layer or LAYERS.get(name, LAYER)
    return compute(network, images, layer=layer, requests=[request]).maps[0]


def size_of(name: str, size: tuple[int, int]) -> tuple[int, int]:
    return size if name in AT_PIXELS else ((size[0] + 1) // 2, (size[1] + 1) // 2)


def test_entry(name: str) -> None:
    method = registry.find("map", name)
    assert isinstance(method, Method)
    assert method.name == name
    assert METHODS.get(name, method) == method
    assert method.title
    assert method.source
    assert "Source: " in (method.load().__doc__ or "")


def test_function_takes_a_capture_and_a_target(name: str) -> None:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    method = registry.find("map", name)
    network, layer = Plain(seeded(Attended)), LAYERS.get(name, LAYER)
    found = {
        "layer": lambda: capture(network, pictures(), layer=layer, head=method.head),
        "pixels": lambda: pixels(network, pictures()),
        "module": lambda: observe(network, pictures(), layer=layer),
    }[method.at]()
    raw = method.load()(found, TARGETS)
    assert raw.shape == (4, *size_of(name, (12, 12)))
    assert raw.dtype == torch.float32
    assert not raw.requires_grad


@pytest.mark.parametrize("size", [(12, 12), (9, 14)])
def test_shape_type_and_device(name: str, size: tuple[int, int]) -> None:
    images = torch.rand(3, 3, *size, generator=torch.Generator().manual_seed(0))
    found = run(name, images, TARGETS[:3])
    assert found.raw.shape == (3, *size_of(name, size))
    assert (found.raw.dtype, found.raw.device) == (torch.float32, images.device)
    assert set(found.status) <= {"ok", "all-zero"}
    assert found.method == name
    assert found.layer == ("input" if registry.find("map", name).at == "pixels" else LAYERS.get(name, LAYER))
    for item in (found.score, found.scale, found.positive_mass, found.negative_mass, found.target):
        assert item.shape == (3,)


def test_deterministic(name: str) -> None:
    assert torch.equal(run(name, pictures(), TARGETS).raw, run(name, pictures(), TARGETS).raw)


def test_maps_differ_between_targets_and_between_images(name: str) -> None:
    one, other = run(name, pictures(), TARGETS).raw, run(name, pictures(), TARGETS.roll(1)).raw
    assert torch.equal(one[0], other[0]) is (name in SAME_FOR_ALL_TARGETS)
    assert torch.allclose(one[0], other[0]) is (name in SAME_FOR_ALL_TARGETS)
    assert not torch.allclose(one[1], one[3])


def test_signed(name: str) -> None:
    # Where activations of both signs speak for a class; CAM needs the pooled layer.
    layer = LAYER if name == "cam" else LAYERS.get(name, "stem")
    found = torch.cat(
        [run(name, pictures(), torch.full((4,), target), layer=layer).raw for target in range(5)]
    )
    assert (found < 0).any() == (name not in UNSIGNED)
    assert (found > 0).any()


def test_one_image_equals_its_row_of_a_batch(name: str) -> None:
    images = pictures()
    together = run(name, images, TARGETS).raw
    for row in range(4):
        alone = run(name, images[row : row + 1], TARGETS[row : row + 1]).raw
        torch.testing.assert_close(alone[0], together[row], rtol=1e-5, atol=1e-7)


def test_frozen_parameters_inference_mode_and_no_grad_change_nothing(name: str) -> None:
    module = seeded(Attended)
    wanted = run(name, pictures(), TARGETS, module).raw
    with torch.inference_mode():
        images = pictures().clone()
        torch.testing.assert_close(run(name, images, TARGETS, module).raw, wanted)
    module.requires_grad_(requires_grad=False)
    with torch.no_grad():
        torch.testing.assert_close(run(name, pictures(), TARGETS, module).raw, wanted)
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_weights_on_the_logits_are_a_target(name: str) -> None:
    rows = torch.nn.functional.one_hot(TARGETS, 5).float()
    found, wanted = run(name, pictures(), rows), run(name, pictures(), TARGETS)
    torch.testing.assert_close(found.raw, wanted.raw, rtol=1e-4, atol=1e-6)
    torch.testing.assert_close(found.score, wanted.score)


def test_network_comes_back_after_it_raised(name: str) -> None:
    class Breaks(Attended):
        calls = 0

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            type(self).calls += 1
            if type(self).calls > 1:
                raise RuntimeError("out of luck")
            return super().forward(x)

    module = seeded(Breaks).train()
    module.calls = 0
    if registry.find("map", name).cost in {"", "a whole backward"}:
        type(module).calls = 1
    with pytest.raises(RuntimeError, match="out of luck"):
        run(name, pictures(), TARGETS, module)
    assert all(item.training for item in module.modules())
    assert not any(item._forward_hooks or item._backward_hooks for item in module.modules())
    assert all(parameter.grad is None for parameter in module.parameters())
    assert torch.is_grad_enabled()


def test_network_and_images_unchanged(name: str) -> None:
    module, images = seeded(Attended).train(), pictures()
    module.norm.eval()
    state = {key: value.clone() for key, value in module.state_dict().items()}
    flags = [item.training for item in module.modules()]
    random, before = torch.get_rng_state(), images.clone()
    run(name, images, TARGETS, module)
    assert all(torch.equal(value, state[key]) for key, value in module.state_dict().items())
    assert [item.training for item in module.modules()] == flags
    assert not any(
        item._forward_hooks or item._backward_hooks or item._forward_pre_hooks for item in module.modules()
    )
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.equal(images, before)
