"""`run`, `check`, `plan`, `show` and `report`: an audit from the command line."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from camaudit import cli
from tests.small_audit import overlap, result, write

FAILING = {"gate": {"at_most": 0.1}}


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_run_writes_a_report_and_exits_with_0(folder, capsys):
    write(folder / "audits")
    assert cli.main(["run", "audits"]) == 0
    out = capsys.readouterr().out
    assert "PASS" in out
    assert "report: file://" in out
    assert (folder / "reports/squares/index.html").is_file()


def test_run_says_what_failed_and_exits_with_1(folder, capsys):
    write(folder, overlap("first"), overlap("upside-down", **FAILING))
    assert cli.main(["run", "squares.audit.yaml"]) == 1
    said = capsys.readouterr()
    assert "squares.audit.yaml:" in said.err
    assert "upside-down: FAIL" in said.err
    assert "first" not in said.err


def test_run_of_one_check_is_partial(folder, capsys):
    write(folder, overlap("first"), overlap("second"))
    assert cli.main(["run", "squares.audit.yaml", "--check", "second", "--reports", "elsewhere"]) == 0
    assert result(folder / "elsewhere/squares")["not_run"] == ["first"]
    assert "partial run" in capsys.readouterr().out


def test_an_empty_folder_is_never_green(folder, capsys):
    (folder / "audits").mkdir()
    assert cli.main(["run", "audits"]) == 5
    assert "never green" in capsys.readouterr().err


def test_a_bad_spec_stops_before_anything_runs(folder, capsys):
    write(folder)
    (folder / "bad.audit.yaml").write_text("version: 1\n", encoding="utf-8")
    assert cli.main(["run", "."]) == 2
    assert "bad.audit.yaml:" in capsys.readouterr().err
    assert not (folder / "reports").exists()


def test_an_unknown_check_is_named(folder, capsys):
    write(folder)
    assert cli.main(["run", "squares.audit.yaml", "--check", "on-the-sqare"]) == 2
    assert 'did you mean "on-the-square"' in capsys.readouterr().err


def test_plan_prints_the_forwards(folder, capsys):
    write(folder, overlap("a"), overlap("b"))
    assert cli.main(["plan", "squares.audit.yaml"]) == 0
    assert "1 forwards per image instead of 2" in capsys.readouterr().out


def test_check_looks_without_running(folder, capsys):
    write(folder)
    assert cli.main(["check", "squares.audit.yaml"]) == 0
    out = capsys.readouterr().out
    assert "ok       network model: 12 parameters, 2 classes" in out
    assert "12 of 12 samples usable" in out
    assert "ok       layer auto: features" in out
    assert not (folder / "reports").exists()


def test_check_finds_everything_that_will_not_do(folder, capsys):
    write(
        folder,
        overlap("a", model="other"),
        overlap("b", mask="collar"),
        overlap("c", maps={"layer": "featurs"}),
        models={"other": {"factory": "squares_nets:nan", "classes": ["red", "green"]}},
    )
    (folder / "images/3.png").unlink()
    assert cli.main(["check", "squares.audit.yaml"]) == 2
    out = capsys.readouterr().out
    assert "ERROR    network other" in out
    assert "features.0.weight" in out
    assert "warning  data squares: 1 ×" in out
    assert "1 of 12 samples cannot be used" in out
    assert 'did you mean "features"' in out


def test_check_names_a_region_that_the_data_lacks(folder, capsys):
    write(folder, overlap("b", mask="collar"))
    assert cli.main(["check", "squares.audit.yaml"]) == 2
    assert "no mask for region 'collar'" in capsys.readouterr().out


def test_show_draws_one_sample_at_every_layer(folder, capsys):
    write(folder)
    assert cli.main(["show", "squares.audit.yaml::on-the-square", "square-3"]) == 0
    assert "square-3.png" in capsys.readouterr().out
    sheet = np.asarray(Image.open(folder / "square-3.png").convert("RGB"))
    # Input, masks and two layers side by side, each 16 × 14 pixels wide.
    assert sheet.shape[1] == 12 + 4 * (224 + 12)
    assert len(np.unique(sheet.reshape(-1, 3), axis=0)) > 50


@pytest.mark.parametrize(
    ("target", "sample", "message"),
    [
        ("squares.audit.yaml::on-the-square", "sqare-3", 'did you mean "square-'),
        ("squares.audit.yaml", "square-3", "names no check"),
        ("squares.audit.yaml::on-the-sqare", "square-3", 'did you mean "on-the-square"'),
        ("nowhere.audit.yaml::x", "square-3", "nowhere.audit.yaml"),
    ],
)
def test_show_says_what_is_wrong(folder, capsys, target, sample, message):
    write(folder)
    assert cli.main(["show", target, sample]) in {1, 2}
    assert message in capsys.readouterr().err


def test_show_of_a_dead_map_says_so(folder):
    blind = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    write(folder, overlap("blind", model="blind"), models={"blind": blind})
    assert cli.main(["show", "squares.audit.yaml::blind", "square-3", "--output", "dead.png"]) == 0
    assert (folder / "dead.png").is_file()


def test_report_renders_again_without_a_network(folder, capsys):
    write(folder)
    cli.main(["run", "squares.audit.yaml"])
    page = folder / "reports/squares/index.html"
    first = page.read_text(encoding="utf-8")
    page.unlink()
    (folder / "squares_nets.py").unlink()
    assert cli.main(["report", "reports/squares"]) == 0
    assert page.read_text(encoding="utf-8") == first
    assert page.as_uri() in capsys.readouterr().out


def test_report_of_something_else(folder, capsys):
    assert cli.main(["report", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["run", "check", "plan"])
def test_a_folder_without_audits_is_no_success(folder, capsys, command):
    (folder / "audits").mkdir()
    assert cli.main([command, "audits"]) == 5
    assert "no *.audit.yaml found" in capsys.readouterr().err


def test_check_goes_on_where_a_network_raises(folder, capsys):
    model = {"factory": "squares_nets:raising", "classes": ["red", "green"]}
    write(folder, overlap("a", model="other"), overlap("b"), models={"other": model})
    assert cli.main(["check", "squares.audit.yaml"]) == 2
    out = capsys.readouterr().out
    assert "ERROR    layer auto: RuntimeError: out of luck (raised at " in out
    assert "ok       layer auto: features" in out


@pytest.mark.parametrize("arguments", [["--batch-size", "0"], ["--workers", "-1"]])
def test_numbers_that_would_hold_all_images_or_none(folder, capsys, arguments):
    write(folder)
    assert cli.main(["run", "squares.audit.yaml", *arguments]) == 4
    assert arguments[0] in capsys.readouterr().err


def test_reports_that_cannot_be_written(folder, capsys):
    write(folder)
    (folder / "file").write_text("", encoding="utf-8")
    assert cli.main(["run", "squares.audit.yaml", "--reports", "file/reports"]) == 1
    assert (
        "file/reports/squares: the report cannot be written here: Not a directory" in capsys.readouterr().err
    )


def test_a_picture_that_cannot_be_written(folder, capsys):
    write(folder)
    target = "squares.audit.yaml::on-the-square"
    assert cli.main(["show", target, "square-3", "--output", "nowhere/x.png"]) == 1
    assert "nowhere/x.png: No such file or directory" in capsys.readouterr().err


def test_summary_in_markdown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path / "audits", overlap())
    assert cli.main(["run", "audits"]) == 0
    capsys.readouterr()
    assert cli.main(["summary", "reports", "--markdown"]) == 0
    out = capsys.readouterr().out
    assert "camaudit: 1 check passed" in out
    assert cli.main(["summary", "reports/squares"]) == 0
    assert "squares: PASS" in capsys.readouterr().out


def test_a_summary_of_nothing_is_an_error(tmp_path, capsys):
    assert cli.main(["summary", str(tmp_path)]) == 1
    assert "there is no result.json here" in capsys.readouterr().err
