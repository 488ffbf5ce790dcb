"""Where a region lies: mask files, polygons, run lengths, boxes, unions, arrays. All draw bool [h, w].

Masks are taken as drawn on the upright image, so their size must be that of the image after its EXIF
orientation was applied; a mask of another size is refused, never scaled.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from camaudit.data.decode import drop_opaque_alpha, name_of, open_image, read_bytes
from camaudit.data.raster import fill_box, fill_polygon, fill_runs, unpack_counts
from camaudit.data.sample_error import SampleError
from camaudit.paths import resolve

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from PIL import Image

    from camaudit.data.sample import MaskSource

_LOSSLESS = {"PNG", "BMP", "DIB", "GIF", "PPM", "TIFF"}
_SELECTOR = re.compile(r"^(?P<path>.+\.\w+)#(?:>=(?P<level>\d+)|(?P<value>\d+)|(?P<colour>\d+,\d+,\d+))$")


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskFile:
    """A picture whose non-zero pixels are the region, or those of one `value`, or those of at least `level`.

    `value` is a palette index or grey level, or a colour (r, g, b). Without both, black is outside and
    all else inside; that is refused where it would be a guess: lossy formats (compression noise is
    non-zero), palettes whose index 0 is not black, transparent pixels.
    """

    path: Path
    value: int | tuple[int, int, int] | None = None
    level: int | None = None

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        where = str(self.path)
        image = open_image(read_bytes(self.path, "mask"), where=where, what="mask")
        if (image.height, image.width) != (height, width):
            raise _other_size((image.height, image.width), (height, width), where)
        lossy = _is_lossy(image)
        image = drop_opaque_alpha(image, where=where, what="mask")
        if self.level is not None:
            return np.asarray(_greys(image, where, lossy=lossy) >= self.level)
        if lossy:
            raise _unclear(
                "the format may be lossy, and compression noise is non-zero",
                where,
                f"save the mask as PNG, or name a grey level: {self.path.name}#>=128",
            )
        if isinstance(self.value, tuple):
            return np.asarray((np.asarray(image.convert("RGB")) == self.value).all(axis=2))
        if self.value is not None:
            return np.asarray(_values(image, where) == self.value)
        return _non_zero(image, where)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaskPolygons:
    """The union of closed outlines, each flat x1, y1, x2, y2 … in pixels (see `raster.fill_polygon`).

    `size` is the height and width of the image that they were drawn on, where known.
    """

    polygons: Sequence[Sequence[float] | np.ndarray]
    size: tuple[int, int] | None = None

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        _same_size(self.size, (height, width), "polygons")
        mask = np.zeros((height, width), dtype=bool)
        try:
            for polygon in self.polygons:
                mask |= fill_polygon(polygon, height, width)
        except ValueError as failure:
            raise SampleError(str(failure), reason="unreadable mask", where="polygons") from failure
        return mask


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskRLE:
    """COCO run lengths, column by column, outside first: numbers, or COCO's compressed text.

    `size` is (height, width).
    """

    counts: tuple[int, ...] | str
    size: tuple[int, int]

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        _same_size(self.size, (height, width), "run lengths")
        try:
            counts = unpack_counts(self.counts) if isinstance(self.counts, str) else self.counts
            return fill_runs(counts, height, width)
        except ValueError as failure:
            raise SampleError(str(failure), reason="unreadable mask", where="run lengths") from failure


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskBox:
    """A box: left, top, right, bottom in pixels from the top left corner, right and bottom exclusive."""

    box: tuple[float, float, float, float]
    size: tuple[int, int] | None = None

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        _same_size(self.size, (height, width), "box")
        return fill_box(self.box, height, width)


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class MaskUnion:
    """What lies in any of several masks."""

    masks: tuple[MaskSource, ...]

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        mask = np.zeros((height, width), dtype=bool)
        for part in self.masks:
            mask |= part.read(height, width)
        return mask


@dataclass(frozen=True, kw_only=True, slots=True)
class MaskArray:
    """A callable that returns an array [h, w]: bool, or integers whose non-zero pixels are the region."""

    array: Callable[[], np.ndarray]

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width]."""
        where = name_of(self.array)
        try:
            result: Any = self.array()
        except (SampleError, MemoryError):
            raise
        except Exception as failure:  # the user's code may raise anything
            text = f"the callable raised {type(failure).__name__}: {failure}"
            raise SampleError(text, reason="unreadable mask", where=where) from failure
        if not isinstance(result, np.ndarray) or result.ndim != 2 or result.dtype.kind not in "biu":  # noqa: PLR2004
            kind = (
                f"{result.dtype} of shape {result.shape}"
                if isinstance(result, np.ndarray)
                else type(result).__name__
            )
            raise SampleError(
                f"the callable returned {kind}; a bool or integer array [h, w] is needed",
                reason="unreadable mask",
                where=where,
            )
        _same_size((result.shape[0], result.shape[1]), (height, width), where)
        return np.asarray(result != 0)


def mask_file(text: str, base: Path) -> MaskFile:
    """Read a mask file as specs and manifests write it: a path, and which pixels of it are meant.

    ``a.png`` all that is not black; ``a.png#15`` palette index or grey level 15; ``a.png#255,0,0`` that
    colour; ``a.png#>=128`` grey levels from 128 on.
    """
    path, value, level = split_selector(text)
    return MaskFile(path=resolve(path, base), value=value, level=level)


def split_selector(text: str) -> tuple[str, int | tuple[int, int, int] | None, int | None]:
    """``a.png#15`` → path, value, level."""
    match = _SELECTOR.match(text)
    if match is None:
        return text, None, None
    if match["level"]:
        return match["path"], None, int(match["level"])
    if match["value"]:
        return match["path"], int(match["value"]), None
    red, green, blue = (int(part) for part in match["colour"].split(","))
    return match["path"], (red, green, blue), None


def _is_lossy(image: Image.Image) -> bool:
    return image.format is not None and (
        image.format not in _LOSSLESS or image.info.get("compression") in {"jpeg", "tiff_jpeg", "webp"}
    )


def _values(image: Image.Image, where: str) -> np.ndarray:
    """Integers [h, w]: palette indices or grey levels."""
    if image.mode in {"1", "L", "P", "I"} or image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.int64)
    return _greys(image, where)


def _greys(image: Image.Image, where: str, *, lossy: bool = False) -> np.ndarray:
    """Grey levels [h, w], also of a colour picture that holds nothing but greys."""
    if image.mode in {"L", "I"} or image.mode.startswith("I;16"):
        return np.asarray(image).astype(np.int64)
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode not in {"P", "RGB"}:
        raise _unclear(f"mask of mode {image.mode}", where, "save the mask as 8-bit grey or palette PNG")
    pixels = np.asarray(image.convert("RGB"))
    if not lossy and (pixels != pixels[:, :, :1]).any():
        raise _unclear(
            "the mask is coloured, so it has no grey levels", where, "name a colour: mask.png#255,0,0"
        )
    return np.asarray(image.convert("L"))


def _non_zero(image: Image.Image, where: str) -> np.ndarray:
    if image.mode == "P":
        _refuse_odd_palette(image, where)
    if image.mode in {"RGB", "CMYK", "YCbCr"}:
        return np.asarray(np.asarray(image.convert("RGB")).any(axis=2))
    return np.asarray(_values(image, where) != 0)


def _refuse_odd_palette(image: Image.Image, where: str) -> None:
    """Only where index 0 is black and no other used index is, do indices and colours tell the same story."""
    used = np.unique(np.asarray(image)).tolist()
    palette = image.getpalette("RGB") or []
    black = {index for index in used if not any(palette[3 * index : 3 * index + 3])}
    if black - {0} or (0 in used and 0 not in black):
        raise _unclear(
            "which pixels of this palette picture are outside: those of index 0, or the black ones?",
            where,
            "name the index of the region: mask.png#1",
        )


def _unclear(message: str, where: str, hint: str) -> SampleError:
    return SampleError(message, reason="unclear mask", where=where, hint=hint)


def _same_size(size: tuple[int, int] | None, image: tuple[int, int], where: str) -> None:
    if size is not None and size != image:
        raise _other_size(size, image, where)


def _other_size(mask: tuple[int, int], image: tuple[int, int], where: str) -> SampleError:
    turned = mask == image[::-1]
    return SampleError(
        f"the mask is {mask[1]} × {mask[0]} pixels, the image {image[1]} × {image[0]} (width × height)",
        reason="mask size differs",
        where=where,
        hint="it may have been drawn on the image without its EXIF orientation"
        if turned
        else "a mask must have the size of its image file",
    )
