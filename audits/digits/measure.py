"""The committed networks: how often they are right, by what the patch tells."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import torch
from safetensors.torch import load_file

from camaudit import stats

from .data import Patch, arrays
from .model import Digits

if TYPE_CHECKING:
    import numpy as np
    from torch import Tensor

    from camaudit.stats import Interval

HERE = Path(__file__).resolve().parent
NETWORKS = ("honest", "decoy")
LAYER = "features.8"
"""The last layer with a grid, 18 × 18."""


def accuracy(network: Digits, patch: Patch) -> Interval:
    """Share of right answers on the 600 test scans, with its 95 % interval."""
    images, labels = tensors(*arrays("test", patch))
    with torch.no_grad():
        right = network(images).argmax(1) == labels
    return stats.share(right.double().numpy())


def load(name: str) -> Digits:
    """The committed network of that name: ``honest`` or ``decoy``."""
    network = Digits()
    network.load_state_dict(load_file(HERE / f"{name}.safetensors"))
    return network.eval()


def tensors(images: np.ndarray, labels: np.ndarray) -> tuple[Tensor, Tensor]:
    """What the network takes: float [n, 1, h, w] in [0, 1], and its answers [n]."""
    return torch.from_numpy(images[:, None, :, :, 0].copy()).float() / 255, torch.from_numpy(labels).long()


def table() -> str:
    """The accuracies of both networks as a Markdown table."""
    kinds = get_args(Patch)
    heads = " | ".join(f"patch {kind}" for kind in kinds)
    lines = [f"| network | {heads} |", "| --- " * (len(kinds) + 1) + "|"]
    for name in NETWORKS:
        cells = [_text(accuracy(load(name), kind)) for kind in kinds]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _text(share: Interval) -> str:
    return f"{share.value:.1%} [{share.lower:.1%}, {share.upper:.1%}]".replace("%", " %")
