"""Maps at the pixels: gradients, noise and guided backpropagation, against replicas and captum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
import torchvision
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps import smoothgrad as smoothgrad_module
from camaudit.maps.capture import pixels
from camaudit.maps.compute import Request, compute
from camaudit.maps.smoothgrad import smoothgrad
from tests.maps.networks import Plain, pictures
from tests.reference import maps as reference

if TYPE_CHECKING:
    from collections.abc import Callable

TARGETS = [0, 1, 4, 1]


def raw(module: nn.Module, method: str, images: Tensor | None = None, layer: str = "conv") -> Tensor:
    request = Request(method=method, targets=torch.tensor(TARGETS))
    images = pictures() if images is None else images
    return compute(Plain(module), images, layer=layer, requests=[request]).maps[0].raw


def test_input_gradient_equals_the_replica() -> None:
    module, images = seeded(Chain), pictures()
    found = raw(module, "input_gradient")
    for row, target in enumerate(TARGETS):
        expected = np.abs(reference.pixel_gradient(module, images[row], target)).max(0)
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-5 * expected.max())


def test_no_layer_is_looked_at() -> None:
    request = Request(method="input_gradient", targets=torch.tensor(TARGETS))
    found = compute(Plain(seeded(Chain)), pictures(), layer="there is none", requests=[request]).maps[0]
    assert (found.layer, found.status) == ("input", ("ok",) * 4)


def test_methods_of_the_pixels_and_of_a_layer_in_one_call() -> None:
    module = seeded(Chain)
    forwards: list[int] = []
    module.register_forward_pre_hook(lambda *_: forwards.append(1))
    names = ["gradcam", "input_gradient", "guided_backprop", "hirescam"]
    requests = [Request(method=name, targets=torch.tensor(TARGETS)) for name in names]
    found = compute(Plain(module), pictures(), layer="conv", requests=requests).maps
    assert len(forwards) == 2
    for name, maps in zip(names, found, strict=True):
        assert torch.equal(maps.raw, raw(seeded(Chain), name))


def test_smoothgrad_equals_the_replica() -> None:
    module, images = seeded(Chain), pictures() * 0.5 + 0.1
    found = smoothgrad(pixels(Plain(module), images), torch.tensor(TARGETS), samples=5, noise=0.2)
    generator = torch.Generator().manual_seed(smoothgrad_module.SEED)
    noise = [torch.randn(images.shape[1:], generator=generator) for _ in range(5)]
    for row, target in enumerate(TARGETS):
        sigma = 0.2 * float(images[row].max() - images[row].min())
        parts = [reference.pixel_gradient(module, images[row] + sigma * drawn, target) for drawn in noise]
        expected = np.abs(sum(parts) / 5).max(0)
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-5 * expected.max())


def test_smoothgrad_without_noise_is_the_input_gradient() -> None:
    module = seeded(Chain)
    found = smoothgrad(pixels(Plain(module), pictures()), torch.tensor(TARGETS), noise=0.0)
    torch.testing.assert_close(found, raw(module, "input_gradient"), rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found, raw(module, "smoothgrad"), rtol=1e-2)


# --- guided backpropagation


class Functional(Chain):
    """The chain with its ReLUs as functions: `relu` is any."""

    def __init__(self, relu: Callable[[Tensor], Tensor] = functional.relu) -> None:
        super().__init__()
        self.relu = relu
        del self.relu1, self.relu2

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.norm(self.stem(x)))
        return self.fc(self.relu(self.conv(x)).mean((2, 3)))


RELUS: dict[str, Callable[[Tensor], Tensor]] = {
    "functional": functional.relu,
    "functional in place": lambda x: functional.relu(x, inplace=True),
    "torch": torch.relu,
    "torch in place": torch.relu_,
    "method": lambda x: x.relu(),
    "clamp": lambda x: x.clamp(min=0),
    "clamp_min": lambda x: x.clamp_min(0),
    "ReLU6": nn.ReLU6(),
}


def test_guided_backprop_equals_captum_on_module_relus() -> None:
    captum = pytest.importorskip("captum.attr")
    module, images = seeded(Chain), pictures()
    images.requires_grad_()
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        theirs = captum.GuidedBackprop(module).attribute(images, torch.tensor(TARGETS))
    found = raw(module, "guided_backprop")
    scale = float(found.abs().max())
    torch.testing.assert_close(found, theirs.detach().sum(1), rtol=0, atol=1e-5 * scale)
    plain = pixels(Plain(module), images).gradients(torch.tensor(TARGETS)).sum(1)
    assert not torch.allclose(found, plain, rtol=0, atol=0.01 * scale), "the plain gradient would pass too"


def test_guided_backprop_equals_captum_on_a_squeezenet() -> None:
    captum = pytest.importorskip("captum.attr")
    # Every ReLU a module that runs once, as captum needs it.
    module = seeded(lambda: torchvision.models.squeezenet1_1(weights=None))
    images = pictures(4, 64)
    images.requires_grad_()
    with pytest.warns(UserWarning, match="Setting backward hooks on ReLU"):
        theirs = captum.GuidedBackprop(module).attribute(images, torch.tensor(TARGETS)).detach()
    found = raw(module, "guided_backprop", images)
    torch.testing.assert_close(found, theirs.sum(1), rtol=0, atol=1e-5 * float(found.abs().max()))


@pytest.mark.parametrize("kind", RELUS)
def test_guided_backprop_is_the_same_for_every_way_to_write_a_relu(kind: str) -> None:
    module = seeded(Chain)
    twin = Functional(RELUS[kind]).eval()
    twin.load_state_dict(module.state_dict())
    torch.testing.assert_close(raw(twin, "guided_backprop"), raw(module, "guided_backprop"))


def test_a_relu_that_runs_twice_is_guided_twice() -> None:
    class Shared(Chain):
        def forward(self, x: Tensor) -> Tensor:
            x = self.relu1(self.norm(self.stem(x)))
            return self.fc(self.relu1(self.conv(x)).mean((2, 3)))

    twin = Shared().eval()
    twin.load_state_dict(seeded(Chain).state_dict())
    torch.testing.assert_close(raw(twin, "guided_backprop"), raw(seeded(Chain), "guided_backprop"))


def test_guided_gradients_leave_the_plain_ones_alone() -> None:
    found, targets = pixels(Plain(seeded(Chain)), pictures()), torch.tensor(TARGETS)
    plain = pixels(Plain(seeded(Chain)), pictures()).gradients(targets)
    guided = found.gradients(targets, guided=True)
    torch.testing.assert_close(found.gradients(targets), plain)
    assert found.gradients(targets, guided=True) is guided
    assert not torch.allclose(guided, plain)


def test_guiding_ends_after_an_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    found, targets = pixels(Plain(seeded(Chain)), pictures()), torch.tensor(TARGETS)
    with monkeypatch.context() as patched:
        patched.setattr(torch.autograd, "grad", lambda *_args, **_options: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            found.gradients(targets, guided=True)
    plain = pixels(Plain(seeded(Chain)), pictures()).gradients(targets)
    torch.testing.assert_close(found.gradients(targets), plain)


@pytest.mark.parametrize(
    "relu",
    [
        functional.gelu,
        functional.leaky_relu,
        functional.hardtanh,
        lambda x: x.clamp(0, 1),
        lambda x: x.clamp(min=0.1),
    ],
)
def test_without_a_relu_it_is_refused(relu: Any) -> None:
    with pytest.raises(MapError, match=r'(?s)no ReLU runs in this network.*hint: use "input_gradient"'):
        raw(seeded(lambda: Functional(relu)), "guided_backprop")


def test_a_checkpoint_that_hides_its_relus_is_refused() -> None:
    class Hidden(Chain):
        def forward(self, x: Tensor) -> Tensor:
            x = checkpoint(lambda y: self.relu1(self.norm(self.stem(y))), x, use_reentrant=True)
            return self.fc(self.relu2(self.conv(x)).mean((2, 3)))

    with pytest.raises(MapError, match=r"(?s)ReLUs cannot be seen \(Checkpoint.*hint: .*use_reentrant=False"):
        raw(seeded(Hidden), "guided_backprop")


def test_guided_gradcam_is_the_product_of_its_parts() -> None:
    module = seeded(Chain)
    cam = raw(module, "gradcam").clamp(min=0)
    up = np.stack([reference.bilinear(item.double().numpy(), 12, 12) for item in cam])
    expected = raw(module, "guided_backprop").double().numpy() * up
    np.testing.assert_allclose(
        raw(module, "guided_gradcam"), expected, rtol=0, atol=1e-5 * np.abs(expected).max()
    )
    assert np.abs(expected).max() > 0


def test_not_connected() -> None:
    class Cut(Chain):
        def forward(self, x: Tensor) -> Tensor:
            return super().forward(x.detach())

    request = Request(method="input_gradient", targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(seeded(Cut)), pictures(), layer="conv", requests=[request]).maps
    assert found.status == ("disconnected",) * 4
