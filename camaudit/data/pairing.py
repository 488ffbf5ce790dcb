"""Strict pairing of images with masks: what the sources share. Nothing is guessed, nothing vanishes."""

from __future__ import annotations

import re
from collections import Counter
from glob import escape, glob
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from pydantic import AfterValidator, StringConstraints

from camaudit.data.masks import MaskFile, split_selector
from camaudit.data.sample import Listing, Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError
from camaudit.paths import resolve
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from camaudit.data.sample import MaskSource

OBJECT = "object"
"""The region of the object itself."""
FIELDS = ("id", "stem", "name", "parent", "class")
_FIELD = re.compile(r"\{([^{}]*)\}")


def _check_pattern(text: str) -> str:
    for field in _FIELD.findall(text):
        if field not in FIELDS:
            allowed = ", ".join(f"{{{name}}}" for name in FIELDS)
            raise ValueError(f"unknown field {{{field}}}{did_you_mean(field, FIELDS)}; allowed: {allowed}")
    if set(_FIELD.sub("", text)) & {"{", "}"}:
        raise ValueError(f"a brace is left open in {text!r}")
    if not text.strip():
        raise ValueError("the pattern is empty")
    return text


Pattern = Annotated[str, AfterValidator(_check_pattern)]
"""Where a sample's mask lies: a path with {id}, {stem}, {name}, {parent}, {class} of the image, wildcards.

``#15`` at its end takes the pixels of that palette index or grey level only, ``#255,0,0`` those of a
colour, ``#>=128`` those from that grey level on.
"""

Region = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$", max_length=80)]
"""The name of a region, such as ``object`` or ``collar``."""


def fields_of(image: Path, *, sample_id: str, label: str | None) -> dict[str, str]:
    """What a pattern may name. ``class`` is the label as the data writes it."""
    fields = {"id": sample_id, "stem": image.stem, "name": image.name, "parent": image.parent.name}
    return fields if label is None else {**fields, "class": label}


def matches(pattern: str, fields: Mapping[str, str], base: Path) -> list[Path]:
    """All files that a pattern names for a sample, sorted."""
    path = split_selector(pattern)[0]
    wild = any(character in path for character in "*?[")
    place = _FIELD.sub(lambda match: escape(fields[match[1]]) if wild else fields[match[1]], path)
    if not wild:
        file = _resolved(place, base)
        return [file] if _is_file(file) else []
    places = sorted(glob(_under(base, place), recursive=True))  # noqa: PTH207 - absolute patterns are allowed
    return [file for file in map(Path, places) if _is_file(file)]


def find_mask(pattern: str, fields: Mapping[str, str], base: Path) -> MaskFile | None:
    """The one file that a pattern names for a sample; None where there is none.

    Raises `SampleError` ("two masks") where wildcards match several.
    """
    _, value, level = split_selector(pattern)
    found = matches(pattern, fields, base)
    if len(found) > 1:
        names = ", ".join(file.name for file in found[:4])
        raise SampleError(f"{len(found)} files match {pattern}: {names}", reason="two masks", where=str(base))
    return MaskFile(path=found[0], value=value, level=level) if found else None


def find_masks(patterns: Mapping[str, str], fields: Mapping[str, str], base: Path) -> dict[str, MaskSource]:
    """A sample's masks by region. The object's must exist, others may not: not every dog has a collar."""
    masks: dict[str, MaskSource] = {}
    for region, pattern in patterns.items():
        mask = find_mask(pattern, fields, base)
        if mask is not None:
            masks[region] = mask
        elif region == OBJECT:
            wanted = _FIELD.sub(lambda match: fields[match[1]], split_selector(pattern)[0])
            raise SampleError(f"there is no {wanted}", reason="no mask", where=str(base))
    return masks


def object_first(mask: str | None, masks: str | Mapping[str, str]) -> dict[str, str]:
    """The patterns by region, of the two keys that a source has for them."""
    regions = {OBJECT: masks} if isinstance(masks, str) else dict(masks)
    if mask is not None and OBJECT in regions:
        raise ValueError('the object\'s mask is given twice, by "mask" and by "masks"; keep one')
    return regions if mask is None else {OBJECT: mask, **regions}


def make_listing(entries: Iterable[Sample | Unusable], *, where: str, regions: Iterable[str] = ()) -> Listing:
    """Put a listing together: every entry ends up in it, once.

    Samples that share an id are all unusable: which of them is meant cannot be known. Raises `DataError`
    where there are no entries, and where not one usable sample has a mask of one of the declared `regions`.
    """
    listed = tuple(entries)
    if not listed:
        raise DataError("no samples were found", where=where, hint="an audit of nothing is never green")
    counts = Counter(entry.id for entry in listed)
    samples, unusable = [], []
    for entry in listed:
        if isinstance(entry, Unusable):
            unusable.append(entry)
        elif counts[entry.id] > 1:
            detail = f"{counts[entry.id]} samples share this id: {entry.image}"
            unusable.append(Unusable(id=entry.id, reason="duplicate id", detail=detail))
        else:
            samples.append(entry)
    for region in regions:
        if samples and not any(region in sample.masks for sample in samples):
            raise DataError(
                f"not one of {len(samples)} samples has a mask of the region {region!r}",
                where=where,
                hint="check its pattern or column",
            )
    return Listing(samples=tuple(samples), unusable=tuple(unusable))


def existing(file: Path, reason: str) -> Path:
    """The file itself. Raises `SampleError` with that reason where there is none."""
    if not _is_file(file):
        raise SampleError("there is no such file", reason=reason, where=str(file))
    return file


def refuse_itself(image: Path, masks: Iterable[MaskSource]) -> None:
    """Refuse an image as its own mask: nearly all of its pixels would be object, and every map right."""
    if any(isinstance(mask, MaskFile) and mask.path == image for mask in masks):
        raise SampleError("this image would be its own mask", reason="mask is the image", where=str(image))


def without_suffix(path: str) -> str:
    """``img/a.b.png`` → ``img/a.b``."""
    stem, dot, suffix = path.rpartition(".")
    return stem if dot and stem and "/" not in suffix else path


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # not allowed to look, or a name too long for the file system
        return False


def _resolved(place: str, base: Path) -> Path:
    try:
        return resolve(place, base)
    except DataError as failure:
        raise SampleError(
            failure.message, reason="no mask", where=failure.where, hint=failure.hint
        ) from failure


def _under(base: Path, place: str) -> str:
    if place.startswith("/"):
        return place
    if place.startswith("package:"):
        raise DataError(
            "wildcards do not reach into packages", where=place, hint="name the file without * ? ["
        )
    return f"{escape(str(base))}/{place}"
