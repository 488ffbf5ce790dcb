"""How many xdist workers there are changes no verdict and no number."""

from __future__ import annotations

import pandas as pd
import pytest

from tests.small_audit import drift, overlap, result, write

STRICT = {"mean_drop": {"at_most": 0.001}}


def found(home):
    table = pd.read_csv(home / "reports/squares/samples.csv").set_index(["check", "id"]).sort_index()
    return result(home / "reports/squares"), table.select_dtypes("number")


@pytest.mark.slow
def test_workers_change_nothing(pytester, monkeypatch):
    from camaudit.baseline import accept

    monkeypatch.delenv("CI", raising=False)
    write(
        pytester.path / "audits", overlap(), overlap("never-met", gate={"at_most": 0.1}), drift(gate=STRICT)
    )
    pytester.runpytest_inprocess("-p", "no:xdist", "audits").assert_outcomes(passed=1, failed=2)
    candidate = pytester.path / "reports/squares/baselines/no-drift.json"
    accept(candidate, pytester.path / "audits/baselines/squares.json", by="A", reason="first")
    pytester.runpytest_inprocess("-p", "no:xdist", "audits").assert_outcomes(passed=2, failed=1, warnings=1)
    before, numbers = found(pytester.path)
    for workers, dist, batch in (("1", "loadfile", "1"), ("2", "loadfile", "3"), ("2", "load", "16")):
        options = ("-n", workers, "--dist", dist, f"--camaudit-batch-size={batch}")
        pytester.runpytest_subprocess(*options, "audits").assert_outcomes(passed=2, failed=1, warnings=1)
        after, others = found(pytester.path)
        assert [(item["id"], item["status"]) for item in before["checks"]] == [
            (item["id"], item["status"]) for item in after["checks"]
        ]
        assert (numbers.index == others.index).all()
        assert numbers.isna().equals(others.isna())
        assert float((numbers - others).abs().max().max()) <= 1e-4
        (held,) = [item for item in after["checks"] if item["id"] == "no-drift"]
        assert held["findings"][0]["interval"] == "same network"
