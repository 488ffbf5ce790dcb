"""Where `layer: auto` looks in well-known architectures; docs/maps.md shows this table."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
import torchvision
from torch import Tensor, nn

from camaudit.classifier import architectures
from camaudit.contract.network import seeded
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer
from tests.maps.networks import Plain
from tests.maps.transformers import Vit

TABLE = [
    ("alexnet", (224, 224), "features", (256, 6, 6), "grid"),
    ("vgg16", (224, 224), "features", (512, 7, 7), "grid"),
    ("googlenet", (224, 224), "inception5b", (1024, 7, 7), "grid"),
    ("resnet18", (224, 224), "layer4", (512, 7, 7), "grid"),
    ("resnet50", (224, 224), "layer4", (2048, 7, 7), "grid"),
    ("densenet121", (224, 224), "features", (1024, 7, 7), "grid"),
    ("efficientnet_b0", (224, 224), "features", (1280, 7, 7), "grid"),
    ("mobilenet_v2", (224, 224), "features", (1280, 7, 7), "grid"),
    ("mobilenet_v3_large", (224, 224), "features", (960, 7, 7), "grid"),
    ("convnext_tiny", (224, 224), "features", (768, 7, 7), "grid"),
    ("vit_b_16", (224, 224), "encoder.layers.encoder_layer_11.ln_1", (768, 14, 14), "tokens"),
    ("swin_t", (224, 224), "features", (768, 7, 7), "channels_last"),
    ("swin_t", (224, 320), "features", (768, 7, 10), "channels_last"),
    ("nin", (32, 32), "features", (10, 8, 8), "grid"),
    ("all_cnn", (32, 32), "features", (10, 6, 6), "grid"),
    ("small ViT, mean of tokens", (32, 48), "blocks", (16, 8, 12), "tokens"),
]
QUICK = {"alexnet", "googlenet", "resnet18", "nin", "all_cnn", "small ViT, mean of tokens"}
PAGE = (Path(__file__).parents[2] / "docs/maps.md").read_text(encoding="utf-8")


def network(name: str) -> nn.Module:
    if name in {"nin", "all_cnn"}:
        return seeded(getattr(architectures, name))
    if name.startswith("small"):
        return seeded(lambda: Vit(0, pool="mean"))
    options = {"init_weights": True, "aux_logits": True} if name == "googlenet" else {}
    made = seeded(lambda: getattr(torchvision.models, name)(weights=None, **options))
    if name == "vit_b_16":
        # torchvision's starts at zero: no gradient would arrive anywhere.
        nn.init.normal_(made.heads.head.weight, generator=torch.Generator().manual_seed(0))
    return made


def images(size: tuple[int, int]) -> Tensor:
    return torch.rand(1, 3, *size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("name", "size", "layer", "shape", "layout"),
    [
        pytest.param(*row, id=f"{row[0]}-{row[1][1]}", marks=[] if row[0] in QUICK else pytest.mark.slow)
        for row in TABLE
    ],
)
def test_auto(name: str, size: tuple[int, int], layer: str, shape: tuple[int, ...], layout: str) -> None:
    module = Plain(network(name))
    chosen = auto_layer(module, images(size))
    assert (chosen.name, chosen.shape[1:], chosen.layout.kind) == (layer, shape, layout)
    assert chosen.warnings == ()
    request = Request(method="gradcam", targets=lambda logits: logits.argmax(1), relu=False)
    (made,) = compute(module, images(size), layer=layer, layout=chosen.layout, requests=[request]).maps
    assert made.raw.shape == (1, *shape[1:])
    assert made.status == ("ok",)


@pytest.mark.parametrize(("name", "size", "layer", "shape", "layout"), TABLE)
def test_the_page_says_so(
    name: str, size: tuple[int, int], layer: str, shape: tuple[int, ...], layout: str
) -> None:
    channels, rows, columns = shape
    grid = f"{channels} × {rows}×{columns}"
    written = [[cell.strip(" `") for cell in line.split("|")[1:-1]] for line in PAGE.splitlines()]
    assert [name, f"{size[0]}×{size[1]}", layer, grid, layout] in written
