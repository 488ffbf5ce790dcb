"""A table of samples: CSV, TSV or JSON lines, with paths relative to the table's own folder."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

from pydantic import field_validator, model_validator

from camaudit.data.boxes import BoxFormat, filled, read_boxes
from camaudit.data.labels import LabelMap, make_labels
from camaudit.data.masks import mask_file
from camaudit.data.pairing import (
    OBJECT,
    Pattern,
    Region,
    existing,
    fields_of,
    find_masks,
    make_listing,
    object_first,
    refuse_itself,
    without_suffix,
)
from camaudit.data.sample import Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.data.scenes import in_scenes
from camaudit.data.table import read_table
from camaudit.errors import DataError
from camaudit.paths import PACKAGE, resolve
from camaudit.registry import did_you_mean
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

    from camaudit.data.labels import Labels
    from camaudit.data.sample import Box, Listing, MaskSource
    from camaudit.data.table import Row

ROLES = ("id", "image", "mask", "label", "group", "box")
_REGION_PREFIXES = ("mask.", "mask_")


class ManifestSource(SourceSpec):
    """A CSV, TSV or JSONL file with a row per sample."""

    manifest: str
    """The file. Columns: `image` (needed), `id`, `mask`, `label`, `group`, `mask.REGION` for further regions,
    `box` and `box.REGION` for boxes (``left top right bottom``, several with ``;`` between them); all others
    become metadata. A region with boxes and no mask has its boxes, filled, as mask. Image and mask paths are
    relative to the file's folder."""
    box_format: BoxFormat = "corners"
    """What the four numbers of a box are, in pixels of the upright image from its top left corner: `corners`
    (left top right bottom; right and bottom just outside the box) or `size` (left top width height)."""
    columns: dict[str, str] = {}  # noqa: RUF012 - pydantic copies defaults
    """What columns are called in the file where they have other names: {image: filename, label: breed}."""
    mask: Pattern | None = None
    """Where the object's masks lie, instead of a column `mask`: ``masks/{stem}.png``."""
    masks: Pattern | dict[Region, Pattern] = {}  # noqa: RUF012 - pydantic copies defaults
    """Patterns of further regions' masks: {collar: "masks/collar/{id}.png"}."""
    labels: LabelMap = None
    """What labels of the file are called among the model's classes: {husky: Eskimo dog}, or a JSON file."""
    complete: bool = False
    """Every class of the file that an image shows has a row with that image: what has none is absent from it.
    Only then is it known what else an image shows, as `pointing_rejection` asks."""

    @field_validator("columns")
    @classmethod
    def _roles(cls, columns: dict[str, str]) -> dict[str, str]:
        for role in columns:
            if role not in ROLES and _region(role) is None and _boxed(role) is None:
                raise ValueError(
                    f"unknown column {role!r}{did_you_mean(role, ROLES)}; "
                    f"allowed: {', '.join(ROLES)}, mask.REGION, box.REGION"
                )
        return columns

    @model_validator(mode="after")
    def _one_object(self) -> ManifestSource:
        object_first(self.mask, self.masks)
        return self

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """One sample per row, in the order of the file."""
        file = resolve(self.manifest, base)
        header, lines = read_table(file)
        rows = list(lines)
        roles = _roles_of(header, self.columns, str(file))
        patterns = object_first(self.mask, self.masks)
        _refuse_clash(roles, patterns, str(file))
        labels = make_labels(classes, self.labels, base)
        table = _Table(file.parent, roles, patterns, labels, self.box_format)
        declared = [*patterns, *filter(None, map(_region, roles)), *filter(None, map(_boxed, roles))]
        entries: Iterable[Sample | Unusable] = map(table.entry, rows)
        if self.complete:
            entries = in_scenes([*entries], table.classes(rows))
        return make_listing(entries, where=str(file), regions=declared)


class _Table:
    """Turns rows into samples."""

    def __init__(
        self,
        folder: Path,
        roles: Mapping[str, str],
        patterns: Mapping[str, str],
        labels: Labels,
        box_format: BoxFormat,
    ) -> None:
        self.folder = folder
        self.box_format = box_format
        self.roles = roles
        self.patterns = patterns
        self.labels = labels

    def classes(self, rows: Sequence[Row]) -> dict[Path, Counter[int | None]] | None:
        """Rows of each image by class, usable or not; None where a row cannot be read at all."""
        found: dict[Path, Counter[int | None]] = defaultdict(Counter)
        for _, cells in rows:
            if isinstance(cells, str) or "label" not in self.roles:
                return None
            image = resolve(cells[self.roles["image"]].strip(), self.folder)
            found[image][self.labels.key(cells[self.roles["label"]].strip())[0]] += 1
        return found

    def entry(self, row: Row) -> Sample | Unusable:
        line, cells = row
        if isinstance(cells, str):
            return Unusable(id=f"line {line}", reason="malformed row", detail=cells)
        values = {role: cells[column].strip() for role, column in self.roles.items()}
        sample_id = values["id"] if "id" in values else without_suffix(values["image"].removeprefix(PACKAGE))
        try:
            return self._sample(sample_id, values, cells)
        except SampleError as refusal:
            return Unusable(id=sample_id or f"line {line}", reason=refusal.reason, detail=refusal.detail)

    def _sample(self, sample_id: str, values: Mapping[str, str], cells: Mapping[str, str]) -> Sample:
        if not values["image"]:
            raise SampleError("the image's cell is empty", reason="missing image")
        if not sample_id:
            raise SampleError("the id's cell is empty", reason="no id")
        if values.get("label") == "":
            raise SampleError("the label's cell is empty", reason="no label")
        label_text = values.get("label")
        label, label_name = (None, None) if label_text is None else self.labels.read(label_text)
        image = _file(values["image"], self.folder)
        fields = fields_of(image, sample_id=sample_id, label=label_text)
        boxes = self._boxes(values)
        masks = {
            **{region: filled(own) for region, own in boxes.items()},
            **find_masks(self.patterns, fields, self.folder),
            **self._masks(values),
        }
        refuse_itself(image, masks.values())
        used = set(self.roles.values())
        return Sample(
            id=sample_id,
            image=image,
            masks=masks,
            label=label,
            label_name=label_name,
            group=values.get("group") or None,
            metadata={name: text for name, text in cells.items() if name not in used},
            boxes=boxes,
        )

    def _boxes(self, values: Mapping[str, str]) -> dict[str, tuple[Box, ...]]:
        boxes: dict[str, tuple[Box, ...]] = {}
        for role, text in values.items():
            region = _boxed(role)
            if region is None:
                continue
            if not text and region == OBJECT:
                raise SampleError("the box's cell is empty", reason="no box")
            if text:
                boxes[region] = read_boxes(text, self.box_format)
        return boxes

    def _masks(self, values: Mapping[str, str]) -> dict[str, MaskSource]:
        masks: dict[str, MaskSource] = {}
        for role, text in values.items():
            region = _region(role)
            if region is None:
                continue
            if not text and region == OBJECT:
                raise SampleError("the mask's cell is empty", reason="no mask")
            if text:
                masks[region] = _mask(text, self.folder)
        return masks


def _mask(text: str, folder: Path) -> MaskSource:
    try:
        mask = mask_file(text, folder)
        existing(mask.path, "no mask")
    except DataError as failure:
        hint = failure.hint or "columns called mask, mask.REGION or mask_REGION hold mask files"
        raise SampleError(failure.message, reason="no mask", where=failure.where, hint=hint) from failure
    return mask


def _file(text: str, folder: Path) -> Path:
    try:
        return existing(resolve(text, folder), "missing image")
    except DataError as failure:
        raise SampleError(
            failure.message, reason="missing image", where=failure.where, hint=failure.hint
        ) from failure


def _region(role: str) -> str | None:
    """``mask`` → object, ``mask.collar`` and ``mask_collar`` → collar, others → None."""
    if role == "mask":
        return OBJECT
    for prefix in _REGION_PREFIXES:
        if role.startswith(prefix) and len(role) > len(prefix):
            return role.removeprefix(prefix)
    return None


def _boxed(role: str) -> str | None:
    """``box`` → object, ``box.collar`` → collar, others → None."""
    if role == "box":
        return OBJECT
    return role.removeprefix("box.") if role.startswith("box.") and len(role) > len("box.") else None


def _roles_of(header: Sequence[str], columns: Mapping[str, str], where: str) -> dict[str, str]:
    """Role → column of the file."""
    for role, column in columns.items():
        if column not in header:
            raise DataError(
                f"there is no column {column!r} (for {role}){did_you_mean(column, header)}; "
                f"the columns are: {', '.join(header)}",
                where=f"{where}:1",
            )
    taken = set(columns.values())
    named = {
        name: name
        for name in header
        if name not in taken and (name in ROLES or _region(name) is not None or _boxed(name) is not None)
    }
    roles = {**named, **columns}
    if "image" not in roles:
        raise DataError(
            f'there is no column "image"{_near("image", header)}; the columns are: {", ".join(header)}',
            where=f"{where}:1",
            hint="name the column with the image paths by `columns: {image: …}`",
        )
    regions = [region for role in roles if (region := _region(role)) is not None]
    for region in regions:
        if regions.count(region) > 1:
            raise DataError(f"two columns hold masks of the region {region!r}", where=f"{where}:1")
    return roles


def _near(name: str, header: Sequence[str]) -> str:
    near = next((column for column in header if column.lower() == name), None)
    return f', did you mean "{near}"?' if near else did_you_mean(name, header)


def _refuse_clash(roles: Mapping[str, str], patterns: Mapping[str, str], where: str) -> None:
    for role in roles:
        if _region(role) in patterns:
            raise DataError(
                f"the region {_region(role)!r} has both a column ({roles[role]!r}) and a pattern",
                where=f"{where}:1",
                hint="remove the pattern, or rename the column",
            )
    if "label" not in roles and any("{class}" in pattern for pattern in patterns.values()):
        raise DataError('a pattern names {class}, and there is no column "label"', where=f"{where}:1")
