"""The pictures of the samples that a check shows, written as WebP files named by numbers only."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from camaudit.report import colours, pictures
from camaudit.report.evidence import MissingError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from camaudit.report.evidence import Evidence
    from camaudit.result import SampleRow

_OWN_NAME = re.compile(r"\d+-\d+-[a-z]\.webp")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture of a sample: its file relative to the report, or why there is none."""

    kind: str
    """input, overlay, outline or raw."""
    file: str | None = None
    missing: str = ""


@dataclass(frozen=True, kw_only=True)
class Plate:
    """The pictures of one sample, and the grid and largest size of its map."""

    pictures: tuple[Picture, ...]
    grid: tuple[int, int] | None = None
    peak: float | None = None


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """All plates of one check, in the order of its rows."""

    scale: pictures.Scale | None
    regions: tuple[str, ...]
    plates: tuple[Plate, ...]

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
    maps = [_map_or_none(row, evidence) for row in rows]
    scale = pictures.scale_of([raw for raw in maps if raw is not None])
    regions = tuple(dict.fromkeys(name for row in rows for name in row.masks))
    (folder / "img").mkdir(exist_ok=True)

    def plate(index: int) -> Plate:
        table = _Table(row=rows[index], evidence=evidence, scale=scale, regions=regions)
        shown = []
        for kind, make in table.wanted.items():
            key = table.key(kind) or (check, index, kind)
            if key not in shared:
                shared[key] = _picture(kind, make, folder, f"img/{check}-{index}-{kind[:1]}.webp")
            shown.append(shared[key])
        raw = maps[index]
        if raw is None:
            return Plate(pictures=tuple(shown))
        return Plate(pictures=tuple(shown), grid=(raw.shape[0], raw.shape[1]), peak=float(np.abs(raw).max()))

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
    def wanted(self) -> dict[str, Callable[[], Image.Image]]:
        """The pictures that belong to every sample of the check. First letters are all different."""
        wanted: dict[str, Callable[[], Image.Image]] = {"input": lambda: self.image}
        mapped = self.scale is not None or self.row.map is not None
        if mapped:
            wanted["map"] = self.overlay
        if self.regions:
            wanted["outline"] = self.outline
        if mapped:
            wanted["raw"] = self.cells
        return wanted

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

    @property
    def raw(self) -> NDArray[np.float32]:
        if self.row.map is None:
            raise MissingError("no map" if self.row.map_status == "ok" else f"no map: {self.row.map_status}")
        return self.evidence.map(self.row.map)

    @property
    def top(self) -> float:
        return self.scale.top if self.scale else 0.0

    def overlay(self) -> Image.Image:
        return pictures.overlay(self.image, self.raw, self.top)

    def outline(self) -> Image.Image:
        if not self.row.masks:
            raise MissingError("this sample has no mask")
        colour = {
            name: pictures.OUTLINES[at % len(pictures.OUTLINES)][1] for at, name in enumerate(self.regions)
        }
        masks = [(self.evidence.mask(file), colour[name]) for name, file in self.row.masks.items()]
        return pictures.outline(self.image, masks)

    def cells(self) -> Image.Image:
        raw = self.raw
        try:
            size = self.image.size
        except MissingError:
            size = pictures.display_size(raw.shape[1], raw.shape[0])
        return pictures.raw_map(raw, size, self.top)


def _picture(kind: str, make: Callable[[], Image.Image], folder: Path, name: str) -> Picture:
    try:
        _save(make(), folder / name, lossless=kind == "raw")
    except MissingError as missing:
        return Picture(kind=kind, missing=str(missing))
    return Picture(kind=kind, file=name)


def _save(image: Image.Image, path: Path, *, lossless: bool) -> None:
    image.save(path, "WEBP", lossless=lossless, quality=85, method=0 if lossless else 1)


def _map_or_none(row: SampleRow, evidence: Evidence) -> NDArray[np.float32] | None:
    if row.map is None:
        return None
    try:
        return evidence.map(row.map)
    except MissingError:
        return None
