"""LIME, integrated gradients and occlusion: captum called directly, known answers, and the missing extra."""

from __future__ import annotations

import sys

import pytest
import torch
from torch import nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps import perturbed
from camaudit.maps.compute import Request, compute
from camaudit.targets import Scalar
from tests.maps.networks import Plain, pictures

attr = pytest.importorskip("captum.attr")
pytest.importorskip("skimage.segmentation")
pytest.importorskip("sklearn.linear_model")

TARGETS = torch.tensor([0, 1, 4, 1])
NAMES = ["integrated_gradients", "occlusion", "lime"]


def raw(method: str, module: nn.Module | None = None, images: torch.Tensor | None = None) -> torch.Tensor:
    network = Plain(module if module is not None else seeded(Chain))
    images = pictures(4, 16) if images is None else images
    return compute(network, images, layer="", requests=[Request(method=method, targets=TARGETS)]).maps[0].raw


def test_integrated_gradients_equals_captum() -> None:
    images = pictures(4, 16)
    theirs = attr.IntegratedGradients(seeded(Chain)).attribute(images, 0.0, TARGETS, n_steps=50)
    expected = theirs.detach().sum(1).float()
    torch.testing.assert_close(
        raw("integrated_gradients"), expected, rtol=0, atol=1e-5 * float(expected.abs().max())
    )


def test_integrated_gradients_add_up_to_the_difference_of_scores() -> None:
    module, images = seeded(Chain), pictures(4, 16)
    with torch.no_grad():
        gained = (module(images) - module(torch.zeros_like(images))).gather(1, TARGETS[:, None])[:, 0]
    torch.testing.assert_close(raw("integrated_gradients").sum((1, 2)), gained, rtol=0.02, atol=1e-3)


def test_occlusion_equals_captum() -> None:
    images = pictures(4, 16)
    theirs = attr.Occlusion(seeded(Chain)).attribute(
        images, (3, 2, 2), strides=(3, 1, 1), baselines=0.5, target=TARGETS
    )
    torch.testing.assert_close(raw("occlusion"), theirs[:, 0].float().detach(), rtol=1e-5, atol=1e-6)


def test_occlusion_by_hand() -> None:
    class Corner(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(1.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([self.scale * x[:, 0, 0, 0]] * 5, 1)

    found = raw("occlusion", Corner(), torch.ones(4, 3, 16, 16))
    # Squares of 2×2 in steps of 1: the one at the corner hides 1 behind .5, alone over (0, 0), ...
    assert found[0, 0, 0] == 0.5
    # ... as one of two over (0, 1), and as one of four over (1, 1).
    assert (found[0, 0, 1], found[0, 1, 1]) == (0.25, 0.125)
    assert (found[0, 2:] == 0).all()


def test_lime_equals_captum_image_by_image() -> None:
    from captum._utils.models.linear_model import SkLearnRidge
    from skimage.segmentation import slic

    module, images = seeded(Chain), pictures(4, 16)
    found = raw("lime")
    for row in range(4):
        regions = slic(
            images[row].double().permute(1, 2, 0).numpy(),
            n_segments=50,
            compactness=10,
            start_label=0,
            channel_axis=-1,
        )
        with torch.random.fork_rng():
            torch.manual_seed(0)
            theirs = attr.Lime(module, SkLearnRidge(alpha=1.0)).attribute(
                images[row : row + 1],
                baselines=0.5,
                target=int(TARGETS[row]),
                feature_mask=torch.from_numpy(regions)[None, None],
                n_samples=256,
            )
        expected = theirs[0, 0].float()
        torch.testing.assert_close(found[row], expected, rtol=0, atol=1e-5 * float(expected.abs().max()))


def test_lime_finds_the_part_that_counts() -> None:
    class Left(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.tensor(10.0))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.stack([self.scale * x[:, :, :, :8].mean((1, 2, 3))] * 5, 1)

    images = torch.zeros(4, 3, 16, 16) + torch.linspace(0.8, 1.0, 16)
    found = raw("lime", Left(), images)
    assert found[:, :, :6].mean() > 10 * found[:, :, 10:].abs().mean()


def test_lime_scales_with_the_score() -> None:
    module = seeded(Chain)
    before = raw("lime", module)
    with torch.no_grad():
        module.fc.weight.mul_(1e-4)
        module.fc.bias.mul_(1e-4)
    torch.testing.assert_close(raw("lime", module), before * 1e-4, rtol=1e-2, atol=1e-7)


def test_lime_refuses_an_image_of_one_part() -> None:
    with pytest.raises(MapError, match=r"(?s)image 0 of the batch: LIME needs at least two superpixels"):
        raw("lime", images=torch.full((4, 3, 1, 1), 0.5).repeat(1, 1, 3, 3).contiguous()[:, :, :1, :1])


@pytest.mark.parametrize("name", ["occlusion", "lime"])
def test_functions_need_no_gradient(name: str) -> None:
    target = Scalar(function=lambda logits: torch.from_numpy(logits.detach().numpy()[:, 2].copy()))
    requests = [Request(method=name, targets=item) for item in (target, torch.full((4,), 2))]
    one, other = compute(Plain(seeded(Chain)), pictures(), layer="", requests=requests).maps
    torch.testing.assert_close(one.raw, other.raw)


@pytest.mark.parametrize("name", NAMES)
def test_no_random_state_and_no_gradient_is_left_behind(name: str) -> None:
    module = seeded(Chain)
    torch.manual_seed(3)
    before = torch.get_rng_state()
    raw(name, module)
    assert torch.equal(torch.get_rng_state(), before)
    assert all(parameter.grad is None for parameter in module.parameters())


@pytest.mark.parametrize(("name", "library"), [(name, "captum") for name in NAMES] + [("lime", "skimage")])
def test_a_missing_extra_is_named(name: str, library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = {module for module in sys.modules if module.partition(".")[0] == library}
    for module in gone | {"captum.attr", "skimage.segmentation"}:
        if module.partition(".")[0] == library:
            monkeypatch.setitem(sys.modules, module, None)
    message = rf'(?s)this method needs {library}, which cannot be imported.*hint: .*"camaudit\[explain\]"'
    with pytest.raises(MapError, match=message):
        raw(name)


def test_the_room_imports_without_the_extra() -> None:
    assert not {"attr", "captum", "skimage"} & set(vars(perturbed))
