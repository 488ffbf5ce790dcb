"""Reads what the engine kept beside a result: pictures, masks and raw maps, never outside of its folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

MAPS = "evidence/maps.npz"
_MOST_PIXELS = 64_000_000


class MissingError(Exception):
    """A piece of evidence that cannot be shown; its text says why, in a few words."""


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The evidence of one report folder."""

    folder: Path
    maps: Mapping[str, NDArray[np.float32]]
    problem: str = ""
    """Why there are no maps at all, if there are none."""

    def image(self, name: str) -> Image.Image:
        """The picture of that relative name, as RGB. Raises `MissingError`."""
        return self._open(name).convert("RGB")

    def mask(self, name: str) -> NDArray[np.bool_]:
        """The mask of that relative name: bool [h, w]. Raises `MissingError`."""
        inside: NDArray[np.bool_] = np.asarray(self._open(name).convert("L")) > 127  # noqa: PLR2004 - 0 or 255
        return inside

    def map(self, key: str) -> NDArray[np.float32]:
        """The raw signed map of that key: float32 [u, v], finite. Raises `MissingError`."""
        if self.problem:
            raise MissingError(self.problem)
        try:
            raw = np.asarray(self.maps[key])
        except KeyError:
            raise MissingError("no map of this name was kept") from None
        except (OSError, ValueError) as error:
            raise MissingError(f"the map cannot be read: {error}") from None
        if raw.ndim != 2 or not raw.size or raw.dtype.kind not in "fiu":  # noqa: PLR2004 - a map is a plane
            raise MissingError(f"the map kept is no plane of numbers but {raw.dtype} {list(raw.shape)}")
        if not np.isfinite(raw).all():
            raise MissingError("the map holds values that are not finite")
        return raw.astype(np.float32)

    def _open(self, name: str) -> Image.Image:
        try:
            path = (self.folder / name).resolve()
            if not path.is_relative_to(self.folder.resolve()):
                raise MissingError("the file lies outside of the report's folder")
            with Image.open(path, formats=["PNG"]) as image:
                if image.width * image.height > _MOST_PIXELS:
                    raise MissingError(f"the picture is too large to show ({image.width} × {image.height})")
                image.load()
                return image
        except FileNotFoundError:
            raise MissingError("the file is missing") from None
        except (OSError, ValueError, SyntaxError, Image.DecompressionBombError) as error:
            # Pillow raises SyntaxError for some broken PNG chunks
            raise MissingError(f"the file cannot be read: {error}") from None


def read(folder: Path, keys: Iterable[str]) -> Evidence:
    """The evidence in a report folder, with the maps of these keys; no maps at all is a stated problem."""
    path = folder / MAPS
    try:
        # Opened here, because NumPy leaves a damaged archive open.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            return Evidence(folder=folder, maps={name: stored[name] for name in keys if name in stored})
    except FileNotFoundError:
        return Evidence(folder=folder, maps={}, problem=f"{MAPS} is missing")
    except Exception as error:  # noqa: BLE001 - a damaged archive raises a dozen types; a report must still open
        return Evidence(folder=folder, maps={}, problem=f"{MAPS} cannot be read: {error}")
