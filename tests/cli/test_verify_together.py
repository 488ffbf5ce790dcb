"""`camaudit verify` of kinds whose samples rest on each other: few are verified, and what is not is said."""

from __future__ import annotations

import csv
import io
import shutil
from dataclasses import replace

import numpy as np
import pytest
import yaml

from camaudit import plan
from camaudit.baseline import Baseline, accept
from camaudit.engine import run
from camaudit.spec import read
from camaudit.verify import verify
from tests.cli.forged import edit, edit_csv, rehash
from tests.engine import shortcut_audit
from tests.small_audit import drift, overlap, write

FEW = 3


def edit_map(report, check, key):
    """Another map of one sample."""
    path = report / "evidence/all_maps.npz"
    with np.load(path) as stored:
        arrays = dict(stored)
    ids, shapes = list(arrays[f"{check}/ids"]), arrays[f"{check}/shapes"]
    ends = np.cumsum(shapes.prod(axis=1))
    place = ids.index(key)
    values = arrays[f"{check}/values"]
    own = values[ends[place] - shapes[place].prod() : ends[place]]
    own[:] = own[::-1] + np.arange(len(own), dtype=np.float32) % 7
    np.savez_compressed(path, **arrays)
    rehash(report, "evidence/all_maps.npz")


def changed(cell):
    """Another number in its place, or one where there was none."""
    return f"{float(cell or 0) + 0.25:.9g}"


def differing(check):
    return {(line.sample, line.what) for line in check.lines if not line.same}


@pytest.fixture(scope="module")
def swapped(tmp_path_factory):
    """A report on two named regions, one of them the background, with accuracy by metadata."""
    folder = tmp_path_factory.mktemp("swapped")
    check = shortcut_audit.shortcut(regions=["tag", "background"], metadata=["tag"])
    path = shortcut_audit.write(
        folder, check, weights={"tag": 1.0, "object": 1.0}, data={"n": 60, "rho": 0.8}
    )
    run(plan.make(read(path)), folder / "out")
    return folder


@pytest.fixture(scope="module")
def drifted(tmp_path_factory):
    """A report on drift from another network's baseline, with a second one for the floor."""
    folder = tmp_path_factory.mktemp("drifted")
    gate = {"mean_drop": {"at_most": 0.9, "above_floor": True}}
    baselines = ["baselines/x.json", "baselines/y.json"]
    path = write(folder, overlap(), drift(baseline=baselines, gate=gate))
    text = path.read_text()
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("CI", raising=False)
        for name, factory in (("x", "squares_nets:skewed"), ("y", "squares_nets:good")):
            nets = folder / "squares_nets.py"
            if "skewed" not in nets.read_text():
                nets.write_text(nets.read_text() + SKEWED)
            spec = yaml.safe_load(text)
            spec["model"]["factory"] = factory
            path.write_text(yaml.safe_dump(spec, sort_keys=False))
            run(plan.make(read(path)), folder / "first")
            accept(
                folder / "first/baselines/no-drift.json",
                folder / f"baselines/{name}.json",
                by="A",
                reason="r",
            )
    path.write_text(text)
    run(plan.make(read(path)), folder / "out")
    return folder


SKEWED = """

def skewed():
    network = Colours()
    with torch.no_grad():
        network.features[0].bias.fill_(-0.1)
    return network
"""


@pytest.fixture
def looked(request, tmp_path):
    """A copy of a report to tamper with, and how to verify a few samples of it."""

    def _looked(folder, name, samples=FEW):
        spec = read(folder / name)
        report = tmp_path / "out"
        if not report.exists():
            shutil.copytree(folder / "out", report)
        return report, lambda: verify(report, spec, seed=2, samples=samples)

    return _looked


def test_a_few_swapped_samples_are_verified_and_the_rest_is_said(swapped, looked):
    _, look = looked(swapped, "tags.audit.yaml")
    found = look()
    (check,) = found.checks
    assert found.verdict == "VERIFIED", found
    assert found.measured == FEW
    assert check.said[0] == "3 of 20 samples were measured anew; estimates follow from samples.csv"
    assert "the other 17 answer to changed images is as recorded" in check.said[1]
    whats = {line.what for line in check.lines if line.sample == check.samples[0]}
    assert {"tag blur beyond", "background mean flip", "object removed blur", "largest shift"} <= {
        what.replace("largest shift of", "largest shift") for what in whats
    }


def test_every_number_of_a_swapped_sample_is_held_against_what_it_is(swapped, looked):
    report, look = looked(swapped, "tags.audit.yaml")
    key = look().checks[0].samples[0]
    columns = set()

    def forge(rows):
        (row,) = (row for row in rows if row["id"] == key)
        for name in set(row) - {"check", "id", "label", "predicted", "group", "sha256", "map_status"}:
            if name != "undefined":
                row[name] = changed(row[name])
                columns.add(name)

    edit_csv(report, forge)
    (check,) = look().checks
    assert check.verdict == "DIFFERS"
    assert len(columns) > 30
    assert {what for sample, what in differing(check) if sample == key} >= columns


def test_what_follows_from_others_is_held_against_it_for_every_sample(swapped, looked):
    """Of a sample that is not drawn: its answer as it is, its part beyond the change, its AUC, its shift."""
    report, look = looked(swapped, "tags.audit.yaml")
    drawn = set(look().checks[0].samples)
    columns = ("tag blur beyond", "background mean beyond", "object removed mean", "largest shift")

    def forge(rows):
        row = next(row for row in rows if row["id"] not in drawn)
        row.update({name: changed(row[name]) for name in columns}, predicted="blue")

    edit_csv(report, forge)
    (check,) = look().checks
    assert {what for _, what in differing(check)} == {*columns, "predicted"}


def test_a_swapped_sample_that_was_taken_out_or_put_in_is_found(swapped, looked):
    report, look = looked(swapped, "tags.audit.yaml")
    drawn = set(look().checks[0].samples)

    def forge(rows):
        gone = next(row for row in rows if row["id"] not in drawn)
        rows.remove(gone)
        rows.append({**rows[0], "id": "s999"})

    edit_csv(report, forge)
    (check,) = look().checks
    said = " ".join(check.faults)
    assert "are the check's, and samples.csv has none of these" in said
    assert "samples s999 are in samples.csv, and the check has none of these" in said


def test_what_the_run_found_on_the_way_is_held_against_it(swapped, looked):
    report, look = looked(swapped, "tags.audit.yaml")

    def forge(data):
        (check,) = data["checks"]
        check["parameters"]["images changed"] = "200"
        check["hypotheses"][0]["why"] = "maps proposed it"
        check["rocs"][0]["points"][1][1] = 0.5
        check["population"]["lost"] = {"no mask": 2}

    edit(report, forge)
    (check,) = look().checks
    said = " ".join(check.faults)
    assert "parameter images changed is '200', and what was measured gives '20'" in said
    assert "region tag is said to be suspected (named: maps proposed it)" in said
    assert "the curve of object removed: AUC (blur)" in said
    assert "its samples are not those of the run" in said


def test_estimates_by_metadata_are_made_again(swapped, looked):
    report, look = looked(swapped, "tags.audit.yaml")

    def forge(data):
        (item,) = (one for one in data["checks"][0]["findings"] if one["name"] == "tag: accuracy gap")
        item["value"] += 0.1

    edit(report, forge)
    (check,) = look().checks
    assert any(text.startswith("tag: accuracy gap: value is") for text in check.faults), check.faults


def test_proposed_regions_are_proposed_again(tmp_path):
    check = shortcut_audit.shortcut(regions=[], discover=True, pairs=12)
    path = shortcut_audit.write(tmp_path, check, weights={"tag": 1.0}, data={"n": 100})
    run(plan.make(read(path)), tmp_path / "out")
    found = verify(tmp_path / "out", read(path), seed=2, samples=FEW)
    assert found.verdict == "VERIFIED", found
    (check,) = found.checks
    assert any(line.what.startswith("place-1 ") for line in check.lines)
    proposing = next(key for key in maps_of(tmp_path / "out") if key not in ids_of(tmp_path / "out"))
    edit_map(tmp_path / "out", check.id, proposing)
    (check,) = verify(tmp_path / "out", read(path), seed=2, samples=FEW).checks
    assert differing(check) == {(proposing, "map")}, "a map that proposed is no sample's own"


def maps_of(report):
    with np.load(report / "evidence/all_maps.npz") as stored:
        return [str(key) for key in stored["no-shortcut/ids"]]


def ids_of(report):
    return {row["id"] for row in csv.DictReader(io.StringIO((report / "samples.csv").read_text()))}


def test_a_few_samples_of_drift_are_verified_with_the_floor(drifted, looked):
    _, look = looked(drifted, "squares.audit.yaml")
    found = look()
    assert found.verdict == "VERIFIED", found
    check = found.checks[1]
    assert found.measured == 2 * FEW
    assert check.said == (
        "3 of 12 samples were measured anew; estimates follow from samples.csv",
        "all 12 were held against the baseline anew, the other 9 by their recorded scores, answers and maps",
    )
    whats = {line.what for line in check.lines}
    assert {"drop", "map distance", "accepted score", "score now", "changed", "map", "map accepted"} <= whats


def test_every_number_of_a_sample_of_drift_is_held_against_what_it_is(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")
    key = look().checks[1].samples[0]
    columns = ("drop", "map distance", "changed", "lost", "won", "accepted score", "score now")

    def forge(rows):
        (row,) = (row for row in rows if row["check"] == "no-drift" and row["id"] == key)
        row.update({name: changed(row[name]) for name in columns}, predicted="blue")

    edit_csv(report, forge)
    check = look().checks[1]
    assert {what for sample, what in differing(check) if sample == key} == {*columns, "predicted"}


@pytest.mark.parametrize("name", ["drop", "map distance", "changed", "lost", "won", "accepted score"])
def test_a_difference_of_a_sample_that_is_not_drawn_is_held_against_the_baseline(drifted, looked, name):
    report, look = looked(drifted, "squares.audit.yaml")
    drawn = set(look().checks[1].samples)
    forged = []

    def forge(rows):
        row = next(row for row in rows if row["check"] == "no-drift" and row["id"] not in drawn)
        row[name] = changed(row[name])
        forged.append((row["id"], name))

    edit_csv(report, forge)
    assert differing(look().checks[1]) == set(forged)


def test_a_map_of_a_sample_that_is_not_drawn_has_to_give_its_distance(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")
    key = next(key for key in sorted(ids_of(report)) if key not in set(look().checks[1].samples))
    edit_map(report, "no-drift", key)
    assert differing(look().checks[1]) == {(key, "map distance")}


def test_a_baseline_that_was_changed_since_is_found(drifted, looked, tmp_path):
    folder = tmp_path / "project"
    shutil.copytree(drifted, folder)
    path = folder / "baselines/x.json"
    accepted = Baseline.read(path)
    first = min(accepted.rows)
    row = accepted.rows[first]
    forged = replace(row, value=row.value - 0.01)
    replace(accepted, rows={**accepted.rows, first: forged}).write(path)
    _, look = looked(folder, "squares.audit.yaml")
    check = look().checks[1]
    assert check.verdict == "DIFFERS"
    assert (first, "accepted score") in differing(check)


def test_the_record_of_drift_is_held_against_the_network_and_the_baseline(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")

    def forge(data):
        check = data["checks"][1]
        check["parameters"]["same network"] = "1"
        (control,) = check["findings"][0]["controls"]
        control["value"] += 0.05

    edit(report, forge)
    said = " ".join(look().checks[1].faults)
    assert "parameter same network is '1', and what was measured gives '0'" in said


def test_a_floor_that_was_changed_is_found(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")
    edit(report, lambda data: data["checks"][1]["findings"][0]["controls"][0].update(value=0.5))
    said = " ".join(look().checks[1].faults)
    assert "mean drop: control y is 0.5" in said


def test_a_sample_of_drift_that_was_taken_out_is_found(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")
    edit_csv(report, lambda rows: rows.pop())
    check = look().checks[1]
    assert check.verdict == "DIFFERS"
    assert "12 samples used, and samples.csv has 11" in check.faults


def test_a_group_that_was_forged_is_found(drifted, looked):
    report, look = looked(drifted, "squares.audit.yaml")
    key = look().checks[0].samples[0]

    def forge(rows):
        for row in rows:
            if row["id"] == key:
                row["group"] = "many"

    edit_csv(report, forge)
    assert (key, "group") in differing(look().checks[0])
