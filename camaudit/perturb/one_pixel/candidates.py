"""Candidates: which pixels become which colour, and the images that come of it."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from torch import Tensor

GENES = 5
"""Row, column, red, green, blue; colours from 0 to 255."""
LEVELS = 255
CORNERS = np.array(list(product((0.0, float(LEVELS)), repeat=3)))
"""The eight corners of the colour cube [8, 3], from black to white."""


def paint(images: Tensor, candidates: np.ndarray) -> Tensor:
    """Images [m, 3, h, w] in [0, 1] with the pixels of candidates [m, k, 5] set; the images stay as they are.

    A candidate's genes are row, column (whole or not: the cell that they lie in) and a colour in 0 … 255,
    which is rounded to 8 bits: a picture can hold no other. Where two pixels of one candidate coincide the
    later one counts. Places outside the image are its border.
    """
    return paint_over(images.clone(), candidates)


def paint_over(images: Tensor, candidates: np.ndarray) -> Tensor:
    """What `paint` does, in the images' own memory; returns them."""
    height, width = images.shape[2:]
    each = torch.arange(len(images), device=images.device)
    for pixel in range(candidates.shape[1]):
        genes = candidates[:, pixel]
        rows = _cells(genes[:, 0], height, images)
        columns = _cells(genes[:, 1], width, images)
        colours = torch.from_numpy(colours_8bit(genes[:, 2:]) / LEVELS).to(images)
        images[each, :, rows, columns] = colours
    return images


def colours_8bit(colours: np.ndarray) -> np.ndarray:
    """Colours as 8 bits can hold them: whole numbers from 0 to 255, halves to the even one."""
    rounded: np.ndarray = np.clip(np.rint(colours), 0, LEVELS)
    return rounded


def _cells(places: np.ndarray, size: int, images: Tensor) -> Tensor:
    return torch.from_numpy(np.clip(np.floor(places), 0, size - 1).astype(np.int64)).to(images.device)
