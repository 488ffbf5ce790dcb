"""A baseline as a file: text that a person can read in a pull request, and that reads back."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from camaudit.baseline import Baseline, Fingerprint, PackedMap, Row, unused
from camaudit.errors import BaselineError

PRINT = Fingerprint(
    audit="dogs",
    check="on-the-dog",
    column="energy_inside",
    worse="low",
    weights="w",
    data="d",
    spec="s",
    layers=("features",),
    seed=7,
    versions={"torch": "2.0"},
)


def baseline(**changes):
    rows = {
        key: Row(id=key, value=0.123456789, label="dog", predicted="cat", map=PackedMap.of(np.eye(3)))
        for key in ("b", "a", 'c"\n')
    }
    rows["d"] = Row(id="d", value=None, reason="all-zero map")
    return Baseline(fingerprint=replace(PRINT, **changes), rows=rows)


def test_it_reads_back(tmp_path):
    path = tmp_path / "deep/dogs.json"
    baseline().write(path)
    again = Baseline.read(path)
    assert again.fingerprint == PRINT
    assert again.text == path.read_text()
    assert again.rows["a"].value == 0.1234568
    assert again.rows["d"] == Row(id="d", value=None, reason="all-zero map")
    assert list(tmp_path.glob("deep/*.tmp")) == []


def test_one_line_per_sample_in_order_of_id():
    lines = [line for line in baseline().text.splitlines() if line.startswith('"')]
    assert [json.loads("{" + line.rstrip(",") + "}") for line in lines]
    assert [line[1] for line in lines] == ["a", "b", "c", "d"]


def test_a_changed_number_changes_one_line(tmp_path):
    before = baseline()
    rows = {**before.rows, "b": replace(before.rows["b"], value=0.5)}
    after = replace(before, rows=rows)
    changed = [
        pair
        for pair in zip(before.text.splitlines(), after.text.splitlines(), strict=True)
        if len(set(pair)) > 1
    ]
    assert len(changed) == 1


@pytest.mark.parametrize(
    ("field", "comparable"),
    [
        ("data", False),
        ("spec", False),
        ("column", False),
        ("worse", False),
        ("weights", True),
        ("audit", True),
        ("seed", True),
    ],
)
def test_what_makes_two_comparable(field, comparable):
    other = replace(PRINT, **{field: 8 if field == "seed" else "other"})
    assert (PRINT.unlike(other) == []) is comparable


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "is no baseline"),
        ("[]", "has format None"),
        ('{"format": 99}', "has format 99"),
        ('{"format": 1}', "damaged"),
    ],
)
def test_other_files_are_refused_by_name(tmp_path, text, why):
    path = tmp_path / "x.json"
    path.write_text(text)
    with pytest.raises(BaselineError, match=why) as failure:
        Baseline.read(path)
    assert "x.json" in str(failure.value)


def test_a_map_that_was_edited_is_refused(tmp_path):
    path = tmp_path / "x.json"
    path.write_text(baseline().text.replace("3x3*", "3x4*"))
    with pytest.raises(BaselineError, match="damaged or was edited"):
        Baseline.read(path)


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(BaselineError, match="cannot be read"):
        Baseline.read(tmp_path / "none.json")


def test_unused_are_those_of_the_audit_that_no_check_names(tmp_path):
    for name, audit in (("used", "dogs"), ("left", "dogs"), ("cats", "cats")):
        baseline(audit=audit).write(tmp_path / f"{name}.json")
    (tmp_path / "note.json").write_text('{"audit": "dogs"}')
    (tmp_path / "broken.json").write_text("{")
    found = unused("dogs", [tmp_path, tmp_path / "nowhere"], [tmp_path / "used.json"])
    assert [path.name for path in found] == ["left.json"]
