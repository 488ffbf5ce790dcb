"""Random noise of the size and shape of another change: what an attack's map shift is held against."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.perturb.budget import Norm

HALVINGS = 60
"""Steps of the search for an L2 scale: a double's precision."""


def matched_noise(clean: Tensor, changed: Tensor, norm: Norm, *, seeds: Sequence[int]) -> Tensor:
    """Noise of the same norm and the same support as `changed` − `clean`, image by image, in [0, 1].

    Only pixels that the change touches are touched. `linf`: every value moves by ± the change's largest |Δ|,
    towards the inside where it would leave [0, 1]. `l2`: Gaussian, scaled until its norm *after* clipping is
    the change's (nearest reachable if the border of [0, 1] allows no more). `l0` and `patch`: each touched
    pixel takes a uniform random colour. An image without a change stays as it is.

    `seeds` [n] is one seed per image, so that the noise of an image depends on no other. Shapes [n, c, h, w].
    Raises `ModelError` for unlike shapes or another number of seeds.
    """
    if clean.shape != changed.shape:
        raise ModelError(f"images {list(changed.shape)} in place of {list(clean.shape)}")
    if len(seeds) != len(clean):
        raise ModelError(f"{len(seeds)} seeds for {len(clean)} images; one each is needed")
    rows = [
        _noisy(image.double().cpu().numpy(), other.double().cpu().numpy(), norm, np.random.default_rng(seed))
        for image, other, seed in zip(clean.detach(), changed.detach(), seeds, strict=True)
    ]
    return torch.from_numpy(np.stack(rows)).to(clean)


def _noisy(clean: np.ndarray, changed: np.ndarray, norm: Norm, rng: np.random.Generator) -> np.ndarray:
    change = changed - clean
    support = np.broadcast_to((change != 0).any(0), clean.shape)
    if not support.any():
        return clean
    if norm == "linf":
        return np.where(support, _signs(clean, float(np.abs(change).max()), rng), clean)
    if norm == "l2":
        return _scaled(clean, np.where(support, rng.normal(size=clean.shape), 0.0), change)
    return np.where(support, rng.uniform(size=clean.shape), clean)


def _signs(clean: np.ndarray, size: float, rng: np.random.Generator) -> np.ndarray:
    sign = rng.choice((-1.0, 1.0), size=clean.shape)
    moved = clean + sign * size
    inside = (moved >= 0) & (moved <= 1)
    turned: np.ndarray = np.clip(np.where(inside, moved, clean - sign * size), 0.0, 1.0)
    return turned


def _scaled(clean: np.ndarray, noise: np.ndarray, change: np.ndarray) -> np.ndarray:
    """The noise, scaled so that the clipped result is as far from the clean image as the change is."""
    wanted = float(np.sqrt((change**2).sum()))

    def moved(scale: float) -> np.ndarray:
        result: np.ndarray = np.clip(clean + scale * noise, 0.0, 1.0)
        return result

    low, high = 0.0, 1.0 / max(float(np.abs(noise[noise != 0]).min(initial=np.inf)), 1e-12)
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        short = float(np.sqrt(((moved(middle) - clean) ** 2).sum())) < wanted
        low, high = (middle, high) if short else (low, middle)
    return moved(low)
