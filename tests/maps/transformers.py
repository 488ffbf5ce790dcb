"""Small transformers on images for the tests of layouts."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn

WIDTH = 16


class Block(nn.Module):
    """Attention and a small network, each behind a norm, beside a shortcut; projections are plain layers."""

    def __init__(self, width: int = WIDTH) -> None:
        super().__init__()
        self.norm1 = nn.LayerNorm(width)
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(self.norm1(x)).chunk(3, dim=-1)
        x = x + self.out((q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v)
        return x + self.mlp(self.norm2(x))


class Vit(nn.Module):
    """Patches of 4×4, `prefix` tokens before them, two blocks, a norm; the first token or the mean decides.

    Without `embed` a linear layer on cut-out patches takes the convolution's place: no grid is ever seen.
    """

    def __init__(
        self,
        prefix: int = 1,
        *,
        pool: Literal["first", "mean"] = "first",
        embed: bool = True,
        blocks: type[nn.Module] = Block,
    ) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4) if embed else nn.Linear(48, WIDTH)
        self.tokens = nn.Parameter(torch.randn(1, prefix, WIDTH))
        self.blocks = nn.Sequential(blocks(), blocks())
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 5)
        self.pool = pool

    def forward(self, x: Tensor) -> Tensor:
        if isinstance(self.patches, nn.Conv2d):
            x = self.patches(x).flatten(2).mT
        else:
            x = self.patches(nn.functional.unfold(x, 4, stride=4).mT)
        # Where a token lies matters, so that rows and columns cannot be told apart by chance alone.
        x = x + torch.linspace(-1, 1, x.shape[1])[:, None].to(x)
        x = self.norm(self.blocks(torch.cat([self.tokens.expand(len(x), -1, -1), x], 1)))
        return self.head(x[:, 0] if self.pool == "first" else x.mean(1))


class Swin(nn.Module):
    """A stage with its channels last and a closing norm, as Swin transformers have."""

    def __init__(self) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, 4, 4)
        self.stage = nn.Sequential(nn.LayerNorm(WIDTH), nn.Linear(WIDTH, WIDTH), nn.GELU())
        self.norm = nn.LayerNorm(WIDTH)
        self.head = nn.Linear(WIDTH, 5)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stage(self.patches(x).permute(0, 2, 3, 1))
        return self.head(torch.tanh(self.norm(x)).mean((1, 2)))
