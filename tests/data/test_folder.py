"""Image folders: what is an image, what is a mask of one, and what is neither."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from camaudit.data.folder import FolderSource
from camaudit.data.masks import MaskFile
from camaudit.errors import DataError
from tests.data import files

CLASSES = ("cat", "dog")


def listing(base, classes=CLASSES, **keys):
    return FolderSource(folder="d", **keys).listing(base, classes)


@pytest.fixture
def base(tmp_path):
    for name in ("cat/a", "cat/b", "dog/a"):
        files.image(tmp_path / f"d/{name}.jpg")
        files.mask(tmp_path / f"d/masks/{name}.png")
    return tmp_path


def test_masks_inside_the_folder_are_no_images(base):
    found = listing(base, masks="masks/{class}/{stem}.png")
    assert files.ids(found) == ["cat/a", "cat/b", "dog/a"]
    assert found.unusable == ()
    assert [sample.label for sample in found.samples] == [0, 0, 1]
    assert found.samples[2].masks == {"object": MaskFile(path=base / "d/masks/dog/a.png")}


def test_a_mask_without_an_image_is_named(base):
    files.mask(base / "d/masks/cat/z.png")
    found = listing(base, masks="masks/{class}/{stem}.png")
    assert files.reasons(found) == {"masks/cat/z": "mask is the image"}


def test_an_image_without_a_mask_is_named(base):
    files.image(base / "d/cat/z.png")
    found = listing(base, mask="masks/{id}.png")
    assert files.reasons(found) == {"cat/z": "no mask"}
    assert "masks/cat/z.png" in files.details(found)["cat/z"]


def test_without_a_pattern_there_are_no_masks(base):
    found = listing(base, images="*/*.jpg")
    assert [dict(sample.masks) for sample in found.samples] == [{}, {}, {}]


def test_two_matching_masks_are_named_and_are_no_images(base):
    for number in (1, 2):
        files.mask(base / f"d/parts/a_{number}.png")
    files.mask(base / "d/parts/b_1.png")
    found = listing(base, images="[cp]*/*.*", masks="parts/{stem}_*.png")
    assert files.ids(found) == ["cat/b"]
    assert files.reasons(found) == {"cat/a": "two masks"}
    assert "a_1.png, a_2.png" in files.details(found)["cat/a"]


def test_wildcards_in_file_names_match_themselves_only(base):
    files.image(base / "d/cat/x[1].jpg")
    files.mask(base / "d/m/x[1]_m.png")
    files.mask(base / "d/m/x1_m.png")
    found = listing(base, images="cat/x*.jpg", label=None, masks="m/{stem}_*.png")
    assert found.samples[0].masks["object"] == MaskFile(path=base / "d/m/x[1]_m.png")


def test_several_regions_and_their_values(base):
    files.mask(base / "d/collars/dog/a.png", value=3)
    masks = {"object": "masks/{id}.png", "collar": "collars/{id}.png#3"}
    found = listing(base, images="*/*.jpg", masks=masks)
    assert [sorted(sample.masks) for sample in found.samples] == [
        ["object"],
        ["object"],
        ["collar", "object"],
    ]
    assert found.samples[2].masks["collar"] == MaskFile(path=base / "d/collars/dog/a.png", value=3)


def test_a_region_that_no_sample_has_is_an_error(base):
    with pytest.raises(DataError, match="not one of 3 samples has a mask of the region 'collar'"):
        listing(base, images="*/*.jpg", masks={"collar": "colars/{id}.png"})


def test_the_fixed_part_of_the_pattern_is_not_part_of_the_id(base):
    files.image(base / "d/images/train/dog/q.jpg")
    found = listing(base, images="images/train/**/*.jpg")
    assert files.ids(found) == ["dog/q"]


def test_hidden_files_and_other_files_are_passed_over(base):
    files.image(base / "d/.cache/cat/a.jpg")
    files.image(base / "d/cat/._b.jpg")
    (base / "d/cat/Thumbs.db").write_text("x")
    (base / "d/cat/folder.jpg").mkdir()
    files.image(base / "d/cat/C.PNG")
    assert files.ids(listing(base, images="[cd]*/*")) == ["cat/C", "cat/a", "cat/b", "dog/a"]


def test_two_images_with_one_id_are_unusable(base):
    files.image(base / "d/cat/a.png")
    found = listing(base, images="*/*.*")
    assert found.reasons == {"duplicate id": 2}
    assert files.ids(found) == ["cat/b", "dog/a"]


def test_labels_from_file_names(base):
    files.image(base / "d/flat/dog_7.png")
    files.image(base / "d/flat/7.png")
    found = listing(base, images="flat/*", label="^([a-z]+)_")
    assert [(sample.id, sample.label) for sample in found.samples] == [("dog_7", 1)]
    assert files.reasons(found) == {"7": "no label"}


def test_unknown_labels_get_a_suggestion(base):
    files.image(base / "d/dgo/x.jpg")
    found = listing(base, images="*/*.jpg")
    assert files.reasons(found) == {"dgo/x": "unknown label"}
    assert 'did you mean "dog"' in files.details(found)["dgo/x"]


def test_labels_are_translated(base):
    found = listing(base, images="*/*.jpg", labels={"cat": "dog", "dog": 0})
    assert [sample.label for sample in found.samples] == [1, 1, 0]


def test_an_image_in_no_class_folder_has_no_label(base):
    files.image(base / "d/top.jpg")
    found = listing(base, images="**/*.jpg")
    assert files.reasons(found) == {"top": "no label"}
    assert "label: null" in files.details(found)["top"]
    assert all(sample.label is None for sample in listing(base, images="**/*.jpg", label=None).samples)


def test_an_empty_folder_is_an_error(base):
    with pytest.raises(DataError, match="no samples were found"):
        listing(base, images="*.webp")
    with pytest.raises(DataError, match="there is no such folder"):
        FolderSource(folder="none").listing(base, None)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"images": "/etc/*"}, "wildcards inside the folder"),
        ({"images": "../*"}, "wildcards inside the folder"),
        ({"images": ""}, "wildcards inside the folder"),
        ({"label": "(a)(b)"}, "one group, not 2"),
        ({"label": "parnt"}, 'write "parent", null, or a regular expression'),
        ({"label": "("}, "no regular expression"),
        ({"label": None, "masks": "m/{class}.png"}, "there are no labels"),
        ({"mask": "m/{id}.png", "masks": "n/{id}.png"}, "given twice"),
    ],
)
def test_mistakes_in_the_spec_are_refused(keys, match):
    with pytest.raises(ValidationError, match=match):
        FolderSource(folder="d", **keys)


def test_patterns_reach_no_wildcards_into_packages(base):
    with pytest.raises(DataError, match="wildcards do not reach into packages"):
        listing(base, images="*/*.jpg", masks="package:sklearn/*.png")
