"""From numbers to a result: the status that stands, what blocks, which samples are shown."""

from __future__ import annotations

import pandas as pd
import pytest

from camaudit import assessment, plan
from camaudit.result import Population
from camaudit.scores import Table
from camaudit.spec import read
from tests.small_audit import overlap, write

NAN = float("nan")


def planned(tmp_path, **changes):
    return plan.make(read(write(tmp_path, overlap(**changes)))).checks[0]


def table(check, values, reasons=None, labels=None):
    n = len(values)
    columns = {name: [0.3] * n for name in check.columns}
    columns["energy_inside"] = values
    frame = pd.DataFrame(
        {
            "label": labels or ["red"] * n,
            "predicted": ["red"] * n,
            "group": [None] * n,
            "sha256": [None] * n,
            "map_status": ["ok"] * n,
            "object_share": [0.1] * n,
            **columns,
        },
        index=[f"s{number:03d}" for number in range(n)],
    )
    return Table(frame=frame, reasons={"energy_inside": reasons or {}})


def assess(check, whole):
    population = Population(data="squares", found=len(whole.ids), drawn=len(whole.ids), used=len(whole.ids))
    return assessment.assess(check, whole, population, spec_file="squares.audit.yaml")


GOOD = [0.9 + 0.001 * (number % 7) for number in range(60)]


def test_good_numbers_pass(tmp_path):
    check = planned(tmp_path)
    found = assess(check, table(check, GOOD))
    assert (found.status, found.outcome, found.blocks) == ("PASS", "PASS", False)
    assert found.headline.startswith("on-the-square: PASS")


@pytest.mark.parametrize(("allowed", "status"), [(0.0, "ERROR"), (0.01, "ERROR"), (0.05, "PASS")])
def test_missing_numbers_are_an_error_beyond_the_share_allowed(tmp_path, allowed, status):
    check = planned(tmp_path, allow_undefined=allowed)
    found = assess(
        check, table(check, [*GOOD[:-2], NAN, NAN], {"s058": "empty mask", "s059": "all-zero map"})
    )
    assert found.status == status
    assert found.findings[0].undefined == {"empty mask": 1, "all-zero map": 1}
    assert found.findings[0].n == 58
    if status == "ERROR":
        assert "2 of 60 samples have no number" in found.answer


def test_an_expected_failure_that_is_an_error_stays_one(tmp_path):
    check = planned(tmp_path, expect="fail")
    found = assess(check, table(check, [NAN] * 5, {f"s00{number}": "empty mask" for number in range(5)}))
    assert (found.status, found.blocks) == ("ERROR", True)


def test_an_expected_failure_that_is_inconclusive_stays_one(tmp_path):
    check = planned(tmp_path, expect="fail")
    found = assess(check, table(check, [0.4, 1.0] * 10))
    assert (found.status, found.outcome, found.blocks) == ("INCONCLUSIVE", "INCONCLUSIVE", True)


def test_an_expected_failure_that_fails_passes(tmp_path):
    check = planned(tmp_path, expect="fail")
    found = assess(check, table(check, [0.1 + 0.001 * number for number in range(40)]))
    assert (found.status, found.outcome, found.blocks) == ("PASS", "FAIL", False)
    assert "failed as expected" in found.answer


def test_one_bad_class_fails_the_check(tmp_path):
    check = planned(tmp_path, per_class={"at_least": 0.6, "min_n": 10})
    values = [*GOOD, *(0.3 + 0.001 * number for number in range(12))]
    found = assess(check, table(check, values, labels=["red"] * 60 + ["green"] * 12))
    assert found.findings[0].status == "PASS"
    assert (found.status, found.blocks) == ("FAIL", True)
    assert "green" in found.answer


def test_shown_samples_are_failing_then_worst_then_best(tmp_path):
    check = planned(tmp_path)
    values = [0.1, 0.2, NAN, *GOOD]
    shown = assessment.shown_ids(check, table(check, values, {"s002": "empty mask"}), limit=20)
    assert shown[:3] == [("s002", True), ("s000", True), ("s001", True)]
    assert not any(failing for _, failing in shown[3:])
    assert len(shown) == len(set(shown)) <= 20


def test_more_failing_samples_than_are_shown(tmp_path):
    check = planned(tmp_path)
    shown = assessment.shown_ids(check, table(check, [0.001 * number for number in range(300)]), limit=200)
    assert len(shown) == 200
    assert [key for key, _ in shown[:3]] == ["s000", "s001", "s002"]
