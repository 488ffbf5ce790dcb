"""Insertion and deletion, slowly: one image, one order, one step at a time, in float64."""

from __future__ import annotations

import numpy as np


def probabilities(ask, image, base, order, *, shape, steps):
    """The class's probability after 0, … all cells of `order` are uncovered, and the shares uncovered.

    `ask` takes an image [c, h, w] and gives a probability; `order` lists cells of a grid of `shape`, first
    to be uncovered first.
    """
    height, width = image.shape[1:]
    rows, columns = shape
    cells = rows * columns
    counts = sorted({int(np.floor(cells * step / steps + 0.5)) for step in range(steps + 1)})
    found = []
    for count in counts:
        mixed = base.copy()
        for y in range(height):
            for x in range(width):
                cell = (y * rows // height) * columns + (x * columns // width)
                if cell in order[:count]:
                    mixed[:, y, x] = image[:, y, x]
        found.append(ask(mixed))
    return found, [count / cells for count in counts]


def area(ask, image, base, order, *, shape, steps):
    """Σ (y_j + y_{j+1}) / 2 · (x_{j+1} − x_j)."""
    values, shares = probabilities(ask, image, base, order, shape=shape, steps=steps)
    total = 0.0
    for j in range(len(values) - 1):
        total += (values[j] + values[j + 1]) / 2 * (shares[j + 1] - shares[j])
    return total


def highest_first(cells, ties):
    """Cells by falling value; of equal ones that with the smaller number in `ties` first."""
    return sorted(range(len(cells)), key=lambda cell: (-cells[cell], ties[cell]))
