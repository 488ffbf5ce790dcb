"""Samples from the user's own code, held against the model's classes."""

from __future__ import annotations

import sys

import pytest
from pydantic import ValidationError

from camaudit.data.factory import FactorySource
from camaudit.errors import DataError
from tests.data import files

CODE = """
from pathlib import Path
import numpy as np
from camaudit import Sample
from camaudit.data.masks import MaskArray
from camaudit.data.sample import Listing, Unusable

def picture(name, **keys):
    masks = {"object": MaskArray(array=lambda: np.ones((4, 4), dtype=bool))}
    return Sample(id=name, image=lambda: np.zeros((4, 4, 3), dtype=np.uint8), masks=masks, **keys)

def some(n=2):
    for number in range(n):
        yield picture(f"s{number}", label=number % 2)

def odd():
    yield picture("range", label=5)
    yield picture("clash", label=0, label_name="dog")
    yield picture("name", label_name="dog")
    yield picture("unknown", label_name="dgo")
    yield picture("none")
    yield picture("twice", label=0)
    yield picture("twice", label=1)

def listed():
    return Listing(samples=(picture("a", label=0),), unusable=(Unusable(id="b", reason="too dark"),))

def lazy():
    import cam_lazy_helper
    yield picture(cam_lazy_helper.name)

def refuses():
    from camaudit.errors import DataError
    raise DataError("the archive is not mounted")

def numbered(): return [picture(7)]
def numpy_label(): return [picture("a", label=np.int64(1))]
def strangers(): return [picture("a"), {"id": "b"}]
def number(): return 3
def broken(): yield 1 / 0
def empty(): return []
"""


@pytest.fixture
def listing(tmp_path):
    (tmp_path / "cam_factory_code.py").write_text(CODE)
    (tmp_path / "cam_lazy_helper.py").write_text("name = 'helped'")

    def make(name, classes=("cat", "dog"), **arguments):
        source = FactorySource(factory=f"cam_factory_code:{name}", arguments=arguments)
        return source.listing(tmp_path, classes)

    yield make
    for name in ("cam_factory_code", "cam_lazy_helper"):
        sys.modules.pop(name, None)


def test_samples_come_in_the_order_of_the_code(listing):
    found = listing("some", n=3)
    assert [(sample.id, sample.label, sample.label_name) for sample in found.samples] == [
        ("s0", 0, "cat"),
        ("s1", 1, "dog"),
        ("s2", 0, "cat"),
    ]


def test_without_classes_labels_stay_as_they_are(listing):
    assert [sample.label_name for sample in listing("some", classes=None).samples] == [None, None]


@pytest.mark.parametrize("classes", [None, ("cat", "dog")])
def test_labels_become_plain_numbers(listing, classes):
    (sample,) = listing("numpy_label", classes=classes).samples
    assert type(sample.label) is int


def test_labels_are_held_against_the_classes(listing):
    found = listing("odd")
    assert [(sample.id, sample.label) for sample in found.samples] == [("name", 1), ("none", None)]
    assert found.reasons == {"unknown label": 3, "duplicate id": 2}
    assert "label 0 is 'cat' to the model and 'dog' to the data" in files.details(found)["clash"]
    assert found.found == 7


def test_a_listing_keeps_its_reasons(listing):
    found = listing("listed")
    assert (files.ids(found), found.reasons) == (["a"], {"too dark": 1})


def test_lazy_imports_find_the_spec_s_folder(listing):
    assert files.ids(listing("lazy")) == ["helped"]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("strangers", "cam_factory_code:strangers: it gave dict, not camaudit.Sample"),
        ("refuses", "^the archive is not mounted$"),
        ("numbered", "an id is a text that is not empty, not 7"),
        ("number", "the callable raised TypeError: 'int' object is not iterable"),
        ("broken", "the callable raised ZeroDivisionError: division by zero"),
        ("empty", "no samples were found"),
        ("smoe", "no attribute 'smoe', did you mean \"some\""),
    ],
)
def test_what_gives_no_samples_is_named(listing, name, match):
    with pytest.raises(DataError, match=match):
        listing(name)


def test_unexpected_arguments_are_named(listing):
    with pytest.raises(DataError, match="unexpected keyword argument 'm'"):
        listing("some", m=3)


def test_a_reference_has_a_colon():
    with pytest.raises(ValidationError, match="should match pattern"):
        FactorySource(factory="module.callable")
