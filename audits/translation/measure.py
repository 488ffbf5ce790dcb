"""The committed networks: what they do to the fruit and to the rest, held against the true counterpart."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from safetensors.torch import load_file

from camaudit import stats

from .data import picture
from .model import DOMAINS, Translator

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.stats import Interval

    from .data import Scenery

HERE = Path(__file__).resolve().parent
NETWORKS = ("guided", "scenery")
N = 400
BATCH = 50


def load(name: str) -> Translator:
    """The committed network of that name: ``guided`` or ``scenery``."""
    network = Translator()
    network.load_state_dict(load_file(HERE / f"{name}.safetensors"))
    return network.eval()


def tensors(images: np.ndarray) -> Tensor:
    """What the network takes: float [n, 3, h, w] in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def figures(network: Translator, scenery: Scenery, n: int = N) -> dict[str, Interval]:
    """What the network makes of `n` test pictures from before, with 95 % intervals.

    ``turned green``: share of fruit whose mean colour is nearer to that of the same scene after than before.
    ``error on the fruit`` and ``change elsewhere``: mean absolute difference in grey levels of 255, from the
    scene after and from the picture itself. ``judged after``: share that the judge takes for pictures
    from after.
    """
    before, after, fruit = _pairs(scenery, n)
    made, answers = _made(network, before)
    mean = _mean_colour(made, fruit)
    far, near = (np.abs(mean - _mean_colour(other, fruit)).sum(1) for other in (before, after))
    error = np.abs(made - after).mean(3)
    change = np.abs(made - before).mean(3)
    return {
        "turned green": stats.share((near < far).astype(float)),
        "error on the fruit": _level(_inside(error, fruit)),
        "change elsewhere": _level(_inside(change, ~fruit)),
        "judged after": stats.share((answers == DOMAINS.index("after")).astype(float)),
    }


def untouched(scenery: Scenery = "random", n: int = N) -> Interval:
    """The error on the fruit of a generator that hands on the picture as it is."""
    before, after, fruit = _pairs(scenery, n)
    return _level(_inside(np.abs(before - after).mean(3), fruit))


def table(n: int = N) -> str:
    """Both networks on either scenery, as Markdown."""
    names = ("turned green", "error on the fruit", "change elsewhere", "judged after")
    lines = [f"| network, scenery | {' | '.join(names)} |", "| --- " * (len(names) + 1) + "|"]
    kinds: tuple[Scenery, ...] = ("random", "told")
    for name in NETWORKS:
        for kind in kinds:
            found = figures(load(name), kind, n)
            lines.append(f"| {name}, {kind} | {' | '.join(_text(key, found[key]) for key in names)} |")
    lines.append(f"| picture as it is | 0 % | {_text('', untouched(n=n))} | 0 | |")
    return "\n".join(lines)


def _pairs(scenery: Scenery, n: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pictures before, the same scenes after (the ground of before), [n, h, w, 3] in [0, 1], and masks."""
    before = [picture(i, domain="before", scenery=scenery) for i in range(n)]
    # The counterpart keeps the ground: only the fruit may change.
    after = [picture(i, domain="after", scenery=scenery, like="before") for i in range(n)]
    images = (np.stack([item.image for item in some]) / 255 for some in (before, after))
    return *images, np.stack([item.object for item in before])


def _made(network: Translator, images: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    made, answers = [], []
    with torch.no_grad():
        for batch in torch.split(torch.from_numpy(images).permute(0, 3, 1, 2).float(), BATCH):
            found = network(batch)
            made.append(found["image"].permute(0, 2, 3, 1))
            answers.append(found["logits"].argmax(1))
    return torch.cat(made).numpy(), torch.cat(answers).numpy()


def _mean_colour(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    colours: np.ndarray = (images * masks[..., None]).sum((1, 2)) / masks.sum((1, 2))[:, None]
    return colours


def _inside(values: np.ndarray, masks: np.ndarray) -> np.ndarray:
    means: np.ndarray = (values * masks).sum((1, 2)) / masks.sum((1, 2))
    return means


def _level(shares: np.ndarray) -> Interval:
    return stats.bootstrap_mean(shares * 255, bounds=(0.0, 255.0))


def _text(name: str, found: Interval) -> str:
    if name in {"turned green", "judged after"}:
        return f"{found.value:.1%} [{found.lower:.1%}, {found.upper:.1%}]".replace("%", " %")
    return f"{found.value:.1f} [{found.lower:.1f}, {found.upper:.1f}]"
