"""A network of small modules, put together as the question says; each hands on an attention map.

The idea is TbD-Net's (D. Mascharka et al., “Transparency by design”, CVPR 2018): what a module hands on is a
map [n, 1, u, v], and the modules after it see nothing else of what it did.

"what shape is the left red one" runs as  shape?( leftmost( colour[red] ) )
"is there a red circle"          runs as  there?( colour[red] ∧ shape[circle] )
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Iterable

COLOURS = (13, 14, 15, 16)
SHAPES = (17, 18, 19)
DIRECTIONS = {"left": 9, "right": 10, "top": 11, "bottom": 12}
QUERIES = {"colour": 2, "shape": 3, "there": 6}
"""Tokens of the words that choose a module; those of `vqa.data.WORDS`."""
FEATURES = 32
ANSWERS = 9
DILATIONS = (1, 2, 4, 4)
"""Of `Leftmost`: together they see 11 cells far to every side, the whole grid."""
WIDTH = 8


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


class Find(nn.Module):
    """Features [n, 32, u, v] → a map of each kind, [n, kinds, u, v], above 0."""

    def __init__(self, kinds: int) -> None:
        super().__init__()
        self.look = nn.Sequential(nn.Conv2d(FEATURES, FEATURES, 1), nn.ReLU(), nn.Conv2d(FEATURES, kinds, 1))

    def forward(self, features: Tensor) -> Tensor:
        """The maps, all kinds of them: the question chooses one."""
        return functional.softplus(self.look(features))


class Leftmost(nn.Module):
    """A map [n, 1, u, v] → the same where it lies farthest left: it can drop, and not add."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for place, dilation in enumerate(DILATIONS):
            layers += [
                nn.Conv2d(1 if place == 0 else WIDTH, WIDTH, 3, padding=dilation, dilation=dilation),
                nn.ReLU(),
            ]
        self.keep = nn.Sequential(*layers, nn.Conv2d(WIDTH, 1, 1))

    def forward(self, attention: Tensor) -> Tensor:
        """The map, cell by cell times a number in [0, 1]; the number does not depend on the map's scale."""
        peak = attention.amax((2, 3), keepdim=True).clamp(min=1e-6)
        return attention * torch.sigmoid(self.keep(attention / peak))


class Query(nn.Module):
    """What the attended features [n, 32] and the map's largest value [n, 1] say, as logits [n, 9]."""

    def __init__(self) -> None:
        super().__init__()
        self.answer = nn.Sequential(
            nn.Linear(FEATURES + 1, FEATURES), nn.ReLU(), nn.Linear(FEATURES, ANSWERS)
        )

    def forward(self, seen: Tensor) -> Tensor:
        """Logits [n, 9]."""
        logits: Tensor = self.answer(seen)
        return logits


class Modules(nn.Module):
    """Images [n, 3, 48, 48] in [0, 1] and questions int64 [n, 7] → logits [n, 9].

    Questions of a batch have different programs, so all modules run, they are small, and each question's
    words choose which of their maps it hands on. `attention` hands on the last one: [n, 1, 12, 12], ≥ 0,
    once per forward. The answer is made of the features under it alone.
    """

    def __init__(self) -> None:
        super().__init__()
        self.features = Stem()
        self.colour = Find(len(COLOURS))
        self.shape = Find(len(SHAPES))
        self.leftmost = Leftmost()
        self.attention = nn.Identity()
        self.queries = nn.ModuleDict({name: Query() for name in QUERIES})

    def forward(self, images: Tensor, question: Tensor) -> Tensor:
        """Logits [n, 9]."""
        features = self.features(images)
        colour = chosen(self.colour(features), says(question, COLOURS))
        shape = chosen(self.shape(features), says(question, SHAPES))
        attention = self.attention(self._toward(torch.minimum(colour, shape), question))
        weight = attention.sum((2, 3)).clamp(min=1e-3)
        seen = torch.cat([(features * attention).sum((2, 3)) / weight, attention.amax((2, 3))], dim=1)
        answers = torch.stack([query(seen) for query in self.queries.values()], dim=1)
        asked: Tensor = (answers * says(question, QUERIES.values())[:, :, None]).sum(1)
        return asked

    def _toward(self, attention: Tensor, question: Tensor) -> Tensor:
        """The map, narrowed down to where the question says; as it is where it says nothing.

        One module does for four directions: the map is turned so that the one that is said lies left.
        """
        said = says(question, DIRECTIONS.values())
        left = self.leftmost(_one(turned(attention), said))
        return torch.where(said.any(1)[:, None, None, None], _one(turned_back(left), said), attention)


def turned(maps: Tensor) -> list[Tensor]:
    """Square maps [n, 1, u, u], turned so that left, right, top and bottom lie left."""
    return [maps, maps.flip(3), maps.transpose(2, 3), maps.flip(2).transpose(2, 3)]


def turned_back(maps: Tensor) -> list[Tensor]:
    """The inverse, direction by direction."""
    return [maps, maps.flip(3), maps.transpose(2, 3), maps.transpose(2, 3).flip(2)]


def _one(maps: list[Tensor], said: Tensor) -> Tensor:
    """Of each image, the map whose direction is said, bool [n, 4]; 0 where none is."""
    return (torch.cat(maps, dim=1) * said[:, :, None, None]).sum(1, keepdim=True)


def says(question: Tensor, tokens: Iterable[int]) -> Tensor:
    """Whether a question [n, 7] has each of these tokens, bool [n, tokens]."""
    wanted = torch.tensor(list(tokens), device=question.device)
    return (question[:, :, None] == wanted).any(1)


def chosen(maps: Tensor, said: Tensor) -> Tensor:
    """The map [n, 1, u, v] of the kind that was said; infinite where none was: it restricts nothing."""
    one = (maps * said[:, :, None, None]).sum(1, keepdim=True)
    return torch.where(said.any(1)[:, None, None, None], one, torch.full_like(one, torch.inf))


def network() -> Modules:
    """The network without its weights: those are in ``modules.safetensors``."""
    return Modules()
