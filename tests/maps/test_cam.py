"""CAM in closed form: equal to Grad-CAM up to its constant, and refused where it is not CAM."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps.compute import Request, compute
from tests.maps.networks import Plain, pictures

TARGETS = torch.tensor([0, 1, 4, 1])


def both(module: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    requests = [Request(method=name, targets=TARGETS) for name in ("cam", "gradcam")]
    cam, gradcam = compute(Plain(module), images, layer=layer, requests=requests).maps
    return cam.raw, gradcam.raw


@pytest.mark.parametrize("layer", ["relu2", "drop"])
def test_equals_gradcam_times_the_number_of_cells(layer: str) -> None:
    module = seeded(Chain)
    if layer == "drop":
        module.drop, module.pool = nn.Dropout(0.5), nn.Identity()
        module.forward = lambda x: module.fc(
            module.drop(module.relu2(module.conv(module.relu1(module.norm(module.stem(x)))))).mean((2, 3))
        )
    cam, gradcam = both(module, pictures(), layer)
    assert cam.shape == (4, 6, 6)
    torch.testing.assert_close(cam, gradcam * 36)
    assert cam.abs().max() > 0


def test_equals_gradcam_on_a_resnet() -> None:
    module = seeded(lambda: torchvision.models.resnet18(weights=None))
    cam, gradcam = both(module, pictures(4, 64), "layer4")
    torch.testing.assert_close(cam, gradcam * 4, rtol=1e-4, atol=1e-5 * float(cam.abs().max()))


def test_in_bf16() -> None:
    module = seeded(Chain)
    exact, _ = both(module, pictures(), "relu2")
    rounded, _ = both(module.bfloat16(), pictures(), "relu2")
    assert rounded.dtype == torch.float32
    torch.testing.assert_close(rounded, exact, rtol=0, atol=0.05 * float(exact.abs().max()))


def test_no_backward(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.autograd, "grad", lambda *_args, **_options: pytest.fail("a backward"))
    request = Request(method="cam", targets=TARGETS)
    (found,) = compute(Plain(seeded(Chain)), pictures(), layer="relu2", requests=[request]).maps
    assert found.status == ("ok",) * 4


class Headed(nn.Module):
    def __init__(self, head: Any, layers: int = 1) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, 8, 3, padding=1)
        self.hidden = nn.Linear(8, 8)
        self.fc = nn.Linear(8, 5)
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self, self.layer(x))


INPUT = "the last linear layer's input is not the spatial mean of this layer's output"
HEADS = {
    "max pooling": (lambda m, x: m.fc(x.amax((2, 3))), INPUT),
    "ReLU before pooling": (lambda m, x: m.fc(x.relu().mean((2, 3))), INPUT),
    "norm behind pooling": (lambda m, x: m.fc(nn.functional.layer_norm(x.mean((2, 3)), (8,))), INPUT),
    "two linear layers": (lambda m, x: m.fc(m.hidden(x.mean((2, 3)))), INPUT),
    "another shape": (
        lambda m, x: nn.functional.linear(m.fc(m.hidden(x.mean((2, 3))[:, None])[:, 0]), torch.eye(5)),
        INPUT,
    ),
    "softmax": (
        lambda m, x: m.fc(x.mean((2, 3))).softmax(1),
        "the last linear layer's output is not the network's logits",
    ),
    "no linear layer": (lambda m, x: x.mean((2, 3)), "no linear layer runs in this network"),
}


@pytest.mark.parametrize("head", HEADS)
def test_refused_where_the_head_is_another(head: str) -> None:
    run, words = HEADS[head]
    request = Request(method="cam", targets=TARGETS)
    message = f"(?s)layer 'layer': CAM needs global average pooling .*; {words}.*hint: .*\"gradcam\""
    with pytest.raises(MapError, match=message):
        compute(Plain(seeded(lambda: Headed(run))), pictures(), layer="layer", requests=[request])
