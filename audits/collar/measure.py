"""The committed networks: how often right, what flips under do(collar), where the evidence lies."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from safetensors.torch import load_file

from camaudit import Classifier, attention_map, stats
from camaudit.maps.finish import finish
from camaudit.metrics.overlap import energy_inside

from .data import CLASSES, animal, wears
from .model import Animals
from .painting import SIZE, paint_animal

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.stats import Interval

    from .data import Collars
    from .painting import Picture

Region = Literal["object", "collar"]

HERE = Path(__file__).resolve().parent
NETWORKS = ("honest", "collar")
N = 600
BATCH = 100
LAYER = "features.13"
"""The last layer with a grid, 16 × 16: the one that ``layer: auto`` picks in the audit."""


def load(name: str) -> Animals:
    """The committed network of that name: ``honest`` or ``collar``."""
    network = Animals()
    network.load_state_dict(load_file(HERE / f"{name}.safetensors"))
    return network.eval()


def accuracy(network: Animals, collars: Collars) -> Interval:
    """Share of right answers on 600 test animals, with its 95 % interval."""
    right = answers(network, collars) == torch.arange(N) % len(CLASSES)
    return stats.share(right.double().numpy())


def flips(network: Animals) -> Interval:
    """Share of answers that change when the same animal puts its collar on, with its 95 % interval."""
    return stats.share((answers(network, "all") != answers(network, "none")).double().numpy())


def answers(network: Animals, collars: Collars) -> Tensor:
    """The answers for 600 test animals; they are the same animals whatever `collars` says."""
    with torch.no_grad():
        return torch.cat([network(batch).argmax(1) for batch in torch.split(_images(collars), BATCH)])


def attention(network: Animals, region: Region, collars: Collars) -> Interval:
    """Share of the Grad-CAM of the answer that lies on a region, with its 95 % interval."""
    masks = torch.from_numpy(np.stack([getattr(item, region) for item in _animals(worn=True)]))
    classifier = Classifier(module=network)
    shares = [
        energy_inside(finish(attention_map(classifier, batch, layer=LAYER), size=(SIZE, SIZE)), mask)
        for batch, mask in zip(torch.split(_images(collars), BATCH), torch.split(masks, BATCH), strict=True)
    ]
    return stats.bootstrap_mean(torch.cat(shares).numpy(), bounds=(0.0, 1.0))


def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    """What the network takes: float [n, 3, h, w] in [0, 1], and its answers [n]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255, torch.from_numpy(labels).long()


def tables() -> str:
    """Both networks side by side, as Markdown: what they answer, and where their evidence lies."""
    kinds: tuple[Collars, ...] = ("consistent", "random", "reversed")
    heads = [*(f"right, collars {kind}" for kind in kinds), "answers that flip with the collar"]
    lines = _head(heads)
    for name in NETWORKS:
        network = load(name)
        shares = [*(accuracy(network, kind) for kind in kinds), flips(network)]
        lines.append(f"| {name} | {' | '.join(_percent(share) for share in shares)} |")
    parts: dict[str, Region] = {"animal": "object", "collar": "collar"}
    lines += ["", *_head([f"evidence on {part}, collars {kind}" for part in parts for kind in kinds[:2]])]
    for name in NETWORKS:
        network = load(name)
        means = [attention(network, region, kind) for region in parts.values() for kind in kinds[:2]]
        lines.append(f"| {name} | {' | '.join(_number(mean) for mean in means)} |")
    return "\n".join(lines)


def _images(collars: Collars) -> Tensor:
    pictures = [_animals(worn=wears(number, collars))[number].image for number in range(N)]
    return tensors(np.stack(pictures), np.zeros(N))[0]


@cache
def _animals(*, worn: bool) -> list[Picture]:
    """The test animals, all with their collars or all without."""
    return [paint_animal(animal(number), collar=worn) for number in range(N)]


def _head(heads: list[str]) -> list[str]:
    return [f"| network | {' | '.join(heads)} |", "| --- " * (len(heads) + 1) + "|"]


def _percent(share: Interval) -> str:
    return f"{share.value:.1%} [{share.lower:.1%}, {share.upper:.1%}]".replace("%", " %")


def _number(mean: Interval) -> str:
    return f"{mean.value:.3f} [{mean.lower:.3f}, {mean.upper:.3f}]"
