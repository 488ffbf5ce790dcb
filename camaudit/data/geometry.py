"""Resize and crop, the same for images and masks. Equal to torchvision's on PIL images, bit for bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from PIL import Image

from camaudit.data.sample_error import SampleError

if TYPE_CHECKING:
    from camaudit.data.sample import Box

Interpolation = Literal["nearest", "bilinear", "bicubic", "lanczos", "box"]

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
    "box": Image.Resampling.BOX,
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometry:
    """Resize, then centre crop; either may be None.

    `resize` is the shorter side (the longer one is ``int(resize · long / short)``), or (height, width).
    `crop` is a side, or (height, width); what is smaller is padded with black, and masks with "outside".
    Images are resized by Pillow's antialiased filter, masks at pixel centres: output row i shows the
    mask at input row ⌊(i + ½) · in / out⌋.
    """

    resize: int | tuple[int, int] | None = None
    crop: int | tuple[int, int] | None = None
    interpolation: Interpolation = "bilinear"

    def image(self, image: Image.Image | np.ndarray) -> np.ndarray:
        """RGB image or uint8 [h, w, 3] → uint8 [h', w', 3]."""
        picture = Image.fromarray(image) if isinstance(image, np.ndarray) else image
        height, width = self._resized((picture.height, picture.width))
        if (width, height) != picture.size:
            picture = picture.resize((width, height), _FILTERS[self.interpolation])
        return self._cropped(np.asarray(picture))

    def mask(self, mask: np.ndarray) -> np.ndarray:
        """Bool [h, w] → bool [h', w']."""
        return self._cropped(nearest(mask, self._resized((mask.shape[0], mask.shape[1]))))

    def box(self, box: Box, size: tuple[int, int]) -> Box | None:
        """A box (left, top, right, bottom) on an image of `size` (height, width), on what comes out.

        Scaled as the image, moved with the crop, and cut at its edges; None where the crop leaves nothing.
        """
        height, width = self._resized(size)
        x, y = width / size[1], height / size[0]
        left, top, right, bottom = box[0] * x, box[1] * y, box[2] * x, box[3] * y
        if self.crop is not None:
            crop = _pair(self.crop)
            down, across = (_moved(was, out) for was, out in zip((height, width), crop, strict=True))
            left, top, right, bottom = left + across, top + down, right + across, bottom + down
            height, width = crop
        kept = (max(left, 0.0), max(top, 0.0), min(right, float(width)), min(bottom, float(height)))
        return kept if kept[0] < kept[2] and kept[1] < kept[3] else None

    def output_size(self, height: int, width: int) -> tuple[int, int]:
        """Height and width of what comes out."""
        return _pair(self.crop) if self.crop is not None else self._resized((height, width))

    def text(self) -> str:
        """In words, for the record."""
        steps = []
        if isinstance(self.resize, int):
            steps.append(f"resize shorter side to {self.resize} ({self.interpolation})")
        elif self.resize is not None:
            steps.append(f"resize to {self.resize[0]} × {self.resize[1]} ({self.interpolation})")
        if self.crop is not None:
            height, width = _pair(self.crop)
            steps.append(f"centre crop {height} × {width}")
        return ", ".join(steps) or "as in the file"

    def _resized(self, size: tuple[int, int]) -> tuple[int, int]:
        if self.resize is None:
            return size
        if not isinstance(self.resize, int):
            return self.resize
        short, long = min(size), int(self.resize * max(size) / min(size))
        height, width = (long, self.resize) if size[0] > size[1] else (self.resize, long)
        limit = Image.MAX_IMAGE_PIXELS
        if short < self.resize and limit is not None and height * width > limit:
            raise SampleError(
                f"{size[1]} × {size[0]} pixels at a shorter side of {self.resize} are {width} × {height}",
                reason="unsupported image",
                hint="leave out images that are this long and thin",
            )
        return height, width

    def _cropped(self, array: np.ndarray) -> np.ndarray:
        if self.crop is None:
            return np.ascontiguousarray(array)
        height, width = _pair(self.crop)
        missing = [max(0, height - array.shape[0]), max(0, width - array.shape[1])]
        if any(missing):
            padding = [(short // 2, (short + 1) // 2) for short in missing] + [(0, 0)] * (array.ndim - 2)
            array = np.pad(array, padding)
        top, left = _cut(array.shape[0], height), _cut(array.shape[1], width)
        return np.ascontiguousarray(array[top : top + height, left : left + width])


def nearest(mask: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Resample [h, w] at the pixel centres of another size; exact integer arithmetic."""
    if mask.shape == size:
        return mask
    rows, columns = (
        (2 * np.arange(out) + 1) * was // (2 * out) for out, was in zip(size, mask.shape, strict=True)
    )
    return np.asarray(mask[rows[:, None], columns[None, :]])


def _cut(was: int, out: int) -> int:
    """Pixels that a centre crop cuts off in front."""
    return round((was - out) / 2)


def _moved(was: int, out: int) -> int:
    """How far padding and crop move what an image shows along one side."""
    missing = max(0, out - was)
    return missing // 2 - _cut(was + missing, out)


def _pair(size: int | tuple[int, int]) -> tuple[int, int]:
    return (size, size) if isinstance(size, int) else size
