"""What files do to a picture.

Functions take an image float64 [c, h, w] in [0, 1], a severity from 1 to 5 and the chance of that image,
which plays no part. Constants: Hendrycks and Dietterich, ICLR 2019 (ImageNet-C).
"""

from __future__ import annotations

from io import BytesIO

import numpy as np
from PIL import Image

LEFT = (0.6, 0.5, 0.4, 0.3, 0.25)
QUALITY = (25, 18, 15, 10, 7)
LEVELS = 255


def pixelate(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Scaled down to 0.6 … 0.25 of its sides by means of boxes, and up again without smoothing."""
    picture = _picture(image)
    width, height = (max(1, int(side * LEFT[severity - 1])) for side in picture.size)
    small = width, height
    return _values(picture.resize(small, Image.Resampling.BOX).resize(picture.size, Image.Resampling.BOX))


def jpeg_compression(image: np.ndarray, severity: int, rng: np.random.Generator) -> np.ndarray:  # noqa: ARG001 - no chance
    """Saved as JPEG of quality 25 … 7 and read again; the last bits depend on Pillow's libjpeg."""
    file = BytesIO()
    _picture(image).save(file, "JPEG", quality=QUALITY[severity - 1])
    with Image.open(file) as read:
        return _values(read)


def _picture(image: np.ndarray) -> Image.Image:
    levels = np.rint(np.clip(image, 0, 1) * LEVELS).astype(np.uint8)
    return Image.fromarray(levels.transpose(1, 2, 0))


def _values(picture: Image.Image) -> np.ndarray:
    values: np.ndarray = np.asarray(picture, dtype=np.float64).transpose(2, 0, 1) / LEVELS
    return values
