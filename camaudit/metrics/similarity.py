"""Similarity of two maps at their own resolution: upsampled pixels would fake agreement and n."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.metrics.ranking import midranks
from camaudit.metrics.scoring import CONSTANT, Scored, both, by_peak

if TYPE_CHECKING:
    from torch import Tensor


def spearman(maps: Tensor, reference: Tensor) -> Tensor:
    """Rank correlation of two signed maps [n, u, v]: float64 [n] in [−1, 1], 1 where they order cells alike.

    cov(R, S) / (σ_R σ_S) with the midranks R and S of the two. Undefined (NaN) where either map is all-zero,
    constant or not finite. Raises `MapError` for wrong shapes. Source: C. Spearman, 1904.
    """
    return _spearman(maps, reference).values()


def spearman_undefined(maps: Tensor, reference: Tensor) -> list[str | None]:
    """Why `spearman` is NaN, row by row."""
    return _spearman(maps, reference).reasons()


def cosine(maps: Tensor, reference: Tensor) -> Tensor:
    """Cosine Σ m·r / (‖m‖ ‖r‖) of two signed maps [n, u, v]: float64 [n] in [−1, 1].

    Undefined (NaN) where either map is all-zero or not finite. Raises `MapError` for wrong shapes.
    """
    return _cosine(maps, reference).values()


def cosine_undefined(maps: Tensor, reference: Tensor) -> list[str | None]:
    """Why `cosine` is NaN, row by row."""
    return _cosine(maps, reference).reasons()


def _spearman(maps: Tensor, reference: Tensor) -> Scored:
    first, second, faults = both(maps, reference)
    constant = {CONSTANT: _constant(first) | _constant(second)}
    return Scored(
        numbers=lambda: _angle(_centred_ranks(first), _centred_ranks(second)), faults={**faults, **constant}
    )


def _cosine(maps: Tensor, reference: Tensor) -> Scored:
    first, second, faults = both(maps, reference)
    return Scored(numbers=lambda: _angle(by_peak(first), by_peak(second)), faults=faults)


def _angle(first: Tensor, second: Tensor) -> Tensor:
    norms = first.square().sum(dim=1).sqrt() * second.square().sum(dim=1).sqrt()
    return ((first * second).sum(dim=1) / norms.masked_fill(norms == 0, 1.0)).clamp(-1.0, 1.0)


def _centred_ranks(flat: Tensor) -> Tensor:
    return midranks(flat) - (flat.shape[1] + 1) / 2


def _constant(flat: Tensor) -> Tensor:
    return (flat == flat[:, :1]).all(dim=1)
