"""`camaudit diff`, `accept` and `prune`, from the first run to a pruned baseline."""

from __future__ import annotations

import json
import shutil

import pytest
import yaml

from camaudit.cli import main
from tests.small_audit import drift, overlap, write

ACCEPT = ("--by", "A. Person", "--reason", "first")


@pytest.fixture
def home(tmp_path, monkeypatch):
    """A folder with an audit that was run once, as a person would."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "audits", overlap(), drift())
    assert main(["run", "audits"]) == 1
    return tmp_path


SPEC = "audits/squares.audit.yaml"


def test_the_whole_way(home, capsys):
    """First run, acceptance, a green run, nothing to accept any more."""
    assert main(["run", "audits"]) == 1
    assert "camaudit accept audits/squares.audit.yaml::no-drift" in capsys.readouterr().err
    assert main(["accept", f"{SPEC}::no-drift", *ACCEPT]) == 0
    assert "12 samples" in capsys.readouterr().out
    assert main(["run", "audits"]) == 0
    assert "floor unknown" in json.dumps(json.loads((home / "reports/squares/result.json").read_text()))
    capsys.readouterr()
    assert main(["diff", SPEC]) == 0
    out = capsys.readouterr().out
    assert "the same network" in out
    assert "mean drop (above 0 is worse): 0" in out
    assert main(["accept", SPEC, *ACCEPT]) == 0
    assert "is that already" in capsys.readouterr().out


def test_accepting_under_ci_is_refused(home, capsys, monkeypatch):
    monkeypatch.setenv("CI", "true")
    assert main(["accept", SPEC, *ACCEPT]) == 1
    assert "CI is set" in capsys.readouterr().err
    assert not (home / "audits/baselines").exists()


def test_a_changed_spec_has_to_be_run_again(home, capsys):
    spec = home / SPEC
    spec.write_text(spec.read_text() + "\n# a thought\n")
    assert main(["accept", SPEC, *ACCEPT]) == 1
    assert "has changed since the last run" in capsys.readouterr().err


def test_a_candidate_that_was_edited_is_refused(home, capsys):
    file = home / "reports/squares/baselines/no-drift.json"
    file.write_text(file.read_text().replace("0.", "1."))
    assert main(["accept", SPEC, *ACCEPT]) == 1
    assert "not the file that the last run wrote" in capsys.readouterr().err


def test_a_run_without_the_check_leaves_no_candidate_of_an_older_run(home, capsys):
    assert main(["run", SPEC, "--check", "on-the-square"]) == 0
    capsys.readouterr()
    assert main(["accept", SPEC, *ACCEPT]) == 1
    assert "left no candidate" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "text"), [(f"{SPEC}::no-drft", 'did you mean "no-drift"?'), ("audits/none.yaml", "none.yaml")]
)
def test_targets_that_are_none(home, capsys, target, text):
    assert main(["accept", target, *ACCEPT]) == 2
    assert text in capsys.readouterr().err


def test_another_of_several_baselines_is_named(home, capsys):
    names = ["baselines/squares.json", "baselines/seed1.json"]
    write(home / "audits", overlap(), drift(baseline=names))
    main(["run", "audits"])
    for name in names:
        assert main(["accept", SPEC, *ACCEPT, "--as", name]) == 0
    assert main(["run", "audits"]) == 0
    capsys.readouterr()
    assert main(["accept", SPEC, *ACCEPT, "--as", "baselines/seed2.json"]) == 1
    assert "seed1.json" in capsys.readouterr().err


def test_diff_of_two_files_that_cannot_be_compared(home, capsys):
    file = home / "reports/squares/baselines/no-drift.json"
    other = home / "other.json"
    data = json.loads(file.read_text())
    other.write_text(json.dumps({**data, "data": "0"}))
    assert main(["diff", str(file), str(other)]) == 1
    assert "not comparable" in capsys.readouterr().err


def left_over(home):
    """A baseline that its check does not name any more, after an accepted run."""
    main(["accept", SPEC, *ACCEPT])
    shutil.copy(home / "audits/baselines/squares.json", home / "audits/baselines/old.json")


def test_a_baseline_without_a_check_fails_the_run(home, capsys):
    left_over(home)
    assert main(["run", "audits"]) == 1
    assert "no check names old.json" in capsys.readouterr().err


def test_prune_lists_and_deletes_after_a_complete_run(home, capsys):
    left_over(home)
    main(["run", "audits"])
    capsys.readouterr()
    assert main(["prune", SPEC]) == 0
    assert "unused" in capsys.readouterr().out
    assert (home / "audits/baselines/old.json").exists()
    assert main(["prune", SPEC, "--yes"]) == 0
    assert not (home / "audits/baselines/old.json").exists()
    assert (home / "audits/baselines/squares.json").exists()
    assert main(["run", "audits"]) == 0


def test_prune_refuses_after_a_partial_run(home, capsys):
    left_over(home)
    main(["run", SPEC, "--check", "on-the-square"])
    capsys.readouterr()
    assert main(["prune", SPEC, "--yes"]) == 1
    assert "left out no-drift" in capsys.readouterr().err
    assert (home / "audits/baselines/old.json").exists()


def test_prune_refuses_after_a_failed_run(home, capsys):
    left_over(home)
    spec = yaml.safe_load((home / SPEC).read_text())
    spec["checks"][0]["gate"]["at_least"] = 1
    (home / SPEC).write_text(yaml.safe_dump(spec, sort_keys=False))
    main(["run", "audits"])
    capsys.readouterr()
    assert main(["prune", SPEC, "--yes"]) == 1
    assert "failed in on-the-square" in capsys.readouterr().err
    assert (home / "audits/baselines/old.json").exists()
