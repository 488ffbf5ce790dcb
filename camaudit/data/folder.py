"""A folder of images, with masks found by pattern and labels from folder or file names."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pydantic import field_validator, model_validator

from camaudit.data.labels import LabelMap, make_labels
from camaudit.data.pairing import (
    Pattern,
    Region,
    fields_of,
    find_masks,
    make_listing,
    matches,
    object_first,
    refuse_itself,
)
from camaudit.data.sample import Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError
from camaudit.paths import resolve
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camaudit.data.labels import Labels
    from camaudit.data.sample import Listing

SUFFIXES = frozenset(
    f".{suffix}"
    for suffix in (
        *("jpg", "jpeg", "jpe", "jfif", "png", "webp", "bmp", "gif", "tif", "tiff"),
        *("ppm", "pgm", "pbm", "pnm", "jp2", "avif", "heic", "heif"),
    )
)
"""What counts as an image file. What Pillow then cannot read is refused by name."""


class FolderSource(SourceSpec):
    """Every image file in a folder. Hidden files and folders are passed over."""

    folder: str
    """Relative to the spec; the patterns below are relative to it."""
    images: str = "**/*"
    """Which files are images, with wildcards; of them, only files with an image's suffix are taken, and
    mask files are not. A sample's id is its path from the fixed part of this on, without the suffix."""
    mask: Pattern | None = None
    """Where the object's masks lie: ``masks/{class}/{stem}.png``."""
    masks: Pattern | dict[Region, Pattern] = {}  # noqa: RUF012 - pydantic copies defaults
    """The same, or patterns of several regions: {object: "masks/{id}.png", collar: "collars/{id}.png"}."""
    label: str | None = "parent"
    """``parent``: the name of the image's folder; null: no labels; else a regular expression with one group,
    searched in the file name without its suffix: ``^([a-z]+)_``."""
    labels: LabelMap = None
    """What labels of the data are called among the model's classes: {husky: Eskimo dog}, or a JSON file."""

    @field_validator("images")
    @classmethod
    def _relative(cls, images: str) -> str:
        if not images or images.startswith("/") or ".." in images.split("/"):
            raise ValueError('wildcards inside the folder are needed, such as "images/**/*.jpg"')
        return images

    @field_validator("label")
    @classmethod
    def _one_group(cls, label: str | None) -> str | None:
        if label in {None, "parent"}:
            return label
        try:
            groups = re.compile(str(label)).groups
        except re.error as failure:
            raise ValueError(f"{label!r} is no regular expression: {failure}") from None
        if groups != 1:
            raise ValueError(
                f'write "parent", null, or a regular expression with one group, not {groups}: {label!r}'
            )
        return label

    @model_validator(mode="after")
    def _consistent(self) -> FolderSource:
        patterns = object_first(self.mask, self.masks)
        if self.label is None and any("{class}" in pattern for pattern in patterns.values()):
            raise ValueError("a pattern names {class}, and there are no labels (label is null)")
        return self

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """One sample per image file, in order of path."""
        root = resolve(self.folder, base)
        if not root.is_dir():
            raise DataError("there is no such folder", where=str(root))
        patterns = object_first(self.mask, self.masks)
        labels = make_labels(classes, self.labels, base)
        files = self._files(root)
        drawn = {mask for file in files for mask in self._drawn(file, root, patterns)}
        entries = [self._entry(file, root, patterns, labels) for file in files if file not in drawn]
        return make_listing(entries, where=str(root / self.images), regions=patterns)

    def _files(self, root: Path) -> list[Path]:
        return [
            file
            for file in sorted(root.glob(self.images))
            if file.suffix.lower() in SUFFIXES
            and not any(part.startswith(".") for part in file.relative_to(root).parts)
            and file.is_file()
        ]

    def _fields(self, file: Path, root: Path) -> dict[str, str]:
        sample_id = file.relative_to(root / _fixed_part(self.images)).with_suffix("").as_posix()
        try:
            return fields_of(file, sample_id=sample_id, label=self._label_text(file, root))
        except SampleError:  # no label to be read: `_entry` says so
            return fields_of(file, sample_id=sample_id, label=None)

    def _drawn(self, file: Path, root: Path, patterns: Mapping[str, str]) -> set[Path]:
        """Files that are masks of this image, and so are no images themselves."""
        fields = self._fields(file, root)
        known = [pattern for pattern in patterns.values() if "class" in fields or "{class}" not in pattern]
        return {mask for pattern in known for mask in matches(pattern, fields, root)} - {file}

    def _entry(
        self, file: Path, root: Path, patterns: Mapping[str, str], labels: Labels
    ) -> Sample | Unusable:
        fields = self._fields(file, root)
        try:
            text = self._label_text(file, root)
            label, label_name = (None, None) if text is None else labels.read(text)
            masks = find_masks(patterns, fields, root)
            refuse_itself(file, masks.values())
        except SampleError as refusal:
            return Unusable(id=fields["id"], reason=refusal.reason, detail=refusal.detail)
        return Sample(id=fields["id"], image=file, masks=masks, label=label, label_name=label_name)

    def _label_text(self, file: Path, root: Path) -> str | None:
        if self.label is None:
            return None
        if self.label == "parent":
            if file.parent == root / _fixed_part(self.images):
                raise SampleError(
                    f"{file.name} lies in no folder named after its class",
                    reason="no label",
                    hint="write `label: null`, or a regular expression on the file name",
                )
            return file.parent.name
        match = re.search(self.label, file.stem)
        if match is None or not match[1]:
            raise SampleError(f"{file.stem!r} does not match {self.label!r}", reason="no label")
        return match[1]


def _fixed_part(images: str) -> str:
    """The folders of a pattern that come before its first wildcard."""
    folders = images.split("/")[:-1]
    wild = next((place for place, part in enumerate(folders) if set(part) & set("*?[")), len(folders))
    return "/".join(folders[:wild])
