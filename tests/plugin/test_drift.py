"""Baselines under pytest: an unused one is an item that fails, and xdist keeps the candidates."""

from __future__ import annotations

import shutil

import pytest

from camaudit.baseline import accept
from tests.small_audit import drift, overlap, write


@pytest.fixture
def home(pytester, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    write(pytester.path / "audits", overlap(), drift())
    pytester.runpytest_inprocess("-p", "no:xdist", "audits").assert_outcomes(passed=1, failed=1)
    return pytester


def accepted(home):
    candidate = home.path / "reports/squares/baselines/no-drift.json"
    accept(candidate, home.path / "audits/baselines/squares.json", by="A", reason="first")


def test_accepted_is_green(home):
    accepted(home)
    home.runpytest_inprocess("-p", "no:xdist", "audits").assert_outcomes(passed=2, warnings=1)


def test_an_unused_baseline_is_an_item_that_fails(home):
    accepted(home)
    shutil.copy(home.path / "audits/baselines/squares.json", home.path / "audits/baselines/old.json")
    result = home.runpytest_inprocess("-p", "no:xdist", "audits")
    result.assert_outcomes(passed=2, failed=1, warnings=1)
    result.stdout.fnmatch_lines(["*no check names old.json*"])


def test_a_subset_deletes_nothing_and_compares_all_the_same(home):
    accepted(home)
    before = (home.path / "audits/baselines/squares.json").read_bytes()
    result = home.runpytest_inprocess("-p", "no:xdist", "audits", "-k", "no-drift")
    result.assert_outcomes(passed=1, deselected=1, warnings=1)
    assert (home.path / "audits/baselines/squares.json").read_bytes() == before


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["loadfile", "load"])
def test_workers_hand_their_candidates_over(home, mode):
    shutil.rmtree(home.path / "reports")
    home.runpytest_subprocess("-n", "2", "--dist", mode, "audits").assert_outcomes(passed=1, failed=1)
    accepted(home)
    home.runpytest_subprocess("-n", "2", "--dist", mode, "audits").assert_outcomes(passed=2, warnings=1)
