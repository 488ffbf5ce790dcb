"""Tokens and channels-last outputs as grids: found, refused, and explained exactly."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from camaudit.contract.network import seeded
from camaudit.errors import MapError
from camaudit.evidence import TokenGrid
from camaudit.maps import attention_map
from camaudit.maps.capture import capture
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer, describe_layer, every_layer
from camaudit.maps.layout import Layout, find_layout
from tests.maps.networks import Plain
from tests.maps.transformers import Swin, Vit
from tests.reference import transformers as reference

TARGETS = torch.tensor([0, 3])
ON_GRIDS = ("gradcam", "hirescam", "gradcampp", "layercam", "xgradcam", "scorecam")


def images(height: int = 16, width: int = 24) -> Tensor:
    return torch.rand(2, 3, height, width, generator=torch.Generator().manual_seed(3))


def vit(prefix: int = 1, **options) -> nn.Module:
    return seeded(lambda: Vit(prefix, **options))


@pytest.mark.parametrize("prefix", [1, 5])
def test_a_class_token_is_looked_at_before_the_last_attention(prefix):
    chosen = auto_layer(Plain(vit(prefix)), images())
    assert (chosen.name, chosen.shape, chosen.warnings) == ("blocks.1.norm1", (1, 16, 4, 6), ())
    assert (chosen.layout.kind, chosen.layout.prefix, chosen.layout.grid) == ("tokens", prefix, (4, 6))
    assert chosen.notes == (f"read as tokens: {prefix} without a place, then 4×6",)
    assert chosen.why == (
        "the last layer with parameters whose patches reach the logits (LayerNorm, 16 channels of 4×6; from "
        "'blocks.1.norm2' on, only tokens without a place (the class token) reach the logits)"
    )


@pytest.mark.parametrize("prefix", [0, 1])
def test_a_mean_over_tokens_is_looked_at_behind_the_last_block(prefix):
    chosen = auto_layer(Plain(vit(prefix, pool="mean")), images())
    assert (chosen.name, chosen.shape, chosen.layout.prefix) == ("blocks", (1, 16, 4, 6), prefix)
    assert "patches reach the logits (Sequential, 16 channels of 4×6)" in chosen.why


def test_channels_last_are_looked_at_before_the_closing_norm():
    chosen = auto_layer(Plain(seeded(Swin)), images())
    assert (chosen.name, chosen.shape, chosen.layout) == (
        "stage",
        (1, 16, 4, 6),
        Layout(kind="channels_last"),
    )
    assert chosen.notes == ("read as [n, h, w, c]: channels come last",)


def test_patches_without_a_convolution_go_by_the_aspect_ratio():
    chosen = auto_layer(Plain(vit(1, embed=False)), images())
    assert (chosen.name, chosen.layout.prefix, chosen.layout.grid) == ("blocks.1.norm1", 1, (4, 6))


class Torchs(nn.TransformerEncoderLayer):
    """torch's own block, whose parts do not run where gradients are off."""

    def __init__(self) -> None:
        super().__init__(16, 2, 32, dropout=0.0, batch_first=True, norm_first=True)


@pytest.mark.filterwarnings("ignore:enable_nested_tensor")
def test_torchs_fast_path_hides_no_layer():
    network = Plain(vit(blocks=Torchs))
    chosen = auto_layer(network, images())
    assert chosen.name == "blocks.1.norm1"
    named = describe_layer(network, images(), "blocks.1.norm1")
    assert named.layout == chosen.layout
    request = Request(method="gradcam", targets=TARGETS)
    made = compute(network, images(), layer=chosen.name, layout=chosen.layout, requests=[request]).maps[0]
    for row, target in enumerate(TARGETS.tolist()):
        wanted = reference.token_gradcam(
            network.module, chosen.name, images()[row], target, prefix=1, grid=(4, 6)
        )
        np.testing.assert_allclose(made.raw[row], wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("name", ["blocks.1", "blocks", "norm", "blocks.1.norm2", "blocks.1.mlp"])
def test_vanished_gradients_are_told_with_the_layer_that_would_do(name):
    message = rf"(?s)layer '{name}': .*exactly zero.*class token.*\"layer: blocks.1.norm1\" is the last"
    with pytest.raises(MapError, match=message):
        describe_layer(Plain(vit()), images(), name)


def test_vanished_gradients_are_told_without_a_dry_run_too():
    request = Request(method="gradcam", targets=TARGETS)
    layout = Layout(kind="tokens", prefix=1, grid=(4, 6))
    with pytest.raises(MapError, match=r"(?s)layer 'blocks': .*exactly zero.*\"layer: auto\" finds"):
        compute(Plain(vit()), images(), layer="blocks", layout=layout, requests=[request])


def test_a_network_without_evidence_is_not_called_a_vanished_gradient():
    module = vit()
    nn.init.zeros_(module.head.weight)
    assert describe_layer(Plain(module), images(), "blocks.1").name == "blocks.1"
    with pytest.raises(MapError, match=r"(?s)no gradient of the logits arrives.*last layer all zero"):
        auto_layer(Plain(module), images())


@pytest.mark.parametrize(
    ("module", "layer", "prefix"),
    [
        (vit(1), "blocks.1.norm1", 1),
        (vit(1), "blocks.0", 1),
        (vit(5), "blocks.1.norm1", 5),
        (vit(0, pool="mean"), "blocks", 0),
        (vit(1, pool="mean"), "norm", 1),
    ],
)
def test_gradcam_on_tokens_is_the_slow_one(module, layer, prefix):
    made = attention_map(Plain(module), images(), layer=layer, target=TARGETS)
    assert (made.scale > 0).all()
    for row, target in enumerate(TARGETS.tolist()):
        wanted = reference.token_gradcam(module, layer, images()[row], target, prefix=prefix, grid=(4, 6))
        np.testing.assert_allclose(made.raw[row], wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("layer", ["stage", "norm"])
def test_gradcam_on_channels_last_is_the_slow_one(layer):
    module = seeded(Swin)
    made = attention_map(Plain(module), images(), layer=layer, target=TARGETS)
    for row, target in enumerate(TARGETS.tolist()):
        wanted = reference.channels_last_gradcam(module, layer, images()[row], target)
        np.testing.assert_allclose(made.raw[row], wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())


@pytest.mark.parametrize("method", ON_GRIDS)
@pytest.mark.parametrize("module", [vit(), seeded(Swin)], ids=["vit", "swin"])
def test_every_method_sees_a_grid(method, module):
    found = attention_map(Plain(module), images(), method=method, target=TARGETS)
    assert found.raw.shape == (2, 4, 6)
    assert set(found.status) <= {"ok", "all-zero"}
    assert not any(item._forward_hooks for item in module.modules())


def test_cam_refuses_what_is_not_pooled():
    with pytest.raises(MapError, match="CAM needs global average pooling"):
        attention_map(Plain(vit()), images(), method="cam", target=TARGETS)


def test_cam_on_a_mean_over_tokens_is_gradcam_times_the_cells():
    module = vit(0, pool="mean")
    cam, gradcam = (
        attention_map(Plain(module), images(), method=method, layer="norm", target=TARGETS).raw
        for method in ("cam", "gradcam")
    )
    torch.testing.assert_close(cam, gradcam * 24, rtol=1e-4, atol=1e-6)


def test_a_layout_written_out_is_taken():
    chosen = describe_layer(Plain(vit()), images(), "blocks.0", TokenGrid(prefix=1, grid=(6, 4)))
    assert chosen.shape == (1, 16, 6, 4)
    assert auto_layer(Plain(vit()), images(), TokenGrid(prefix=1)).shape == (1, 16, 4, 6)
    assert auto_layer(Plain(vit()), images(), "grid").name == "patches"


@pytest.mark.parametrize("wanted", ["grid", "channels_last"])
def test_tokens_are_no_grid(wanted):
    with pytest.raises(MapError, match=rf"puts out \[1, 25, 16\], which cannot be read as {wanted}"):
        describe_layer(Plain(vit()), images(), "blocks.0", wanted)


def test_a_grid_is_no_sequence_of_tokens():
    with pytest.raises(MapError, match="cannot be read as tokens"):
        describe_layer(Plain(vit()), images(), "patches", "tokens")


def test_images_of_another_size_have_another_grid():
    network = Plain(vit())
    chosen = auto_layer(network, images())
    found = capture(network, images(24, 24), layer=chosen.name, layout=chosen.layout)
    assert found.activations.shape == (2, 16, 6, 6)


def test_every_layer_of_a_transformer():
    found = dict(every_layer(Plain(vit()), images()))
    assert list(found) == [
        "patches",
        *("blocks.0.norm1", "blocks.0.norm2", "blocks.0.mlp", "blocks.0"),
        *("blocks.1.norm1", "blocks.1.norm2", "blocks.1.mlp", "blocks.1"),
        *("blocks", "norm"),
    ]
    assert {layout.kind for name, layout in found.items() if name != "patches"} == {"tokens"}


@pytest.mark.parametrize(
    ("wanted", "length", "size", "message"),
    [
        ("tokens", 17, (32, 32), r"17 tokens, .* they may be 1 \+ 4×4, 8 \+ 3×3.*prefix: 1, grid: \[4, 4\]"),
        (TokenGrid(prefix=0), 13, (32, 32), r"13 tokens, of which no grid .* layout: \{tokens: \{prefix"),
        (TokenGrid(prefix=0), 12, (32, 32), r"12 tokens, .* they may be 0 \+ 3×4, 0 \+ 4×3"),
        (TokenGrid(prefix=1, grid=(4, 4)), 20, (32, 32), r"20 tokens; 1 without a place .* 4×4 make 17"),
        (TokenGrid(grid=(5, 5)), 20, (32, 32), r"20 tokens; 0 without a place and a grid of 5×5 make 25"),
    ],
)  # fmt: skip
def test_unclear_tokens_are_refused_with_what_to_write(wanted, length, size, message):
    with pytest.raises(MapError, match=f"(?s)layer 'x': puts out {message}"):
        find_layout(wanted, (1, length, 8), size, where="layer 'x'")


def test_the_grid_of_the_patches_decides():
    found = find_layout("auto", (1, 17, 8), (32, 32), patches=[(3, 3), (16, 16)], where="x")
    assert (found.prefix, found.grid) == (8, (3, 3))


@settings(deadline=None, max_examples=60)
@given(
    rows=st.integers(3, 20), columns=st.integers(3, 20), prefix=st.integers(0, 16), patch=st.integers(1, 16)
)
def test_patches_of_any_size_come_back_in_their_place(rows, columns, prefix, patch):
    size = (rows * patch, columns * patch)
    length = prefix + rows * columns
    layout = find_layout("auto", (1, length, 2), size, patches=[(rows, columns)], where="x")
    assert (layout.prefix, layout.grid) == (prefix, (rows, columns))
    values = torch.arange(length * 2.0).reshape(1, length, 2)
    grid = layout.spatial(values, size, "x")
    assert torch.equal(grid[0, :, rows - 1, 0], values[0, prefix + (rows - 1) * columns])
    assert torch.equal(grid.flatten(2).mT, values[:, prefix:])


@settings(deadline=None, max_examples=60)
@given(rows=st.integers(2, 20), columns=st.integers(2, 20), prefix=st.integers(0, 8))
def test_the_aspect_ratio_finds_the_grid_or_refuses(rows, columns, prefix):
    """What it says without having seen the patches is right, or fits as well; it never misreads a fit."""
    length = prefix + rows * columns
    try:
        found = find_layout("auto", (1, length, 2), (rows * 16, columns * 16), where="x")
    except MapError:
        return
    assert found.grid is not None
    assert found.prefix + found.grid[0] * found.grid[1] == length
    assert found.grid[0] * columns == found.grid[1] * rows


def torchvision_vit() -> nn.Module:
    made = torchvision.models.VisionTransformer(32, 8, 2, 2, 16, 32, num_classes=5)
    nn.init.normal_(made.heads.head.weight)
    return made


def torchvision_swin() -> nn.Module:
    return torchvision.models.SwinTransformer([4, 4], 8, [1, 1], [1, 2], [2, 2], num_classes=5)


def test_gradcam_of_torchvisions_transformers_is_the_slow_one():
    batch = images(32, 32)
    places = {torchvision_vit: "encoder.layers.encoder_layer_1.ln_1", torchvision_swin: "features"}
    for make, layer in places.items():
        module = seeded(make)
        made = attention_map(Plain(module), batch, target=TARGETS)
        assert made.layer == layer
        for row, target in enumerate(TARGETS.tolist()):
            wanted = (
                reference.token_gradcam(module, layer, batch[row], target, prefix=1, grid=(4, 4))
                if make is torchvision_vit
                else reference.channels_last_gradcam(module, layer, batch[row], target)
            )
            np.testing.assert_allclose(made.raw[row], wanted, rtol=1e-5, atol=1e-5 * np.abs(wanted).max())
