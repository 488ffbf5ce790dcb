"""From an image file to upright 8-bit RGB pixels, or to a refusal that says why not.

What cannot be turned into RGB without a guess is refused by name: partial transparency (which
background did the network see in training?), several frames, floating point and 32-bit pixels, 12-bit
data in a 16-bit file. Colour profiles are not applied, as the usual training pipelines do not either.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from camaudit.data.sample_error import SampleError

if TYPE_CHECKING:
    from camaudit.data.sample import ImageSource

_PLAIN = {"1", "L", "P", "RGB", "RGBX", "CMYK", "YCbCr"}
_ALPHA = {"LA", "La", "PA", "RGBA", "RGBa"}
_SIXTEEN = {"I;16", "I;16B", "I;16L", "I;16N"}
_DIMMEST = 4096
"""A 16-bit picture whose brightest value is below is most likely 12-bit data, and would come out black."""
_ORIENTATION = 0x0112
_TURNED = {5, 6, 7, 8}
"""EXIF orientations that swap height and width."""


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Photo:
    """A decoded image: upright, RGB; `sha256` is of the file (of shape and pixels where there is no file)."""

    image: Image.Image
    sha256: str

    @property
    def size(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return self.image.height, self.image.width

    @property
    def pixels(self) -> np.ndarray:
        """uint8 [h, w, 3]."""
        return np.asarray(self.image)


def read_image(source: ImageSource) -> Photo:
    """Decode an image to upright 8-bit RGB.

    EXIF orientation is applied; grey, palette, CMYK and YCbCr are converted, 16-bit keeps its high byte.
    Raises `SampleError` (a `DataError`) for missing, truncated or corrupt files, decompression bombs, several
    frames (but the first picture of a camera's MPO is taken), any transparent pixel, 32-bit and float pixels.
    """
    if isinstance(source, Path):
        data = read_bytes(source, "image")
        image = open_image(data, where=str(source), what="image")
        return Photo(image=to_rgb(image, where=str(source)), sha256=sha256(data).hexdigest())
    where = name_of(source)
    image = _from_callable(source, where)
    return Photo(image=image, sha256=sha256(f"{image.size}".encode() + image.tobytes()).hexdigest())


def image_size(source: ImageSource) -> tuple[int, int]:
    """Height and width of the upright image; reads no more than a JPEG's header."""
    if not isinstance(source, Path):
        return read_image(source).size
    try:
        with Image.open(source) as image:
            if image.format in {"JPEG", "MPO"}:
                turned = image.getexif().get(_ORIENTATION) in _TURNED
                return (image.width, image.height) if turned else (image.height, image.width)
    except Exception:  # noqa: BLE001, S110 - whatever is wrong with the file, `read_image` names it
        pass
    return read_image(source).size


def read_bytes(path: Path, what: str) -> bytes:
    """The file's content. `what` (``image`` or ``mask``) goes into the reason."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise SampleError("there is no such file", reason=f"missing {what}", where=str(path)) from None
    except OSError as failure:
        raise SampleError(
            failure.strerror or str(failure), reason=f"unreadable {what}", where=str(path)
        ) from failure
    if not data:
        raise SampleError("the file is empty", reason=f"unreadable {what}", where=str(path))
    return data


def open_image(data: bytes, *, where: str, what: str) -> Image.Image:
    """Decode a single-frame file in its own mode, upright."""
    try:
        image: Image.Image = Image.open(BytesIO(data))
        _refuse_size(image, where, what)
        _refuse_frames(image, where, what)
        image.load()
        ImageOps.exif_transpose(image, in_place=True)
    except (SampleError, MemoryError):
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as bomb:
        raise SampleError(str(bomb), reason=f"unsupported {what}", where=where, hint=_SIZE_HINT) from bomb
    except UnidentifiedImageError:
        raise SampleError(
            "this is no image that Pillow can read", reason=f"unreadable {what}", where=where
        ) from None
    except Exception as failure:  # a decoder may raise anything on a damaged file
        text = f"the file is damaged: {failure or type(failure).__name__}"
        raise SampleError(text, reason=f"unreadable {what}", where=where) from failure
    return image


def to_rgb(image: Image.Image, *, where: str) -> Image.Image:
    """Convert any mode to RGB, or refuse it by name."""
    mode = image.mode
    if mode in _SIXTEEN or (mode == "I" and image.format == "PNG"):  # Pillow < 11 opens 16-bit grey PNG as I
        return _from_16_bit(image, where)
    if mode not in _PLAIN | _ALPHA:
        raise SampleError(
            f"pixels of mode {mode} have no fixed scale to 8 bits",
            reason="unsupported image",
            where=where,
            hint="convert to 8-bit RGB as the network's training did",
        )
    if image.has_transparency_data:
        image = image.convert("RGBA")
        _refuse_transparency(np.asarray(image.getchannel("A")) < 255, where, "image")  # noqa: PLR2004 - opaque
    return image if image.mode == "RGB" else image.convert("RGB")


def drop_opaque_alpha(image: Image.Image, *, where: str, what: str) -> Image.Image:
    """Remove an alpha channel that hides nothing; refuse one that does."""
    if image.mode not in _ALPHA:
        return image
    rgba = image.convert("RGBA")
    _refuse_transparency(np.asarray(rgba.getchannel("A")) < 255, where, what)  # noqa: PLR2004 - 255 is opaque
    return rgba.convert("L" if image.mode in {"LA", "La"} else "RGB")


def name_of(source: Any) -> str:
    """What to call a callable in an error."""
    return str(getattr(source, "__qualname__", None) or type(source).__qualname__)


_SIZE_HINT = "scale it down; the limit is PIL.Image.MAX_IMAGE_PIXELS"


def _refuse_size(image: Image.Image, where: str, what: str) -> None:
    limit = Image.MAX_IMAGE_PIXELS
    if limit is not None and image.width * image.height > limit:
        raise SampleError(
            f"{image.width} × {image.height} pixels are over the limit of {limit:,}",
            reason=f"unsupported {what}",
            where=where,
            hint=_SIZE_HINT,
        )


def _refuse_frames(image: Image.Image, where: str, what: str) -> None:
    frames = getattr(image, "n_frames", 1)
    if (
        frames > 1 and image.format != "MPO"
    ):  # a camera's JPEG with previews: the first picture is the photograph
        raise SampleError(
            f"the {image.format} holds {frames} frames, and one is needed",
            reason=f"unsupported {what}",
            where=where,
            hint="save each frame as a file of its own",
        )


def _refuse_transparency(hidden: np.ndarray, where: str, what: str) -> None:
    if hidden.any():
        raise SampleError(
            f"{int(hidden.sum()):,} of {hidden.size:,} pixels are transparent; what lies behind is unknown",
            reason=f"unsupported {what}",
            where=where,
            hint="flatten it onto the background that the network saw in training"
            if what == "image"
            else "save the mask without an alpha channel",
        )


def _from_16_bit(image: Image.Image, where: str) -> Image.Image:
    values = np.asarray(image).astype(np.int64)
    key = image.info.get("transparency")
    if isinstance(key, int):
        _refuse_transparency(values == key, where, "image")
    brightest = int(values.max())
    if 0 < brightest < _DIMMEST:
        raise SampleError(
            f"16-bit grey whose brightest value is {brightest:,} of 65,535 would be almost black in 8 bits",
            reason="unsupported image",
            where=where,
            hint="scale the values to 16 bits, or convert to 8 bits as the network's training did",
        )
    return Image.fromarray((values >> 8).astype(np.uint8)).convert("RGB")


def _from_callable(source: Any, where: str) -> Image.Image:
    try:
        result = source()
    except (SampleError, MemoryError):
        raise
    except Exception as failure:  # the user's code may raise anything
        text = f"the callable raised {type(failure).__name__}: {failure}"
        raise SampleError(text, reason="unreadable image", where=where) from failure
    if isinstance(result, Image.Image):
        if 0 in result.size:
            raise SampleError(f"the image is {result.size}", reason="unreadable image", where=where)
        return to_rgb(ImageOps.exif_transpose(result), where=where)
    return Image.fromarray(_three_channels(result, where))


def _three_channels(result: Any, where: str) -> np.ndarray:
    shape, dtype = getattr(result, "shape", None), getattr(result, "dtype", type(result).__name__)
    fits = isinstance(result, np.ndarray) and dtype == np.uint8 and result.size > 0
    if fits and result.ndim == 2:  # noqa: PLR2004 - grey [h, w]
        return np.repeat(result[:, :, None], 3, axis=2)
    if fits and result.ndim == 3 and result.shape[2] == 3:  # noqa: PLR2004 - colour [h, w, 3]
        return np.ascontiguousarray(result)
    raise SampleError(
        f"the callable returned {dtype} of shape {shape}; "
        "a PIL image or a uint8 array [h, w, 3] or [h, w] is needed",
        reason="unsupported image",
        where=where,
    )
