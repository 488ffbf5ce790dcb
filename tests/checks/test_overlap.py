"""The check `overlap` on a network whose maps are known."""

from __future__ import annotations

import pytest

from camaudit import plan
from camaudit.engine import run
from camaudit.errors import SpecError
from camaudit.spec import read
from tests.small_audit import overlap, write


def audit(path):
    found = run(plan.make(read(path)), path.parent / "reports")
    return {check.id: check for check in found.checks}


def by_name(check):
    return {item.name: item for item in check.findings}


def test_known_answers(tmp_path):
    """The map is the square: all mass inside, every top pixel inside, perfect ranking."""
    also = ["kappa_mass", "rank_accuracy", "pointing", "pixel_auc", "iou@0.5"]
    check = audit(write(tmp_path, overlap(also=also)))["on-the-square"]
    found = by_name(check)
    for name in ("energy_inside", *also):
        assert found[name].value == pytest.approx(1.0, abs=1e-6), name
        assert found[name].n == 12
    assert found["energy_inside"].status == "PASS"
    assert all(found[name].status is None for name in also)


def test_controls_are_what_a_blind_map_scores(tmp_path):
    """The shuffled mask and the centre prior lie far below; chance is the mean share of the masks."""
    check = audit(write(tmp_path))["on-the-square"]
    main = by_name(check)["energy_inside"]
    controls = {item.name: item for item in main.controls}
    assert set(controls) == {"centre_prior", "shuffled_mask"}
    assert main.chance == pytest.approx(0.13, abs=0.05)
    assert all(item.n == 12 and item.upper < 0.6 for item in controls.values())


def test_every_class_and_size_is_shown(tmp_path):
    check = audit(write(tmp_path))["on-the-square"]
    classes = [item for item in check.findings if item.by == "class"]
    sizes = [item for item in check.findings if item.by == "object size"]
    assert [(item.level, item.n) for item in classes] == [("green", 6), ("red", 6)]
    assert sum(item.n for item in sizes) == 12
    assert len(sizes) >= 2


def test_per_class_gate_counts_and_small_classes_are_not_gated(tmp_path):
    spec = write(
        tmp_path,
        overlap("gated", per_class={"at_least": 0.2, "min_n": 2}),
        overlap("too-small", per_class={"at_least": 0.2, "min_n": 10}),
        overlap("warned", per_class={"at_least": 0.99, "min_n": 2, "severity": "warn"}),
        overlap("fails", per_class={"at_least": 0.99, "min_n": 2}),
    )
    checks = audit(spec)
    assert [item.status for item in checks["gated"].findings if item.by == "class"] == ["PASS", "PASS"]
    small = [item for item in checks["too-small"].findings if item.by == "class"]
    assert [item.status for item in small] == [None, None]
    assert "min_n=10" in small[0].reason
    assert checks["warned"].status == "PASS"
    assert not checks["warned"].blocks
    assert len(checks["warned"].warnings) == 2
    assert checks["fails"].status == "INCONCLUSIVE"
    assert checks["fails"].blocks


def test_a_gate_across_the_interval_is_inconclusive_with_the_n_that_would_settle_it(tmp_path):
    checks = audit(
        write(
            tmp_path,
            overlap("blocks", gate={"at_least": 0.95}),
            overlap("warns", gate={"at_least": 0.95, "on_inconclusive": "warn"}),
            overlap("estimate", gate={"at_least": 0.95, "decide_on": "estimate"}),
        )
    )
    assert (checks["blocks"].status, checks["blocks"].blocks) == ("INCONCLUSIVE", True)
    assert checks["blocks"].findings[0].n_needed > 12
    assert (checks["warns"].status, checks["warns"].blocks) == ("INCONCLUSIVE", False)
    assert checks["estimate"].status == "PASS"


def test_severity_warn_shows_a_failure_and_does_not_block(tmp_path):
    check = audit(write(tmp_path, overlap("upside-down", gate={"at_most": 0.1}, severity="warn")))[
        "upside-down"
    ]
    assert (check.status, check.blocks) == ("FAIL", False)


def test_undefined_numbers_may_be_allowed(tmp_path):
    blind = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    spec = write(tmp_path, overlap("blind", model="blind", allow_undefined=1.0), models={"blind": blind})
    check = audit(spec)["blind"]
    assert check.status == "ERROR"
    assert "empty is never green" in check.answer


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"gate": {"at_least": 0.0}}, "can never fail"),
        ({"gate": {"at_least": 1.5}}, "can never pass"),
        ({"gate": {"at_least": 0.5, "at_most": 0.7}}, "exactly one bound"),
        ({"gate": {"at_least": 0.5, "decide_on": "ci_upper"}}, "lucky end"),
        ({"metric": "spearman"}, "compares two maps"),
        ({"metric": "box_iou@0.15"}, "is a check of kind localisation's"),
        ({"metric": "iou"}, "iou@0.15"),
        ({"metric": "energy_inside@3"}, "energy_inside"),
        ({"metric": "enrgy_inside"}, 'did you mean "energy_inside"'),
    ],
)
def test_a_gate_that_cannot_decide_is_a_mistake(tmp_path, change, message):
    with pytest.raises(SpecError, match=message):
        read(write(tmp_path, overlap(**change)))


def test_failing_samples_come_first(tmp_path):
    check = audit(write(tmp_path, overlap("upside-down", gate={"at_most": 0.1})))["upside-down"]
    assert check.rows
    assert all(row.failing for row in check.rows)
    assert all((tmp_path / "reports" / row.image).is_file() for row in check.rows)
