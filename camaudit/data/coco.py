"""COCO instances: one sample per image and category, or per image."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from camaudit.data.labels import LabelMap, make_labels, read_json
from camaudit.data.masks import MaskPolygons, MaskRLE, MaskUnion
from camaudit.data.pairing import OBJECT, existing, make_listing, without_suffix
from camaudit.data.sample import Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.data.scenes import known_classes, scene_of
from camaudit.errors import DataError
from camaudit.paths import resolve
from camaudit.registry import did_you_mean
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from camaudit.data.labels import Labels
    from camaudit.data.sample import Box, Listing, MaskSource, Scene


class CocoSource(SourceSpec):
    """An instances file in COCO's format, with polygons or run lengths."""

    coco: str
    """The JSON file."""
    images: str
    """The folder that `file_name` is relative to."""
    labels: LabelMap = None
    """Which categories are audited, and what they are called among the model's classes: {dog: beagle}, or a
    JSON file. Without it, all are, by their own names."""
    per: Literal["category", "image"] = "category"
    """`category`: a sample per image and category, whose mask is the union of that category's instances
    (categories that `labels` gives the same class are one). `image`: a sample per image, whose mask is the
    union of all; instances of several classes make it unusable."""
    crowd: Literal["unusable", "object"] = "unusable"
    """What a crowd outline (`iscrowd`) of the category does: it makes the sample unusable, since its
    objects are not outlined one by one, or it counts as object."""

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """Samples in the order of the file."""
        file = resolve(self.coco, base)
        content = _Instances.read(file)
        labels = make_labels(classes, self.labels, base)
        categories = _audited(content.categories, labels, str(file))
        folder = resolve(self.images, base)
        groups = self._groups(content, categories, labels)
        scenes = self._scenes(content, categories, labels)
        entries = (self._entry(group, content, labels, folder, scenes[group.image]) for group in groups)
        return make_listing(entries, where=str(file))

    def _scenes(self, content: _Instances, categories: Mapping[int, str], labels: Labels) -> dict[int, Scene]:
        """What each image shows. All instances are outlined, so any other category is absent."""
        known = known_classes(categories.values(), labels)
        by_class: dict[int, dict[tuple[int | None, str | None], list[dict[str, Any]]]] = {}
        for note in content.annotations:
            if note["category_id"] in categories:
                key = labels.key(categories[note["category_id"]])
                by_class.setdefault(note["image_id"], {}).setdefault(key, []).append(note)
        return {
            image: scene_of(
                {key: partial(self._mask, notes, _size(content.images[image])) for key, notes in own.items()},
                known,
            )
            for image, own in by_class.items()
        }

    def _groups(self, content: _Instances, categories: Mapping[int, str], labels: Labels) -> Iterator[_Group]:
        """Annotations that make one sample."""
        gathered: dict[tuple[int, object], list[dict[str, Any]]] = defaultdict(list)
        for note in content.annotations:
            if note["category_id"] in categories:
                # by class, not category: what a sample's mask leaves out is of other classes
                key = labels.key(categories[note["category_id"]]) if self.per == "category" else None
                gathered[note["image_id"], key].append(note)
        for (image, _), notes in gathered.items():
            names = tuple(dict.fromkeys(categories[note["category_id"]] for note in notes))
            yield _Group(image=image, names=names, notes=notes)

    def _entry(
        self, group: _Group, content: _Instances, labels: Labels, folder: Path, scene: Scene
    ) -> Sample | Unusable:
        image = content.images[group.image]
        name = str(image["file_name"])
        stem = without_suffix(name)
        sample_id = f"{stem}:{'+'.join(group.names)}" if self.per == "category" else stem
        try:
            label, label_name = _class_of(group.names, labels)
            size = _size(image)
            return Sample(
                id=sample_id,
                image=existing(folder / name, "missing image"),
                masks={OBJECT: self._mask(group.notes, size)},
                label=label,
                label_name=label_name,
                metadata={"category": "+".join(group.names), "instances": str(len(group.notes))},
                boxes=_all_boxes(group.notes),
                scene=scene,
            )
        except SampleError as refusal:
            return Unusable(id=sample_id, reason=refusal.reason, detail=refusal.detail)

    def _mask(self, notes: Sequence[dict[str, Any]], size: tuple[int, int] | None) -> MaskSource:
        crowds = sum(bool(note.get("iscrowd")) for note in notes)
        if crowds and self.crowd == "unusable":
            raise SampleError(
                f"{crowds} of {len(notes)} annotations outline a crowd",
                reason="crowd",
                hint="`crowd: object` counts crowds as object",
            )
        masks = tuple(_outline(note, size) for note in notes)
        return masks[0] if len(masks) == 1 else MaskUnion(masks=masks)


def _class_of(names: Sequence[str], labels: Labels) -> tuple[int | None, str | None]:
    found = list(dict.fromkeys(labels.read(name) for name in names))
    if len(found) > 1:
        raise SampleError(f"it shows {', '.join(names)}", reason="several classes")
    return found[0]


@dataclass(frozen=True, kw_only=True)
class _Group:
    image: int
    names: tuple[str, ...]
    notes: list[dict[str, Any]]


@dataclass(frozen=True, kw_only=True)
class _Instances:
    """The three parts of the file that are used, checked against each other."""

    images: dict[int, dict[str, Any]]
    categories: dict[int, str]
    annotations: list[dict[str, Any]]

    @classmethod
    def read(cls, file: Path) -> _Instances:
        content = read_json(file)
        if not isinstance(content, dict):
            raise DataError("a COCO file is a JSON object", where=str(file))
        images = _by_id(_part(content, "images", ("id", "file_name"), file), "images", file)
        kinds = _by_id(_part(content, "categories", ("id", "name"), file), "categories", file)
        notes = _part(content, "annotations", ("image_id", "category_id"), file)
        for place, note in enumerate(notes):
            for key, known in (("image_id", images), ("category_id", kinds)):
                if note[key] not in known:
                    raise DataError(
                        f"annotations[{place}]: {key} {note[key]!r} does not exist", where=str(file)
                    )
        return cls(
            images=images,
            categories={key: str(kind["name"]) for key, kind in kinds.items()},
            annotations=notes,
        )


def _part(content: dict[str, Any], name: str, needed: tuple[str, ...], file: Path) -> list[dict[str, Any]]:
    part = content.get(name)
    if not isinstance(part, list):
        raise DataError(f"a list {name!r} is needed", where=str(file), hint="is this an instances file?")
    for place, item in enumerate(part):
        known = item if isinstance(item, dict) else {}
        missing = [key for key in needed if not isinstance(known.get(key), str | int)]
        if missing:
            raise DataError(f"{name}[{place}] has no {missing[0]!r} (text or a number)", where=str(file))
    return part


def _by_id(part: list[dict[str, Any]], name: str, file: Path) -> dict[int, dict[str, Any]]:
    table = {item["id"]: item for item in part}
    if len(table) != len(part):
        raise DataError(f"two of the {name} share an id", where=str(file))
    return table


def _audited(categories: dict[int, str], labels: Labels, where: str) -> dict[int, str]:
    if labels.names is None:
        return categories
    for name in labels.names:
        if name not in categories.values():
            raise DataError(
                f"`labels` names {name!r}, and there is no such category"
                f"{did_you_mean(name, categories.values())}",
                where=where,
                hint=f"the categories are: {', '.join(categories.values())}",
            )
    return {key: name for key, name in categories.items() if name in labels.names}


def _size(image: dict[str, Any]) -> tuple[int, int] | None:
    height, width = image.get("height"), image.get("width")
    return (height, width) if isinstance(height, int) and isinstance(width, int) else None


def _outline(note: dict[str, Any], size: tuple[int, int] | None) -> MaskSource:
    outline = note.get("segmentation")
    try:
        if isinstance(outline, dict):
            counts, (height, width) = outline["counts"], map(int, outline["size"])
            runs = counts if isinstance(counts, str) else tuple(int(count) for count in counts)
            return MaskRLE(counts=runs, size=(height, width))
        if isinstance(outline, list) and outline:
            parts = tuple(np.asarray(part, dtype=np.float64) for part in outline)
            return MaskPolygons(polygons=parts, size=size)
    except (KeyError, TypeError, ValueError) as failure:
        raise SampleError(
            f"the outline of annotation {note.get('id')} cannot be read: {failure}", reason="unreadable mask"
        ) from failure
    raise SampleError(f"annotation {note.get('id')} has no polygon and no run lengths", reason="no mask")


def _all_boxes(notes: Sequence[dict[str, Any]]) -> dict[str, tuple[Box, ...]]:
    """The boxes of a sample; none where an instance has none, for some of them are not the object's boxes."""
    boxes = tuple(_boxes(notes))
    return {OBJECT: boxes} if len(boxes) == len(notes) else {}


def _boxes(notes: Iterable[dict[str, Any]]) -> Iterator[Box]:
    for note in notes:
        if note.get("bbox") is None:
            continue
        try:
            left, top, width, height = map(float, note["bbox"])
        except (TypeError, ValueError) as failure:
            raise SampleError(
                f"the box of annotation {note.get('id')} cannot be read: {failure}", reason="unreadable box"
            ) from failure
        yield left, top, left + width, top + height
