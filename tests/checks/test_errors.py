"""Check kind `errors` on a network whose errors are known by construction.

The network of `tests.small_audit` sees red and green. Beside plain squares there are ``lured`` pictures (a
red square is the object, a larger green patch beside it wins), and ``mislabelled`` ones (a green square that
is called red: no evidence for red anywhere).
"""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from PIL import Image

from camaudit import cli, plan
from camaudit.checks.errors import ErrorsSpec, names
from camaudit.engine import Options, run
from camaudit.errors import SpecError
from camaudit.report import write as write_report
from camaudit.result import AuditResult
from camaudit.spec import read
from camaudit.stats import share
from tests.small_audit import picture, write

LURED, MISLABELLED, PLAIN = 6, 2, 12


def lured(number, size=16):
    """A red square of 4 × 4 with its mask on the left, and a green patch of 6 × 6 on the right."""
    image = np.full((size, size, 3), 40, dtype=np.uint8)
    top = number % 8
    image[top : top + 4, 1:5, 0] = 220
    image[top : top + 6, 9:15, 1] = 220
    mask = np.zeros((size, size), dtype=bool)
    mask[top : top + 4, 1:5] = True
    return image, mask


SOURCE = """
import csv
from pathlib import Path

from camaudit.data.masks import MaskFile
from camaudit.data.sample import Sample

HERE = Path(__file__).parent


def samples():
    for row in csv.DictReader((HERE / "squares.csv").open(encoding="utf-8")):
        yield Sample(
            id=row["id"],
            image=HERE / row["image"],
            masks={"object": MaskFile(path=HERE / row["mask"])},
            label={"red": 0, "green": 1}.get(row["label"]),
        )
"""
"""A manifest refuses rows without a label; a data source of one's own need not."""


def audit(folder, *, mislabelled=MISLABELLED, lures=LURED, unlabelled=0, batch=16, **changes):
    """Write pictures, spec and network; run; return the check's result."""
    item = {"id": "errs", "kind": "errors", "gate": {"error_rate": {"at_most": 0.9}}, **changes}
    path = write(folder, item, n=2, data={"squares": {"factory": "squares_source:samples"}})
    (folder / "squares_source.py").write_text(SOURCE, encoding="utf-8")
    rows = [(f"plain-{n}", *picture(n), ("red", "green")[n % 2]) for n in range(PLAIN)]
    rows += [(f"lured-{n}", *lured(n), "red") for n in range(lures)]
    rows += [(f"mislabelled-{n}", *picture(2 * n + 101), "red") for n in range(mislabelled)]
    rows += [(f"unlabelled-{n}", *picture(n + 200), "") for n in range(unlabelled)]
    with (folder / "squares.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "mask", "label"])
        for key, image, mask, label in rows:
            Image.fromarray(image).save(folder / f"images/{key}.png")
            Image.fromarray(mask).save(folder / f"images/{key}-mask.png")
            writer.writerow([key, f"images/{key}.png", f"images/{key}-mask.png", label])
    result = run(plan.make(read(path)), folder / "reports", Options(batch_size=batch))
    return result.checks[0]


def numbers(check):
    return {item.name: item for item in check.findings}


def test_what_is_known_is_found(tmp_path):
    check = audit(tmp_path)
    found = numbers(check)
    rate = found["error_rate"]
    assert (rate.n, rate.value) == (20, 8 / 20)
    wilson = share([1.0] * 8 + [0.0] * 12)
    assert (rate.lower, rate.upper) == (wilson.lower, wilson.upper)
    # The lured ones have their red square, wholly; the mislabelled ones have no evidence for red at all.
    assert (found["on_object"].value, found["on_object"].n) == (1.0, LURED)
    assert found["on_object"].undefined == {"all-zero map": MISLABELLED}
    assert found["inside"].value == pytest.approx(1.0)
    assert found["label blank"].value == pytest.approx(MISLABELLED / 8)
    # Evidence for green lies on the lure, or on the square that was mislabelled.
    assert found["predicted energy_inside"].value == pytest.approx(MISLABELLED / 8)
    assert (found["difference"].value, found["difference"].n) == (pytest.approx(1.0), LURED)
    assert found["predicted peak"].value == MISLABELLED / 8
    assert found["inside where correct"].value == pytest.approx(1.0)
    assert found["inside where correct"].n == PLAIN
    assert check.parameters["misclassified"] == "8"
    assert check.parameters["target"] == "label, predicted"


def test_the_four_cells_have_their_counts(tmp_path):
    cells = [item for item in audit(tmp_path).findings if item.by == "evidence on the region"]
    assert [item.level.rpartition(": ")[2] for item in cells] == ["0 of 6", "6 of 6", "0 of 6", "0 of 6"]
    assert sum(item.value for item in cells) == pytest.approx(1)
    assert all(item.n == LURED and item.undefined == {"all-zero map": MISLABELLED} for item in cells)


def test_estimates_against_a_slow_replica(tmp_path):
    """Every number again from samples.csv, by loops over rows."""
    check = audit(tmp_path)
    with (tmp_path / "reports/samples.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    errors = [row for row in rows if row["label"] != row["predicted"]]
    found = numbers(check)
    assert found["error_rate"].value == len(errors) / len(rows)
    for name in ("label energy_inside", "predicted energy_inside"):
        values = [float(row[name]) for row in errors if row[name]]
        shown = found["inside" if name.startswith("label") else name]
        assert shown.value == pytest.approx(sum(values) / len(values))
        assert shown.n == len(values)
    pairs = [
        float(row["label energy_inside"]) - float(row["predicted energy_inside"])
        for row in errors
        if row["label energy_inside"] and row["predicted energy_inside"]
    ]
    assert found["difference"].value == pytest.approx(sum(pairs) / len(pairs))


def test_only_misclassified_images_are_shown_with_both_maps(tmp_path):
    check = audit(tmp_path)
    assert {row.id.partition("-")[0] for row in check.rows} == {"lured", "mislabelled"}
    assert len(check.rows) == 8
    assert all(row.failing for row in check.rows)
    assert len(check.histogram) == LURED
    with np.load(tmp_path / "reports/evidence/maps.npz") as maps:
        for row in check.rows:
            (other,) = row.maps
            assert (row.map_name, other.text) == ("label: red", "predicted: green")
            if row.id.startswith("lured"):
                left, right = maps[row.map], maps[other.key]
                assert left[:, :8].max() > 0 >= left[:, 8:].max()
                assert right[:, 8:].max() > 0 >= right[:, :8].max()
            else:
                assert (row.map_status, other.status) == ("all-zero", "ok")


def test_the_page_shows_both_maps_and_is_rendered_again_without_a_run(tmp_path):
    audit(tmp_path)
    page = write_report(tmp_path / "reports").read_text(encoding="utf-8")
    assert "8 misclassified images" in page
    assert "Map over input, label: red" in page
    assert "Map over input, predicted: green" in page
    assert "falls short" not in page
    assert len(list((tmp_path / "reports/img").glob("0-0-m*.webp"))) == 2
    before = {path.name: path.read_bytes() for path in (tmp_path / "reports/img").iterdir()}
    assert cli.main(["report", str(tmp_path / "reports")]) == 0
    assert {path.name: path.read_bytes() for path in (tmp_path / "reports/img").iterdir()} == before


def test_two_maps_come_from_one_forward_and_a_contrast_joins_them(tmp_path):
    contrast = {"contrast": ["label", "predicted"]}
    check = audit(tmp_path, compare=["label", "predicted", contrast], allow_undefined=1)
    work = plan.make(read(tmp_path / "squares.audit.yaml")).passes[0]
    assert work.forwards == 1
    found = numbers(check)
    assert found["contrast: label − predicted energy_inside"].value == pytest.approx(1.0)
    assert [item.name for item in check.rows[0].maps] == ["predicted", "contrast: label − predicted"]


@pytest.mark.parametrize("batch", [1, 3, 16])
def test_samples_without_a_label_are_undefined_however_they_are_batched(tmp_path, batch):
    check = audit(tmp_path, unlabelled=3, batch=batch)
    found = numbers(check)
    assert check.status == "ERROR"
    assert found["error_rate"].undefined == {"no label among the network's classes": 3}
    allowed = audit(tmp_path, unlabelled=3, batch=batch, allow_undefined=0.2)
    assert allowed.status == "PASS"
    found = numbers(allowed)
    assert (found["error_rate"].n, found["error_rate"].value) == (20, 8 / 20)
    assert allowed.parameters["no label"] == "3"
    assert not any(row.id.startswith("unlabelled") for row in allowed.rows)


def test_a_map_of_the_label_of_a_sample_without_one_is_undefined_in_other_checks_too(tmp_path):
    check = audit(tmp_path, unlabelled=1, kind="overlap", gate={"at_least": 0.5}, maps={"target": "label"})
    assert check.status == "ERROR"
    assert check.findings[0].undefined["the sample has no label"] == 1


# No errors, and few


def test_without_errors_the_error_rate_passes_by_its_upper_end(tmp_path):
    check = audit(tmp_path, lures=0, mislabelled=0, gate={"error_rate": {"at_most": 0.5}})
    rate = numbers(check)["error_rate"]
    assert (check.status, rate.value) == ("PASS", 0.0)
    assert 0.2 < rate.upper < 0.3  # about 3.84 / (12 + 3.84)
    assert "there are no misclassified images" in write_report(tmp_path / "reports").read_text()
    strict = audit(tmp_path, lures=0, mislabelled=0, gate={"error_rate": {"at_most": 0.1}})
    assert strict.status == "INCONCLUSIVE"


@pytest.mark.parametrize("gate", ["on_object", "inside", "difference"])
def test_without_errors_a_gate_on_their_maps_is_an_error(tmp_path, gate):
    gates = {"error_rate": {"at_most": 0.5}, gate: {"at_least": 0.4}}
    check = audit(tmp_path, lures=0, mislabelled=0, gate=gates)
    assert check.status == "ERROR"
    assert "nothing was measured" in check.answer
    excused = audit(tmp_path, lures=0, mislabelled=0, gate=gates, allow_none=True)
    assert excused.status == "PASS"
    assert "no image is misclassified" in numbers(excused)[gate].reason


def test_errors_that_all_lack_maps_are_never_excused(tmp_path):
    gates = {"error_rate": {"at_most": 0.9}, "on_object": {"at_least": 0.4}}
    check = audit(tmp_path, lures=0, gate=gates, allow_none=True, allow_undefined=1)
    assert check.status == "ERROR"


def test_undefined_maps_are_a_share_of_the_errors_not_of_all_images(tmp_path):
    """Two of eight errors have no map: more than a tenth of the errors, if only a tenth of all images."""
    check = audit(tmp_path, gate={"on_object": {"at_least": 0.4}}, allow_undefined=0.1)
    assert check.status == "ERROR"
    assert "2 of 8 samples" in check.answer
    assert audit(tmp_path, gate={"on_object": {"at_least": 0.4}}, allow_undefined=0.25).status == "PASS"


def test_evidence_elsewhere_fails_the_gate(tmp_path):
    check = audit(
        tmp_path, mislabelled=0, compare=["predicted", "label"], gate={"on_object": {"at_least": 0.5}}
    )
    assert check.status == "FAIL"
    assert numbers(check)["on_object"].value == 0


def test_an_old_result_is_still_read(tmp_path):
    audit(tmp_path)
    path = tmp_path / "reports/result.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    data["format_version"] = 1
    for check in data["checks"]:
        check.pop("shows")
        for row in check["rows"]:
            row.pop("maps")
            row.pop("map_name")
    path.write_text(json.dumps(data), encoding="utf-8")
    assert AuditResult.read(path).checks[0].rows[0].maps == ()
    assert "Map over input" in write_report(tmp_path / "reports").read_text(encoding="utf-8")


# Mistakes in a spec


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"compare": ["label"]}, "compare"),
        ({"compare": ["label", "label"]}, "names a target twice"),
        ({"maps": {"target": "label"}}, 'leave "target" out'),
        ({"on_object": 0}, "tells nothing apart"),
        ({"on_object": 1.5}, "tells nothing apart"),
        ({"gate": {}}, "needs at least one of error_rate"),
        ({"gate": {"inside": {"at_least": 0}}}, "can never fail"),
        ({"gate": {"difference": {"at_least": 1.2}}}, "can never pass"),
        ({"gate": {"inside": {"at_least": 0.5}}, "allow_none": True}, '"allow_none" needs a gate'),
        ({"metric": "spearman"}, "compares two maps"),
        ({"maps": {"method": "guided_gradcam"}}, "pictures, not evidence"),
    ],
)
def test_specs_that_cannot_be_meant(tmp_path, changes, words):
    item = {"id": "errs", "kind": "errors", "gate": {"error_rate": {"at_most": 0.5}}, **changes}
    with pytest.raises(SpecError) as refused:
        read(write(tmp_path, item))
    assert words in str(refused.value)


def test_targets_are_named_as_they_read():
    item = {"id": "e", "kind": "errors", "gate": {"error_rate": {"at_most": 0.5}}}
    spec = ErrorsSpec.model_validate({**item, "compare": ["label", {"kth": 2}, 3, "cat"]})
    assert names(spec) == ("label", "kth: 2", "3", "cat")
