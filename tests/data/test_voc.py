"""Pascal VOC: class and object masks, boxes, splits, hostile XML."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from camaudit.data.voc import CLASSES, VocSource
from camaudit.errors import DataError
from tests.data import files

DOG, CAT = CLASSES.index("dog") + 1, CLASSES.index("cat") + 1


def annotation(*things, size=(6, 8)):
    objects = "".join(
        f"<object><name>{name}</name><difficult>{difficult}</difficult><bndbox><xmin>{box[0]}</xmin>"
        f"<ymin>{box[1]}</ymin><xmax>{box[2]}</xmax><ymax>{box[3]}</ymax></bndbox></object>"
        for name, box, difficult in things
    )
    height, width = size
    return f"<annotation><size><width>{width}</width><height>{height}</height></size>{objects}</annotation>"


def indices(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    picture = Image.fromarray(values.astype(np.uint8)).convert("P")
    picture.putdata(values.ravel().tolist())
    picture.putpalette([part for index in range(256) for part in (index, 0, 255 - index)])
    picture.save(path)


CLASS_MASK = np.zeros((6, 8), dtype=int)
CLASS_MASK[0:2, 0:3] = DOG
CLASS_MASK[4:6, 5:8] = DOG
CLASS_MASK[3, 0:2] = CAT
CLASS_MASK[2, :] = 255
OBJECT_MASK = np.where(CLASS_MASK == DOG, 1, 0)
OBJECT_MASK[4:6, 5:8] = 3
OBJECT_MASK[3, 0:2] = 2
OBJECT_MASK[2, :] = 255


@pytest.fixture
def base(tmp_path):
    root = tmp_path / "VOC"
    (root / "Annotations").mkdir(parents=True)
    for split in ("Segmentation", "Main"):
        (root / "ImageSets" / split).mkdir(parents=True)
    (root / "ImageSets/Segmentation/val.txt").write_text("0001\n\n")
    (root / "ImageSets/Main/val.txt").write_text("0001 1\n0002 -1\n")
    files.image(root / "JPEGImages/0001.jpg")
    files.image(root / "JPEGImages/0002.jpg")
    things = (("dog", (1, 1, 3, 2), 0), ("cat", (1, 4, 2, 4), 0), ("dog", (6, 5, 8, 6), 1))
    (root / "Annotations/0001.xml").write_text(annotation(*things))
    (root / "Annotations/0002.xml").write_text(annotation(("cat", (1, 1, 2, 2), 0)))
    indices(root / "SegmentationClass/0001.png", CLASS_MASK)
    indices(root / "SegmentationObject/0001.png", OBJECT_MASK)
    return tmp_path


def listing(base, classes=("cat", "dog"), **keys):
    return VocSource(voc="VOC", **keys).listing(base, classes)


@pytest.mark.parametrize("segmentation", ["class", "object"])
def test_masks_come_from_either_folder_without_void(base, segmentation):
    dog, cat = listing(base, split="val", segmentation=segmentation).samples
    assert (dog.id, dog.label, cat.id) == ("0001:dog", 1, "0001:cat")
    assert np.array_equal(dog.masks["object"].read(6, 8), CLASS_MASK == DOG)
    assert np.array_equal(cat.masks["object"].read(6, 8), CLASS_MASK == CAT)


def test_boxes_count_from_one_and_include_their_last_pixel(base):
    dog, cat, other = listing(base, split="val", segmentation="boxes").samples
    assert dog.boxes == {"object": ((0, 0, 3, 2), (5, 4, 8, 6))}
    assert np.array_equal(dog.masks["object"].read(6, 8), CLASS_MASK == DOG)
    assert np.array_equal(cat.masks["object"].read(6, 8), CLASS_MASK == CAT)
    assert other.id == "0002:cat"
    assert dog.metadata == {"objects": "2", "difficult": "1"}


def test_without_a_split_all_annotations_are_listed(base):
    found = listing(base)
    assert files.ids(found) == ["0001:dog", "0001:cat"]
    assert files.reasons(found) == {"0002:cat": "no mask"}
    assert "SegmentationClass/0002.png" in files.details(found)["0002:cat"]


def test_classes_outside_the_table_are_not_listed(base):
    found = listing(base, classes=("beagle",), split="val", labels={"dog": "beagle"})
    assert [(sample.id, sample.label) for sample in found.samples] == [("0001:dog", 0)]
    assert found.found == 1


@pytest.mark.parametrize("segmentation", ["class", "object", "boxes"])
def test_classes_that_are_one_to_the_model_are_one_sample(base, segmentation):
    keys = {"split": "val", "segmentation": segmentation, "labels": {"dog": 0, "cat": "cat"}}
    sample = listing(base, **keys).samples[0]
    assert (sample.id, sample.label) == ("0001:dog+cat", 0)
    expected = (CLASS_MASK == DOG) | (CLASS_MASK == CAT)
    assert np.array_equal(sample.masks["object"].read(6, 8), expected)


def test_unknown_labels_are_named(base):
    assert files.reasons(listing(base, classes=("dog",), split="val")) == {"0001:cat": "unknown label"}


def test_other_data_sets_name_their_classes(base):
    (base / "VOC/Annotations/0001.xml").write_text(annotation(("lynx", (1, 1, 2, 2), 0)))
    assert files.reasons(listing(base, classes=None, split="val")) == {"0001:lynx": "no mask"}
    (sample,) = listing(base, classes=None, split="val", names=("x",) * (DOG - 1) + ("lynx",)).samples
    assert np.array_equal(sample.masks["object"].read(6, 8), CLASS_MASK == DOG)


@pytest.mark.parametrize(
    ("text", "reason", "detail"),
    [
        (
            '<!DOCTYPE a [<!ENTITY x "y">]><annotation/>',
            "unreadable annotation",
            "a DTD or entities are not read",
        ),
        ("<annotation>", "unreadable annotation", "no element found"),
        ("<annotation/>", "no annotation", "lists no object"),
        (
            "<annotation><object><name>dog</name></object></annotation>",
            "unreadable annotation",
            "no bndbox/xmin",
        ),
        (annotation(("dog", ("a", 1, 2, 2), 0)), "unreadable annotation", "could not convert"),
        (None, "no annotation", "there is no such file"),
    ],
)
def test_bad_annotations_are_named(base, text, reason, detail):
    file = base / "VOC/Annotations/0001.xml"
    file.unlink() if text is None else file.write_text(text)
    found = listing(base, split="val")
    assert files.reasons(found) == {"0001": reason}
    assert detail in files.details(found)["0001"]


def test_utf_16_cannot_hide_a_dtd(base):
    text = '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE a [<!ENTITY x "y">]><annotation/>'
    (base / "VOC/Annotations/0001.xml").write_bytes(text.encode("utf-16"))
    assert files.reasons(listing(base, split="val")) == {"0001": "unreadable annotation"}


def test_a_missing_image_is_named(base):
    (base / "VOC/JPEGImages/0001.jpg").unlink()
    assert files.reasons(listing(base, split="val"))["0001:dog"] == "missing image"


def test_an_annotation_of_another_size_is_refused_when_it_is_drawn(base):
    (base / "VOC/Annotations/0001.xml").write_text(annotation(("dog", (1, 1, 2, 2), 0), size=(60, 80)))
    (sample, _) = listing(base, segmentation="boxes").samples
    with pytest.raises(DataError, match="the mask is 80 × 60 pixels, the image 8 × 6"):
        sample.masks["object"].read(6, 8)


def test_mistakes_are_errors(base):
    with pytest.raises(
        DataError, match=r'there is no split \'vall\', did you mean "val".*\n.*the splits are: val'
    ):
        listing(base, split="vall")
    with pytest.raises(
        DataError, match="`labels` names a class 'dgo' that does not exist, did you mean \"dog\""
    ):
        listing(base, labels={"dgo": 0})
    with pytest.raises(DataError, match="no samples were found"):
        VocSource(voc="none").listing(base, None)
