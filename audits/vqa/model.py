"""A small network that answers questions about an image: the question weighs the cells it answers from.

One hop of a stacked attention network (Z. Yang et al., “Stacked attention networks for image question
answering”, CVPR 2016), whose attention the question steers by scaling and shifting channels (E. Perez et al.,
“FiLM”, AAAI 2018).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ANSWERS = 9
WORDS = 20
EMBEDDED = 32
FEATURES = 32


class Stem(nn.Sequential):
    """Images [n, 3, 48, 48] → features [n, 32, 12, 12], ≥ 0; each cell sees 21 × 21 pixels."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(3, 16, 5, stride=2, padding=2, bias=False),
            nn.BatchNorm2d(16),
            nn.ReLU(),
            nn.Conv2d(16, FEATURES, 3, stride=2, padding=1, bias=False),
            nn.BatchNorm2d(FEATURES),
            nn.ReLU(),
            nn.Conv2d(FEATURES, FEATURES, 3, padding=1, bias=False),
            nn.BatchNorm2d(FEATURES),
            nn.ReLU(),
        )


class Look(nn.Module):
    """Where the question looks: features and places, scaled and shifted by it → [n, 1, u, v] of mean 1."""

    def __init__(self) -> None:
        super().__init__()
        self.mix = nn.Conv2d(FEATURES + 2, FEATURES, 1)
        self.film = nn.Linear(EMBEDDED, 2 * FEATURES)
        self.score = nn.Conv2d(FEATURES, 1, 1)

    def forward(self, features: Tensor, question: Tensor) -> Tensor:
        """Softmax over the cells, times their number."""
        scale, shift = self.film(question)[:, :, None, None].chunk(2, dim=1)
        scores = self.score(torch.relu(self.mix(with_places(features)) * (1 + scale) + shift))
        places: Tensor = scores.flatten(1).softmax(1).view_as(scores) * scores[0].numel()
        return places


class Fused(nn.Module):
    """Features [n, 32, u, v] times where the question looks: all that the answer is made from."""

    def forward(self, features: Tensor, look: Tensor) -> Tensor:
        """The product."""
        return features * look


class Answerer(nn.Module):
    """Images [n, 3, 48, 48] in [0, 1] and questions int64 [n, 7] → logits [n, 9].

    `fused` puts out a grid of 12 × 12 cells. Two channels tell `look` where a cell lies, so that the left of
    two circles can be told from the right one.
    """

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(WORDS, EMBEDDED, padding_idx=0)
        self.question = nn.Linear(EMBEDDED, EMBEDDED)
        self.features = Stem()
        self.look = Look()
        self.fused = Fused()
        self.gate = nn.Linear(EMBEDDED, FEATURES)
        self.head = nn.Sequential(nn.Linear(2 * FEATURES, 64), nn.ReLU(), nn.Linear(64, ANSWERS))

    def forward(self, images: Tensor, question: Tensor) -> Tensor:
        """Logits [n, 9]."""
        asked = torch.relu(self.question(self.words(question).sum(1)))
        features = self.features(images)
        seen = self.fused(features, self.look(features, asked)).mean((2, 3))
        gate = self.gate(asked)
        logits: Tensor = self.head(torch.cat([seen * gate, gate], dim=1))
        return logits


def with_places(features: Tensor) -> Tensor:
    """Features [n, c, u, v] with every cell's row and column in [-1, 1] as two channels more."""
    n, _, rows, columns = features.shape
    down = torch.linspace(-1, 1, rows, dtype=features.dtype, device=features.device)
    right = torch.linspace(-1, 1, columns, dtype=features.dtype, device=features.device)
    places = torch.stack(torch.meshgrid(down, right, indexing="ij"))
    return torch.cat([features, places.expand(n, -1, -1, -1)], dim=1)


def network() -> Answerer:
    """The network without its weights: those are in ``vqa.safetensors``."""
    return Answerer()
