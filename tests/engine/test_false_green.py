"""Ways in which something broken could come out green; each of them once did."""

from __future__ import annotations

import csv
import shutil
import sys

import pytest

from camaudit import metrics, plan
from camaudit.engine import Options, run
from camaudit.result import AuditResult
from camaudit.spec import read
from tests.small_audit import overlap, write

LABEL = {"maps": {"target": "label"}}


def audit(path, only=None, **options):
    found = run(plan.make(read(path), only), path.parent / "reports", Options(**options))
    return {check.id: check for check in found.checks}


@pytest.mark.parametrize("poison", ["x + float('nan')", "x + torch.tensor([0.0, float('inf')])"])
def test_answers_that_are_not_finite_although_their_gradients_are(tmp_path, poison):
    path = write(
        tmp_path,
        overlap("poisoned", model="other", **LABEL),
        models={"other": {"factory": "poisoned:network", "classes": ["red", "green"]}},
    )
    (tmp_path / "poisoned.py").write_text(
        "import torch\nfrom squares_nets import Colours\n"
        "class Poisoned(Colours):\n    def forward(self, x):\n"
        f"        x = super().forward(x)\n        return {poison}\n"
        "def network():\n    return Poisoned()\n"
    )
    check = audit(path)["poisoned"]
    assert check.status == "ERROR"
    assert "not finite" in check.answer


def without_collars(tmp_path, *checks):
    """Half of the pictures have a mask for the region `collar`."""
    path = write(tmp_path, *checks, data={"squares": {"manifest": "squares.csv", "allow_unusable": 0.5}})
    rows = list(csv.DictReader((tmp_path / "squares.csv").read_text().splitlines()))
    with (tmp_path / "squares.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, [*rows[0], "mask.collar"])
        writer.writeheader()
        for number, row in enumerate(rows):
            writer.writerow({**row, "mask.collar": row["mask"] if number % 4 < 2 else ""})
    return path


def test_a_check_does_not_depend_on_its_company(tmp_path):
    path = without_collars(tmp_path, overlap("object"), overlap("collar", mask="collar"))
    alone, together = audit(path, {"object"})["object"], audit(path)["object"]
    assert alone.population.used == together.population.used == 12
    assert alone.findings == together.findings
    assert audit(path)["collar"].population.used == 6


def test_labels_beyond_the_outputs(tmp_path):
    path = write(tmp_path, model={"factory": "squares_nets:good"})
    manifest = tmp_path / "squares.csv"
    manifest.write_text(manifest.read_text().replace(",red", ",7").replace(",green", ",7"))
    check = audit(path)["on-the-square"]
    assert check.status == "ERROR"
    assert "label 7 is not a class of the network: it has 2 outputs" in check.answer


def test_a_gate_on_classes_that_gates_none(tmp_path):
    check = audit(write(tmp_path, overlap(per_class={"at_least": 0.99})))["on-the-square"]
    assert check.status == "ERROR"
    assert "per_class gates no class: the largest has n=6, min_n is 30" in check.answer


def test_a_control_that_did_not_fail_blocks_whatever_is_tolerated(tmp_path):
    gate = {"at_least": 0.95, "on_inconclusive": "warn"}
    check = audit(write(tmp_path, overlap("control", expect="fail", gate=gate)))["control"]
    assert (check.status, check.blocks) == ("INCONCLUSIVE", True)


def test_a_device_that_is_not_there(tmp_path):
    path = write(tmp_path)
    assert audit(path)["on-the-square"].status == "PASS"
    assert audit(path, device="cuda:77")["on-the-square"].status == "ERROR"
    assert AuditResult.read(tmp_path / "reports/result.json").status == "ERROR"


def test_a_run_that_dies_leaves_no_earlier_result(tmp_path, monkeypatch):
    path = write(tmp_path)
    audit(path)

    def dies(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(sys.modules["camaudit.engine.run"].Session, "run", dies)
    with pytest.raises(KeyboardInterrupt):
        audit(path)
    assert not (tmp_path / "reports/result.json").exists()


def test_the_share_allowed_holds_for_the_samples_drawn(tmp_path):
    path = write(
        tmp_path,
        overlap(sample={"n": 10}),
        n=60,
        data={"squares": {"manifest": "squares.csv", "allow_unusable": 0.1}},
    )
    drawn = [row.id for row in audit(path)["on-the-square"].rows]
    for key in drawn[:3]:
        (tmp_path / f"images/{key.removeprefix('square-')}.png").write_bytes(b"broken")
    check = audit(path)["on-the-square"]
    assert check.status == "ERROR"
    assert "3 of 10 drawn samples cannot be used" in check.answer


def test_copies_of_one_image_are_one_group(tmp_path):
    path = write(tmp_path, n=40)
    for number in range(2, 40, 2):
        for part in (".png", "-mask.png"):
            shutil.copyfile(tmp_path / f"images/0{part}", tmp_path / f"images/{number}{part}")
    check = audit(path)["on-the-square"]
    assert any("19 samples show an image that another sample shows too" in note for note in check.warnings)
    assert "21" in check.findings[0].interval or check.findings[0].upper - check.findings[0].lower > 0.1


def test_the_order_of_batches_changes_no_interval(tmp_path):
    from PIL import Image

    from tests.small_audit import picture

    path = write(tmp_path, overlap(also=["iou@0.9"], mask="object", maps={"layer": "features.0"}), n=24)
    for number in range(24):
        image, mask = picture(number, size=(16, 20, 24)[number % 3])
        Image.fromarray(image).save(tmp_path / f"images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"images/{number}-mask.png")
    one, many = audit(path, batch_size=1)["on-the-square"], audit(path, batch_size=16)["on-the-square"]
    assert ends(one) == pytest.approx(ends(many), abs=1e-6, nan_ok=True)


def ends(check):
    """All ends of all intervals; the controls' numbers differ from sample to sample."""
    numbers = [number for item in check.findings for number in (item, *item.controls)]
    return [end for item in numbers for end in (item.value, item.lower, item.upper)]


def test_a_metric_that_raises_costs_only_its_check(tmp_path, monkeypatch):
    broken = metrics.Metric(
        name="broken",
        title="t",
        function="tests.engine.test_false_green:raises",
        undefined="tests.engine.test_false_green:raises",
        range=(0.0, 1.0),
        better="higher",
        chance_text="",
    )
    monkeypatch.setitem(metrics.METRICS, "broken", broken)
    from camaudit.spec.audit import audit_type

    audit_type.cache_clear()
    path = write(tmp_path, overlap("healthy"), overlap("broken", metric="broken", gate={"at_least": 0.5}))
    checks = audit(path)
    audit_type.cache_clear()
    assert checks["healthy"].status == "PASS"
    assert checks["broken"].status == "ERROR"
    assert "out of order" in checks["broken"].answer


def raises(maps, masks):
    raise RuntimeError("out of order")
