"""Attacks on networks that are known to the last weight: what is found is what must be found."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from camaudit import plan
from camaudit.classifier import Classifier
from camaudit.engine import run
from camaudit.engine.perturbed.counted import counted
from camaudit.engine.perturbed.seeds import seeds
from camaudit.engine.preflight import examine
from camaudit.errors import SpecError
from camaudit.perturb.attacks import ATTACKS
from camaudit.result import AuditResult
from camaudit.scores import FACTS, Table
from camaudit.spec import read
from tests.engine.perturbed_audit import adversarial, audited, known, member, registered, write


@pytest.fixture(autouse=True)
def _members(monkeypatch):
    registered(monkeypatch)


def finding(check, name):
    return next(item for item in check.findings if item.name == name)


def table(folder):
    import pandas as pd

    return pd.read_csv(folder / "out/samples.csv", dtype={"id": str}).set_index("id")


def flipped_by_one_step(levels, n=24):
    """Which pictures one step of so many levels along the sign of the weights turns, by hand."""
    module = known()
    weights, found = module["weights"](), {}
    for number in range(n):
        picture = module["picture"](number).astype(np.float64)
        before = module["score"](picture)
        # Pixels are 40 to 216, so that no step leaves [0, 255].
        step = -np.sign(before) * np.sign(weights).transpose(1, 2, 0) * levels
        found[f"s{number:03d}"] = (module["score"](picture + step) > 0) != (before > 0)
    return found


def test_the_flips_of_a_linear_network_are_those_of_arithmetic(tmp_path):
    check = adversarial(attack={"eps": "2/255"})
    (found,) = audited(tmp_path, check).checks
    truth = flipped_by_one_step(2)
    assert 0 < sum(truth.values()) < len(truth)
    assert table(tmp_path)["success"].eq(1).to_dict() == truth
    assert finding(found, "success_rate").value == pytest.approx(sum(truth.values()) / len(truth))
    assert finding(found, "robust_accuracy").value == pytest.approx(1 - sum(truth.values()) / len(truth))


def test_what_is_drawn_in_pairs_is_what_was_subtracted(tmp_path):
    (check,) = audited(tmp_path, adversarial(mask="object")).checks
    noise, energy = check.paired
    own = table(tmp_path)
    assert {noise.before, noise.after, energy.before, energy.after} <= set(own.columns)
    change = own[energy.after] - own[energy.before]
    assert change.notna().any()
    assert change.to_numpy() == pytest.approx(own["map_energy_change"].to_numpy(), abs=1e-6, nan_ok=True)
    beyond = own[noise.after] - own[noise.before]
    assert beyond.to_numpy() == pytest.approx(
        own["map_spearman minus noise"].to_numpy(), abs=1e-6, nan_ok=True
    )


def test_wrong_images_are_not_robust_and_no_success(tmp_path):
    (check,) = audited(tmp_path, adversarial(attack={"eps": "2/255"}), data={"wrong": 5}).checks
    truth = flipped_by_one_step(2)
    right = {key: value for key, value in truth.items() if key >= "s005"}
    success, robust = finding(check, "success_rate"), finding(check, "robust_accuracy")
    assert (success.n, success.undefined) == (19, {})
    assert success.value == pytest.approx(sum(right.values()) / 19)
    assert (robust.n, robust.value) == (24, pytest.approx(sum(not one for one in right.values()) / 24))
    assert finding(check, "clean accuracy").value == pytest.approx(19 / 24)
    assert dict(check.attacked.threat)["attacked"] == "images classified correctly before: 19 of 24"


def test_images_without_a_label_are_undefined_and_that_is_an_error(tmp_path):
    (check,) = audited(tmp_path, data={"unlabelled": 3}).checks
    assert check.status == "ERROR"
    assert finding(check, "success_rate").undefined == {"no label": 3}
    assert finding(check, "robust_accuracy").undefined == {"no label": 3}


def test_rounding_decides(tmp_path, monkeypatch):
    """A step of 0.4 levels turns an answer on paper, and in no picture."""

    def near(parameters, budget):
        def move(classifier, images, labels, *, seeds, targets=None):
            return (images + 0.4 / 255).clamp(0, 1)

        return move

    monkeypatch.setitem(ATTACKS, "near", member("near", near))
    path = write(tmp_path, adversarial(attack={"name": "near"}))
    module = tmp_path / f"struck_{tmp_path.name}.py".replace("-", "_")
    # A network whose answer turns where anything lies off the 8-bit grid.
    text = module.read_text().replace(
        "        s = ((self.features(x) - 0.5) * self.head).sum((1, 2, 3))\n"
        "        return torch.stack([-s, s], dim=1)\n\n\nclass Steady",
        "        s = ((self.features(x) - 0.5) * self.head).sum((1, 2, 3))\n"
        "        off = ((x * 255).round() - x * 255).abs().amax((1, 2, 3)) > 0.2\n"
        "        s = torch.where(off, -s, s)\n"
        "        return torch.stack([-s, s], dim=1)\n\n\nclass Steady",
    )
    assert text != module.read_text()
    module.write_text(text)
    from camaudit.engine import run

    (check,) = run(plan.make(read(path)), tmp_path / "out").checks
    assert finding(check, "success_rate before rounding").value == 1.0
    assert finding(check, "success_rate").value == 0.0
    assert finding(check, "robust_accuracy").value == 1.0
    assert check.parameters["images that the attack left as they were"] == "24"
    assert finding(check, "map_spearman").value == pytest.approx(1)


def test_a_broken_budget_is_an_invalid_row_and_no_number(tmp_path, monkeypatch):
    """Twice the budget on half of the images: these are counted with the reason, whatever they would do."""

    def half(parameters, budget):
        def move(classifier, images, labels, *, seeds, targets=None):
            far = torch.tensor([1.0 + (seed % 2) for seed in seeds])[:, None, None, None]
            return (images + far * budget.eps).clamp(0, 1)

        return move

    monkeypatch.setitem(ATTACKS, "half", member("half", half))
    (check,) = audited(tmp_path, adversarial(attack={"name": "half"})).checks
    bad = sum(seed % 2 for seed in seeds(0, "half", [f"s{number:03d}" for number in range(24)]))
    assert 0 < bad < 24
    assert check.status == "ERROR"
    for name in ("success_rate", "success_rate before rounding", "robust_accuracy", "map_spearman"):
        assert finding(check, name).undefined == {"invalid: beyond the budget": bad}, name
        assert finding(check, name).n == 24 - bad
    assert check.parameters["images with which the attack broke its rules"] == str(bad)
    assert len([line for line in check.warnings if line.startswith("invalid: s")]) == 5
    assert any("linf distance 0.0627451, beyond 0.0313725" in line for line in check.warnings)


def test_an_excused_share_of_invalid_rows_lets_the_others_decide(tmp_path, monkeypatch):
    def some(parameters, budget):
        def move(classifier, images, labels, *, seeds, targets=None):
            far = torch.tensor([1.0 + (seed % 2) for seed in seeds])[:, None, None, None]
            return (images + far * budget.eps).clamp(0, 1)

        return move

    monkeypatch.setitem(ATTACKS, "some", member("some", some))
    check = adversarial(attack={"name": "some", "eps": "1/255"}, allow_undefined=0.9)
    (found,) = audited(tmp_path, check).checks
    assert found.status in {"PASS", "FAIL", "INCONCLUSIVE"}


@pytest.mark.parametrize(
    ("attack", "changes", "message"),
    [
        ({"name": "raising"}, {}, "RuntimeError: out of luck"),
        ({"name": "other shape"}, {}, "the attack returned a tensor [16, 1, 8, 8] of torch.float32"),
        ({"factor": 3.0}, {}, "all 24 images that it made break its rules, and nothing can be concluded"),
        ({"norm": "patch", "eps": 2}, {}, "it cannot keep a budget in patch; its norms: linf, l2, l0"),
        ({"name": "idle", "target": "above"}, {}, "it cannot aim at a class"),
        ({"target": "abve"}, {}, "target 'abve' is not a class of this network, did you mean \"above\""),
        ({"target": 7}, {}, "target 7: the network has 2 outputs"),
    ],
)
def test_what_cannot_be_attacked_is_an_error_of_this_check_alone(tmp_path, attack, changes, message):
    overlap = {"id": "other", "kind": "sanity", "gate": {"all_zero": {"at_most": 0.9}}, "seeds": 1}
    checks = audited(tmp_path, adversarial(attack=attack, **changes), overlap).checks
    assert checks[0].status == "ERROR"
    assert message in checks[0].headline
    assert checks[1].status != "ERROR"


def test_an_attack_that_cannot_be_made_is_refused_before_anything_is_measured(tmp_path):
    """By `camaudit check` as well; and the checks beside it are carried out."""
    check = adversarial(attack={"name": "signs", "norm": "patch", "eps": 2})
    bad = {"id": "dark", "kind": "corruption", "corruptions": [{"name": "contrast", "severty": 2}]}
    bad["gate"] = {"accuracy": {"at_least": 0.1}}
    path = write(tmp_path, check, bad, adversarial("fine"))
    notes = {note.what: note for note in examine(plan.make(read(path))) if note.verdict == "error"}
    assert "cannot keep a budget in patch" in notes["check under-attack"].text
    assert 'did you mean "severity"' in notes["check dark"].text
    assert "check fine" not in notes
    first, second, third = run(plan.make(read(path)), tmp_path / "out").checks
    assert (first.status, second.status) == ("ERROR", "ERROR")
    assert first.population is None, "nothing was measured for it"
    assert third.status != "ERROR"


def test_answers_asked_for_are_counted_image_by_image(tmp_path):
    (check,) = audited(tmp_path, adversarial(), batch_size=5, data={"wrong": 3}).checks
    rows = table(tmp_path)["queries"]
    assert rows.dropna().eq(1.0).all(), "one step asks once"
    assert int(rows.isna().sum()) == 3
    assert finding(check, "queries").value == 1.0
    assert dict(check.attacked.threat)["answers asked for"] == "median 1, at most 1 for one image"


def test_an_attack_that_asks_past_the_door_is_not_counted_as_asking_nothing(tmp_path, monkeypatch):
    def past(classifier, images, labels, *, seeds, targets=None):
        classifier.module(images)
        return images

    monkeypatch.setitem(ATTACKS, "past", member("past", lambda *_: past))
    (check,) = audited(tmp_path / "a", adversarial(attack={"name": "past"})).checks
    assert dict(check.attacked.threat)["answers asked for"].startswith("not counted")
    assert finding(check, "queries").undefined == {"the attack asks the network past its door": 24}
    (check,) = audited(tmp_path / "b", adversarial(attack={"name": "shaken"})).checks
    assert dict(check.attacked.threat)["answers asked for"] == "none"
    assert finding(check, "queries").value == 0.0


def test_counts_that_would_depend_on_the_batch_are_none(tmp_path, monkeypatch):
    def dropping(classifier, images, labels, *, seeds, targets=None):
        classifier.logits(images)
        classifier.logits(images[1:])
        return images

    monkeypatch.setitem(ATTACKS, "dropping", member("dropping", lambda *_: dropping))
    (check,) = audited(tmp_path, adversarial(attack={"name": "dropping"})).checks
    assert dict(check.attacked.threat)["answers asked for"].startswith(
        "not counted: the attack asks about some"
    )
    assert finding(check, "queries").n == 0


def test_many_versions_of_one_image_count_for_that_image():
    network = Classifier(module=torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2)).eval())
    asked = counted(network, 3)
    asked.logits(torch.rand(3, 3, 2, 2))
    asked.rows(torch.tensor([1])).logits(torch.rand(5, 3, 2, 2))
    asked.rows(torch.tensor([2])).rows(torch.tensor([0, 0])).logits(torch.rand(2, 3, 2, 2))
    asked.logits(torch.rand(6, 3, 2, 2))
    assert asked.asked.tolist() == [3, 8, 5]
    asked.logits(torch.rand(2, 3, 2, 2))
    assert np.isnan(asked.asked).all(), "which two of the three?"
    assert network.outputs == 2, "what was seen of one view counts for the network"


def test_values_that_are_not_finite_are_invalid(tmp_path):
    (check,) = audited(tmp_path, adversarial(attack={"name": "nan"})).checks
    even = sum(seed % 2 == 0 for seed in seeds(0, "nan", [f"s{number:03d}" for number in range(24)]))
    assert finding(check, "success_rate").undefined == {"invalid: pixels that are not finite": even}


def test_a_network_left_as_a_mess_is_what_it_was_before(tmp_path, recwarn):
    """The attack rewrites the weights: its images are answered by the network as it was."""
    check = adversarial(attack={"name": "shaken", "eps": "1/255"})
    result = audited(tmp_path, check, adversarial("again", attack={"eps": "2/255"}))
    truth = flipped_by_one_step(2)
    assert finding(result.checks[0], "clean accuracy").value == 1.0
    assert finding(result.checks[1], "success_rate").value == pytest.approx(sum(truth.values()) / 24)
    assert result.checks[0].warnings[0] == "shaken: it is a test"


def test_answers_and_maps_that_do_not_follow_the_pixels_stand_still(tmp_path):
    check = adversarial(attack={"name": "shaken", "eps": "1/255"}, gate={"success_rate": {"at_most": 0.3}})
    path = write(tmp_path, check, network="steady")
    (found,) = run(plan.make(read(path)), tmp_path / "out").checks
    assert finding(found, "success_rate").n > 5
    for name, still in (("success_rate", 0), ("map_spearman", 1), ("map_wasserstein", 0), ("map_ssim", 1)):
        assert finding(found, name).value == pytest.approx(still, abs=1e-12), name
    assert all(moved == 0 for _, moved, *_ in found.attacked.cells)


def test_every_image_has_the_same_result_whatever_its_companions(tmp_path):
    check = adversarial(attack={"name": "shaken", "eps": "6/255"}, mask="object")
    tables = []
    for size in (1, 5, 24):
        audited(tmp_path / f"b{size}", check, batch_size=size)
        tables.append(table(tmp_path / f"b{size}").select_dtypes("number"))
    for other in tables[1:]:
        np.testing.assert_allclose(tables[0].to_numpy(), other.to_numpy(), rtol=1e-5, atol=1e-6)


def test_another_seed_is_another_attack_and_the_same_seed_the_same(tmp_path):
    def spearman(name, seed):
        check = adversarial(attack={"name": "shaken", "eps": "6/255", "seed": seed})
        audited(tmp_path / name, check)
        return table(tmp_path / name)["map_spearman"]

    first, again, other = spearman("a", 0), spearman("b", 0), spearman("c", 1)
    assert first.equals(again)
    assert not np.isclose(first, other).any()


def test_targeted_attacks_count_the_target_alone(tmp_path):
    check = adversarial(attack={"eps": "2/255", "target": "above"})
    (found,) = audited(tmp_path, check).checks
    truth, module = flipped_by_one_step(2), known()
    below = [f"s{number:03d}" for number in range(24) if module["score"](module["picture"](number)) <= 0]
    success = finding(found, "success_rate")
    assert (success.n, success.undefined) == (len(below), {})
    assert success.value == pytest.approx(sum(truth[key] for key in below) / len(below))
    assert finding(found, "robust_accuracy").n == len(below)
    assert dict(found.attacked.threat)["goal"] == "targeted: the answer above"


def test_maps_of_the_same_target_and_of_the_new_answer(tmp_path):
    """Two classes with opposite weights: the map of the new answer is the old one turned round."""
    (found,) = audited(tmp_path, adversarial(attack={"eps": "16/255"})).checks
    assert finding(found, "success_rate").value == 1.0
    assert finding(found, "map_spearman").value > 0.9
    assert finding(found, "map_spearman new").value < -0.9
    rows = table(tmp_path)
    np.testing.assert_allclose(
        rows["map_spearman"] - rows["map_spearman under noise"], rows["map_spearman minus noise"], atol=1e-6
    )
    assert finding(found, "map_topk").chance == pytest.approx(6 / 64)


def test_the_four_cells_add_up(tmp_path):
    check = adversarial(attack={"eps": "2/255"}, moved_below=0.9993)
    (found,) = audited(tmp_path, check).checks
    rows = table(tmp_path)
    moved, flipped = rows["map_spearman"] < 0.9993, rows["success"] == 1
    assert found.attacked.cells == (
        ("flipped", (flipped & moved).sum(), (flipped & ~moved).sum(), 0),
        ("not flipped", (~flipped & moved).sum(), (~flipped & ~moved).sum(), 0),
    )
    levels = [item.level for item in found.findings if item.by == "outcome and map"]
    assert levels[0] == f"flipped, map moved: {(flipped & moved).sum()} of 24"
    assert len(levels) == 4


def test_without_a_threshold_maps_move_that_move_more_than_under_noise(tmp_path):
    (found,) = audited(tmp_path, adversarial(attack={"eps": "2/255"})).checks
    rows = table(tmp_path)
    threshold = np.quantile(rows["map_spearman under noise"], 0.05, method="lower")
    assert sum(cell[1] for cell in found.attacked.cells) == (rows["map_spearman"] < threshold).sum()


def test_transitions_pictures_and_maps_are_written_and_read_back(tmp_path):
    result = audited(tmp_path, adversarial(attack={"eps": "16/255"}))
    again = AuditResult.read(tmp_path / "out/result.json").checks[0].attacked
    assert again == result.checks[0].attacked
    assert sum(count for *_, count in again.transitions) == 24
    assert {pair[:2] for pair in again.transitions} == {("below", "above"), ("above", "below")}
    assert len(again.strikes) == 6
    kept = np.load(tmp_path / "out/evidence/maps.npz")
    from PIL import Image

    for strike in again.strikes:
        clean, changed = (
            np.asarray(Image.open(tmp_path / "out" / name)).astype(int)
            for name in (strike.image, strike.changed)
        )
        assert np.abs(changed - clean).max() == 16
        assert [one.name for one in strike.maps] == ["before", "after, same target", "after, new answer"]
        assert [one.explains for one in strike.maps] == [strike.before, strike.before, strike.after]
        assert all(kept[one.key].shape == (8, 8) for one in strike.maps)
        assert (strike.outcome, strike.before == strike.after) == ("flipped", False)


def test_gates_on_maps(tmp_path):
    gate = {
        "map_spearman": {"at_least": 0.5},
        "map_topk": {"at_most": 0.5, "target": "new"},
        "map_centroid_shift": {"at_most": 1.0, "minus_noise": True},
    }
    check = adversarial(gate=gate, allow_undefined=0.5)
    (found,) = audited(tmp_path, check).checks
    gated = {item.name: item.status for item in found.findings if item.status is not None}
    assert gated == {
        "map_spearman": "PASS",
        "map_topk new": "PASS",
        "map_centroid_shift minus noise": "PASS",
    }
    assert found.status == "PASS"


def test_groups_widen_the_intervals(tmp_path):
    (alone,) = audited(tmp_path / "a", adversarial(attack={"eps": "2/255"})).checks
    (groups,) = audited(tmp_path / "b", adversarial(attack={"eps": "2/255"}), data={"groups": 4}).checks
    assert "over 6 groups" in finding(groups, "success_rate").interval
    assert finding(alone, "success_rate").value == finding(groups, "success_rate").value


def test_every_nan_has_a_reason(tmp_path):
    """The table itself refuses anything else; here with all kinds of images at once."""
    check = adversarial(attack={"name": "nan"}, mask="object", allow_undefined=1)
    audited(tmp_path, check, data={"wrong": 3, "unlabelled": 3})
    rows = table(tmp_path)
    assert isinstance(Table(frame=rows[list(FACTS)]), Table)
    assert not rows.loc["s000", "undefined"].startswith("robust")
    assert math.isnan(rows.loc["s004", "robust"])
    assert rows.loc["s000", "robust"] == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"attack": {"name": "sings"}}, "unknown attack 'sings', did you mean \"signs\""),
        ({"attack": {"norm": "linf", "eps": 8}}, "in linf on pixels in [0, 1]: write 8/255"),
        ({"attack": {"norm": "l0", "eps": 1.5}}, "which counts whole pixels"),
        ({"attack": {"eps": 0}}, "must be greater than 0"),
        ({"gate": {}}, '"gate" needs at least one of robust_accuracy, success_rate, map_spearman'),
        ({"gate": {"success_rate": {"at_most": 1}}}, "this gate can never fail"),
        ({"gate": {"robust_accuracy": {"at_least": 0}}}, "this gate can never fail"),
        ({"gate": {"map_spearman": {"at_least": -1}}}, "this gate can never fail"),
        ({"gate": {"map_wasserstein": {"at_least": 0}}}, "this gate can never fail"),
        ({"gate": {"map_topk": {"at_least": -1, "minus_noise": True}}}, "this gate can never fail"),
        ({"gate": {"map_energy_change": {"at_least": -0.1}}}, 'needs "mask"'),
        ({"gate": {"sucess_rate": {"at_most": 0.5}}}, 'did you mean "success_rate"'),
        ({"moved_below": 1}, "must be less than 1"),
    ],
)
def test_a_spec_that_decides_nothing_or_is_misspelt_is_refused(tmp_path, changes, message):
    with pytest.raises(SpecError) as caught:
        read(write(tmp_path, adversarial(**changes)))
    assert message in str(caught.value)
    assert "struck.audit.yaml:" in str(caught.value)


def test_the_attacks_own_parameters_go_to_it_and_fractions_are_numbers(tmp_path, monkeypatch):
    seen = {}

    def make(parameters, budget):
        seen.update(parameters)
        return lambda _, images, *__, **___: images

    monkeypatch.setitem(ATTACKS, "seeing", member("seeing", make))
    check = adversarial(attack={"name": "seeing", "steps": 10, "alpha": "2/255", "loss": "ce"})
    (found,) = audited(tmp_path, check).checks
    assert seen == {"steps": 10, "alpha": 2 / 255, "loss": "ce"}
    assert isinstance(seen["steps"], int)
    assert dict(found.attacked.threat)["its parameters"] == "steps = 10, alpha = 0.00784314, loss = ce"


def test_the_plan_prints_what_it_takes(tmp_path):
    text = plan.make(read(write(tmp_path))).text()
    assert "3 forwards for each image that is right before, besides what signs takes" in text
