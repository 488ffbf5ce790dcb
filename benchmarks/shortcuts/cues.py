"""The eight cues. Each has two states, of which training pairs one with each class, and a region of its own.

The region is where the cue is or would be: the same for both states, so that do(cue) changes no pixel
outside of it. State 1 of most cues is "there" and state 0 "not there"; texture, tint and distractor are
always there and come in two kinds.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from .scenes import SIZE, boxes, grid, spots

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from .scenes import Scenes

TAG, PATCH, FRAME, BAND_WIDTH, BALL, THING = 5, 5, 2, 3, 2.75, 7
"""Sides of tag and patch, widths of frame and band, radius of the adjacent ball, side of the distractor."""

Place = Literal["off", "on", "diffuse"]


@dataclass(frozen=True, kw_only=True)
class Cue:
    """A cue: `states` says what 0 and 1 look like; `place` where it lies as seen from the object.

    `region` gives bool [n, 40, 40]; `paint` takes scenes, region and states and gives the canvas
    [n, 40, 40, 3] as it is under them (only the region of it is used).
    """

    name: str
    place: Place
    states: tuple[str, str]
    region: Callable[[Scenes], NDArray[np.bool_]]
    paint: Callable[[Scenes, NDArray[np.int64]], NDArray[np.float64]]


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """`images` uint8 [n, 40, 40, 3]; `object` and `cue` bool [n, 40, 40]; `labels` and `states` [n]."""

    images: NDArray[np.uint8]
    object: NDArray[np.bool_]
    cue: NDArray[np.bool_]
    labels: NDArray[np.int64]
    states: NDArray[np.int64]


def paint(scenes: Scenes, cue: str, states: NDArray[np.int64]) -> Pictures:
    """Do(cue): the scenes with the named cue in the given states. Raises `KeyError` for an unknown cue."""
    chosen = CUES[cue]
    region = chosen.region(scenes)
    canvas = np.where(region[..., None], chosen.paint(scenes, states), scenes.canvas)
    return Pictures(
        images=np.rint(255 * np.clip(canvas, 0, 1)).astype(np.uint8),
        object=scenes.object,
        cue=region,
        labels=scenes.labels,
        states=states,
    )


def _there(look: Callable[[Scenes], NDArray[np.float64]]) -> Callable[..., NDArray[np.float64]]:
    """A cue that is there in state 1 and not there in state 0."""

    def painted(scenes: Scenes, states: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.where(states[:, None, None, None] == 1, look(scenes), scenes.canvas)

    return painted


def _flat(*colour: float) -> Callable[..., NDArray[np.float64]]:
    """An even colour."""
    return _there(lambda scenes: np.broadcast_to(np.asarray(colour), scenes.canvas.shape))


def _tag_region(scenes: Scenes) -> NDArray[np.bool_]:
    return boxes(1 + (2 * scenes.chances[:, :2]).astype(int), TAG)


def _tag(scenes: Scenes) -> NDArray[np.float64]:
    axis = np.arange(SIZE)
    ink = ((axis[:, None] + axis) % 2).astype(float)
    return np.broadcast_to(ink[None, :, :, None], scenes.canvas.shape)


def _patch_region(scenes: Scenes) -> NDArray[np.bool_]:
    return boxes(spots(scenes.chances, PATCH), PATCH)


def _frame_region(scenes: Scenes) -> NDArray[np.bool_]:
    ring = np.ones((SIZE, SIZE), bool)
    ring[FRAME:-FRAME, FRAME:-FRAME] = False
    return np.broadcast_to(ring, scenes.object.shape)


def _ground_region(scenes: Scenes) -> NDArray[np.bool_]:
    return ~scenes.object


def _texture(scenes: Scenes, states: NDArray[np.int64]) -> NDArray[np.float64]:
    axis = np.arange(SIZE)
    slanted = np.where(states[:, None, None] == 1, axis[:, None] + axis, axis[:, None] - axis)
    wave = np.sin(2 * np.pi * (slanted / 5 + scenes.chances[:, :1, None]))
    striped: NDArray[np.float64] = scenes.canvas + 0.12 * wave[..., None]
    return striped


def _everywhere(scenes: Scenes) -> NDArray[np.bool_]:
    return np.ones_like(scenes.object)


def _tint(scenes: Scenes, states: NDArray[np.int64]) -> NDArray[np.float64]:
    warmth = np.where(states == 1, 0.1, -0.1)[:, None] * np.array([1.0, 0.0, -1.0])
    tinted: NDArray[np.float64] = scenes.canvas + warmth[:, None, None, :]
    return tinted


def _band_region(scenes: Scenes) -> NDArray[np.bool_]:
    """A horizontal band across the object, above or below its middle."""
    shift = np.where(scenes.chances[:, 0] < 0.5, -0.25, 0.25) * scenes.radius
    rows, _ = grid(scenes.centre + np.stack([shift, np.zeros_like(shift)], 1))
    return (np.abs(rows) <= BAND_WIDTH / 2) & scenes.object


def _ball_region(scenes: Scenes) -> NDArray[np.bool_]:
    """A ball that touches the object's outer circle."""
    angle = 2 * np.pi * scenes.chances[:, 0]
    reach = (scenes.radius + BALL)[:, None] * np.stack([np.sin(angle), np.cos(angle)], 1)
    rows, columns = grid(scenes.centre + reach)
    return (np.hypot(rows, columns) <= BALL) & ~scenes.object


def _thing_region(scenes: Scenes) -> NDArray[np.bool_]:
    return boxes(spots(scenes.chances, THING), THING)


def _thing(scenes: Scenes, states: NDArray[np.int64]) -> NDArray[np.float64]:
    """A cross or a ring of a random dark colour on the ground."""
    middle = spots(scenes.chances, THING) + (THING - 1) / 2
    rows, columns = (np.abs(side) for side in grid(middle.astype(float)))
    cross = np.minimum(rows, columns) < 1
    ring = np.maximum(rows, columns) > 2
    ink = np.where(states[:, None, None] == 1, cross, ring)
    colour = np.stack([0.2 * scenes.chances[:, 3], 0.3 * scenes.chances[:, 2], 0.2 * scenes.chances[:, 1]], 1)
    return np.where(ink[..., None], colour[:, None, None, :], scenes.canvas)


_MEMBERS = (
    Cue(name="tag", place="off", states=("none", "tag"), region=_tag_region, paint=_there(_tag)),
    Cue(
        name="patch",
        place="off",
        states=("none", "patch"),
        region=_patch_region,
        paint=_flat(0.95, 0.85, 0.1),
    ),
    Cue(
        name="frame", place="off", states=("none", "frame"), region=_frame_region, paint=_flat(0.1, 0.15, 0.4)
    ),
    Cue(name="texture", place="off", states=("falling", "rising"), region=_ground_region, paint=_texture),
    Cue(name="tint", place="diffuse", states=("cold", "warm"), region=_everywhere, paint=_tint),
    Cue(name="band", place="on", states=("none", "band"), region=_band_region, paint=_flat(0.85, 0.1, 0.15)),
    Cue(
        name="adjacent",
        place="off",
        states=("none", "ball"),
        region=_ball_region,
        paint=_flat(0.95, 0.5, 0.1),
    ),
    Cue(name="distractor", place="off", states=("ring", "cross"), region=_thing_region, paint=_thing),
)
CUES: dict[str, Cue] = {cue.name: cue for cue in _MEMBERS}
