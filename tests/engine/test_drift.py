"""A drift check from the first run to the alarm, on a tiny audit with known answers."""

from __future__ import annotations

import json

import pytest

from camaudit import plan
from camaudit.baseline import Baseline, accept
from camaudit.engine import Options, run
from camaudit.errors import BaselineError, SpecError
from camaudit.spec import read
from tests.small_audit import overlap, write

ELSEWHERE = '''

class Ground(nn.Module):
    """Hands the sum over the square on by the dark ground: same answers, evidence elsewhere."""

    def forward(self, x):
        return (x.sum(1, keepdim=True) == 0) * x.mean((2, 3), keepdim=True)


class Elsewhere(Colours):
    def __init__(self):
        super().__init__()
        self.features.append(Ground())


def elsewhere():
    return Elsewhere()
'''
GATE = {"mean_drop": {"at_most": 0.02}, "map_distance": {"at_most": 0.1}}


@pytest.fixture(autouse=True)
def nobody_s_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)


def drift(**changes):
    own = {"id": "no-drift", "kind": "drift", "of": "on-the-square", "baseline": "baselines/squares.json"}
    return {**own, "gate": GATE, **changes}


def audit(folder, *, checks=None):
    spec = write(folder, *(checks or [overlap(), drift()]))
    nets = folder / "squares_nets.py"
    nets.write_text(nets.read_text() + ELSEWHERE)
    return spec


def carried_out(spec, folder, only=None, **options):
    return run(plan.make(read(spec), only), folder, Options(**options))


def found(result, name="no-drift"):
    return next(check for check in result.checks if check.id == name)


def finding(check, name):
    return next(item for item in check.findings if item.name == name)


@pytest.fixture
def accepted(tmp_path):
    """An audit whose baseline was accepted."""
    return accept_first(tmp_path)


def accept_first(folder):
    """Write the audit, run it, and accept what it measured as its baseline."""
    spec = audit(folder / "audits")
    carried_out(spec, folder / "out")
    candidate = folder / "out/baselines/no-drift.json"
    accept(candidate, folder / "audits/baselines/squares.json", by="A. Person", reason="first")
    return folder


def test_a_first_run_has_no_baseline_and_leaves_a_candidate(tmp_path):
    spec = audit(tmp_path / "audits")
    result = carried_out(spec, tmp_path / "out")
    check = found(result)
    assert (check.status, check.blocks) == ("ERROR", True)
    assert "there is no baseline yet" in check.answer
    assert "camaudit accept" in check.answer
    assert found(result, "on-the-square").status == "PASS"
    assert not (tmp_path / "audits/baselines").exists()
    rows = Baseline.read(tmp_path / "out/baselines/no-drift.json").rows
    assert len(rows) == 12
    assert "baselines/no-drift.json" in result.files


def test_the_same_network_passes_exactly(accepted):
    check = found(carried_out(accepted / "audits/squares.audit.yaml", accepted / "out"))
    assert check.status == "PASS"
    drop = finding(check, "mean drop")
    assert (drop.value, drop.lower, drop.upper, drop.interval) == (0.0, 0.0, 0.0, "same network")
    assert finding(check, "map distance").value == 0.0
    assert finding(check, "answers changed").value == 0.0
    assert any("floor unknown" in note for note in check.warnings)


@pytest.mark.parametrize("batch_size", [1, 5, 16])
@pytest.mark.parametrize("workers", [0, 2])
def test_how_a_run_is_carried_out_changes_nothing(accepted, batch_size, workers):
    spec, out = accepted / "audits/squares.audit.yaml", accepted / "out"
    check = found(carried_out(spec, out, batch_size=batch_size, workers=workers))
    assert check.status == "PASS"
    assert abs(finding(check, "mean drop").value) <= 1e-6


def swapped(accepted):
    """The network answers as before, and its maps lie elsewhere."""
    spec = accepted / "audits/squares.audit.yaml"
    spec.write_text(spec.read_text().replace("squares_nets:good", "squares_nets:elsewhere"))
    return spec


def test_a_network_that_looks_elsewhere_fails(accepted):
    result = carried_out(swapped(accepted), accepted / "out")
    check = found(result)
    assert check.status == "FAIL"
    drop = finding(check, "mean drop")
    assert drop.lower > 0.02
    assert drop.n == 12
    # Answers did not change: accuracy would not have told.
    assert finding(check, "answers changed").value == 0.0
    assert check.rows[0].values["drop"] == max(row.values["drop"] for row in check.rows)


def test_the_baseline_is_not_touched_by_a_run(accepted):
    file = accepted / "audits/baselines/squares.json"
    before = file.read_bytes()
    carried_out(swapped(accepted), accepted / "out")
    assert file.read_bytes() == before
    assert (accepted / "out/baselines/no-drift.json").read_bytes() != before


def test_the_drift_check_alone_measures_what_it_needs(accepted):
    check = found(carried_out(accepted / "audits/squares.audit.yaml", accepted / "out", {"no-drift"}))
    assert check.status == "PASS"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda spec: {**spec, "maps": {"method": "hirescam"}}, "another spec of the check"),
        (lambda spec: {**spec, "defaults": {"sample": {"n": 8}}}, "other samples"),
    ],
    ids=["maps", "sample"],
)
def test_what_is_not_comparable_is_an_error_and_no_drift(accepted, change, why):
    import yaml

    spec = accepted / "audits/squares.audit.yaml"
    spec.write_text(yaml.safe_dump(change(yaml.safe_load(spec.read_text())), sort_keys=False))
    check = found(carried_out(spec, accepted / "out"))
    assert check.status == "ERROR"
    assert "not comparable" in check.answer
    assert why in check.answer


def test_another_gate_on_the_watched_check_stays_comparable(accepted):
    spec = accepted / "audits/squares.audit.yaml"
    spec.write_text(spec.read_text().replace("at_least: 0.7", "at_least: 0.6"))
    assert found(carried_out(spec, accepted / "out")).status == "PASS"


def test_other_images_are_not_comparable(accepted):
    image = accepted / "audits/images/3.png"
    image.write_bytes((accepted / "audits/images/5.png").read_bytes())
    check = found(carried_out(accepted / "audits/squares.audit.yaml", accepted / "out"))
    assert check.status == "ERROR"
    assert "other samples, images or labels" in check.answer


def test_a_map_that_died_is_no_pass(accepted):
    spec = accepted / "audits/squares.audit.yaml"
    spec.write_text(spec.read_text().replace("squares_nets:good", "squares_nets:blind"))
    check = found(carried_out(spec, accepted / "out"))
    assert check.status == "ERROR"
    assert "no number now" in check.answer


def test_a_damaged_baseline_is_an_error_that_names_it(accepted):
    file = accepted / "audits/baselines/squares.json"
    file.write_text(file.read_text().replace('"value"', '"valve"', 1).replace('"weights"', '"heights"'))
    check = found(carried_out(accepted / "audits/squares.audit.yaml", accepted / "out"))
    assert check.status == "ERROR"
    assert "squares.json" in check.answer


def test_a_baseline_that_nobody_accepted_is_told(accepted):
    file = accepted / "audits/baselines/squares.json"
    file.write_text(file.read_text() + "\n")
    check = found(carried_out(accepted / "audits/squares.audit.yaml", accepted / "out"))
    assert any("nobody accepted it" in note for note in check.warnings)


def several(accepted, gate):
    """Two more baselines of the recipe: scores a bit lower in each."""
    first = Baseline.read(accepted / "audits/baselines/squares.json")
    names = ["baselines/squares.json"]
    for number, less in enumerate((0.01, 0.03)):
        rows = {
            key: type(row)(**{**_fields(row), "value": row.value - less * (0.5 + (place % 2))})
            for place, (key, row) in enumerate(first.rows.items())
        }
        name = f"baselines/seed{number}.json"
        Baseline(fingerprint=first.fingerprint, rows=rows).write(accepted / "audits" / name)
        names.append(name)
    audit(accepted / "audits", checks=[overlap(), drift(baseline=names, gate=gate)])
    return accepted / "audits/squares.audit.yaml"


def _fields(row):
    return {name: getattr(row, name) for name in type(row).__dataclass_fields__}


def test_several_baselines_show_the_floor(accepted):
    check = found(carried_out(several(accepted, GATE), accepted / "out"))
    drop = finding(check, "mean drop")
    assert [item.name for item in drop.controls] == ["seed0", "seed1"]
    assert [round(item.value, 4) for item in drop.controls] == [0.01, 0.03]
    assert not any("floor unknown" in note for note in check.warnings)


def test_a_bound_may_be_meant_beyond_the_floor(accepted):
    gate = {"mean_drop": {"at_most": 0.02, "above_floor": True}}
    check = found(carried_out(several(accepted, gate), accepted / "out"))
    drop = finding(check, "mean drop")
    # The same network drops by 0, that is 0.03 less than the seed that differs most.
    assert round(drop.value, 4) == -0.03
    assert check.status == "PASS"


def test_a_check_that_gets_worse_upwards_is_turned_round(tmp_path):
    checks = [overlap(gate={"at_most": 0.9}, metric="kappa_mass"), drift()]
    spec = audit(tmp_path / "audits", checks=checks)
    carried_out(spec, tmp_path / "out")
    accept(
        tmp_path / "out/baselines/no-drift.json",
        tmp_path / "audits/baselines/squares.json",
        by="A. Person",
        reason="first",
    )
    result = carried_out(swapped(tmp_path), tmp_path / "out")
    assert finding(found(result), "mean drop").value < 0


@pytest.mark.parametrize(
    ("checks", "text"),
    [
        ([overlap(), drift(of="on-the-sqare")], 'did you mean "on-the-square"?'),
        ([overlap(), drift(), drift(id="again", of="no-drift")], "measures nothing itself"),
        ([overlap(), drift(gate={})], "nothing is gated"),
        ([overlap(), drift(model="other")], "leave it out here"),
        ([overlap(), drift(gate={"mean_drop": {"at_most": 0.1, "above_floor": True}})], "several baselines"),
        ([overlap(), drift(gate={"map_distance": {"at_most": 2}})], "can never fail"),
        ([overlap(), drift(baseline="squares.csv")], "baseline"),
    ],
    ids=["unknown", "chain", "no-gate", "model", "one-floor", "vacuous", "suffix"],
)
def test_specs_that_cannot_be_meant(tmp_path, checks, text):
    with pytest.raises(SpecError) as failure:
        read(audit(tmp_path, checks=checks))
    assert text in str(failure.value)


def test_accepting_under_ci_is_refused(accepted, monkeypatch):
    monkeypatch.setenv("CI", "true")
    with pytest.raises(BaselineError, match="CI is set"):
        accept(
            accepted / "out/baselines/no-drift.json",
            accepted / "audits/baselines/squares.json",
            by="A bot",
            reason="green",
        )


def test_the_history_tells_who_when_and_why(accepted):
    (line,) = (accepted / "audits/baselines/HISTORY.jsonl").read_text().splitlines()
    told = json.loads(line)
    assert (told["by"], told["reason"], told["baseline"], told["samples"]) == (
        "A. Person",
        "first",
        "squares.json",
        12,
    )
    assert told["old_sha256"] is None


def test_the_report_has_the_accepted_map_beside_this_one(accepted):
    import numpy as np

    result = carried_out(swapped(accepted), accepted / "out")
    before = Baseline.read(accepted / "audits/baselines/squares.json")
    with np.load(accepted / "out/evidence/maps.npz") as maps:
        for row in found(result).rows:
            (other,) = row.maps
            assert (other.name, other.explains) == ("accepted", before.rows[row.id].predicted)
            assert row.map_name.startswith("now: ")
            assert np.allclose(maps[other.key], before.rows[row.id].map.values)
            assert not np.allclose(maps[row.map], maps[other.key])
