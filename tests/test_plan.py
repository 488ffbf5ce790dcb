"""The plan: defaults filled in, equal work merged, emptiness refused."""

from __future__ import annotations

import pytest

from camaudit import plan
from camaudit.errors import SpecError
from camaudit.spec import read
from tests.small_audit import overlap, write


def make(tmp_path, *checks, only=None, **changes):
    return plan.make(read(write(tmp_path, *checks, **changes)), only)


def test_two_checks_on_the_same_maps_share_one_forward(tmp_path):
    made = make(tmp_path, overlap("a"), overlap("b", metric="pixel_auc", gate={"at_least": 0.6}))
    (work,) = made.passes
    assert work.forwards == 1
    assert work.forwards_apart == 2
    assert len(work.maps) == 1


def test_equal_numbers_are_computed_once(tmp_path):
    made = make(tmp_path, overlap("a"), overlap("b", gate={"at_least": 0.5}))
    (work,) = made.passes
    assert len(work.columns) == len(made.checks[0].columns)


def test_two_methods_of_one_layer_share_a_forward(tmp_path):
    made = make(tmp_path, overlap("a"), overlap("b", maps={"method": "hirescam"}))
    assert made.passes[0].forwards == 1
    assert len(made.passes[0].maps) == 2


def test_another_layer_takes_another_forward(tmp_path):
    made = make(tmp_path, overlap("a"), overlap("b", maps={"layer": "features.0"}))
    assert made.passes[0].forwards == 2


def test_another_sample_or_network_is_another_pass(tmp_path):
    other = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    made = make(
        tmp_path,
        overlap("a"),
        overlap("b", sample={"n": 5}),
        overlap("c", model="other"),
        models={"other": other},
    )
    assert [(work.model, work.sample.n) for work in made.passes] == [
        ("model", None),
        ("model", 5),
        ("other", None),
    ]


def test_sanity_counts_its_randomised_forwards(tmp_path):
    made = make(tmp_path, {"id": "sane", "kind": "sanity", "seeds": 2})
    assert made.passes[0].forwards == 1 + 3 * 2


def test_selection_names_what_is_left_out(tmp_path):
    made = make(tmp_path, overlap("a"), overlap("b"), only={"b"})
    assert [check.id for check in made.checks] == ["b"]
    assert made.not_run == ("a",)
    assert "left out: a" in made.text()


def test_unknown_selection(tmp_path):
    with pytest.raises(SpecError, match="no check 'on-the-sqare', did you mean \"on-the-square\""):
        make(tmp_path, only={"on-the-sqare"})


def test_nothing_selected_is_refused(tmp_path):
    with pytest.raises(SpecError, match="never green"):
        make(tmp_path, only=set())


def test_text_names_what_is_computed(tmp_path):
    text = make(tmp_path, overlap("a"), defaults={"sample": {"n": 5, "seed": 7}}).text()
    assert "at most 5 images, seed 7, by label" in text
    assert "1 forwards per image instead of 1" in text
