"""The networks of the audit `drift`: as accurate as the README says, and told apart as it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from audits.digits.measure import accuracy
from camaudit import plan
from camaudit.engine import Options, run
from camaudit.spec import read

ROOT = Path(__file__).resolve().parents[2]


def network(name):
    from safetensors.torch import load_file

    from audits.digits.model import Digits

    made = Digits()
    made.load_state_dict(load_file(ROOT / f"audits/drift/{name}.safetensors"))
    return made.eval()


@pytest.mark.parametrize("name", ["seed2", "seed3", "seed4"])
def test_other_seeds_read_the_digit(name):
    made = network(name)
    assert accuracy(made, "consistent").value >= 0.975
    assert accuracy(made, "random").value >= 0.975


def test_the_drifted_one_is_as_often_right_and_reads_the_patch():
    made = network("drifted")
    assert accuracy(made, "consistent").value >= 0.965
    assert accuracy(made, "random").value <= 0.65


@pytest.mark.slow
def test_the_seed_passes_and_the_drifted_one_fails(tmp_path):
    checks = {"unchanged", "seed4-no-drift", "drifted-drifts", "drifted-on-the-strokes"}
    found = run(plan.make(read(ROOT / "audits/drift.audit.yaml"), checks), tmp_path, Options())
    outcomes = {check.id: (check.status, check.outcome) for check in found.checks}
    assert outcomes == {
        "drifted-on-the-strokes": ("PASS", "PASS"),
        "unchanged": ("PASS", "PASS"),
        "seed4-no-drift": ("PASS", "PASS"),
        "drifted-drifts": ("PASS", "FAIL"),
    }
    drops = {
        check.id: next(item for item in check.findings if item.name == "mean drop")
        for check in found.checks[1:]
    }
    assert drops["drifted-drifts"].lower > 0.1
    assert [item.name for item in drops["seed4-no-drift"].controls] == ["strokes-seed2", "strokes-seed3"]
