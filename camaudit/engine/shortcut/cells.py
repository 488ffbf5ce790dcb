"""Places on the grid of a map: which cells an object reaches, what hangs together, where the peak is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Cells = NDArray[np.bool_]
    Floats = NDArray[np.float64]

HOT = 0.5
"""Share of its peak from which a cell belongs to a hot place."""


def free(mask: np.ndarray, shape: tuple[int, int]) -> Cells:
    """Cells [u, v] that no pixel of the mask [h, w] reaches, nor any of their eight neighbours."""
    cells = np.zeros(shape, dtype=bool)
    rows, columns = np.nonzero(mask)
    height, width = mask.shape
    cells[rows * shape[0] // height, columns * shape[1] // width] = True
    return ~grown(cells)


def grown(cells: Cells) -> Cells:
    """The cells and their eight neighbours."""
    padded = np.pad(cells, 1)
    height, width = cells.shape
    shifted = [padded[row : row + height, column : column + width] for row in range(3) for column in range(3)]
    return np.asarray(np.any(shifted, axis=0))


def parts(cells: Cells) -> list[Cells]:
    """Connected parts, corners included."""
    left, found = cells.copy(), []
    while left.any():
        part = np.zeros_like(left)
        part[tuple(np.argwhere(left)[0])] = True
        while (larger := grown(part) & left).sum() > part.sum():
            part = larger
        found.append(part)
        left &= ~part
    return found


def hottest(evidence: Floats, allowed: Cells) -> Cells:
    """The allowed cells around the highest that reach half its height, and one more: maps blur edges.

    Empty without evidence.
    """
    values = np.where(allowed, np.maximum(evidence, 0), 0.0)
    if not values.any():
        return np.zeros_like(allowed)
    peak = np.unravel_index(values.argmax(), values.shape)
    part = next(part for part in parts(values >= HOT * values.max()) if part[peak])
    return grown(part) & allowed


def where(cells: Cells) -> str:
    """In words: ``the top left (4 of 81 cells)``."""
    count = f"({cells.sum()} of {cells.size} cells)"
    apart = len(parts(cells))
    if apart > 1:
        return f"{apart} places {count}"
    rows, columns = (
        (2 * place.mean() + 1) / (2 * size)
        for place, size in zip(np.nonzero(cells), cells.shape, strict=True)
    )
    vertical = "top" if 3 * rows < 1 else "bottom" if 3 * rows > 2 else "middle"  # noqa: PLR2004 - thirds
    level = "left" if 3 * columns < 1 else "right" if 3 * columns > 2 else "centre"  # noqa: PLR2004
    return f"the {vertical} {level} {count}"


def overlap(first: Cells, second: Cells) -> float:
    """Intersection over union; 0 of nothing."""
    return float((first & second).sum() / max((first | second).sum(), 1))
