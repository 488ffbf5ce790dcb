"""COCO instances: pairs of image and category, polygons, run lengths, crowds."""

from __future__ import annotations

import json
from copy import deepcopy

import numpy as np
import pytest

from camaudit.data.coco import CocoSource
from camaudit.errors import DataError
from tests.data import files

CLASSES = ("cat", "beagle")


def square(left, top, side):
    return [[left, top, left + side, top, left + side, top + side, left, top + side]]


CONTENT = {
    "images": [
        {"id": 1, "file_name": "a.jpg", "height": 6, "width": 8},
        {"id": 2, "file_name": "sub/b.jpg", "height": 6, "width": 8},
    ],
    "categories": [{"id": 17, "name": "cat"}, {"id": 18, "name": "dog"}, {"id": 3, "name": "car"}],
    "annotations": [
        {"id": 1, "image_id": 1, "category_id": 17, "segmentation": square(0, 0, 2), "bbox": [0, 0, 2, 2]},
        {"id": 2, "image_id": 1, "category_id": 17, "segmentation": square(4, 0, 1), "bbox": [4, 0, 1, 1]},
        {"id": 3, "image_id": 1, "category_id": 18, "segmentation": square(1, 1, 3), "bbox": [1, 1, 3, 3]},
        {
            "id": 4,
            "image_id": 2,
            "category_id": 18,
            "segmentation": {"counts": [12, 6, 30], "size": [6, 8]},
            "bbox": [2, 0, 1, 6],
        },
    ],
}


@pytest.fixture
def content():
    return deepcopy(CONTENT)


@pytest.fixture
def listing(tmp_path):
    files.image(tmp_path / "img/a.jpg")
    files.image(tmp_path / "img/sub/b.jpg")

    def make(content, classes=CLASSES, **keys):
        (tmp_path / "instances.json").write_text(json.dumps(content))
        return CocoSource(coco="instances.json", images="img", **keys).listing(tmp_path, classes)

    return make


def test_a_sample_for_each_image_and_category(listing, content):
    found = listing(content, labels={"cat": "cat", "dog": "beagle"})
    assert files.ids(found) == ["a:cat", "a:dog", "sub/b:dog"]
    cat, dog, _ = found.samples
    assert (cat.label, cat.label_name, dog.label_name) == (0, "cat", "beagle")
    assert cat.metadata == {"category": "cat", "instances": "2"}
    assert cat.boxes == {"object": ((0, 0, 2, 2), (4, 0, 5, 1))}


def test_the_mask_is_the_union_of_the_instances(listing, content):
    cat, dog, other = listing(content, labels={"cat": 0, "dog": 1}).samples
    expected = np.zeros((6, 8), dtype=bool)
    expected[:2, :2] = expected[0, 4] = True
    assert np.array_equal(cat.masks["object"].read(6, 8), expected)
    assert dog.masks["object"].read(6, 8).sum() == 9
    assert np.array_equal(other.masks["object"].read(6, 8).any(axis=0), [0, 0, 1, 0, 0, 0, 0, 0])


def test_compressed_run_lengths_are_read(listing, content):
    content["annotations"][3]["segmentation"]["counts"] = "<6n0"  # 12, 6, 30
    found = listing(content, classes=None)
    assert np.array_equal(found.samples[2].masks["object"].read(6, 8).any(axis=0), [0, 0, 1, 0, 0, 0, 0, 0])


def test_without_a_table_categories_are_classes(listing, content):
    found = listing(content)
    assert files.ids(found) == ["a:cat"]
    assert files.reasons(found) == {"a:dog": "unknown label", "sub/b:dog": "unknown label"}


def test_categories_outside_the_table_are_not_listed(listing, content):
    found = listing(content, labels={"dog": "beagle"})
    assert files.ids(found) == ["a:dog", "sub/b:dog"]
    assert found.found == 2


def test_one_sample_per_image(listing, content):
    found = listing(content, labels={"cat": 0, "dog": 1}, per="image")
    assert files.ids(found) == ["sub/b"]
    assert files.reasons(found) == {"a": "several classes"}
    assert files.ids(listing(content, labels={"dog": 1}, per="image")) == ["a", "sub/b"]


def test_categories_of_one_class_are_one_sample(listing, content):
    found = listing(content, labels={"cat": 1, "dog": "beagle"})
    assert files.ids(found) == ["a:cat+dog", "sub/b:dog"]
    # 4 + 1 pixels of cat and 9 of dog, one of them shared
    assert found.samples[0].masks["object"].read(6, 8).sum() == 13
    assert len(found.samples[0].boxes["object"]) == 3
    assert files.ids(listing(content, labels={"cat": 1, "dog": 1}, per="image")) == ["a", "sub/b"]


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        ({"segmentation": [["x"] * 6]}, "unreadable mask", "the outline of annotation 3 cannot be read"),
        ({"segmentation": {"counts": [48]}}, "unreadable mask", "'size'"),
        ({"segmentation": {"counts": [48], "size": [6]}}, "unreadable mask", "not enough values"),
        ({"segmentation": {"counts": 5, "size": [6, 8]}}, "unreadable mask", "not iterable"),
        ({"segmentation": None}, "no mask", "annotation 3 has no polygon"),
        ({"bbox": [1, 2]}, "unreadable box", "the box of annotation 3 cannot be read"),
    ],
)
def test_an_outline_that_cannot_be_read_loses_its_sample_only(listing, content, change, reason, detail):
    content["annotations"][2].update(change)
    found = listing(content, labels={"cat": 0, "dog": 1})
    assert files.ids(found) == ["a:cat", "sub/b:dog"]
    assert files.reasons(found) == {"a:dog": reason}
    assert detail in files.details(found)["a:dog"]


def test_boxes_are_optional_and_never_some_of_them(listing, content):
    del content["annotations"][0]["bbox"]
    assert listing(content, labels={"cat": 0}).samples[0].boxes == {}


def test_a_crowd_makes_unusable_unless_it_counts_as_object(listing, content):
    content["annotations"][1]["iscrowd"] = 1
    found = listing(content, labels={"cat": 0})
    assert files.reasons(found) == {"a:cat": "crowd"}
    assert "1 of 2 annotations outline a crowd" in files.details(found)["a:cat"]
    assert (
        listing(content, labels={"cat": 0}, crowd="object").samples[0].masks["object"].read(6, 8).sum() == 5
    )


def test_what_is_broken_is_named(listing, content):
    content["annotations"][0]["segmentation"] = []
    content["images"][1]["file_name"] = "gone.jpg"
    found = listing(content, labels={"cat": 0, "dog": 1})
    assert found.found == 3
    assert files.reasons(found) == {"a:cat": "no mask", "gone:dog": "missing image"}
    assert "annotation 1 has no polygon" in files.details(found)["a:cat"]


def test_images_that_share_an_id_are_unusable(listing, content, tmp_path):
    files.image(tmp_path / "img/a.png")
    content["images"][1]["file_name"] = "a.png"
    found = listing(content, labels={"dog": 1})
    assert found.reasons == {"duplicate id": 2}


@pytest.mark.parametrize(
    ("change", "match"),
    [
        (lambda c: c.pop("images"), "a list 'images' is needed"),
        (lambda c: c["images"][0].pop("file_name"), r"images\[0\] has no 'file_name'"),
        (lambda c: c["annotations"].append(3), r"annotations\[4\] has no 'image_id'"),
        (lambda c: c["annotations"][0].update(image_id=9), r"annotations\[0\]: image_id 9 does not exist"),
        (
            lambda c: c["annotations"][0].update(category_id=9),
            r"annotations\[0\]: category_id 9 does not exist",
        ),
        (lambda c: c["images"][0].update(id=2), "two of the images share an id"),
        (lambda c: c["annotations"].clear(), "no samples were found"),
        (lambda c: c["annotations"][0].update(image_id=[1]), "no 'image_id' .text or a number."),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(listing, content, change, match):
    change(content)
    with pytest.raises(DataError, match=match):
        listing(content)


def test_a_category_that_does_not_exist_is_refused(listing, content):
    with pytest.raises(DataError, match="names 'dgo', and there is no such category, did you mean \"dog\""):
        listing(content, labels={"dgo": 1})


def test_a_list_is_no_instances_file(listing):
    with pytest.raises(DataError, match="a COCO file is a JSON object"):
        listing([])
