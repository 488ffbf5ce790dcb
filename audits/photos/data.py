"""The photographs that scikit-image and scikit-learn ship, with the outlines drawn for this audit."""

from __future__ import annotations

import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camaudit.data.masks import MaskPolygons
from camaudit.data.sample import Sample
from camaudit.paths import resolve

if TYPE_CHECKING:
    from collections.abc import Iterator

INSTANCES = Path(__file__).with_name("instances.json")


def samples() -> Iterator[Sample]:
    """One sample per photograph: its object is the union of its outlines, its label their category.

    Raises `camaudit.errors.DataError` where one of the two packages is not installed.
    """
    content = json.loads(INSTANCES.read_text(encoding="utf-8"))
    names = {kind["id"]: kind["name"] for kind in content["categories"]}
    notes: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for note in content["annotations"]:
        notes[note["image_id"]].append(note)
    for image in content["images"]:
        file = resolve(image["file_name"], INSTANCES.parent)
        own = notes[image["id"]]
        (category,) = {note["category_id"] for note in own}
        outlines = [polygon for note in own for polygon in note["segmentation"]]
        yield Sample(
            id=file.stem,
            image=file,
            masks={"object": MaskPolygons(polygons=outlines, size=(image["height"], image["width"]))},
            label=category,
            label_name=names[category],
            metadata={"licence": image["licence"], "source": image["source"]},
        )
