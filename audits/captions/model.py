"""A captioning network: convolutions, a vector of the picture, and a GRU that says word after word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import nn

from .data import CONTENT, SLOTS, WORDS

if TYPE_CHECKING:
    from torch import Tensor

HIDDEN = 64


class Captioner(nn.Module):
    """Pictures [n, 3, 32, 32] in [0, 1] → the caption that it says, and how sure it is of every word.

    Neuraltalk's idea (Karpathy and Fei-Fei, CVPR 2015), as in the Grad-CAM paper: the picture enters once, as
    the state that the decoder begins with. `features` ends in a grid of 16 × 16 cells that see 12 × 12
    pixels each.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = nn.Sequential(*_layer(3, 16, 4, stride=2), *_layer(16, 32, 3), *_layer(32, 32, 3))
        self.squeeze = nn.Sequential(
            nn.MaxPool2d(2), *_layer(32, 32, 3), nn.Conv2d(32, 12, 1), nn.ReLU(), nn.Flatten()
        )
        self.begin = nn.Linear(12 * 64, HIDDEN)
        self.embed = nn.Embedding(len(WORDS), 16)
        self.cell = nn.GRUCell(16, HIDDEN)
        self.say = nn.Linear(HIDDEN, len(WORDS))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``caption``: its words, int64 [n, 8]. ``scores`` [n, 5]: log-likelihoods of what it says.

        Of each word given the words before it: of the four that name an object, in the order of
        `data.CONTENT`, and the sum over all eight words, that of the whole caption.
        """
        state = self.state(images)
        said, likely = [], []
        word = torch.zeros(len(images), dtype=torch.int64, device=images.device)
        for place in range(len(SLOTS)):
            if place:
                state = self.cell(self.embed(word), state)
            logs = self.say(state).log_softmax(1)
            word = logs.argmax(1)
            said.append(word)
            likely.append(logs.gather(1, word[:, None])[:, 0])
        words = torch.stack(likely, 1)
        content = words[:, [SLOTS.index(slot) for slot in CONTENT]]
        return {
            "caption": torch.stack(said, 1),
            "scores": torch.cat([content, words.sum(1, keepdim=True)], 1),
        }

    def teach(self, images: Tensor, captions: Tensor) -> Tensor:
        """Log-likelihoods of the whole vocabulary, [n, 8, words], where the words before are given."""
        state, logs = self.state(images), []
        for place in range(captions.shape[1]):
            if place:
                state = self.cell(self.embed(captions[:, place - 1]), state)
            logs.append(self.say(state).log_softmax(1))
        return torch.stack(logs, 1)

    def state(self, images: Tensor) -> Tensor:
        """What the decoder begins with, [n, 64]."""
        state: Tensor = self.begin(self.squeeze(self.features(images))).tanh()
        return state


def _layer(into: int, out: int, size: int, *, stride: int = 1) -> tuple[nn.Module, ...]:
    """A convolution, normalised over the batch, and a ReLU."""
    return nn.Conv2d(into, out, size, stride, padding=1, bias=False), nn.BatchNorm2d(out), nn.ReLU()


def network() -> Captioner:
    """The network without its weights: those are in ``captions.safetensors``."""
    return Captioner()
