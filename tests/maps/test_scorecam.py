"""Score-CAM: a float64 replica that tries one channel at a time, dead channels, chunks and memory."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.maps.capture import capture
from camaudit.maps.compute import Request, compute
from camaudit.maps.scorecam import scorecam
from camaudit.targets import Scalar
from tests.maps.networks import Plain, pictures
from tests.reference import maps as reference

TARGETS = [0, 1, 4, 1]


def raw(module: nn.Module, images: Tensor, layer: str = "relu2") -> Tensor:
    request = Request(method="scorecam", targets=torch.tensor(TARGETS))
    return compute(Plain(module), images, layer=layer, requests=[request]).maps[0].raw


@pytest.mark.parametrize("layer", ["stem", "relu1", "conv", "relu2"])
@pytest.mark.parametrize("scale", [1.0, 50.0])
def test_equals_the_replica(layer: str, scale: float) -> None:
    module, images = seeded(Chain), pictures(4, 11)
    with torch.no_grad():
        module.fc.weight.mul_(scale)  # so that channels' weights differ
    found = raw(module, images, layer)
    for row, target in enumerate(TARGETS):
        expected = reference.scorecam(module, layer, images[row], target)
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-5 * np.abs(expected).max() * scale)
        assert np.abs(expected).max() > 0


def test_channels_that_are_the_same_everywhere_are_left_out() -> None:
    module, images = seeded(Chain), pictures()
    with torch.no_grad():
        module.conv.weight[2].zero_()
        module.conv.bias[2] = 3.0
    found = raw(module, images)
    assert found.isfinite().all()
    for row, target in enumerate(TARGETS):
        expected = reference.scorecam(module, "relu2", images[row], target)
        np.testing.assert_allclose(found[row], expected, rtol=0, atol=1e-5 * np.abs(expected).max())
    assert found.max() < 3.0, "the constant channel would lift the map"


def test_a_layer_without_any_pattern_is_all_zero() -> None:
    module = seeded(Chain)
    with torch.no_grad():
        module.conv.weight.zero_()
    request = Request(method="scorecam", targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(module), pictures(), layer="conv", requests=[request]).maps
    assert found.status == ("all-zero",) * 4


@pytest.mark.parametrize("chunk", [1, 3, 32, 1000])
def test_chunks_change_nothing(chunk: int) -> None:
    found = capture(Plain(seeded(Chain)), pictures(), layer="relu2")
    targets = torch.tensor(TARGETS)
    torch.testing.assert_close(scorecam(found, targets, chunk=chunk), scorecam(found, targets))


class Wide(nn.Module):
    """A layer of any number of channels; notes how many images are seen at once, and how often."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.layer = nn.Conv2d(3, channels, 3)
        self.fc = nn.Linear(channels, 5)
        self.batches: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        self.batches.append(len(x))
        assert not x.requires_grad
        return self.fc(self.layer(x).mean((2, 3)))


@pytest.mark.parametrize("channels", [4, 40, 200])
def test_never_more_than_a_chunk_is_seen_at_once(channels: int) -> None:
    module = seeded(lambda: Wide(channels))
    raw(module, pictures(), "layer")
    assert sum(module.batches[1:]) == 4 * channels
    assert max(module.batches) <= 32


def test_no_graph_is_built_and_no_activation_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    found = capture(Plain(seeded(Chain)), pictures(), layer="relu2")
    monkeypatch.setattr(torch.autograd, "grad", lambda *_args, **_options: pytest.fail("a backward"))
    saved: list[int] = []
    with torch.autograd.graph.saved_tensors_hooks(lambda item: saved.append(1) or item, lambda item: item):
        scorecam(found, torch.tensor(TARGETS))
    assert not saved


def test_a_bad_activation_is_not_hidden() -> None:
    images = pictures()
    images[1, 0, 5, 5] = float("nan")
    request = Request(method="scorecam", targets=torch.tensor(TARGETS))
    (found,) = compute(Plain(seeded(Chain)), images, layer="relu2", requests=[request]).maps
    assert [status == "non-finite" for status in found.status] == [False, True, False, False]


def test_functions_need_no_gradient() -> None:
    target = Scalar(function=lambda logits: torch.from_numpy(logits.detach().numpy()[:, 2].copy()))
    requests = [Request(method="scorecam", targets=item) for item in (target, torch.full((4,), 2))]
    one, other = compute(Plain(seeded(Chain)), pictures(), layer="relu2", requests=requests).maps
    torch.testing.assert_close(one.raw, other.raw)
