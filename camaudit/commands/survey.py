"""What a folder of images holds: classes, sizes, and where the masks lie. Reads headers, no pixels."""

from __future__ import annotations

import os
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit.data.folder import SUFFIXES, FolderSource
from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from camaudit.data.sample import Listing

IMAGE_FOLDERS = ("images", "image", "imgs", "img", "photos", "jpegimages")
MASK_FOLDERS = (
    "masks",
    "mask",
    "annotations",
    "segmentations",
    "segmentation",
    "trimaps",
    "ground_truth",
    "gt",
)
MASK_NAMES = ("{id}", "{stem}", "{class}/{stem}", "{stem}_mask", "{stem}-mask", "{stem}_segmentation")
SIZES_LOOKED_AT = 50


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What was found in `folder`; `mask` and `images` are patterns as `FolderSource` takes them."""

    folder: Path
    images: str
    classes: tuple[str, ...]
    mask: str | None
    listing: Listing
    sizes: tuple[tuple[int, int], ...]
    """Distinct (width, height) of the first images, smallest first."""


def survey(folder: Path, mask: str | None = None) -> Survey:
    """Look at a folder. `mask` is the user's own pattern, else the usual places are tried.

    Raises `DataError` where there is no such folder, no image, or no mask by a given pattern.
    """
    if not folder.is_dir():
        raise DataError("there is no such folder", where=str(folder))
    home = next((place for place in _folders(folder) if place.name.lower() in IMAGE_FOLDERS), folder)
    nearby = {*_folders(folder), *_folders(folder.resolve().parent)} - {folder, folder.resolve(), home}
    mask_folders = sorted(place for place in nearby if place.name.lower() in MASK_FOLDERS)
    files = [file for file in _images(home) if not any(file.is_relative_to(place) for place in mask_folders)]
    if not files:
        raise DataError(
            "holds no images", where=str(folder), hint=f"images end in {' '.join(sorted(SUFFIXES))}"
        )
    nested = all(file.parent != home for file in files)
    images = ("" if home == folder else f"{home.name}/") + ("**/*" if nested else "*")
    sources = [
        FolderSource(folder=str(folder), images=images, mask=pattern, label="parent" if nested else None)
        for pattern in (_given(mask, folder) if mask else _guesses(folder, home, mask_folders))
        if nested or "{class}" not in pattern
    ]
    source, listing = _best(
        sources, FolderSource(folder=str(folder), images=images, label="parent" if nested else None)
    )
    if mask and source.mask is None:
        raise DataError(
            f"the pattern {mask!r} leads to a mask for none of {len(files)} images", where=str(folder)
        )
    return Survey(
        folder=folder,
        images=images,
        classes=tuple(sorted({file.parent.name for file in files})) if nested else (),
        mask=source.mask,
        listing=listing,
        sizes=_sizes(files),
    )


def _best(sources: Iterable[FolderSource], bare: FolderSource) -> tuple[FolderSource, Listing]:
    """The source whose mask pattern fits most images; `bare`, without masks, where none fits any."""
    best, most = (bare, bare.listing(Path(), None)), 0
    for source in sources:
        try:
            listing = source.listing(Path(), None)
        except DataError:  # not one mask
            continue
        if len(listing.samples) > most:
            best, most = (source, listing), len(listing.samples)
    return best


def _given(mask: str, folder: Path) -> list[str]:
    """The user's pattern, relative to the folder of images or to the working folder."""
    return [mask, Path(os.path.relpath(mask, folder)).as_posix()]


def _guesses(folder: Path, home: Path, mask_folders: Iterable[Path]) -> Iterator[str]:
    for place in mask_folders:
        relative = Path(os.path.relpath(place, folder)).as_posix()
        suffixes = Counter(file.suffix for file in _images(place))
        for suffix, _ in suffixes.most_common(2):
            yield from (f"{relative}/{name}{suffix}" for name in MASK_NAMES)
    beside = "" if home == folder else f"{home.name}/"
    yield from (f"{beside}{{id}}_mask.png", f"{beside}{{id}}-mask.png")


def _folders(folder: Path) -> list[Path]:
    return sorted(place for place in folder.iterdir() if place.is_dir() and not place.name.startswith("."))


def _images(folder: Path) -> list[Path]:
    files = (file for file in folder.rglob("*") if file.suffix.lower() in SUFFIXES)
    return sorted(
        file for file in files if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    )


def _sizes(files: Iterable[Path]) -> tuple[tuple[int, int], ...]:
    from PIL import Image

    sizes = set()
    for file in list(files)[:SIZES_LOOKED_AT]:
        try:
            with Image.open(file) as image:
                sizes.add(image.size)
        except OSError:  # unreadable: the listing or the run will say so by name
            continue
    return tuple(sorted(sizes))
