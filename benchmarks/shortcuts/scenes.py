"""Pictures without a cue: one of two shapes on a cloudy ground, drawn for a whole batch at once.

All randomness comes from streams named by (split, seed, what it is for), filled sample after sample:
picture i is the same whatever n is, and whatever cue is painted onto it later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

Split = Literal["train", "truth", "audit"]
"""No two splits share a picture: the audit sees neither training pictures nor those of the truth."""

CLASSES = ("triangle", "square")
SIZE = 40
BAND = 8
"""Pixels along every edge that no object reaches: where tags, patches and distractors may lie."""
DECOY = 7
"""Side of the loud decoy, which tells nothing of the class."""

_STREAMS = ("shape", "colours", "clouds", "noise", "cue", "decoy", "agreement")
_Stream = Literal["shape", "colours", "clouds", "noise", "cue", "decoy", "agreement"]


@dataclass(frozen=True, kw_only=True)
class Scenes:
    """n pictures before their cue.

    `canvas` float [n, 40, 40, 3] in [0, 1]; `object` bool [n, 40, 40]; `labels` [n]; `centre` [n, 2] as
    (row, column) and `radius` [n] in pixels; `chances` [n, 4] uniform numbers for whatever a cue leaves to
    chance; `agreement` [n] uniform: where it lies below ρ, the cue goes with the label.
    """

    canvas: NDArray[np.float32]
    object: NDArray[np.bool_]
    labels: NDArray[np.int64]
    centre: NDArray[np.float64]
    radius: NDArray[np.float64]
    chances: NDArray[np.float64]
    agreement: NDArray[np.float64]

    def states(self, rho: float) -> NDArray[np.int64]:
        """The cue's state of each picture, [n]: the label with chance `rho`, else the other one."""
        return np.where(self.agreement < rho, self.labels, 1 - self.labels)


def draw_scenes(split: Split, n: int, *, seed: int, small: bool = False, decoy: bool = False) -> Scenes:
    """`n` scenes, triangles and squares by turns; `small` objects, and a loud `decoy` on every picture.

    Raises `ValueError` for an unknown split.
    """
    if split not in get_args(Split):
        raise ValueError(f"there is no split {split!r}; allowed: {', '.join(get_args(Split))}")

    def chance(stream: _Stream, *shape: int) -> NDArray[np.float64]:
        origin = (get_args(Split).index(split), seed, _STREAMS.index(stream))
        return np.random.default_rng(origin).random((n, *shape))

    labels = np.arange(n) % len(CLASSES)
    shape, colours = chance("shape", 4), chance("colours", 4, 3)
    radius = (4.8 + 1.4 * shape[:, 2]) if small else (6.5 + 2.5 * shape[:, 2])
    centre = SIZE / 2 - 0.5 + 6 * (shape[:, :2] - 0.5)
    inside = polygons(centre, radius, 1.0 * (shape[:, 3] - 0.5) + np.pi / 6 - labels * np.pi / 6, 3 + labels)
    ground = _clouds(0.3 + 0.2 * colours[:, 0], 0.35, chance("clouds", 5, 5, 3))
    canvas = np.where(inside[..., None], _object_colours(colours, ground), ground)
    if decoy:
        canvas = _loud(canvas, chance("decoy", 6))
    noise = 0.1 * (chance("noise", SIZE, SIZE, 3) - 0.5)
    return Scenes(
        canvas=np.clip(canvas + noise, 0, 1).astype(np.float32),
        object=inside,
        labels=labels,
        centre=centre,
        radius=radius,
        chances=chance("cue", 4),
        agreement=chance("agreement"),
    )


def grid(centre: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Distances of all pixel centres from points [n, 2]: rows [n, 40, 1] and columns [n, 1, 40]."""
    axis = np.arange(SIZE)
    return axis[None, :, None] - centre[:, :1, None], axis[None, None, :] - centre[:, 1:, None]


def polygons(
    centre: NDArray[np.float64],
    radius: NDArray[np.float64],
    turn: NDArray[np.float64],
    corners: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """Regular polygons with the area of a disc of 0.8 · `radius`, bool [n, 40, 40].

    A pixel is inside where its centre is. Equal areas keep size from telling the class.
    """
    rows, columns = grid(centre)
    sector = (2 * np.pi / corners)[:, None, None]
    angle = (np.arctan2(rows, columns) - turn[:, None, None]) % sector - sector / 2
    apothem = 0.8 * radius * np.sqrt(np.pi / (corners * np.tan(np.pi / corners)))
    inside: NDArray[np.bool_] = np.hypot(rows, columns) * np.cos(angle) <= apothem[:, None, None]
    return inside


def boxes(corner: NDArray[np.int64], side: int) -> NDArray[np.bool_]:
    """Squares with their top left pixel at `corner` [n, 2], bool [n, 40, 40]."""
    axis = np.arange(SIZE)
    rows = (axis >= corner[:, :1]) & (axis < corner[:, :1] + side)
    columns = (axis >= corner[:, 1:]) & (axis < corner[:, 1:] + side)
    return rows[:, :, None] & columns[:, None, :]


def spots(chances: NDArray[np.float64], side: int) -> NDArray[np.int64]:
    """Top left pixels [n, 2] of squares of `side` ≤ 8 in the band along the edges; `chances` is [n, 3]."""
    edge = (4 * chances[:, 0]).astype(int)
    near = (chances[:, 1] * (BAND - side + 1)).astype(int)
    across = np.where(edge % 2 == 0, near, SIZE - side - near)
    along = (chances[:, 2] * (SIZE - side + 1)).astype(int)
    return np.where((edge < 2)[:, None], np.stack([across, along], 1), np.stack([along, across], 1))


def _clouds(base: NDArray[np.float64], depth: float, chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Colours [n, 3] with smooth variations of them: a 5 × 5 grid, resized bilinearly."""
    place = np.linspace(0, chances.shape[1] - 1, SIZE)
    weights = np.maximum(0, 1 - np.abs(place[:, None] - np.arange(chances.shape[1])))
    smooth = weights @ (chances - 0.5).transpose(0, 3, 1, 2) @ weights.T
    cloudy: NDArray[np.float64] = base[:, None, None, :] + depth * smooth.transpose(0, 2, 3, 1)
    return cloudy


def _object_colours(colours: NDArray[np.float64], ground: NDArray[np.float64]) -> NDArray[np.float64]:
    """A bright colour of its own, with a share of the ground's clouds."""
    mixed: NDArray[np.float64] = 0.3 * ground + (0.38 + 0.3 * colours[:, 1])[:, None, None, :]
    return mixed


def _loud(canvas: NDArray[np.float64], chances: NDArray[np.float64]) -> NDArray[np.float64]:
    """A chequered block of a strong random colour in the band."""
    where = boxes(spots(chances[:, :3], DECOY), DECOY)
    axis = np.arange(SIZE)
    dark = ((axis[:, None] // 2 + axis // 2) % 2)[None, :, :, None]
    colour = (chances[:, 3:] > 0.5).astype(float)[:, None, None, :]
    return np.where(where[..., None], np.where(dark == 1, 0.0, colour), canvas)
