"""Accepting: deliberate, written down, and never by a machine."""

from __future__ import annotations

import json

import pytest

from camaudit.baseline import accept, history
from camaudit.errors import BaselineError
from camaudit.integrity import sha256
from tests.baseline.test_record import baseline


@pytest.fixture(autouse=True)
def by_hand(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def candidate(tmp_path):
    path = tmp_path / "out/no-drift.json"
    baseline().write(path)
    return path


def test_the_baseline_is_the_candidate_to_the_byte(tmp_path, candidate):
    target = tmp_path / "baselines/dogs.json"
    line = accept(candidate, target, by="A. Person", reason="first", verdict="ERROR")
    assert target.read_bytes() == candidate.read_bytes()
    assert line["new_sha256"] == sha256(target)
    assert history(target) == [line]


def test_a_second_acceptance_adds_a_line(tmp_path, candidate):
    target = tmp_path / "baselines/dogs.json"
    accept(candidate, target, by="A", reason="first")
    old = sha256(target)
    baseline(weights="newer").write(candidate)
    accept(candidate, target, by="B", reason="retrained")
    first, second = history(target)
    assert (second["old_sha256"], second["old_weights"], second["new_weights"]) == (old, "w", "newer")
    assert first["old_sha256"] is None


def test_nothing_to_accept_is_said(tmp_path, candidate):
    target = tmp_path / "dogs.json"
    accept(candidate, target, by="A", reason="first")
    with pytest.raises(BaselineError, match="already"):
        accept(candidate, target, by="A", reason="again")
    assert len(history(target)) == 1


@pytest.mark.parametrize("given", [{"by": " "}, {"reason": ""}])
def test_who_and_why_are_needed(tmp_path, candidate, given):
    with pytest.raises(BaselineError, match="is empty"):
        accept(candidate, tmp_path / "x.json", **{"by": "A", "reason": "b", **given})
    assert not (tmp_path / "x.json").exists()


@pytest.mark.parametrize("value", ["1", "true", "True", "yes"])
def test_never_under_ci(tmp_path, candidate, monkeypatch, value):
    monkeypatch.setenv("CI", value)
    with pytest.raises(BaselineError, match="CI is set"):
        accept(candidate, tmp_path / "x.json", by="A", reason="b")
    assert not (tmp_path / "x.json").exists()


def test_a_candidate_that_is_none_is_refused(tmp_path, candidate):
    candidate.write_text("{")
    with pytest.raises(BaselineError, match=r"no-drift\.json"):
        accept(candidate, tmp_path / "x.json", by="A", reason="b")


def test_a_crash_between_write_and_rename_leaves_the_old_baseline(tmp_path, candidate, monkeypatch):
    target = tmp_path / "dogs.json"
    accept(candidate, target, by="A", reason="first")
    before = target.read_bytes()
    baseline(weights="newer").write(candidate)

    def crash(*_):
        raise OSError("out of luck")

    monkeypatch.setattr("pathlib.Path.replace", crash)
    with pytest.raises(OSError, match="out of luck"):
        accept(candidate, target, by="A", reason="second")
    assert target.read_bytes() == before


def test_a_damaged_history_is_named(tmp_path):
    (tmp_path / "HISTORY.jsonl").write_text(json.dumps({"baseline": "x.json"}) + "\n{\n")
    with pytest.raises(BaselineError, match=r"HISTORY\.jsonl:2"):
        history(tmp_path / "x.json")
