"""The result file: a round trip loses nothing, NaN becomes null, later versions are refused."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import pytest

from camaudit.errors import ResultError
from camaudit.merge import _prefixed
from camaudit.result import (
    AuditResult,
    CheckResult,
    Control,
    Finding,
    ModelRecord,
    NamedMap,
    Population,
    SampleRow,
)

NAN = float("nan")


def example() -> AuditResult:
    finding = Finding(
        name="energy_inside",
        title="share of the map's mass inside the mask",
        value=0.71,
        lower=0.69,
        upper=0.73,
        confidence=0.95,
        n=300,
        interval="bootstrap",
        column="energy_inside",
        status="PASS",
        undefined={"empty mask": 2},
        controls=(Control(name="centre_prior", title="blob", value=0.3, lower=0.2, upper=NAN, n=300),),
    )
    row = SampleRow(
        id="a/../b",
        label="cat",
        predicted=None,
        values={"energy_inside": NAN},
        undefined={"energy_inside": "x"},
        map="m0",
        map_name="label: cat",
        maps=(NamedMap(name="predicted", explains="dog", key="m1", largest=0.5),),
    )
    check = CheckResult(
        id="on-the-dog",
        kind="overlap",
        title="t",
        status="PASS",
        outcome="PASS",
        headline="h",
        question="q",
        rule="r",
        answer="a",
        findings=(finding,),
        population=Population(data="dogs", found=302, unusable={"no mask": 2}, drawn=300, used=300),
        rows=(row,),
        histogram=(0.1, 0.2),
    )
    model = ModelRecord(
        name="model",
        factory="a:b",
        classes=2,
        parameters=3,
        weights=None,
        weights_sha256=None,
        fingerprint="f",
        preprocess="p",
    )
    return AuditResult(name="dogs", checks=(check,), models=(model,), not_run=("other",))


def test_round_trip(tmp_path):
    before = example()
    before.write(tmp_path / "result.json")
    after = AuditResult.read(tmp_path / "result.json")
    assert after.to_json() == before.to_json()
    assert math.isnan(after.checks[0].rows[0].values["energy_inside"])
    assert math.isnan(after.checks[0].findings[0].controls[0].upper)
    assert after.checks[0].population == before.checks[0].population
    assert after.checks[0].rows[0].maps == before.checks[0].rows[0].maps


def test_a_result_of_the_first_format_is_read(tmp_path):
    data = json.loads(example().to_json())
    data["format_version"] = 1
    data["checks"][0].pop("shows")
    for row in data["checks"][0]["rows"]:
        del row["maps"], row["map_name"]
    (tmp_path / "result.json").write_text(json.dumps(data))
    row = AuditResult.read(tmp_path / "result.json").checks[0].rows[0]
    assert (row.map, row.map_name, row.maps) == ("m0", "", ())


def test_parts_put_together_rename_all_maps_of_a_sample():
    row = _prefixed(example().checks[0], "3-").rows[0]
    assert (row.map, row.maps[0].key) == ("3-m0", "3-m1")


def test_missing_numbers_are_null():
    data = json.loads(example().to_json())
    assert data["checks"][0]["rows"][0]["values"] == {"energy_inside": None}


def test_later_version_is_refused(tmp_path):
    path = tmp_path / "result.json"
    path.write_text(json.dumps({"format_version": 99}))
    with pytest.raises(ResultError, match="format version 99"):
        AuditResult.read(path)


@pytest.mark.parametrize("text", ["", "[]", "{", '{"format_version": "1"}'])
def test_other_files_are_refused(tmp_path, text):
    path = tmp_path / "result.json"
    path.write_text(text)
    with pytest.raises(ResultError):
        AuditResult.read(path)


def test_missing_file(tmp_path):
    with pytest.raises(ResultError, match="cannot be read"):
        AuditResult.read(tmp_path / "result.json")


def test_nothing_is_never_green():
    empty = AuditResult(name="empty")
    assert empty.status == "ERROR"
    assert empty.blocks


def test_worst_check_decides():
    result = example()
    worse = replace(result.checks[0], id="b", status="INCONCLUSIVE")
    assert replace(result, checks=(*result.checks, worse)).status == "INCONCLUSIVE"


def test_counts_in_words():
    population = Population(
        data="d",
        found=1842,
        unusable={"no mask": 2},
        drawn=300,
        used=299,
        lost={"unreadable": 1},
        seed=7,
        by="label",
    )
    assert population.sentence == "n=299 of 1,840 (seed 7, by label), 3 left out"
