"""Small files for the tests of the sources."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from camaudit.data.sample import Listing


def image(path: Path, size: tuple[int, int] = (6, 8), level: int = 90) -> Path:
    """A grey picture."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.full((*size, 3), level, dtype=np.uint8)).save(path)
    return path


def mask(path: Path, size: tuple[int, int] = (6, 8), value: int = 255) -> Path:
    """A picture whose left half has the value."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.zeros(size, dtype=np.uint8)
    levels[:, : size[1] // 2] = value
    Image.fromarray(levels).save(path)
    return path


def reasons(listing: Listing) -> dict[str, str]:
    """Unusable samples: id → reason."""
    return {item.id: item.reason for item in listing.unusable}


def details(listing: Listing) -> dict[str, str]:
    """Unusable samples: id → detail."""
    return {item.id: item.detail for item in listing.unusable}


def ids(listing: Listing) -> list[str]:
    """Usable samples."""
    return [sample.id for sample in listing.samples]
