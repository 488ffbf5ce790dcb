"""Pascal VOC: one sample per image and class, from Annotations, JPEGImages and Segmentation folders."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Literal
from xml.etree import ElementTree as ET

from camaudit.data.labels import LabelMap, make_labels
from camaudit.data.masks import MaskBox, MaskFile, MaskUnion
from camaudit.data.pairing import OBJECT, existing, make_listing
from camaudit.data.sample import Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.data.scenes import known_classes, scene_of
from camaudit.errors import DataError
from camaudit.paths import resolve
from camaudit.registry import did_you_mean
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from camaudit.data.labels import Labels
    from camaudit.data.sample import Box, Listing, MaskSource, Scene

CLASSES = (
    *("aeroplane", "bicycle", "bird", "boat", "bottle", "bus", "car", "cat", "chair", "cow"),
    *(
        "diningtable",
        "dog",
        "horse",
        "motorbike",
        "person",
        "pottedplant",
        "sheep",
        "sofa",
        "train",
        "tvmonitor",
    ),
)
"""In the order of their values in SegmentationClass, from 1; 0 is background and 255 is void."""


class VocSource(SourceSpec):
    """A folder laid out as Pascal VOC's."""

    voc: str
    """The folder that holds Annotations and JPEGImages."""
    split: str | None = None
    """A list of ImageSets/Segmentation (of ImageSets/Main for boxes), such as ``val``; else all there are."""
    segmentation: Literal["class", "object", "boxes"] = "class"
    """Where masks come from: SegmentationClass, SegmentationObject, or the boxes, filled."""
    labels: LabelMap = None
    """Which classes are audited, and what the model's classes call them: {dog: beagle}, or a JSON file."""
    names: tuple[str, ...] = CLASSES
    """The classes in the order of their values in SegmentationClass, from 1."""

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """Samples in the order of the split, or of file names. Void pixels (255) belong to no mask."""
        root = resolve(self.voc, base)
        labels = make_labels(classes, self.labels, base)
        self._refuse_strangers(labels, str(root))
        entries = (entry for name in self._names(root) for entry in self._entries(name, root, labels))
        return make_listing(entries, where=str(root))

    def _refuse_strangers(self, labels: Labels, where: str) -> None:
        for name in labels.names or ():
            if name not in self.names:
                raise DataError(
                    f"`labels` names a class {name!r} that does not exist{did_you_mean(name, self.names)}",
                    where=where,
                )

    def _names(self, root: Path) -> list[str]:
        if self.split is None:
            return sorted(file.stem for file in (root / "Annotations").glob("*.xml"))
        kind = "Main" if self.segmentation == "boxes" else "Segmentation"
        file = root / "ImageSets" / kind / f"{self.split}.txt"
        if not file.is_file():
            known = sorted(other.stem for other in file.parent.glob("*.txt"))
            raise DataError(
                f"there is no split {self.split!r}{did_you_mean(self.split, known)}",
                where=str(file),
                hint=f"the splits are: {', '.join(known) or 'none'}",
            )
        return [line.split()[0] for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]

    def _entries(self, name: str, root: Path, labels: Labels) -> Iterator[Sample | Unusable]:
        """One for each of the model's classes in the image."""
        try:
            things = _read_annotation(root / "Annotations" / f"{name}.xml")
        except SampleError as refusal:
            yield Unusable(id=name, reason=refusal.reason, detail=refusal.detail)
            return
        groups: dict[tuple[int | None, str | None], list[_Thing]] = defaultdict(list)
        for thing in things:
            if labels.names is None or thing.name in labels.names:
                groups[labels.key(thing.name)].append(thing)
        scene = self._scene(name, groups, root, labels)
        for own in groups.values():
            yield self._entry(name, own, root, labels, scene)

    def _scene(
        self,
        name: str,
        groups: Mapping[tuple[int | None, str | None], Sequence[_Thing]],
        root: Path,
        labels: Labels,
    ) -> Scene:
        """What the image shows: VOC annotates all of its classes wherever they occur."""
        masks = {
            key: partial(self._mask, name, tuple(dict.fromkeys(thing.name for thing in own)), own, root)
            for key, own in groups.items()
        }
        return scene_of(masks, known_classes(labels.names or self.names, labels))

    def _entry(
        self, name: str, own: Sequence[_Thing], root: Path, labels: Labels, scene: Scene
    ) -> Sample | Unusable:
        """A sample of the objects that are one class to the model."""
        kinds = tuple(dict.fromkeys(thing.name for thing in own))
        sample_id = f"{name}:{'+'.join(kinds)}"
        try:
            label, label_name = labels.read(kinds[0])
            return Sample(
                id=sample_id,
                image=existing(root / "JPEGImages" / f"{name}.jpg", "missing image"),
                masks={OBJECT: self._mask(name, kinds, own, root)},
                label=label,
                label_name=label_name,
                metadata={"objects": str(len(own)), "difficult": str(sum(thing.difficult for thing in own))},
                boxes={OBJECT: tuple(thing.box for thing in own)},
                scene=scene,
            )
        except SampleError as refusal:
            return Unusable(id=sample_id, reason=refusal.reason, detail=refusal.detail)

    def _mask(self, name: str, kinds: Sequence[str], own: Sequence[_Thing], root: Path) -> MaskSource:
        if self.segmentation == "boxes":
            return MaskUnion(masks=tuple(MaskBox(box=thing.box, size=thing.size) for thing in own))
        folder = "SegmentationClass" if self.segmentation == "class" else "SegmentationObject"
        file = existing(root / folder / f"{name}.png", "no mask")
        if self.segmentation == "object":
            return MaskUnion(masks=tuple(MaskFile(path=file, value=thing.number) for thing in own))
        for kind in kinds:
            if kind not in self.names:
                raise SampleError(
                    f"class {kind!r} has no value in SegmentationClass{did_you_mean(kind, self.names)}",
                    reason="no mask",
                    hint="list the data set's classes by `names`",
                )
        return MaskUnion(masks=tuple(MaskFile(path=file, value=self.names.index(kind) + 1) for kind in kinds))


@dataclass(frozen=True, kw_only=True)
class _Thing:
    """One object of an annotation; `number` is its value in SegmentationObject."""

    name: str
    number: int
    box: Box
    difficult: bool
    size: tuple[int, int] | None


def _read_annotation(file: Path) -> list[_Thing]:
    try:
        text = file.read_text(encoding="utf-8")
        if re.search(r"<!(DOCTYPE|ENTITY)", text, re.IGNORECASE):
            raise SampleError(
                "a DTD or entities are not read", reason="unreadable annotation", where=str(file)
            )
        root = ET.fromstring(text)  # noqa: S314 - see above
        size = _size(root)
        things = [_thing(node, number, size) for number, node in enumerate(root.iterfind("object"), start=1)]
    except FileNotFoundError:
        raise SampleError("there is no such file", reason="no annotation", where=str(file)) from None
    except (OSError, ValueError, ET.ParseError) as failure:
        raise SampleError(str(failure), reason="unreadable annotation", where=str(file)) from failure
    if not things:
        raise SampleError("the annotation lists no object", reason="no annotation", where=str(file))
    return things


def _thing(node: ET.Element, number: int, size: tuple[int, int] | None) -> _Thing:
    left, top, right, bottom = (
        float(_text(node, f"bndbox/{edge}")) for edge in ("xmin", "ymin", "xmax", "ymax")
    )
    return _Thing(
        name=_text(node, "name"),
        number=number,
        box=(left - 1, top - 1, right, bottom),  # VOC counts pixels from 1 and includes the last
        difficult=node.findtext("difficult", "0").strip() == "1",
        size=size,
    )


def _size(root: ET.Element) -> tuple[int, int] | None:
    height, width = root.findtext("size/height"), root.findtext("size/width")
    return (int(height), int(width)) if height and width else None


def _text(node: ET.Element, path: str) -> str:
    text = (node.findtext(path) or "").strip()
    if not text:
        raise ValueError(f"an object has no {path}")
    return text
