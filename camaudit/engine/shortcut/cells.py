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
HALF = 0.5
"""Share of a cell from which the object fills it."""


def free(mask: np.ndarray, shape: tuple[int, int]) -> Cells:
    """Cells [u, v] that no pixel of the mask [h, w] reaches, nor any of their eight neighbours."""
    return ~grown(_covered(mask, shape) > 0)


def _covered(mask: np.ndarray, shape: tuple[int, int]) -> Floats:
    """Share of each cell's pixels that lie in the mask, [u, v]; a pixel belongs to the cell it begins in."""
    rows, columns = (np.arange(size) * cells // size for size, cells in zip(mask.shape, shape, strict=True))
    places = np.broadcast_to(rows[:, None] * shape[1] + columns, mask.shape).ravel()
    counts = [np.bincount(places, weights=own, minlength=shape[0] * shape[1]) for own in (mask.ravel(), None)]
    return np.asarray((counts[0] / np.maximum(counts[1], 1)).reshape(shape))


def hottest_beside(evidence: Floats, mask: np.ndarray) -> Cells:
    """Pixels [h, w] of the hottest place among the cells that touch the object's, and one cell around it.

    The one around it may be a cell that the object reaches and does not fill by half, for a thing that
    touches the object. The object's own pixels and their eight neighbours are left out. Empty without an
    object or evidence.
    """
    shape = evidence.shape
    covered = _covered(mask, shape)
    reached = covered > 0
    peak = hottest(evidence, grown(reached) & ~reached, covered <= HALF)
    rows, columns = (np.arange(size) * cells // size for size, cells in zip(mask.shape, shape, strict=True))
    return np.asarray(peak[rows[:, None], columns] & ~grown(mask))


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
        part = part_of(left, tuple(np.argwhere(left)[0]))
        found.append(part)
        left &= ~part
    return found


def part_of(cells: Cells, place: tuple[int, ...]) -> Cells:
    """The connected part of the cells that holds one of them, corners included."""
    part = np.zeros_like(cells)
    part[place] = True
    while (larger := grown(part) & cells).sum() > part.sum():
        part = larger
    return part


def hottest(evidence: Floats, allowed: Cells, room: Cells | None = None) -> Cells:
    """The allowed cells around the highest that reach half its height, and one more: maps blur edges.

    The one more lies within `room`, the allowed cells if left out. Empty without evidence.
    """
    values = np.where(allowed, np.maximum(evidence, 0), 0.0)
    if not values.any():
        return np.zeros_like(allowed)
    peak = tuple(int(place) for place in np.unravel_index(values.argmax(), values.shape))
    return grown(part_of(values >= HOT * values.max(), peak)) & (allowed if room is None else room)


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
