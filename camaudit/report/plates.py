"""The pictures of the samples that a check shows, written as WebP files named by numbers only."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from camaudit.exhibits import NamedMap
from camaudit.report import colours, pictures
from camaudit.report.evidence import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from camaudit.report.evidence import Evidence
    from camaudit.result import SampleRow

_OWN_NAME = re.compile(r"\d+-\d+-[a-z]\d*\.webp")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of a sample: its file relative to the report, or why there is none."""

    kind: str
    """input, overlay, outline or raw."""
    file: str | None = None
    missing: str = ""
    name: str = ""
    """Which map it is of, where a sample has several."""


@dataclass(frozen=True, kw_only=True)
class MapFacts:
    """Grid, largest size and name of one map."""

    grid: tuple[int, int]
    peak: float
    name: str = ""


@dataclass(frozen=True, kw_only=True)
class Plate:
    """The pictures of one sample, and what is known of its maps."""

    pictures: tuple[Picture, ...]
    maps: tuple[MapFacts, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All plates of one check, in the order of its rows."""

    scale: pictures.Scale | None
    regions: tuple[str, ...]
    plates: tuple[Plate, ...]
    strikes: tuple[tuple[Picture, ...], ...] = ()
    """Pictures of attacked images, in the order of `CheckResult.attacked.strikes`."""
    strike_scale: pictures.Scale | None = None
    """The scale of their maps."""

    @property
    def outlines(self) -> tuple[tuple[str, str], ...]:
        """Region → the word for its line's colour."""
        lines = pictures.OUTLINES
        return tuple((name, lines[index % len(lines)][0]) for index, name in enumerate(self.regions))


def draw(
    check: int,
    rows: Sequence[SampleRow],
    evidence: Evidence,
    folder: Path,
    drawn: dict[tuple[object, ...], Picture] | None = None,
) -> Sheet:
    """Draw the rows of the check of that number into `folder`/img.

    `drawn` remembers pictures between checks: inputs and outlines are the same in all of them.
    """
    shared = drawn if drawn is not None else {}
    maps = [[_map_or_none(item, evidence) for item in maps_of(row)] for row in rows]
    scale = pictures.scale_of([raw for own in maps for raw in own if raw is not None])
    regions = tuple(dict.fromkeys(name for row in rows for name in row.masks))
    (folder / "img").mkdir(exist_ok=True)

    def plate(index: int) -> Plate:
        table = _Table(row=rows[index], evidence=evidence, scale=scale, regions=regions)
        shown = []
        for place, (blank, make) in table.wanted.items():
            key = table.key(blank.kind) or (check, index, place)
            if key not in shared:
                shared[key] = written(blank, make, folder, f"img/{check}-{index}-{place}.webp")
            shown.append(shared[key])
        facts = tuple(
            MapFacts(grid=(raw.shape[0], raw.shape[1]), peak=float(np.abs(raw).max()), name=item.text)
            for item, raw in zip(maps_of(rows[index]), maps[index], strict=True)
            if raw is not None
        )
        return Plate(pictures=tuple(shown), maps=facts)

    # Encoding releases the interpreter lock.
    with ThreadPoolExecutor() as pool:
        plates = tuple(pool.map(plate, range(len(rows))))
    return Sheet(scale=scale, regions=regions, plates=plates)


def draw_scales(folder: Path) -> None:
    """Write the two colour scales as pictures one pixel high, for scale bars."""
    (folder / "img").mkdir(exist_ok=True)
    ramps = {"scale": colours.positive(), "scale-negative": colours.negative()[::-1]}
    for name, ramp in ramps.items():
        _save(Image.fromarray(ramp[None]), folder / "img" / f"{name}.webp", lossless=True)


def sweep(folder: Path, sheets: Sequence[Sheet]) -> None:
    """Remove pictures that an earlier rendering left and this one does not show; nobody else's files."""
    shown = {picture.file for sheet in sheets for plate in sheet.plates for picture in plate.pictures}
    shown |= {picture.file for sheet in sheets for drawn in sheet.strikes for picture in drawn}
    for path in (folder / "img").glob("*.webp"):
        if _OWN_NAME.fullmatch(path.name) and f"img/{path.name}" not in shown:
            path.unlink()


@dataclass(frozen=True, kw_only=True)
class _Table:
    """One sample on the drawing table. Its pictures raise `MissingError` where evidence is missing."""

    row: SampleRow
    evidence: Evidence
    scale: pictures.Scale | None
    regions: tuple[str, ...]

    @property
    def wanted(self) -> dict[str, tuple[Picture, Callable[[], Image.Image]]]:
        """The pictures that belong to every sample of the check: place → what it is, and how it is made.

        The place is a part of the file's name. One map has its outline between overlay and cells; several
        are overlaid side by side, and their cells stand below them.
        """
        maps = maps_of(self.row) if self.scale is not None or self.row.map is not None else ()
        overlays, cells = {}, {}
        for number, item in enumerate(maps):
            place = str(number) if number else ""
            overlays[f"m{place}"] = (Picture(kind="map", name=item.text), partial(self.overlay, item))
            cells[f"r{place}"] = (Picture(kind="raw", name=item.text), partial(self.cells, item))
        outline = {"o": (Picture(kind="outline"), self.outline)} if self.regions else {}
        return {"i": (Picture(kind="input"), lambda: self.image), **overlays, **outline, **cells}

    def key(self, kind: str) -> tuple[object, ...] | None:
        """What a picture is made of, where it does not depend on the check."""
        if kind == "input" and self.row.image is not None:
            return (kind, self.row.image)
        if kind == "outline" and self.row.image is not None:
            return (kind, self.row.image, *self.row.masks.items(), *self.regions)
        return None

    @cached_property
    def image(self) -> Image.Image:
        if self.row.image is None:
            raise MissingError("the input was not kept")
        full = self.evidence.image(self.row.image)
        size = pictures.display_size(*full.size)
        larger = size[0] > full.width
        return full.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)

    def raw(self, item: NamedMap) -> NDArray[np.float32]:
        if item.key is None:
            raise MissingError("no map" if item.status == "ok" else f"no map: {item.status}")
        return self.evidence.map(item.key)

    @property
    def top(self) -> float:
        return self.scale.top if self.scale else 0.0

    def overlay(self, item: NamedMap) -> Image.Image:
        return pictures.overlay(self.image, self.raw(item), self.top)

    def outline(self) -> Image.Image:
        if not self.row.masks:
            raise MissingError("this sample has no mask")
        colour = {
            name: pictures.OUTLINES[at % len(pictures.OUTLINES)][1] for at, name in enumerate(self.regions)
        }
        masks = [(self.evidence.mask(file), colour[name]) for name, file in self.row.masks.items()]
        return pictures.outline(self.image, masks)

    def cells(self, item: NamedMap) -> Image.Image:
        raw = self.raw(item)
        try:
            size = self.image.size
        except MissingError:
            size = pictures.display_size(raw.shape[1], raw.shape[0])
        return pictures.raw_map(raw, size, self.top)


def written(blank: Picture, make: Callable[[], Image.Image], folder: Path, name: str) -> Picture:
    """The picture made and written under that name in `folder`, or why it is missing."""
    try:
        _save(make(), folder / name, lossless=blank.kind == "raw")
    except MissingError as missing:
        return replace(blank, missing=str(missing))
    return replace(blank, file=name)


def _save(image: Image.Image, path: Path, *, lossless: bool) -> None:
    image.save(path, "WEBP", lossless=lossless, quality=85, method=0 if lossless else 1)


def maps_of(row: SampleRow) -> tuple[NamedMap, ...]:
    """All maps of a sample, the main one first; it has a name only where there are others."""
    main = NamedMap(name=row.map_name, key=row.map, status=row.map_status, largest=row.map_max)
    return (main, *row.maps)


def _map_or_none(item: NamedMap, evidence: Evidence) -> NDArray[np.float32] | None:
    if item.key is None:
        return None
    try:
        return evidence.map(item.key)
    except MissingError:
        return None
