"""The pictures of a comparison: input, old and new map over it, all maps of a check on one scale."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from camaudit.report import pictures
from camaudit.report.evidence import Evidence, MissingError
from camaudit.report.plates import Picture, written

if TYPE_CHECKING:
    from pathlib import Path

    from camaudit.comparison import CheckComparison, Image, Shown

_OWN_NAME = re.compile(r"\d+-\d+-(?:input|before|after)\.webp")


@dataclass(frozen=True, kw_only=True)
class Triple:
    """The pictures of one image."""

    input: Picture
    before: Picture
    after: Picture
    bare: bool
    """Whether the maps are drawn by themselves, for want of a picture to lie on."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """The pictures of one check, in the order of its worst images, and the scale of their maps."""

    scale: pictures.Scale | None
    triples: tuple[Triple, ...]


def draw(number: int, check: CheckComparison, folder: Path) -> Drawn:
    """Draw the worst images of the check of that number into `folder`/img. Names are numbers only."""
    maps = [side.map for item in check.worst for side in (item.before, item.after) if side.map is not None]
    scale = pictures.scale_of([raw for raw in maps if np.isfinite(raw).all()])
    top = scale.top if scale is not None else 0.0
    return Drawn(
        scale=scale,
        triples=tuple(
            _triple(item, folder, f"img/{number}-{place}", top) for place, item in enumerate(check.worst)
        ),
    )


def sweep(folder: Path) -> None:
    """Remove what an earlier comparison drew here; nobody else's files."""
    for path in (folder / "img").glob("*.webp"):
        if _OWN_NAME.fullmatch(path.name):
            path.unlink()


def _triple(item: Image, folder: Path, stem: str, top: float) -> Triple:
    made = {
        "input": partial(_input, item),
        "before": partial(_map, item.before, top),
        "after": partial(_map, item.after, top),
    }
    drawn = {
        kind: written(Picture(kind=kind), make, folder, f"{stem}-{kind}.webp") for kind, make in made.items()
    }
    return Triple(**drawn, bare=item.before.picture is None or item.after.picture is None)


def _input(item: Image) -> Pillow.Image:
    return _picture(item.after if item.after.picture is not None else item.before)


def _picture(side: Shown) -> Pillow.Image:
    """The network's input, at the size to show."""
    if side.picture is None:
        raise MissingError(side.picture_missing)
    home, name = side.picture
    full = Evidence(folder=home, maps={}).image(name)
    size = pictures.display_size(*full.size)
    larger = size[0] > full.width
    return full.resize(size, Pillow.Resampling.NEAREST if larger else Pillow.Resampling.LANCZOS)


def _map(side: Shown, top: float) -> Pillow.Image:
    """The map over its input; its own cells where the input is not there."""
    if side.map is None:
        raise MissingError(side.map_missing)
    if not np.isfinite(side.map).all():
        raise MissingError("the map holds values that are not finite")
    try:
        return pictures.overlay(_picture(side), side.map, top)
    except MissingError:
        return pictures.raw_map(side.map, pictures.display_size(*side.map.shape[::-1]), top)
