"""Where other Grad-CAM libraries go wrong at the edges: one test per case, named after it."""

from __future__ import annotations

import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps import attention_map
from camaudit.maps.capture import capture
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Around, Plain, Twice, pictures
from tests.reference import maps as reference

TARGETS = [0, 1, 4, 1]


def gradcam(
    network: Plain, images: Tensor, layer: str, targets: list[int] = TARGETS, call: int | None = None
) -> Tensor:
    request = Request(method="gradcam", targets=torch.tensor(targets))
    return compute(network, images, layer=layer, call=call, requests=[request]).maps[0].raw


def expected(module: nn.Module, images: Tensor, layer: str, targets: list[int] = TARGETS) -> np.ndarray:
    kept = [
        reference.activations_and_gradients(module, layer, *pair)
        for pair in zip(images, targets, strict=True)
    ]
    return np.stack([reference.gradcam(*pair) for pair in kept])


def assert_right(found: Tensor, wanted: np.ndarray, tolerance: float = 1e-5) -> None:
    np.testing.assert_allclose(found.float().numpy(), wanted, rtol=0, atol=tolerance * np.abs(wanted).max())


@pytest.mark.parametrize("layer", ["norm", "conv"])
def test_conv_followed_by_inplace_relu(layer: str) -> None:
    module, images = seeded(Chain), pictures()
    wanted = expected(module, images, layer)
    assert_right(gradcam(Plain(module), images, layer), wanted)
    after = expected(module, images, {"norm": "relu1", "conv": "relu2"}[layer])
    assert np.abs(after - wanted).max() > 0.1 * np.abs(wanted).max(), "the ReLU's own map would pass too"


def test_module_called_twice_in_one_forward_is_refused() -> None:
    message = r"(?s)layer 'block': runs 2 times in one forward.*hint: set maps.call to 0 … 1"
    with pytest.raises(MapError, match=message):
        gradcam(Plain(seeded(Twice)), pictures(), "block")


@pytest.mark.parametrize("call", [0, 1])
def test_module_called_twice_the_call_that_the_spec_names_is_taken(call: int) -> None:
    module, images = seeded(Twice), pictures()

    class Unrolled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem, self.calls, self.fc = (
                module.stem,
                nn.ModuleList([module.block, nn.Conv2d(4, 4, 3, padding=1)]),
                module.fc,
            )
            self.calls[1].load_state_dict(module.block.state_dict())

        def forward(self, x: Tensor) -> Tensor:
            for block in self.calls:
                x = torch.tanh(block(self.stem(x) if block is self.calls[0] else x))
            return self.fc(x.mean((2, 3)))

    wanted = expected(Unrolled(), images, f"calls.{call}")
    assert_right(gradcam(Plain(module), images, "block", call=call), wanted)


@pytest.mark.parametrize("call", [2, -1])
def test_module_called_twice_a_call_out_of_range_is_refused(call: int) -> None:
    with pytest.raises(MapError, match=rf"call {call} is asked for, but it runs 2 times in one forward"):
        gradcam(Plain(seeded(Twice)), pictures(), "block", call=call)


def test_frozen_parameters() -> None:
    module, images = seeded(Chain), pictures()
    wanted = expected(module, images, "conv")
    module.requires_grad_(requires_grad=False)
    assert_right(gradcam(Plain(module), images, "conv"), wanted)
    assert not any(parameter.requires_grad for parameter in module.parameters())


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode, torch.enable_grad])
def test_inside_no_grad_and_inference_mode(mode: Any) -> None:
    module = seeded(Chain)
    wanted = expected(module, pictures(), "conv")
    with mode():
        images = pictures().clone()  # an inference tensor where the mode makes them
        found = gradcam(Plain(module), images, "conv")
        assert (torch.is_grad_enabled(), torch.is_inference_mode_enabled()) == (
            mode is torch.enable_grad,
            mode is torch.inference_mode,
        )
    assert_right(found, wanted)


@pytest.mark.parametrize("shape", [(1,), (3,), (4, 1), ()])
def test_batch_of_four_with_one_target_is_refused(shape: tuple[int, ...]) -> None:
    request = Request(method="gradcam", targets=torch.zeros(shape, dtype=torch.int64))
    with pytest.raises(MapError, match="for 4 images; one target per image is needed"):
        compute(Plain(seeded(Chain)), pictures(), layer="conv", requests=[request])
    with pytest.raises(MapError, match="for 4 images; one target per image is needed"):
        attention_map(Plain(seeded(Chain)), pictures(), target=torch.zeros(shape, dtype=torch.int64))


def test_batch_of_four_with_a_plain_int_explains_it_for_all() -> None:
    module, images = seeded(Chain), pictures()
    found = attention_map(Plain(module), images, layer="conv", target=3)
    assert found.target.tolist() == [3, 3, 3, 3]
    assert_right(found.raw, expected(module, images, "conv", [3, 3, 3, 3]))


def test_users_grad_training_flags_and_batch_norm_statistics_are_left_as_found() -> None:
    module, images = seeded(Chain), pictures()
    wanted = expected(module, images, "conv")
    module.train()
    module.norm.eval()
    module.fc.eval()
    module(images).sum().backward()
    module.stem.bias.requires_grad_(requires_grad=False)
    before = {name: parameter.grad.clone() for name, parameter in module.named_parameters()}
    state = {name: value.clone() for name, value in module.state_dict().items()}
    flags = {name: item.training for name, item in module.named_modules()}
    asked = {name: parameter.requires_grad for name, parameter in module.named_parameters()}

    assert_right(gradcam(Plain(module), images, "conv"), wanted)

    for name, parameter in module.named_parameters():
        assert torch.equal(parameter.grad, before[name]), name
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert {name: item.training for name, item in module.named_modules()} == flags
    assert len(set(flags.values())) == 2
    assert {name: parameter.requires_grad for name, parameter in module.named_parameters()} == asked


def test_positive_constant_map_keeps_its_raw_values() -> None:
    module = seeded(lambda: Around(lambda logits: logits))
    with torch.no_grad():
        module.layer.weight.zero_()
        module.layer.bias.copy_(torch.tensor([1.0, 2.0, 3.0, 4.0]))
        module.fc.weight.fill_(0.5)
    found = attention_map(Plain(module), pictures(), layer="layer", target=0)
    assert found.status == ("constant",) * 4
    torch.testing.assert_close(found.raw, torch.full((4, 12, 12), 0.5 * (1 + 2 + 3 + 4) / 144))
    torch.testing.assert_close(found.positive_mass, torch.full((4,), 5.0))


def test_bf16() -> None:
    module, images = seeded(Chain), pictures()
    wanted = expected(module, images, "conv")
    found = gradcam(Plain(module.bfloat16()), images, "conv")
    assert found.dtype == torch.float32
    assert_right(found, wanted, tolerance=0.05)


def test_autocast() -> None:
    module, images = seeded(Chain), pictures()
    wanted = expected(module, images, "conv")
    with torch.autocast("cpu", dtype=torch.bfloat16):
        captured = capture(Plain(module), images, layer="conv")
        found = gradcam(Plain(module), images, "conv")
    assert captured.activations.dtype == torch.bfloat16
    assert found.dtype == torch.float32
    assert_right(found, wanted, tolerance=0.05)


OUTPUTS = {
    "dict": (
        lambda logits: {"logits": logits, "aux": None},
        r"a dict with keys 'logits', 'aux'",
        lambda out: out["logits"],
    ),
    "tuple": (lambda logits: (None, logits), r"a tuple of 2", lambda out: out[1]),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_dict_and_tuple_outputs(kind: str) -> None:
    wrap, words, pick = OUTPUTS[kind]
    module, images = seeded(lambda: Around(wrap)), pictures()
    with pytest.raises(
        MapError, match=f"(?s)the network puts out {words} for 4 images.*hint: .*model.output"
    ):
        gradcam(Plain(module), images, "layer")
    bare = seeded(lambda: Around(lambda logits: logits))
    assert_right(gradcam(Plain(module, pick), images, "layer"), expected(bare, images, "layer"))


def test_four_threads_one_model_zero_wrong_maps() -> None:
    module = seeded(lambda: nn.Sequential(Chain(), nn.Identity()))
    module.train()
    network = Plain(module)
    work = [
        (pictures(2, 24, seed), [seed % 5, (seed + 1) % 5], f"0.{layer}")
        for seed in range(20)
        for layer in ("norm", "conv", "relu2")
    ]
    alone = [gradcam(network, images, layer, targets) for images, targets, layer in work]
    start = threading.Barrier(4)

    def share(first: int) -> list[tuple[int, Tensor]]:
        start.wait()
        return [(i, gradcam(network, work[i][0], work[i][2], work[i][1])) for i in range(first, len(work), 4)]

    with ThreadPoolExecutor(4) as pool:
        found = [pair for part in pool.map(share, range(4)) for pair in part]
    assert len(found) == 60
    wrong = [i for i, made in found if not torch.allclose(made, alone[i], atol=1e-6, rtol=1e-5)]
    assert wrong == []
    assert all(item.training for item in module.modules())
    assert not any(item._forward_hooks for item in module.modules())


def test_another_threads_plain_forward_in_the_midst_of_a_capture_is_not_taken_for_ours() -> None:
    module, images = seeded(lambda: Around(lambda logits: logits)), pictures()
    wanted = expected(module, images, "layer")
    ours = threading.get_ident()
    others: list[bool] = []

    def between(x: Tensor) -> Tensor:
        if threading.get_ident() == ours:
            with ThreadPoolExecutor(1) as pool:
                logits = pool.submit(lambda: module(pictures(seed=9))).result()
                others.append(logits.requires_grad)
        return x

    module.before = between
    assert_right(gradcam(Plain(module), images, "layer"), wanted)
    module.after = between
    assert_right(gradcam(Plain(module), images, "layer"), wanted)
    assert len(others) == 3
    assert all(others), "the other thread's own grad mode"


def test_target_layers_in_another_order_than_they_run() -> None:
    module, images = seeded(Chain), pictures()
    for layer in ("relu2", "stem", "conv", "norm"):
        assert_right(gradcam(Plain(module), images, layer), expected(module, images, layer))


def test_class_5000_of_1000_is_an_error_that_names_the_range() -> None:
    module = seeded(lambda: Chain(1000))
    message = "target 5000 is not a class of this network: it has 1000 outputs, so 0 to 999 are allowed"
    with pytest.raises(MapError, match=message):
        gradcam(Plain(module), pictures(), "conv", [1, 5000, 2, 3])
    with pytest.raises(MapError, match=message):
        attention_map(Plain(module), pictures(), target=5000)
    with pytest.raises(MapError, match="target -1 is not a class"):
        gradcam(Plain(module), pictures(), "conv", [-1, 1, 2, 3])


def _tensors() -> int:
    return sum(issubclass(type(item), Tensor) for item in gc.get_objects())


def test_no_graph_is_kept_alive_after_the_call() -> None:
    network, images = Plain(seeded(Chain)), pictures()
    gradcam(network, images, "conv")
    gc.collect()
    gc.disable()  # what only a garbage collection would free counts as kept
    try:
        before = _tensors()
        captured = capture(network, images, layer="conv")
        captured.gradients(torch.tensor(TARGETS))
        kept = [weakref.ref(item) for item in (captured.activations, captured._leaf, captured._output)]
        assert all(reference() is not None for reference in kept)
        del captured
        assert [reference() for reference in kept] == [None, None, None]
        found = gradcam(network, images, "conv")
        assert found.grad_fn is None
        assert not found.requires_grad
        del found
        assert _tensors() == before
    finally:
        gc.enable()


@pytest.mark.parametrize("where", ["before", "layer", "after"])
def test_guided_backprop_raising_midway_leaves_the_model_restored(where: str) -> None:
    module, images = seeded(Chain), pictures()
    module.train()
    module.norm.eval()
    state = {name: value.clone() for name, value in module.state_dict().items()}
    random = torch.get_rng_state()
    broken = {"before": module.norm, "layer": module.conv, "after": module.fc}[where]
    whole = broken.forward

    def fail(x: Tensor) -> Tensor:
        torch.rand(3)
        raise RuntimeError("midway")

    broken.forward = fail
    with torch.no_grad(), pytest.raises(RuntimeError, match="midway"):
        gradcam(Plain(module), images, "conv")
    broken.forward = whole
    assert not any(item._forward_hooks for item in module.modules())
    assert [name for name, item in module.named_modules() if not item.training] == ["norm"]
    assert torch.equal(torch.get_rng_state(), random)
    assert torch.is_grad_enabled()
    assert all(parameter.grad is None and parameter.requires_grad for parameter in module.parameters())
    for name, value in module.state_dict().items():
        assert torch.equal(value, state[name]), name
    assert_right(gradcam(Plain(module), images, "conv"), expected(module, images, "conv"))
