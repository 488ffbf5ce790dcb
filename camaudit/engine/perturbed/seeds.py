"""One seed per run, perturbation and image: what becomes of an image depends on nothing else."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

DIGITS = 15
"""Hexadecimal digits of a seed: below 2^60, which every generator takes."""


def seeds(seed: int, name: str, ids: Iterable[str]) -> list[int]:
    """A seed for each image, by hash of the run's seed, the perturbation's name and the image's id."""
    return [int(sha256(f"perturbed\0{seed}\0{name}\0{key}".encode()).hexdigest()[:DIGITS], 16) for key in ids]
