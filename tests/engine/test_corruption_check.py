"""Corruptions of a linear network, whose answers to darker pictures are known."""

from __future__ import annotations

import numpy as np
import pytest

from camaudit import plan
from camaudit.errors import SpecError
from camaudit.result import AuditResult
from camaudit.spec import read
from tests.engine.perturbed_audit import audited, known, registered, write
from tests.engine.test_perturbed import finding, table


@pytest.fixture(autouse=True)
def _members(monkeypatch):
    registered(monkeypatch)


def corruption(name="in-the-dark", **changes):
    return {
        "id": name,
        "kind": "corruption",
        "corruptions": [{"name": "darker", "severity": 1}, {"name": "darker", "severity": 4}],
        "gate": {"accuracy": {"at_least": 0.5}},
        **changes,
    }


def answers(severity, n=24):
    """What the network says of darker pictures, and of the pictures as they are, by hand."""
    module = known()
    found = {}
    for number in range(n):
        picture = module["picture"](number)
        dark = np.rint(picture.astype(np.float64) * (1 - severity / 10))
        found[f"s{number:03d}"] = (module["score"](picture) > 0, module["score"](dark) > 0)
    return found


def test_accuracy_and_its_drop_are_those_of_arithmetic(tmp_path):
    (check,) = audited(tmp_path, corruption(), data={"wrong": 4}).checks
    rows = table(tmp_path)
    for severity in (1, 4):
        truth = answers(severity)
        labels = {key: (not own if key < "s004" else own) for key, (own, _) in truth.items()}
        right = {key: float(truth[key][1] == labels[key]) for key in truth}
        assert rows[f"darker {severity}: right"].to_dict() == right
        before = {key: float(truth[key][0] == labels[key]) for key in truth}
        drop = np.mean([before[key] - right[key] for key in truth])
        assert finding(check, f"darker {severity}: accuracy_drop").value == pytest.approx(drop)
        turned = rows[f"darker {severity}: turned"]
        assert turned.isna().sum() == 4  # wrong before: nothing to be turned
        assert turned.sum() == sum(before[key] > right[key] for key in truth)
    assert 0 < rows["darker 4: right"].sum() < 24
    assert finding(check, "darker 4: map_spearman [same target]").n == 24


def test_the_worst_corruption_decides(tmp_path):
    gate = {"accuracy_drop": {"at_most": 0.25}}
    gentle = corruption(corruptions=[{"name": "none"}], gate=gate)
    (check,) = audited(tmp_path / "a", gentle).checks
    assert (check.status, finding(check, "none 3: accuracy_drop").value) == ("PASS", 0.0)
    both = corruption(corruptions=[{"name": "none"}, {"name": "darker", "severity": 5}], gate=gate)
    (check,) = audited(tmp_path / "b", both).checks
    gated = {item.name: item.status for item in check.findings if item.status is not None}
    assert gated["none 3: accuracy_drop"] == "PASS"
    assert gated["darker 5: accuracy_drop"] == check.status != "PASS"


def test_nothing_moves_where_nothing_changes(tmp_path):
    check = corruption(corruptions=[{"name": "none"}], mask="object", moved_below=0.9)
    (found,) = audited(tmp_path, check).checks
    for name, still in (("spearman", 1), ("topk", 1), ("ssim", 1), ("wasserstein", 0), ("energy_change", 0)):
        assert finding(found, f"none 3: map_{name} [same target]").value == pytest.approx(still, abs=1e-12), (
            name
        )
        assert finding(found, f"none 3: map_{name} new [new answer]").value == pytest.approx(
            still, abs=1e-12
        ), name
    assert found.attacked.cells == (("none 3: flipped", 0, 0, 0), ("none 3: not flipped", 0, 24, 0))
    assert found.rows == ()


def test_there_is_no_noise_floor_and_it_says_so(tmp_path):
    (check,) = audited(tmp_path, corruption()).checks
    assert not any("noise" in item.name for item in check.findings)
    assert "there is no noise of its size" in dict(check.attacked.threat)["noise floor"]
    assert check.attacked.cells == ()


def test_images_of_each_corruption_are_shown(tmp_path):
    check = corruption(corruptions=[{"name": "darker", "severity": 3}, {"name": "darker", "severity": 5}])
    result = audited(tmp_path, check)
    again = AuditResult.read(tmp_path / "out/result.json").checks[0].attacked
    assert again == result.checks[0].attacked
    assert {strike.change for strike in again.strikes} == {"darker 3", "darker 5"}
    assert all((tmp_path / "out" / strike.changed).is_file() for strike in again.strikes)


@pytest.mark.parametrize(
    ("item", "message"),
    [
        ({"name": "blinding"}, "all 24 images that it made are invalid"),
        ({"name": "darker", "depth": 2}, "AssertionError"),
    ],
)
def test_a_corruption_that_breaks_is_an_error(tmp_path, item, message):
    (check,) = audited(tmp_path, corruption(corruptions=[item])).checks
    assert check.status == "ERROR"
    assert message in check.headline


def test_an_image_is_corrupted_alike_in_every_batch(tmp_path):
    for size in (1, 24):
        audited(tmp_path / f"b{size}", corruption(), batch_size=size)
    first, second = (table(tmp_path / f"b{size}").select_dtypes("number") for size in (1, 24))
    np.testing.assert_allclose(first.to_numpy(), second.to_numpy(), rtol=1e-5, atol=1e-6)


def test_unlabelled_images_lack_accuracy_and_have_maps(tmp_path):
    (check,) = audited(tmp_path, corruption(), data={"unlabelled": 5}).checks
    assert check.status == "ERROR"
    assert finding(check, "darker 1: accuracy").undefined == {"no label": 5}
    assert finding(check, "darker 1: map_spearman [same target]").n == 24


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"corruptions": []}, "corruptions"),
        ({"corruptions": [{"name": "drker"}]}, "unknown corruption 'drker', did you mean \"darker\""),
        ({"corruptions": [{"name": "darker", "severity": 6}]}, "must be at most 5"),
        ({"corruptions": [{"name": "darker"}, {"name": "darker", "severity": 3}]}, "names one twice"),
        ({"gate": {}}, '"gate" needs at least one of accuracy, accuracy_drop, map_spearman'),
        ({"gate": {"accuracy_drop": {"at_most": 1}}}, "this gate can never fail"),
        ({"gate": {"map_topk": {"at_least": 0.2, "minus_noise": True}}}, "a corruption has no norm"),
    ],
)
def test_a_spec_that_makes_no_sense_is_refused(tmp_path, changes, message):
    with pytest.raises(SpecError) as caught:
        read(write(tmp_path, corruption(**changes)))
    assert message in str(caught.value)


def test_the_plan_tells_the_forwards(tmp_path):
    assert "2 forwards for each image" in plan.make(read(write(tmp_path, corruption()))).text()
