"""CSV, TSV and JSONL manifests: every row is either a sample or a reason."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from camaudit.data.manifest import ManifestSource
from camaudit.data.masks import MaskFile
from camaudit.errors import DataError
from tests.data import files

CLASSES = ("cat", "dog")


@pytest.fixture
def base(tmp_path):
    for name in ("a", "b", "c"):
        files.image(tmp_path / f"data/img/{name}.png")
        files.mask(tmp_path / f"data/masks/{name}.png")
    return tmp_path


def write(base, text, name="m.csv"):
    (base / "data").mkdir(exist_ok=True)
    (base / "data" / name).write_text(text, encoding="utf-8")
    return f"data/{name}"


def listing(base, text, name="m.csv", classes=CLASSES, **keys):
    return ManifestSource(manifest=write(base, text, name), **keys).listing(base, classes)


FULL = """id,image,mask,label,group,camera,mask.collar
one,img/a.png,masks/a.png,cat,p1,x,masks/b.png
two,img/b.png,masks/b.png,1,p2,y,
"""


def test_all_columns_are_read(base):
    one, two = listing(base, FULL).samples
    folder = base / "data"
    assert (one.id, one.label, one.label_name, one.group) == ("one", 0, "cat", "p1")
    assert one.image == folder / "img/a.png"
    assert one.masks == {
        "object": MaskFile(path=folder / "masks/a.png"),
        "collar": MaskFile(path=folder / "masks/b.png"),
    }
    assert one.metadata == {"camera": "x"}
    assert (two.label, two.label_name) == (1, "dog")
    assert list(two.masks) == ["object"]
    assert np.array_equal(one.masks["object"].read(6, 8).any(axis=0), [True] * 4 + [False] * 4)


def test_blank_lines_are_passed_over(base):
    assert files.ids(listing(base, FULL.replace("\ntwo", "\n\n\ntwo"))) == ["one", "two"]


def test_tsv_bom_and_spaces_are_read(base):
    text = "\ufeff" + FULL.replace(",", "\t").replace("one\t", " one \t")
    assert files.ids(listing(base, text, "m.tsv")) == ["one", "two"]


def test_json_lines_are_read(base):
    rows = [
        {"id": 1, "image": "img/a.png", "label": 0, "note": "line\u2028break"},
        {"id": 2, "image": "img/b.png", "label": "dog", "note": None, "size": 3.5},
    ]
    text = "\n\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    one, two = listing(base, text, "m.jsonl").samples
    assert (one.id, one.label, one.metadata) == ("1", 0, {"note": "line\u2028break", "size": ""})
    assert (two.label_name, two.metadata) == ("dog", {"note": "", "size": "3.5"})


def test_the_id_is_the_image_without_suffix(base):
    assert files.ids(listing(base, "image\nimg/a.png\nimg/b.png\n")) == ["img/a", "img/b"]


def test_columns_may_have_other_names(base):
    text = "label,file,y,seg\nkept,img/a.png,dog,masks/a.png\n"
    (one,) = listing(base, text, columns={"image": "file", "label": "y", "mask": "seg"}).samples
    assert (one.label, one.metadata) == (1, {"label": "kept"})
    assert "object" in one.masks


def test_masks_by_pattern(base):
    text = "id,image,label\none,img/a.png,cat\ntwo,img/nomask.png,dog\n"
    files.image(base / "data/img/nomask.png")
    files.mask(base / "data/collar/one-cat.png", value=7)
    found = listing(base, text, mask="masks/{stem}.png", masks={"collar": "collar/{id}-{class}.png#7"})
    (one,) = found.samples
    assert one.masks["collar"] == MaskFile(path=base / "data/collar/one-cat.png", value=7)
    assert files.reasons(found) == {"two": "no mask"}
    assert "masks/nomask.png" in files.details(found)["two"]


def test_masks_may_be_one_pattern(base):
    (one,) = listing(base, "image\nimg/a.png\n", masks="masks/{name}").samples
    assert list(one.masks) == ["object"]


def test_package_files_are_found(base):
    found = listing(
        base, "id,image\none,package:sklearn/datasets/images/china.jpg\ntwo,package:no_pkg/x.png\n"
    )
    assert files.ids(found) == ["one"]
    assert files.reasons(found) == {"two": "missing image"}
    assert "pip install no-pkg" in files.details(found)["two"]


def test_a_package_file_without_id_is_called_by_its_path(base):
    assert files.ids(listing(base, "image\npackage:sklearn/datasets/images/china.jpg\n")) == [
        "sklearn/datasets/images/china"
    ]


BROKEN = """id,image,mask,label
good,img/a.png,masks/a.png,cat
no mask file,img/b.png,masks/none.png,cat
empty mask cell,img/b.png,,cat
mask package,img/b.png,package:no_pkg/m.png,cat
itself,img/b.png,img/b.png,cat
no image,img/none.png,masks/a.png,cat
empty image cell,,masks/a.png,cat
unknown,img/b.png,masks/b.png,dgo
empty label,img/b.png,masks/b.png,
twice,img/b.png,masks/b.png,cat
twice,img/c.png,masks/c.png,cat
,img/b.png,masks/b.png,cat
too,few
"""


def test_every_row_is_a_sample_or_a_reason(base):
    found = listing(base, BROKEN)
    assert found.found == 13
    assert files.ids(found) == ["good"]
    assert files.reasons(found) == {
        "no mask file": "no mask",
        "empty mask cell": "no mask",
        "mask package": "no mask",
        "itself": "mask is the image",
        "no image": "missing image",
        "empty image cell": "missing image",
        "unknown": "unknown label",
        "empty label": "no label",
        "twice": "duplicate id",
        "line 13": "no id",
        "line 14": "malformed row",
    }
    assert found.reasons["duplicate id"] == 2
    assert 'did you mean "dog"' in files.details(found)["unknown"]
    assert "m.csv:14: 2 cells under 4 columns" in files.details(found)["line 14"]


def test_a_file_name_too_long_for_the_file_system_is_missing(base):
    found = listing(base, f"id,image\none,img/{'x' * 5000}.png\n")
    assert files.reasons(found) == {"one": "missing image"}


def test_the_object_s_pattern_may_point_into_a_package(base):
    found = listing(base, "image\nimg/a.png\n", mask="package:no_pkg/{stem}.png")
    assert files.reasons(found) == {"img/a": "no mask"}
    assert "pip install no-pkg" in files.details(found)["img/a"]


def test_patterns_may_be_absolute(base):
    (one,) = listing(base, "image\nimg/a.png\n", mask=f"{base}/data/masks/{{stem}}.*").samples
    assert one.masks["object"] == MaskFile(path=base / "data/masks/a.png")


def test_a_column_that_only_looks_like_a_region_gets_a_hint(base):
    found = listing(base, "id,image,mask_area\none,img/a.png,0.31\n")
    assert "columns called mask, mask.REGION or mask_REGION hold mask files" in files.details(found)["one"]


def test_a_broken_row_that_shares_an_id_spoils_the_other(base):
    found = listing(base, "id,image\none,img/a.png\none,img/none.png\n")
    assert found.reasons == {"duplicate id": 1, "missing image": 1}


def test_broken_json_lines_are_reasons(base):
    found = listing(base, '{"image": "img/a.png"}\n{"image"\n[1]\n', "m.jsonl")
    assert files.ids(found) == ["img/a"]
    assert files.reasons(found) == {"line 2": "malformed row", "line 3": "malformed row"}


@pytest.mark.parametrize(
    ("name", "text", "keys", "match"),
    [
        ("m.csv", "", {}, "the file is empty"),
        ("m.csv", "id,image\n", {}, "no samples were found\n  hint: an audit of nothing is never green"),
        ("m.jsonl", "", {}, "no samples were found"),
        ("m.jsonl", "[]\n", {}, "not one line is a JSON object"),
        ("m.csv", "id,imagee\n", {}, r'm\.csv:1: there is no column "image", did you mean "imagee"'),
        ("m.csv", "id,Image\n", {}, 'did you mean "Image"'),
        ("m.csv", "id;image\n", {}, "the columns are: id;image"),
        ("m.csv", "id,image,id\n", {}, "the column 'id' stands there twice"),
        ("m.csv", "id,image\n", {"columns": {"label": "lable"}}, "there is no column 'lable' .for label."),
        ("m.csv", "image,mask_a,mask.a\n", {}, "two columns hold masks of the region 'a'"),
        (
            "m.csv",
            "image,mask\n",
            {"mask": "m/{id}.png"},
            "'object' has both a column .'mask'. and a pattern",
        ),
        ("m.csv", "image\n", {"mask": "m/{class}.png"}, 'names {class}, and there is no column "label"'),
        ("m.csv", 'image\n"img', {}, r"m\.csv:2: this is no CSV"),
        ("m.csv", '"image', {}, r"m\.csv:1: this is no CSV"),
        ("m.xlsx", "image\n", {}, "a manifest is .csv, .tsv or .jsonl, not '.xlsx'"),
        (
            "m.csv",
            "image,mask.collar\nimg/a.png,\n",
            {},
            "not one of 1 samples has a mask of the region 'collar'",
        ),
        (
            "m.csv",
            "image\nimg/a.png\n",
            {"masks": {"collar": "colar/{id}.png"}},
            "not one of 1 samples has a mask of the region 'collar'",
        ),
    ],
)
def test_a_manifest_that_cannot_be_used_says_why(base, name, text, keys, match):
    with pytest.raises(DataError, match=match):
        listing(base, text, name, **keys)


def test_a_missing_or_undecodable_manifest_is_named(base):
    with pytest.raises(DataError, match=r"none\.csv: No such file"):
        ManifestSource(manifest="none.csv").listing(base, None)
    (base / "latin.csv").write_bytes("image,façade\n".encode("latin-1"))
    with pytest.raises(DataError, match="the file is not UTF-8"):
        ManifestSource(manifest="latin.csv").listing(base, None)


@pytest.mark.parametrize(
    ("keys", "match"),
    [
        ({"mask": "m/{stm}.png"}, 'unknown field {stm}, did you mean "stem"'),
        ({"mask": "m/{stem.png"}, "a brace is left open"),
        ({"mask": ""}, "the pattern is empty"),
        ({"masks": {"a b": "m/{id}.png"}}, "should match pattern"),
        ({"mask": "m/{id}.png", "masks": {"object": "n/{id}.png"}}, "given twice"),
        ({"columns": {"imge": "x"}}, "unknown column 'imge', did you mean \"image\""),
        ({"nonsense": 1}, "Extra inputs are not permitted"),
    ],
)
def test_mistakes_in_the_spec_are_refused(keys, match):
    with pytest.raises(ValidationError, match=match):
        ManifestSource(manifest="m.csv", **keys)


ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["one", "two", "three", ""]),
            "image": st.sampled_from(["img/a.png", "img/b.png", "img/none.png", ""]),
            "mask": st.sampled_from(["masks/a.png", "masks/none.png", ""]),
            "label": st.sampled_from(["cat", "1", "dgo", "", "9"]),
        }
    ),
    min_size=1,
    max_size=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(ROWS, st.sampled_from(["m.csv", "m.jsonl"]))
def test_counts_add_up_whatever_the_rows(base, rows, name):
    path = base / "data" / name
    with path.open("w", newline="") as file:
        if name == "m.csv":
            writer = csv.DictWriter(file, fieldnames=list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
        else:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    found = ManifestSource(manifest=f"data/{name}").listing(base, CLASSES)
    assert found.found == len(rows) == len(found.samples) + sum(found.reasons.values())
    usable = [
        row
        for row in rows
        if row["id"]
        and row["image"] in {"img/a.png", "img/b.png"}
        and row["mask"] == "masks/a.png"
        and row["label"] in {"cat", "1"}
        and sum(other["id"] == row["id"] for other in rows) == 1
    ]
    assert files.ids(found) == [row["id"] for row in usable]
