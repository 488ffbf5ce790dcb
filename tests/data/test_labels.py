"""A label is a class's name or its index, never a mixture of the two."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit.data.labels import Labels, make_labels
from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError

ANIMALS = ("cat", "dog", "crane", "crane")


@pytest.mark.parametrize(
    ("text", "expected"), [("dog", (1, "dog")), ("1", (1, "dog")), ("3", (3, "crane")), ("0", (0, "cat"))]
)
def test_names_and_indices_are_read(text, expected):
    assert Labels(classes=ANIMALS).read(text) == expected


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("dgo", 'none of the model\'s 4 classes, did you mean "dog"'),
        ("4", "out of range: the model's classes are 0 to 3"),
        ("-1", "none of the model's 4 classes"),
        ("1.0", "none of the model's 4 classes"),
        ("٣", "none of the model's 4 classes"),
        ("crane", r"the name of the classes \[2, 3\]; write the index"),
    ],
)
def test_other_labels_are_refused(text, match):
    with pytest.raises(SampleError, match=match) as caught:
        Labels(classes=ANIMALS).read(text)
    assert caught.value.reason == "unknown label"


def test_where_classes_are_numbered_a_number_is_a_name():
    # as indices, "1" would be the class "2"
    assert Labels(classes=("1", "2", "3")).read("1") == (0, "1")
    with pytest.raises(SampleError, match="label '0' is none of the model's 3 classes"):
        Labels(classes=("1", "2", "3")).read("0")


@given(st.integers(0, 9))
def test_digits_named_by_themselves_are_themselves(digit):
    assert Labels(classes=tuple("0123456789")).read(str(digit)) == (digit, str(digit))


def test_without_classes_a_number_is_an_index_and_a_name_a_name():
    assert Labels(classes=None).read("7") == (7, None)
    assert Labels(classes=None).read("cat") == (None, "cat")


def test_names_of_the_data_are_translated():
    labels = Labels(classes=ANIMALS, names={"kitty": "cat", "grus": 2})
    assert labels.read("kitty") == (0, "cat")
    assert labels.read("grus") == (2, "crane")
    with pytest.raises(SampleError, match="label 'kity' is not in `labels`, did you mean \"kitty\""):
        labels.read("kity")


def test_an_index_in_the_table_counts_even_where_classes_are_numbered():
    assert Labels(classes=("1", "2", "3"), names={"one": 0}).read("one") == (0, "1")


def test_the_table_may_be_a_file(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps({"kitty": "cat"}))
    assert make_labels(ANIMALS, "labels.json", tmp_path).read("kitty") == (0, "cat")


@pytest.mark.parametrize(
    ("content", "match"),
    [
        ('{"a": [1, 2]}', r"label 'a' maps to \[1, 2\]; one class name or index is needed"),
        ('{"a": true}', "maps to True"),
        ("[1]", "a JSON object from label to class is needed"),
        ("{}", "a JSON object from label to class is needed"),
        ("{", "this is no JSON"),
    ],
)
def test_bad_tables_are_refused(tmp_path, content, match):
    (tmp_path / "labels.json").write_text(content)
    with pytest.raises(DataError, match=match):
        make_labels(ANIMALS, "labels.json", tmp_path)


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(DataError, match=r"labels\.json: No such file"):
        make_labels(ANIMALS, "labels.json", tmp_path)
