"""Reliance on a region, one image at a time, as the words say it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    Picture = tuple[np.ndarray, np.ndarray, int]
    """Floats [h, w, 3], the region's mask [h, w] of the same size in all pictures, and the label."""


def carried(recipient: Picture, donor: Picture) -> np.ndarray:
    """The recipient with the donor's region, pixel by pixel; both masks are boxes of one size."""
    image, (mine, theirs) = recipient[0].copy(), (np.argwhere(part[1]) for part in (recipient, donor))
    for (row, column), (from_row, from_column) in zip(mine, theirs, strict=True):
        image[row, column] = donor[0][from_row, from_column]
    return image


def reliance(
    network: Callable[[np.ndarray], int],
    pictures: Mapping[str, Picture],
    triples: Sequence[tuple[str, str, str]],
) -> float:
    """Mean over the recipients: right with the same-class donor's region minus right with the other's."""
    total = 0
    for recipient, same, other in triples:
        label = pictures[recipient][2]
        total += network(carried(pictures[recipient], pictures[same])) == label
        total -= network(carried(pictures[recipient], pictures[other])) == label
    return total / len(triples)
