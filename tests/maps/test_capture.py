"""What a capture holds, and what it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps.capture import capture, trace
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Around, Plain, Twice, pictures
from tests.reference import maps as reference

TARGETS = torch.tensor([0, 1, 4, 1])


class Free(nn.Module):
    """A layer, a head, and any forward over the two."""

    def __init__(self, run: Any) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.layer = nn.Conv2d(4, 4, 3, padding=1)
        self.fc = nn.Linear(4, 5)
        self.run = run

    def forward(self, x: Tensor) -> Tensor:
        return self.run(self, x)


def plain_run(module: Free, x: Tensor) -> Tensor:
    return module.fc(torch.tanh(module.layer(module.stem(x))).mean((2, 3)))


def test_holds_activations_logits_and_gradients() -> None:
    module, images = seeded(Chain), pictures()
    found = capture(Plain(module), images, layer="conv")
    torch.testing.assert_close(found.logits, module(images).detach())
    gradients = found.gradients(TARGETS)
    for row in range(4):
        wanted = reference.activations_and_gradients(module, "conv", images[row], int(TARGETS[row]))
        for ours, theirs in zip((found.activations[row], gradients[row]), wanted, strict=True):
            np.testing.assert_allclose(ours.numpy(), theirs, atol=1e-5 * np.abs(theirs).max())
    assert found.connected
    assert not any(item.requires_grad for item in (found.activations, found.logits, gradients))


@pytest.mark.parametrize("layer", ["stem", "layer"])
def test_images_and_gradients_of_inference_mode(layer: str) -> None:
    def run(module: Free, x: Tensor) -> Tensor:
        return module.fc((module.layer(module.stem(x)) * x[:, :1]).mean((2, 3)))

    network = Plain(seeded(lambda: Free(run)))
    wanted = capture(network, pictures(), layer=layer).gradients(TARGETS)
    with torch.inference_mode():
        images = pictures().clone()
        assert images.is_inference()
        found = capture(network, images, layer=layer)
        gradients = found.gradients(TARGETS)
    torch.testing.assert_close(gradients, wanted)
    assert not any(item.is_inference() for item in (found.activations, found.logits, gradients))


def test_one_backward_per_target(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    grad = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **kw: calls.append(1) or grad(*args, **kw))
    found = capture(Plain(seeded(Chain)), pictures(), layer="conv")
    first = found.gradients(TARGETS)
    assert found.gradients(TARGETS.clone()) is first
    assert len(calls) == 1
    assert not torch.equal(found.gradients(TARGETS.roll(1)), first)
    assert len(calls) == 2


def test_no_parameter_gradient_is_computed_and_nothing_before_the_layer_is_kept() -> None:
    sizes = []
    module, images = seeded(Chain), pictures()
    with torch.autograd.graph.saved_tensors_hooks(
        lambda item: sizes.append(item.numel()) or item, lambda item: item
    ):
        found = capture(Plain(module), images, layer="conv")
    found.gradients(TARGETS)
    assert sizes
    assert max(sizes) <= found.activations.numel(), "what the stem works on is larger"
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize(
    ("layer", "message"),
    [
        (
            "layr",
            r'has no layer \'layr\', did you mean "layer"\?(?s:.)*hint: "layer: auto".*stem, layer, fc',
        ),
        ("", "the network has no layer ''"),
        ("layer.weight", "the network has no layer 'layer.weight'"),
        ("run", "the network has no layer 'run'"),
    ],
)
def test_unknown_layer(layer: str, message: str) -> None:
    with pytest.raises(MapError, match=message):
        capture(Plain(seeded(lambda: Free(plain_run))), pictures(), layer=layer)


def test_layer_that_does_not_run() -> None:
    def run(module: Free, x: Tensor) -> Tensor:
        return module.fc(module.stem(x).mean((2, 3)))

    with pytest.raises(MapError, match="layer 'layer': does not run in this network's forward"):
        capture(Plain(seeded(lambda: Free(run))), pictures(), layer="layer")


class Odd(nn.Module):
    def __init__(self, make: Any) -> None:
        super().__init__()
        self.make = make

    def forward(self, x: Tensor) -> Any:
        return self.make(x)


OUTPUTS = {
    "tuple": (lambda x: (x, x), r"a tuple of 2"),
    "dict": (lambda x: {"out": x}, r"a dict with keys 'out'"),
    "vector": (lambda x: x.flatten(1), r"a tensor \[4, 432\] \(torch.float32\)"),
    "tokens": (lambda x: x.flatten(2), r"a tensor \[4, 3, 144\] \(torch.float32, a sequence of tokens\)"),
    "integers": (lambda x: x.long(), r"a tensor \[4, 3, 12, 12\] \(torch.int64\)"),
    "nothing": (lambda x: None, r"a NoneType"),
}


@pytest.mark.parametrize("kind", OUTPUTS)
def test_output_that_is_no_float_grid_says_what_it_was(kind: str) -> None:
    make, words = OUTPUTS[kind]

    class Wrong(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Odd(make)
            self.fc = nn.Linear(3, 5)

        def forward(self, x: Tensor) -> Tensor:
            self.layer(x)
            return self.fc(x.mean((2, 3)))

    with pytest.raises(MapError, match=rf"layer 'layer': puts out {words}; a map needs a float tensor"):
        capture(Plain(Wrong()), pictures(), layer="layer")


def test_channels_last_is_refused() -> None:
    class Last(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = Odd(lambda x: x.permute(0, 2, 3, 1).repeat(1, 1, 1, 20))
            self.fc = nn.Linear(60, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.layer(x).mean((1, 2)))

    with pytest.raises(
        MapError, match=r"puts out \[4, 12, 12, 60\] for images of 12×12: its channels come last"
    ):
        capture(Plain(Last()), pictures(), layer="layer")


def test_images_folded_into_the_batch_are_refused() -> None:
    def run(module: Free, x: Tensor) -> Tensor:
        return plain_run(module, torch.cat([x, x.flip(3)])).unflatten(0, (2, -1)).mean(0)

    with pytest.raises(MapError, match="layer 'layer': puts out 8 entries for 4 images"):
        capture(Plain(seeded(lambda: Free(run))), pictures(), layer="layer")


def test_output_changed_under_another_name_is_refused() -> None:
    class Alias(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layer = nn.Identity()
            self.fc = nn.Linear(3, 5)

        def forward(self, x: Tensor) -> Tensor:
            x = x * 1
            same = self.layer(x)
            x += 1
            return self.fc(same.mean((2, 3)))

    with pytest.raises(MapError, match="modified in place under another name"):
        capture(Plain(Alias()), pictures(), layer="layer")


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.rand(0, 3, 8, 8), "no images"),
        (torch.rand(3, 8, 8), r"images are a tensor \[3, 8, 8\]"),
        (torch.zeros(1, 3, 8, 8, dtype=torch.uint8), r"images are .*torch.uint8"),
    ],
)
def test_images_that_are_none(images: Tensor, message: str) -> None:
    with pytest.raises(MapError, match=message):
        capture(Plain(seeded(Chain)), images, layer="conv")


LOGITS = {
    "feature maps": lambda logits: logits[:, :, None, None],
    "one image's": lambda logits: logits[:1],
    "classes": lambda logits: logits.argmax(1),
    "no classes": lambda logits: logits[:, :0],
}


@pytest.mark.parametrize("kind", LOGITS)
def test_logits_that_are_none(kind: str) -> None:
    with pytest.raises(
        MapError, match=r"the network puts out a tensor .* for 4 images; logits \[n, k\] are needed"
    ):
        capture(Plain(seeded(lambda: Around(LOGITS[kind]))), pictures(), layer="layer")


def detached(module: Free, x: Tensor) -> Tensor:
    return module.fc(module.layer(module.stem(x)).mean((2, 3)).detach())


def ignored(module: Free, x: Tensor) -> Tensor:
    x = module.stem(x)
    module.layer(x)
    return module.fc(x.mean((2, 3)))


def without_grad(module: Free, x: Tensor) -> Tensor:
    x = module.layer(module.stem(x))
    with torch.no_grad():
        return module.fc(x.mean((2, 3)))


def inference(module: Free, x: Tensor) -> Tensor:
    with torch.inference_mode():
        return plain_run(module, x)


@pytest.mark.parametrize("run", [detached, ignored, without_grad, inference])
def test_disconnected_layer_is_nan_and_says_so(run: Any) -> None:
    network = Plain(seeded(lambda: Free(run)))
    requests = [Request(method=name, targets=TARGETS) for name in ("gradcam", "hirescam")]
    for found in compute(network, pictures(), layer="layer", requests=requests).maps:
        assert found.status == ("disconnected",) * 4
        assert found.raw.shape == (4, 12, 12)
        assert found.raw.isnan().all()
        assert found.scale.isnan().all()


def frozen_backbone(module: Free, x: Tensor) -> Tensor:
    with torch.no_grad():
        x = module.layer(module.stem(x))
    return module.fc(torch.tanh(x).mean((2, 3)))


def grad_around_the_layer(module: Free, x: Tensor) -> Tensor:
    with torch.enable_grad():
        x = module.layer(module.stem(x))
    return module.fc(torch.tanh(x).mean((2, 3)))


@pytest.mark.parametrize("run", [frozen_backbone, grad_around_the_layer, torch.no_grad()(plain_run)])
def test_a_networks_own_grad_mode_around_the_layer_does_not_cut_the_tail_off(run: Any) -> None:
    module, images = seeded(lambda: Free(run)), pictures()
    free = seeded(lambda: Free(plain_run))
    found = capture(Plain(module), images, layer="layer")
    torch.testing.assert_close(
        found.gradients(TARGETS), capture(Plain(free), images, layer="layer").gradients(TARGETS)
    )


def test_dead_tail_is_all_zero_and_not_disconnected() -> None:
    def run(module: Free, x: Tensor) -> Tensor:
        return module.fc(torch.relu(module.layer(module.stem(x)) - 100).mean((2, 3)))

    request = Request(method="gradcam", targets=TARGETS)
    (found,) = compute(Plain(seeded(lambda: Free(run))), pictures(), layer="layer", requests=[request]).maps
    assert found.status == ("all-zero",) * 4


def test_nan_weights_are_non_finite() -> None:
    module = seeded(Chain)
    with torch.no_grad():
        module.fc.weight[1, 0] = float("nan")
    requests = [Request(method=name, targets=TARGETS) for name in ("gradcam", "hirescam", "cam")]
    gradcam, hirescam, cam = compute(Plain(module), pictures(), layer="relu2", requests=requests).maps
    # A gradient is a sum over all classes, and 0 · NaN is NaN; CAM reads the one row of its class.
    assert gradcam.status == hirescam.status == ("non-finite",) * 4
    assert cam.status == ("ok", "non-finite", "ok", "non-finite")


def test_trace_tells_order_calls_shapes_and_changes() -> None:
    visits = trace(Plain(seeded(Chain)), pictures(1))
    assert [visit.name for visit in visits] == ["stem", "norm", "relu1", "conv", "relu2", "drop", "fc"]
    assert [visit.order for visit in visits] == list(range(7))
    assert [visit.name for visit in visits if visit.modified] == ["norm", "conv"]
    assert [visit.name for visit in visits if visit.parameters] == ["stem", "norm", "conv", "fc"]
    stem, fc = visits[0], visits[-1]
    assert (stem.type, stem.shape, stem.calls) == ("Conv2d", (1, 6, 12, 12), 1)
    assert (fc.shape, fc.output) == (None, "a tensor [1, 5] (torch.float32)")


def test_trace_counts_calls_and_orders_by_the_last() -> None:
    visits = {visit.name: visit for visit in trace(Plain(seeded(Twice)), pictures(1))}
    assert {name: visit.calls for name, visit in visits.items()} == {"stem": 1, "block": 2, "fc": 1}
    assert visits["block"].order == 1


def test_trace_leaves_out_what_does_not_run() -> None:
    names = [
        visit.name
        for visit in trace(
            Plain(seeded(lambda: Free(lambda m, x: m.fc(m.stem(x).mean((2, 3)))))), pictures(1)
        )
    ]
    assert names == ["stem", "fc"]
