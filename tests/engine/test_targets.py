"""Targets from the spec to the verdict."""

from __future__ import annotations

import pytest

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.engine.show import show
from camaudit.spec import read
from tests.small_audit import overlap, write

FUNCTION = """
def difference(logits, labels):
    rows = list(range(len(labels)))
    return logits[rows, labels] - logits[rows, 1 - labels]
"""


def checks(path, **options):
    return {item.id: item for item in run(plan.make(read(path)), path.parent / "reports", Options()).checks}


def on(name, target):
    return overlap(name, maps={"target": target})


def value(check):
    return check.findings[0].value


def test_targets_that_mean_the_same_give_the_same_numbers(tmp_path):
    path = write(
        tmp_path,
        on("label", "label"),
        on("contrast", {"contrast": ["label", {"kth": 2}]}),
        on("function", "scores:difference"),
        on("red", {"class": "red"}),
        on("first", 0),
        on("against", {"counterfactual": "green"}),
    )
    (tmp_path / "scores.py").write_text(FUNCTION, encoding="utf-8")
    found = checks(path)
    assert [found[name].status for name in ("label", "contrast", "function")] == ["PASS"] * 3
    assert value(found["contrast"]) == pytest.approx(value(found["label"]))
    assert value(found["function"]) == pytest.approx(value(found["contrast"]))
    # Green squares have no evidence for red: undefined for half of the images is an ERROR, never green.
    assert found["red"].status == found["first"].status == found["against"].status == "ERROR"
    assert found["contrast"].parameters["target"] == "contrast: label − kth: 2"


def test_all_targets_share_one_forward(tmp_path):
    path = write(tmp_path, on("a", "label"), on("b", {"kth": 2}), on("c", {"contrast": ["red", "green"]}))
    assert plan.make(read(path)).passes[0].forwards == 1


def test_a_target_that_fails_fails_its_own_check_alone(tmp_path):
    path = write(
        tmp_path, on("good", "label"), on("typo", {"contrast": ["red", "gren"]}), on("kth", {"kth": 3})
    )
    found = checks(path)
    assert found["good"].status == "PASS"
    assert found["typo"].status == found["kth"].status == "ERROR"
    assert 'did you mean "green"' in found["typo"].headline
    assert "the network has 2 outputs" in found["kth"].headline


def test_a_function_that_is_missing_is_an_error(tmp_path):
    found = checks(write(tmp_path, on("a", "scores:differense")))
    assert found["a"].status == "ERROR"
    assert "there is no module 'scores'" in found["a"].headline


def test_a_contrast_of_a_class_with_itself_is_no_pass(tmp_path):
    found = checks(write(tmp_path, on("a", {"contrast": ["label", "predicted"]})))
    assert found["a"].status == "ERROR"


def test_show_explains_the_targets_of_the_spec(tmp_path):
    path = write(tmp_path, on("a", {"contrast": ["label", {"kth": 2}]}))
    shown = show(plan.make(read(path)), "square-0")
    assert {item.status for item in shown.maps} == {"ok"}
