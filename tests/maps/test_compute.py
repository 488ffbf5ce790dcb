"""Many maps from one forward, and the one-call function."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from typing import TYPE_CHECKING

import pytest
import torch
from torch import nn

import camaudit
from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError, RegistryError
from camaudit.maps import METHODS, Method, attention_map
from camaudit.maps.compute import Request, compute
from camaudit.targets import select
from tests.maps.networks import Plain, Twice, pictures

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture

TARGETS = torch.tensor([0, 1, 4, 1])
ONE_FORWARD = [name for name, method in METHODS.items() if method.at == "layer" and not method.cost]


def test_one_forward_and_one_backward_per_target(monkeypatch: pytest.MonkeyPatch) -> None:
    module, images = seeded(Chain), pictures()
    forwards, backwards = [], []
    module.register_forward_pre_hook(lambda *_: forwards.append(1))
    grad = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **kw: backwards.append(1) or grad(*args, **kw))
    kinds = [
        TARGETS,
        partial(select, "predicted"),
        partial(select, 2),
        partial(select, "label", labels=TARGETS),
    ]
    requests = [Request(method=name, targets=kind) for kind in kinds for name in ONE_FORWARD]
    found = compute(Plain(module), images, layer="relu2", requests=requests)
    assert [maps.method for maps in found.maps] == ONE_FORWARD * 4
    assert len(forwards) == 1
    assert len(backwards) == 3, "the labels are the targets of the first request"
    torch.testing.assert_close(found.logits, module(images).detach())
    assert not found.logits.requires_grad


def test_the_answers_do_not_depend_on_what_else_is_asked() -> None:
    network, images = Plain(seeded(Chain)), pictures()
    kinds = [TARGETS, TARGETS.roll(1), partial(select, "predicted")]
    # Those that captum computes are left out for their time.
    asked = [*ONE_FORWARD, "scorecam", "guided_backprop", "input_gradient", "smoothgrad", "guided_gradcam"]
    requests = [Request(method=name, targets=kind) for name in asked for kind in kinds]
    together = compute(network, images, layer="relu2", requests=requests).maps
    for request, maps in zip(requests, together, strict=True):
        (alone,) = compute(network, images, layer="relu2", requests=[request]).maps
        assert torch.equal(alone.raw, maps.raw)
        assert torch.equal(alone.target, maps.target)
        assert alone.score.tolist() == maps.score.tolist()


def test_score_is_the_targets_logit() -> None:
    found = compute(
        Plain(seeded(Chain)), pictures(), layer="conv", requests=[Request(method="gradcam", targets=TARGETS)]
    )
    assert found.maps[0].score.tolist() == [
        found.logits[row, target].item() for row, target in enumerate(TARGETS)
    ]


def test_relu_of_the_request_decides_the_status() -> None:
    module = seeded(Chain)
    with torch.no_grad():
        module.fc.weight.copy_(-module.fc.weight.abs())
    requests = [Request(method="gradcam", targets=TARGETS, relu=relu) for relu in (None, True, False)]
    found = compute(Plain(module), pictures(), layer="relu2", requests=requests).maps
    assert [maps.relu for maps in found] == [True, True, False]
    assert [maps.status for maps in found] == [("all-zero",) * 4, ("all-zero",) * 4, ("ok",) * 4]
    assert (found[0].negative_mass > 0).all()
    assert torch.equal(found[0].raw, found[2].raw)


def product(found: Capture, _targets: Tensor) -> Tensor:
    """A method whose sum autocast would run in bf16."""
    return torch.einsum("ncuv,ncuv->nuv", found.activations, found.activations)


def test_a_callers_autocast_does_not_reach_the_sums(monkeypatch: pytest.MonkeyPatch) -> None:
    method = Method(name="product", title="", function="tests.maps.test_compute:product", source="")
    monkeypatch.setitem(METHODS, "product", method)
    seen = []
    monkeypatch.setattr(Method, "load", lambda _self: lambda *args: seen.append(product(*args)) or seen[-1])
    request = Request(method="product", targets=TARGETS)
    images = pictures()
    compute(Plain(seeded(Chain)), images, layer="conv", requests=[request])
    layer_in_float32 = Plain(seeded(Chain))
    layer_in_float32.module.conv.register_forward_hook(lambda _module, _args, output: output.float())
    with torch.autocast("cpu", dtype=torch.bfloat16):
        compute(layer_in_float32, images, layer="conv", requests=[request])
    assert [item.dtype for item in seen] == [torch.float32, torch.float32]


def test_unknown_method() -> None:
    with pytest.raises(RegistryError, match="there is no map method 'grad-cam', did you mean \"gradcam\""):
        compute(
            Plain(seeded(Chain)),
            pictures(),
            layer="conv",
            requests=[Request(method="grad-cam", targets=TARGETS)],
        )


def test_targets_of_a_callable_are_checked_too() -> None:
    request = Request(method="gradcam", targets=lambda logits: logits.argmax(1)[:2])
    with pytest.raises(MapError, match="one target per image is needed"):
        compute(Plain(seeded(Chain)), pictures(), layer="conv", requests=[request])


def test_sums_are_float32_whatever_the_matrix_precision() -> None:
    module, images = seeded(Chain), pictures()
    request = Request(method="gradcam", targets=TARGETS)
    found = compute(Plain(module.double()), images, layer="conv", requests=[request]).maps[0].raw
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        rough = compute(Plain(module.float()), images, layer="conv", requests=[request]).maps[0].raw
    finally:
        torch.set_float32_matmul_precision(before)
    torch.testing.assert_close(rough, found, rtol=0, atol=1e-2 * float(found.abs().max()))
    assert (rough.dtype, found.dtype) == (torch.float32, torch.float32)


def test_attention_map_finds_the_layer_and_explains_the_prediction() -> None:
    module, images = seeded(Chain), pictures()
    found = attention_map(Plain(module), images)
    assert found.layer == "conv"
    assert found.method == "gradcam"
    assert torch.equal(found.target, module(images).argmax(1))


@pytest.mark.parametrize(("target", "expected"), [(2, [2] * 4), (TARGETS, TARGETS.tolist())])
def test_attention_map_targets(target: int | torch.Tensor, expected: list[int]) -> None:
    network, images = Plain(seeded(Chain)), pictures()
    found = attention_map(network, images, method="hirescam", layer="relu2", target=target)
    request = Request(method="hirescam", targets=torch.tensor(expected))
    (wanted,) = compute(network, images, layer="relu2", requests=[request]).maps
    assert found.target.tolist() == expected
    assert torch.equal(found.raw, wanted.raw)


def test_attention_map_takes_one_call() -> None:
    network = Plain(seeded(Twice))
    first, second = (attention_map(network, pictures(), layer="block", call=call).raw for call in (0, 1))
    assert not torch.allclose(first, second)


def test_attention_map_passes_warnings_on() -> None:
    with pytest.warns(UserWarning, match="'block' comes later but runs 2 times"):
        assert attention_map(Plain(seeded(Twice)), pictures()).layer == "stem"


def test_attention_map_refuses_the_label() -> None:
    with pytest.raises(MapError, match="the data has no labels"):
        attention_map(Plain(seeded(Chain)), pictures(), target="label")


def test_attention_map_is_a_public_name() -> None:
    assert camaudit.attention_map is attention_map


def test_the_table_loads_without_torch() -> None:
    code = "import sys, camaudit.maps; sys.exit(int('torch' in sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_map_of_a_network_in_parts() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.AdaptiveAvgPool2d(1), nn.Flatten(1)))
    assert attention_map(Plain(module), pictures(2, 9), target=1).raw.shape == (2, 9, 9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_on_a_classifier(dtype: torch.dtype) -> None:
    module, images = seeded(Chain).to(dtype), pictures()
    classifier = camaudit.Classifier(module=module)
    found = attention_map(classifier, images)
    assert (found.layer, found.raw.dtype) == ("conv", torch.float32)
    exact = attention_map(Plain(seeded(Chain).double()), images, target=found.target).raw
    tolerance = 0.05 if dtype == torch.bfloat16 else 1e-5
    torch.testing.assert_close(found.raw, exact, rtol=0, atol=tolerance * float(exact.abs().max()))
    assert module.training is False


def test_on_a_classifier_in_training_mode() -> None:
    module, images = seeded(Chain), pictures()
    wanted = attention_map(camaudit.Classifier(module=module), images)
    found = attention_map(camaudit.Classifier(module=module.train()), images)
    assert torch.equal(found.raw, wanted.raw)
    assert all(item.training for item in module.modules())
