"""The committed network: how often its captions and its words are right, beside one that sees no picture."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from safetensors.torch import load_file

from camaudit import stats

from .data import CONTENT, SLOTS, arrays
from .model import Captioner

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.stats import Interval

HERE = Path(__file__).resolve().parent
N = 500
BATCH = 50
ROWS = ("whole caption", "first colour", "first shape", "relation", "second colour", "second shape")


def load() -> Captioner:
    """The committed network."""
    network = Captioner()
    network.load_state_dict(load_file(HERE / "captions.safetensors"))
    return network.eval()


def pictures(images: np.ndarray) -> Tensor:
    """What the network takes: float [n, 3, h, w] in [0, 1]."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255


def figures(network: Captioner, n: int = N) -> dict[str, Interval]:
    """Share of test scenes where its own caption is right, whole and slot by slot, with 95 % intervals."""
    images, captions = arrays(n, split="test")
    return _shares(_said(network, images) == captions)


def depends(network: Captioner, n: int = N) -> dict[str, tuple[Interval, Interval]]:
    """What each word hangs on, asked by changing the scene itself, with 95 % intervals.

    First, the share of scenes where the word is right after the object that it names got another colour
    (for a colour) or another shape (for a shape): it follows its object. Second, the share where it is what
    it was after the same was done to the other object: it does not follow that one.
    """
    before = _said(network, arrays(n, split="test")[0])
    found = {}
    for slot, own in CONTENT.items():
        place = SLOTS.index(slot)
        what: Literal["colour", "shape"] = "colour" if "colour" in slot else "shape"
        (images, captions), (others, _) = (
            arrays(n, split="test", change=(which, what)) for which in _pair(own)
        )
        follows = _said(network, images)[:, place] == captions[:, place]
        stays = _said(network, others)[:, place] == before[:, place]
        found[slot] = (stats.share(follows.astype(float)), stats.share(stays.astype(float)))
    return found


def blind(n: int = N) -> dict[str, Interval]:
    """The same for one that sees no picture: the commonest word of the training scenes, slot by slot.

    As a whole caption it is the commonest one of them.
    """
    _, known = arrays(2000, split="train")
    _, captions = arrays(n, split="test")
    modes = np.array([np.bincount(column).argmax() for column in known.T])
    whole, counts = np.unique(known, axis=0, return_counts=True)
    found = _shares(captions == modes)
    exact = (captions == whole[counts.argmax()]).all(1)
    return {**found, "whole caption": stats.share(exact.astype(float))}


def table(n: int = N) -> str:
    """Network and blind baseline, as Markdown."""
    seeing, guessing = figures(load(), n), blind(n)
    lines = ["| right | network | blind |", "| --- | --- | --- |"]
    lines += [f"| {name} | {_text(seeing[name])} | {_text(guessing[name])} |" for name in ROWS]
    return "\n".join(lines)


def dependence(n: int = N) -> str:
    """What the words of the network hang on, as Markdown."""
    lines = ["| word | follows its object | stays when the other changes |", "| --- | --- | --- |"]
    lines += [
        f"| {slot} | {_text(own)} | {_text(other)} |" for slot, (own, other) in depends(load(), n).items()
    ]
    return "\n".join(lines)


def _said(network: Captioner, images: np.ndarray) -> np.ndarray:
    """The captions that it says, as places in `WORDS` [n, 8]."""
    with torch.no_grad():
        said = [network(batch)["caption"] for batch in torch.split(pictures(images), BATCH)]
    words: np.ndarray = torch.cat(said).numpy()
    return words


def _pair(own: int) -> tuple[Literal[0, 1], Literal[0, 1]]:
    """An object and the other one."""
    return (0, 1) if own == 0 else (1, 0)


def _shares(right: np.ndarray) -> dict[str, Interval]:
    found = {"whole caption": stats.share(right.all(1).astype(float))}
    return found | {
        name: stats.share(right[:, SLOTS.index(name)].astype(float)) for name in ROWS if name in SLOTS
    }


def _text(share: Interval) -> str:
    return f"{share.value:.1%} [{share.lower:.1%}, {share.upper:.1%}]".replace("%", " %")
