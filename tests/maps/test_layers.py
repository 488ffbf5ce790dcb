"""The layer that is looked at: chosen, explained, warned about, refused."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torchvision
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.maps.layers import auto_layer, describe_layer
from tests.maps.networks import Plain, Twice, pictures


def torchvision_network(name: str, **options: Any) -> Plain:
    return Plain(seeded(lambda: getattr(torchvision.models, name)(weights=None, **options)))


@pytest.mark.parametrize(
    ("name", "size", "layer", "shape"),
    [
        ("resnet18", 96, "layer4", (1, 512, 3, 3)),
        ("densenet121", 96, "features", (1, 1024, 3, 3)),
        ("mobilenet_v3_small", 96, "features", (1, 576, 3, 3)),
        ("convnext_tiny", 96, "features", (1, 768, 3, 3)),
        ("efficientnet_b0", 96, "features", (1, 1280, 3, 3)),
        ("shufflenet_v2_x0_5", 96, "conv5", (1, 1024, 3, 3)),
    ],
)
def test_auto_on_torchvision(name: str, size: int, layer: str, shape: tuple[int, ...]) -> None:
    chosen = auto_layer(torchvision_network(name), pictures(2, size))
    assert (chosen.name, chosen.shape, chosen.warnings) == (layer, shape, ())
    assert "the last layer with parameters that puts out a grid" in chosen.why
    assert f"{shape[1]} channels of {shape[2]}×{shape[3]}" in chosen.why


@pytest.mark.slow
def test_auto_on_vgg() -> None:
    assert auto_layer(torchvision_network("vgg16"), pictures(1, 64)).name == "features"


def test_auto_takes_the_outermost_block_and_not_the_root() -> None:
    module = seeded(
        lambda: nn.Sequential(nn.Sequential(nn.Conv2d(3, 4, 1), nn.Conv2d(4, 5, 1)), nn.Flatten(1))
    )
    assert auto_layer(Plain(module), pictures()).name == "0"
    whole = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 1), nn.Sequential(nn.Conv2d(4, 5, 1))))
    assert auto_layer(Plain(whole), pictures()).name == "1"


def test_auto_warns_where_later_convolutions_see_one_cell() -> None:
    chosen = auto_layer(torchvision_network("resnet18"), pictures(1, 32))
    assert chosen.name == "layer3"
    assert chosen.warnings == (
        "'layer4' comes later but puts out 1×1 at this image size; larger images would give it a grid",
    )


def test_auto_prefers_a_layer_that_runs_once() -> None:
    chosen = auto_layer(Plain(seeded(Twice)), pictures())
    assert chosen.name == "stem"
    assert chosen.warnings == ("'block' comes later but runs 2 times in one forward: 'stem' is taken",)


def test_auto_warns_where_all_layers_run_several_times() -> None:
    class Siamese(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, 3))
            self.fc = nn.Linear(4, 5)

        def forward(self, x: Tensor) -> Tensor:
            return self.fc((self.body(x) - self.body(x.flip(3))).mean((2, 3)))

    chosen = auto_layer(Plain(seeded(Siamese)), pictures())
    assert chosen.name == "body"
    assert chosen.warnings == ("'body' runs 2 times in one forward; maps.call has to choose one of them",)


def test_auto_notes_an_inplace_successor() -> None:
    class Followed(Chain):
        def forward(self, x: Tensor) -> Tensor:
            return self.fc(self.conv(self.stem(x)).relu_().mean((2, 3)))

    chosen = auto_layer(Plain(seeded(Followed)), pictures())
    assert (chosen.name, chosen.warnings) == ("conv", ())
    assert chosen.notes == (
        "a later step changes the output of 'conv' in place; the map is made of what it was before",
    )


def test_warns_of_norms_that_mix_the_images_of_a_batch() -> None:
    module = seeded(
        lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4, track_running_stats=False), nn.Flatten(1))
    )
    (warning,) = auto_layer(Plain(module), pictures()).warnings
    assert "'1' normalises with the statistics of the batch" in warning


def test_nothing_spatial_says_what_was_seen() -> None:
    module = seeded(lambda: nn.Sequential(nn.Flatten(1), nn.Linear(432, 5)))
    with pytest.raises(
        MapError, match=r"no layer with parameters puts out a grid .*1 puts out a tensor \[1, 5\]"
    ):
        auto_layer(Plain(module), pictures())


def test_only_one_cell_says_what_was_seen() -> None:
    module = seeded(lambda: nn.Sequential(nn.Conv2d(3, 4, 12), nn.Flatten(1)))
    with pytest.raises(
        MapError, match=r"(?s)seen: 0 puts out a tensor \[1, 4, 1, 1\].*hint: larger images may help"
    ):
        auto_layer(Plain(module), pictures())


class Tokens(nn.Module):
    """Patches, then tokens; with a convolutional body before if `body`."""

    def __init__(self, *, body: bool) -> None:
        super().__init__()
        self.body = nn.Conv2d(3, 3, 3, padding=1) if body else nn.Identity()
        self.patches = nn.Conv2d(3, 8, 4, 4)
        self.block = nn.Linear(8, 8)
        self.head = nn.Linear(8, 5)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.block(self.patches(self.body(x)).flatten(2).mT).mean(1))


@pytest.mark.parametrize("body", [False, True])
def test_tokens_of_the_last_grid_are_looked_at(body: bool) -> None:
    chosen = auto_layer(Plain(seeded(lambda: Tokens(body=body))), pictures())
    assert (chosen.name, chosen.shape, chosen.warnings) == ("block", (1, 8, 3, 3), ())
    assert chosen.notes == ("read as tokens: 0 without a place, then 3×3",)


def test_a_grid_before_tokens_is_warned_of() -> None:
    chosen = describe_layer(Plain(seeded(lambda: Tokens(body=False))), pictures(), "patches")
    (warning,) = chosen.warnings
    assert "1 layers with parameters come after 'patches' and put out tokens" in warning


class Captions(nn.Module):
    """Words after a convolutional body: a sequence, and none of the image's."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            nn.Conv2d(3, 4, 3, 2, padding=1), nn.ReLU(), nn.Conv2d(4, 8, 3, 2, padding=1)
        )
        self.words = nn.Linear(8, 7)

    def forward(self, x: Tensor) -> Tensor:
        features = self.body(x).mean((2, 3))
        return self.words(torch.stack([features * step for step in range(1, 13)], 1)).sum(1)


def test_words_are_no_places() -> None:
    chosen = auto_layer(Plain(seeded(Captions)), pictures())
    assert (chosen.name, chosen.shape) == ("body", (1, 8, 3, 3))
    assert "'words'" in chosen.warnings[0]


def test_only_the_first_image_runs() -> None:
    sizes = []
    network = Plain(seeded(Chain))
    network.pick = lambda logits: sizes.append(len(logits)) or logits
    auto_layer(network, pictures(4))
    describe_layer(network, pictures(4), "conv")
    assert sizes == [1, 1]


def test_describe_a_named_layer() -> None:
    chosen = describe_layer(Plain(seeded(Chain)), pictures(), "stem")
    assert (chosen.name, chosen.shape, chosen.warnings) == ("stem", (1, 6, 12, 12), ())
    assert chosen.why == "named in the spec (Conv2d, 6 channels of 12×12)"


def test_describe_warns_of_one_cell_and_of_several_calls() -> None:
    network = torchvision_network("resnet18")
    assert describe_layer(network, pictures(1, 32), "layer4").warnings == (
        "'layer4' puts out 1×1: a map of one cell cannot say where",
    )
    assert "runs 2 times" in describe_layer(Plain(seeded(Twice)), pictures(), "block").warnings[0]


def test_describe_finds_a_module_by_its_second_name() -> None:
    module = seeded(Chain)
    module.alias = module.conv
    assert describe_layer(Plain(module), pictures(), "alias").shape == (1, 8, 6, 6)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cnov", "no layer 'cnov', did you mean \"conv\""),
        ("fc", r"layer 'fc': puts out a tensor \[1, 5\]"),
        ("idle", "layer 'idle': does not run"),
    ],
)
def test_describe_refuses(name: str, message: str) -> None:
    module = seeded(Chain)
    module.idle = nn.Conv2d(3, 3, 1)
    with pytest.raises(MapError, match=message):
        describe_layer(Plain(module), pictures(), name)


def test_the_network_is_left_as_found() -> None:
    module = seeded(Chain).train()
    random = torch.get_rng_state()
    auto_layer(Plain(module), pictures())
    assert all(item.training for item in module.modules())
    assert not any(item._forward_hooks for item in module.modules())
    assert torch.equal(torch.get_rng_state(), random)
