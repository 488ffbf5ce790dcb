"""`camaudit verify`: a report as it was written is verified, and whatever is changed is found."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from camaudit import cli, plan
from camaudit.baseline import accept
from camaudit.engine import run
from camaudit.result import AuditResult
from camaudit.scores import read_csv
from camaudit.spec import read
from camaudit.verify import CheckFound, Line, Verification, verify
from camaudit.verify.recorded import told
from tests.cli import forged
from tests.engine import perturbed_audit, shortcut_audit
from tests.small_audit import drift, overlap, write

REPORT = "reports/squares"
WEIGHTS = {
    "features.0.weight": torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None],
    "features.0.bias": torch.full((2,), -0.5),
    "head.weight": torch.tensor([[1.0, -1.0], [-1.0, 1.0]]),
}


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A project with a report: two checks that pass and one that fails, weights from a file."""
    folder = tmp_path_factory.mktemp("good")
    model = {
        "factory": "squares_nets:good",
        "classes": ["red", "green"],
        "weights": {"path": "squares.safetensors"},
    }
    save_file(WEIGHTS, folder / "squares.safetensors")
    path = write(
        folder,
        overlap("first"),
        overlap("second", metric="pointing", gate={"at_least": 0.5}),
        overlap("upside-down", gate={"at_most": 0.1}),
        model=model,
    )
    run(plan.make(read(path)), folder / "reports/squares")
    return folder


@pytest.fixture
def project(good, tmp_path, monkeypatch):
    """A copy of it to tamper with, and the working directory."""
    folder = tmp_path / "project"
    shutil.copytree(good, folder)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def checked(project, capsys):
    """Runs the command: (exit code, what it printed)."""

    def _checked(*arguments):
        code = cli.main(
            ["verify", "reports/squares", "--seed", "1", "--spec", "squares.audit.yaml", *arguments]
        )
        said = capsys.readouterr()
        return code, said.out + said.err

    return _checked


def edit(project, change):
    forged.edit(project / REPORT, change)


def edit_csv(project, change):
    forged.edit_csv(project / REPORT, change)


def test_a_report_as_it_was_written_is_verified(checked):
    code, said = checked()
    assert code == 0, said
    assert "VERIFIED: 15 samples measured anew in 3 checks" in said
    assert "files: 27 hashes compared: as recorded" in said
    assert "seed 1, tolerance 0.0001" in said
    assert "energy_inside " in said
    assert "DIFFERS" not in said


def test_the_seed_is_drawn_and_printed_and_repeats_the_samples(project, capsys):
    assert cli.main(["verify", "reports/squares", "--spec", "squares.audit.yaml", "--all"]) == 0
    first = capsys.readouterr().out
    seed = first.split("seed ")[1].split(",")[0]
    arguments = ["verify", "reports/squares", "--spec", "squares.audit.yaml", "--all"]
    assert cli.main([*arguments, "--seed", seed]) == 0
    assert capsys.readouterr().out == first
    assert cli.main([*arguments, "--seed", str(int(seed) + 1)]) == 0
    assert capsys.readouterr().out != first


def test_all_samples_and_one_check(checked):
    code, said = checked("--samples", "all", "--check", "second")
    assert code == 0
    assert "VERIFIED: 12 samples measured anew in 1 check" in said
    assert "note: not looked at: first, upside-down" in said


def test_a_number_in_the_result_is_found(project, checked):
    def change(data):
        data["checks"][0]["rows"][3]["values"]["energy_inside"] = 0.25

    edit(project, change)
    code, said = checked()
    assert code == 1
    assert "first: DIFFERS" in said
    assert "energy_inside of" in said
    assert "is 0.25 in result.json, 1 in samples.csv" in said
    assert "second: VERIFIED" in said


def test_an_estimate_in_the_result_is_found(project, checked):
    edit(project, lambda data: data["checks"][0]["findings"][0].update(value=0.9, lower=0.85))
    code, said = checked("--check", "first")
    assert code == 1
    assert "energy_inside: value is 0.9, samples.csv gives 1.0" in said


def test_a_status_in_the_result_is_found(project, checked):
    def change(data):
        check = data["checks"][2]
        check.update(status="PASS", outcome="PASS", blocks=False)
        check["findings"][0]["status"] = "PASS"

    edit(project, change)
    code, said = checked()
    assert code == 1
    assert "upside-down: DIFFERS" in said
    assert "energy_inside: status is 'PASS', and what was measured gives 'FAIL'" in said
    assert "blocks is False, and what was measured gives True" in said


def test_a_gate_in_the_result_is_found(project, checked):
    edit(project, lambda data: data["checks"][2]["findings"][0].update(bound=0.999, gate="at most 0.999"))
    code, said = checked("--check", "upside-down")
    assert code == 1
    assert "bound is 0.999, and what was measured gives 0.1" in said


def test_a_check_that_was_taken_out_is_found(project, checked):
    edit(project, lambda data: data["checks"].pop(2))
    code, said = checked()
    assert code == 1
    assert "check upside-down of the spec is neither in the report nor said to be left out" in said


def test_a_value_in_the_table_is_found_though_its_hash_was_changed_too(project, checked):
    def change(rows):
        rows[0]["energy_inside"] = "0.97"

    edit_csv(project, change)
    code, said = checked()
    assert code == 1
    assert "samples.csv: is not" not in said
    assert "energy_inside: value is" in said


def test_a_value_forged_everywhere_is_found_by_measuring_it(project, checked):
    """Table, rows, histogram and estimates agree with each other, and not with the network."""

    def lowered(rows):
        for row in rows:
            if row["check"] == "upside-down":
                row["energy_inside"] = "0.001"

    edit_csv(project, lowered)
    result = AuditResult.read(project / "reports/squares/result.json")
    spec = read(project / "squares.audit.yaml")
    from camaudit.assessment import assess
    from camaudit.verify.recorded import Recorded

    old = result.checks[2]
    (check,) = plan.make(spec, {"upside-down"}).checks
    recorded = Recorded.read(project / "reports/squares")
    table = recorded.table(check, old)
    forged = assess(check, table, old.population, spec_file=result.spec_file)
    rows = tuple(
        replace(row, values={**row.values, "energy_inside": 0.001}, failing=False) for row in old.rows
    )
    forged = replace(forged, rows=rows, trust=old.trust, parameters=old.parameters)
    assert forged.status == "INCONCLUSIVE", "it was FAIL"
    replace(result, checks=(*result.checks[:2], forged)).write(project / "reports/squares/result.json")
    code, said = checked("--check", "upside-down")
    assert code == 1
    assert "upside-down: DIFFERS, 5 samples" in said
    assert "5 differ" in said
    assert "what was measured" not in said, "the judgement by itself finds nothing: that is the point"


def test_a_line_that_was_taken_out_of_the_table_is_found(project, checked):
    edit_csv(project, lambda rows: rows.pop(0))
    code, said = checked()
    assert code == 1
    assert "12 samples used, and samples.csv has 11" in said


def test_a_picture_of_the_evidence_is_found(project, checked):
    path = next((project / "reports/squares/evidence").glob("*.png"))
    Image.new("RGB", (16, 16), "white").save(path)
    code, said = checked()
    assert code == 1
    assert f"evidence/{path.name}: is not the file that the run wrote" in said


def test_a_picture_whose_hash_was_changed_too_is_found_where_its_sample_is_drawn(project, checked):
    from camaudit.integrity import sha256

    for path in (project / "reports/squares/evidence").glob("p0-????.png"):
        Image.new("RGB", (16, 16), "white").save(path)
        edit(project, lambda data, path=path: data["files"].update({f"evidence/{path.name}": sha256(path)}))
    code, said = checked("--check", "first", "--samples", "2")
    assert code == 1
    assert "as recorded" in said.splitlines()[2]
    assert said.count("input picture") == 2


def test_files_that_are_missing_or_too_many_are_named(project, checked):
    evidence = project / "reports/squares/evidence"
    names = sorted(path.name for path in evidence.glob("*-mask0.png"))
    (evidence / names[0]).unlink()
    (evidence / "more.png").write_bytes(b"")
    code, said = checked()
    assert code == 1
    assert f"evidence/{names[0]}: is missing" in said
    assert "evidence/more.png: is not among the files that the run wrote" in said


def test_other_weights_are_found(project, checked):
    save_file({**WEIGHTS, "head.weight": WEIGHTS["head.weight"] * 2}, project / "squares.safetensors")
    code, said = checked()
    assert code == 1
    assert "network model: weights sha256 was" in said
    assert "network model: fingerprint was" in said
    assert "label score" in said


def test_a_network_that_cannot_be_loaded_is_no_success(project, checked):
    (project / "squares.safetensors").unlink()
    code, said = checked()
    assert code == 1
    assert "network model: cannot be loaded:" in said
    assert "first: NOT VERIFIABLE, no sample was measured anew" in said


@pytest.mark.parametrize("sampled", ["1", "all"])
def test_another_image_is_named_whether_or_not_it_is_drawn(project, checked, sampled):
    image = np.array(Image.open(project / "images/4.png"))
    image[0, 0] = 255
    Image.fromarray(image).save(project / "images/4.png")
    code, said = checked("--samples", sampled)
    assert code == 1
    assert "data squares: square-4 is another image now" in said


def test_another_label_is_named(project, checked):
    path = project / "squares.csv"
    path.write_text(path.read_text().replace("images/4-mask.png,red", "images/4-mask.png,green"))
    code, said = checked()
    assert code == 1
    assert "data squares: square-4 (red → green) is labelled otherwise" in said


def test_another_mask_is_found_where_its_sample_is_drawn(project, checked):
    mask = np.asarray(Image.open(project / "images/4-mask.png"))
    Image.fromarray(~mask).save(project / "images/4-mask.png")
    code, said = checked("--samples", "all", "--check", "first")
    assert code == 1
    assert "mask object" in said


def test_another_spec_is_shown_and_nothing_is_measured(project, checked):
    path = project / "squares.audit.yaml"
    path.write_text(path.read_text().replace("at_least: 0.7", "at_least: 0.2"))
    code, said = checked()
    assert code == 1
    assert "squares.audit.yaml is not the text in the report" in said
    assert "at_least: 0.2" in said
    assert "DIFFERS: 0 samples measured anew" in said


def test_a_spec_text_that_was_edited_is_found(project, checked):
    edit(project, lambda data: data.update(spec_text=data["spec_text"] + "# more\n"))
    code, said = checked()
    assert code == 1
    assert "spec: its text in result.json is not that of its sha256" in said


def test_a_spec_that_is_not_there_is_asked_for(project, capsys):
    (project / "squares.audit.yaml").unlink()
    edit(project, lambda data: data.update(spec_file="elsewhere/squares.audit.yaml"))
    assert cli.main(["verify", "reports/squares"]) == 2
    assert "name the audit file with --spec" in capsys.readouterr().err


def test_a_folder_without_a_report_is_an_error(project, capsys):
    assert cli.main(["verify", "nowhere"]) == 1
    assert "nowhere" in capsys.readouterr().err


def test_a_check_that_is_not_there_is_named(checked):
    code, said = checked("--check", "frist")
    assert code == 1
    assert 'did you mean "first"' in said


@pytest.mark.parametrize("samples", ["0", "many", "-1"])
def test_a_number_of_samples_that_is_none_is_a_wrong_command_line(checked, samples):
    code, said = checked("--samples", samples)
    assert code == 4
    assert "neither a whole number of at least 1 nor 'all'" in said


def test_an_error_without_a_number_is_not_verifiable(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, model={"factory": "squares_nets:raising", "classes": ["red", "green"]})
    run(plan.make(read(path)), tmp_path / "out")
    assert cli.main(["verify", "out", "--spec", "squares.audit.yaml"]) == 1
    said = capsys.readouterr().out
    assert "on-the-square: NOT VERIFIABLE" in said
    assert "no number of any sample was recorded" in said
    assert said.splitlines()[-2].startswith("NOT VERIFIABLE: 0 samples")


def test_nothing_is_never_verified():
    parts = {
        "audit": "a",
        "seed": 1,
        "tolerance": 1e-4,
        "files": (),
        "hashed": 3,
        "identity": (),
        "remarks": (),
    }
    assert Verification(**parts, checks=()).verdict == "NOT VERIFIABLE"
    assert Verification(**parts, checks=(CheckFound(id="a"),)).verdict == "NOT VERIFIABLE"
    line = Line(sample="s", what="x", recorded="1", now="1", difference=0.0, same=True)
    fine = CheckFound(id="a", samples=("s",), lines=(line,))
    assert Verification(**parts, checks=(fine,)).verdict == "VERIFIED"
    assert Verification(**{**parts, "files": ("x",)}, checks=(fine,)).verdict == "DIFFERS"
    bad = replace(fine, lines=(line, replace(line, same=False)))
    assert Verification(**parts, checks=(fine, bad)).verdict == "DIFFERS"
    open_ = CheckFound(id="b", unverifiable=("why",))
    assert Verification(**parts, checks=(fine, open_)).verdict == "NOT VERIFIABLE"


@pytest.mark.parametrize(
    "check",
    [
        overlap(per_class={"at_least": 0.5, "min_n": 2}, also=["iou@0.15"]),
        {
            "id": "boxes",
            "kind": "localisation",
            "gate": {"at_least": 0.1},
            "also": ["max_box_acc"],
            "calibration": {"n": 6},
        },
        {"id": "sane", "kind": "sanity", "seeds": 2},
        {"id": "errs", "kind": "errors", "gate": {"error_rate": {"at_most": 0.5}}, "allow_none": True},
    ],
    ids=lambda check: check["kind"],
)
def test_single_samples_of_a_kind_are_measured_as_in_the_whole_run(tmp_path, check):
    path = write(tmp_path, check, n=16)
    result = run(plan.make(read(path)), tmp_path / "out")
    assert result.checks[0].findings
    found = verify(tmp_path / "out", read(path), seed=2, samples=3)
    assert found.verdict == "VERIFIED", found
    assert found.measured == 3
    found = verify(tmp_path / "out", read(path), seed=2, samples=None)
    assert found.verdict == "VERIFIED", found


@pytest.mark.parametrize(
    "check",
    [
        perturbed_audit.adversarial(attack={"name": "shaken", "eps": 0.2}),
        {
            "id": "one-pixel",
            "kind": "one_pixel",
            "attack": {"population": 20, "generations": 4},
            "gate": {"success_rate": {"at_most": 0.9}},
        },
        {
            "id": "dark",
            "kind": "corruption",
            "corruptions": [{"name": "darker", "severity": 2}],
            "gate": {"accuracy": {"at_least": 0.5}},
        },
    ],
    ids=lambda check: check["kind"],
)
def test_attacks_depend_on_no_other_image(tmp_path, monkeypatch, check):
    perturbed_audit.registered(monkeypatch)
    path = perturbed_audit.write(tmp_path, check, data={"n": 14, "wrong": 2})
    result = run(plan.make(read(path)), tmp_path / "out")
    assert result.checks[0].findings
    found = verify(tmp_path / "out", read(path), seed=2, samples=4)
    assert found.verdict == "VERIFIED", found
    assert found.measured == 4
    assert any("examples of changed images" in text for text in found.remarks)
    found = verify(tmp_path / "out", read(path), seed=2, samples=None)
    assert found.verdict == "VERIFIED", found


def test_regions_that_were_swapped_are_all_measured_where_that_is_asked_for(tmp_path):
    path = shortcut_audit.write(tmp_path, weights={"tag": 1.0}, data={"n": 60})
    run(plan.make(read(path)), tmp_path / "out")
    found = verify(tmp_path / "out", read(path), seed=2, samples=None)
    assert found.verdict == "VERIFIED", found
    assert found.measured == 20, "those that were tested; the others gave their regions"
    assert not found.checks[0].said


def test_drift_is_measured_with_all_samples(tmp_path, monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    path = write(tmp_path, overlap(), drift())
    run(plan.make(read(path)), tmp_path / "out")
    accept(
        tmp_path / "out/baselines/no-drift.json", tmp_path / "baselines/squares.json", by="A", reason="first"
    )
    run(plan.make(read(path)), tmp_path / "out")
    found = verify(tmp_path / "out", read(path), seed=1, samples=None)
    assert found.verdict == "VERIFIED", found
    assert found.measured == 24


def test_estimates_that_the_table_does_not_hold_are_said_to_be_open(tmp_path):
    check = {"id": "pixels", "kind": "localisation", "metric": "pxap", "gate": {"at_least": 0.1}}
    path = write(tmp_path, check)
    run(plan.make(read(path)), tmp_path / "out")
    found = verify(tmp_path / "out", read(path), seed=1, samples=3)
    assert found.verdict == "NOT VERIFIABLE"
    assert (
        "estimates cannot be made again: samples.csv does not hold “pixel_counts"
        in found.checks[0].unverifiable[0]
    )
    assert found.measured == 3
    assert found.checks[0].said == ("3 of 12 samples were measured anew",), "and no more is claimed"
    assert verify(tmp_path / "out", read(path), seed=1, samples=None).verdict == "VERIFIED"
    path_of_result = tmp_path / "out/result.json"
    data = json.loads(path_of_result.read_text())
    data["checks"][0].update(status="FAIL", outcome="FAIL")
    path_of_result.write_text(json.dumps(data))
    assert verify(tmp_path / "out", read(path), seed=1, samples=1).verdict == "DIFFERS"
    data["checks"][0].update(status="PASS", outcome="PASS")
    data["checks"][0]["findings"][0]["value"] += 0.01
    path_of_result.write_text(json.dumps(data))
    found = verify(tmp_path / "out", read(path), seed=1, samples=None)
    assert "pxap: value is" in found.checks[0].faults[0]


def test_reasons_with_semicolons_are_told_apart():
    text = "a: no mask; empty; b: all-zero map"
    assert told(text, ["a", "b"]) == {"a": "no mask; empty", "b": "all-zero map"}
    assert told("", ["a"]) == {}


def test_cells_that_were_kept_from_being_formulas_are_read_back(tmp_path):
    (tmp_path / "x.csv").write_text("check,id,label\na,'=1+1,it's\na,2,'quoted'\n")
    frame = read_csv(tmp_path / "x.csv")
    assert list(frame["id"]) == ["=1+1", "2"]
    assert list(frame["label"]) == ["it's", "'quoted'"]
