"""What every data source of the table keeps, and what is to be found in a folder that all of them read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from camaudit import registry
from camaudit.contract import of_source
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from tests.data import files

CLASSES = ("cat", "dog")
BOX = {"segmentation": [[0, 0, 4, 0, 4, 4, 0, 4]], "bbox": [0, 0, 4, 4]}
FACTORY = """
import numpy as np
from camaudit.data.masks import MaskBox
from camaudit.data.sample import Listing, Sample, Unusable

def some():
    def picture(): return np.zeros((6, 8, 3), dtype=np.uint8)
    masks = {"object": MaskBox(box=(0, 0, 4, 4))}
    samples = tuple(Sample(id=name, image=picture, masks=masks, label=n) for n, name in enumerate("ab"))
    return Listing(samples=samples, unusable=(Unusable(id="c", reason="missing image"),))
"""


@pytest.fixture
def base(tmp_path):
    """A folder that every source can read: two samples that are fine, one whose image is missing."""
    for kind, name in (("cat", "a"), ("dog", "b")):
        files.image(tmp_path / f"images/{kind}/{name}.png")
        files.image(tmp_path / f"JPEGImages/{name}.jpg")
        files.mask(tmp_path / f"masks/{name}.png")
    rows = (
        "a,images/cat/a.png,masks/a.png,cat",
        "b,images/dog/b.png,masks/b.png,dog",
        "c,images/c.png,masks/a.png,cat",
    )
    (tmp_path / "m.csv").write_text("\n".join(("id,image,mask,label", *rows)))
    files.image(tmp_path / "images/dog/c.png")  # without a mask
    names = ("cat/a.png", "dog/b.png", "dog/gone.png")
    instances = {
        "images": [{"id": number, "file_name": name} for number, name in enumerate(names)],
        "categories": [{"id": 0, "name": "cat"}, {"id": 1, "name": "dog"}],
        "annotations": [{"image_id": number, "category_id": min(number, 1), **BOX} for number in range(3)],
    }
    (tmp_path / "coco.json").write_text(json.dumps(instances))
    (tmp_path / "Annotations").mkdir()
    for kind, name in (("cat", "a"), ("dog", "b"), ("dog", "c")):
        box = "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>"
        text = f"<annotation><object><name>{kind}</name>{box}</object></annotation>"
        (tmp_path / f"Annotations/{name}.xml").write_text(text)
    (tmp_path / "cam_contract_factory.py").write_text(FACTORY)
    yield tmp_path
    sys.modules.pop("cam_contract_factory", None)


KEYS: dict[str, dict[str, Any]] = {
    "manifest": {"manifest": "m.csv"},
    "folder": {"folder": ".", "images": "images/**/*.png", "mask": "masks/{stem}.png"},
    "coco": {"coco": "coco.json", "images": "images"},
    "voc": {"voc": ".", "segmentation": "boxes"},
    "factory": {"factory": "cam_contract_factory:some"},
}
"""Per source, the keys that read the folder above."""


def test_every_source_is_tested():
    from camaudit.data import SOURCES

    assert set(KEYS) == set(SOURCES)


@pytest.fixture(params=list(KEYS))
def name(request):
    return request.param


@pytest.fixture
def source(name):
    return registry.find("data", name)(**KEYS[name])


def test_contract(name, base):
    found = registry.find("data", name)
    assert name in found.model_fields
    of_source(found, KEYS[name], base=base, classes=CLASSES).hold()


def test_it_lists_what_is_usable_and_what_is_not(source, base):
    listing = source.listing(base, CLASSES)
    assert (len(listing.samples), len(listing.unusable), listing.found) == (2, 1, 3)
    assert sum(listing.reasons.values()) == 1
    assert [(sample.label, sample.label_name) for sample in listing.samples] == [(0, "cat"), (1, "dog")]


def test_labels_that_the_model_does_not_know_are_unusable(source, base):
    listing = source.listing(base, ("cat",))
    assert "unknown label" in listing.reasons
    assert listing.found == 3
    assert [sample.label for sample in listing.samples] == [0]


def test_what_it_lists_can_be_loaded(source, base):
    listing = source.listing(base, CLASSES)
    loaded = list(stream(listing.samples, Geometry(resize=12, crop=12), regions=["object"]))
    assert all(isinstance(item, Loaded) for item in loaded)
    assert [item.pixels.shape for item in loaded] == [(12, 12, 3)] * 2
    assert all(item.masks["object"].any() and not item.masks["object"].all() for item in loaded)


def test_the_room_loads_neither_torch_nor_pandas():
    modules = [target.partition(":")[0] for target in __import__("camaudit.data").data.SOURCES.values()]
    code = (
        f"import sys, camaudit.data.stream, camaudit.data.sampling, {', '.join(modules)};"
        "print(sorted({'torch', 'torchvision', 'pandas', 'scipy'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "[]"
