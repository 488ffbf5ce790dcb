"""The check `sanity` with `faithfulness`: does the answer follow what the maps mark?"""

from __future__ import annotations

import sys

import pytest

from camaudit import plan
from camaudit.engine import run
from camaudit.errors import SpecError
from camaudit.merge import merge
from camaudit.report import text
from camaudit.result import AuditResult
from camaudit.spec import read
from tests.small_audit import overlap, write

CHEAP = {"occlusion": False, "methods": []}

NETWORK = '''
import torch
from torch import nn


class Sharp(nn.Module):
    """Sees red and green, and is sure of what it sees; its maps are the squares."""

    def __init__(self, sign=1.0):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.head = nn.Linear(2, 2, bias=False)
        with torch.no_grad():
            self.features[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])
            self.features[0].bias.fill_(-0.3)
            self.head.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]) * 60)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))
'''
SHARP = {"model": {"factory": "sharp_nets:Sharp", "classes": ["red", "green"]}}


def sane(**changes):
    return {"id": "sane", "kind": "sanity", "seeds": 1, "gate": {"all_zero": {"at_most": 0.3}}, **changes}


def audit(tmp_path, *checks, **changes):
    path = write(tmp_path, *checks, **{**SHARP, **changes})
    (tmp_path / "sharp_nets.py").write_text(NETWORK)
    return run(plan.make(read(path)), tmp_path / "reports")


def findings(result, check="sane"):
    (found,) = [item for item in result.checks if item.id == check]
    return {item.name: item for item in found.findings}


def test_maps_that_are_what_the_answer_rests_on_beat_random_orders_and_the_blob(tmp_path):
    result = audit(tmp_path, sane(faithfulness={"baseline": "grey"}), n=24)
    found = findings(result)
    for name in ("insertion_gain", "deletion_gain"):
        assert found[name].lower > found[name].controls[0].value > 0
        assert found[name].chance == 0
        assert found[name].status is None
    # The square's own cells are the only ones that matter, and occlusion sees that too.
    assert found["occlusion_agreement"].lower > max(0.5, found["occlusion_agreement"].controls[0].upper)
    # Behind a mean over the cells these methods are one map.
    assert found["method_agreement"].value == pytest.approx(1)
    assert found["insertion"].controls[2].value == found["deletion"].value
    assert found["insertion"].value - found["insertion"].controls[0].value == pytest.approx(
        found["insertion_gain"].value
    )
    pairs = [item for item in found.values() if item.by == "pair of methods"]
    assert len(pairs) == 10
    assert all(item.status is None for item in pairs)


def test_a_counterfeit_map_is_caught(tmp_path, monkeypatch):
    from camaudit import maps

    monkeypatch.setitem(
        maps.METHODS,
        "upside_down",
        maps.Method(
            name="upside_down",
            title="where it does not look",
            function="tests.checks.test_faithfulness:upside_down",
            source="nobody",
        ),
    )
    gate = {"deletion_gain": {"at_least": 0.01}, "all_zero": {"at_most": 0.3}}
    check = sane(maps={"method": "upside_down"}, faithfulness=CHEAP, gate=gate, allow_undefined=1.0)
    result = audit(tmp_path, check, overlap(maps={"method": "upside_down"}), n=24)
    found = findings(result)
    assert found["deletion_gain"].upper < 0
    assert found["deletion_gain"].status == "FAIL"
    assert found["insertion_gain"].upper < 0
    trust = result.checks[1].trust
    assert trust.level == "poor"
    assert "deletion does not beat random order" in trust.text


def upside_down(capture, targets):
    """Grad-CAM with its sign turned."""
    from camaudit.maps.gradcam import gradcam

    return -gradcam(capture, targets)


def test_nothing_more_is_asked_unless_the_spec_says_so(tmp_path):
    path = write(tmp_path, sane())
    (work,) = plan.make(read(path)).passes
    assert work.asked_again == 0
    assert not [name for check in work.checks for name in check.columns if "insertion" in name]


def test_the_plan_counts_what_is_asked(tmp_path):
    path = write(tmp_path, sane(faithfulness={"steps": 8, "orders": 2}))
    made = plan.make(read(path))
    assert made.passes[0].asked_again == (4 + 2) * 7 + 2
    assert "insertion and deletion take at most 44 forwards besides" in made.text()
    assert "occlusion takes about 225 forwards besides" in made.text()
    # Five methods in one forward, and three randomised networks.
    assert made.passes[0].forwards == 1 + 1 + 3


def test_a_sample_without_one_of_the_maps_has_no_agreement_and_says_why(tmp_path):
    blind = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    check = sane(model="blind", allow_undefined=1.0, faithfulness={"occlusion": False})
    found = findings(audit(tmp_path, check, models={"blind": blind}))
    assert found["method_agreement"].n == 0
    assert found["method_agreement"].undefined == {"all-zero map": 12}
    assert found["insertion_gain"].undefined == {"all-zero map": 12}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"gate": {"deletion_gain": {"at_least": 0.1}}}, 'gate "deletion_gain" needs "faithfulness"'),
        (
            {"gate": {"occlusion_agreement": {"at_least": 0.1}}, "faithfulness": CHEAP},
            'gate "occlusion_agreement" needs "faithfulness"',
        ),
        (
            {"gate": {"method_agreement": {"at_least": 0.1}}, "faithfulness": CHEAP},
            'gate "method_agreement" needs "faithfulness"',
        ),
        (
            {"gate": {"deletion_gain": {"at_least": -1}}, "faithfulness": {}},
            "this gate can never fail: deletion_gain lies between -1 and 1",
        ),
        ({"faithfulness": {"methods": ["gradcam"]}}, "compared in pairs"),
        ({"faithfulness": {"methods": ["gradcam", "gradcam"]}}, "compared in pairs"),
        ({"faithfulness": {"methods": ["gradcam", "occlusion"]}}, "'occlusion' does not look at a layer"),
        ({"faithfulness": {"baseline": "black"}}, "blur"),
    ],
)
def test_what_cannot_be_is_a_mistake_in_the_spec(tmp_path, changes, message):
    path = write(tmp_path, sane(**changes))
    with pytest.raises(SpecError) as caught:
        read(path)
    assert message in str(caught.value)


def test_a_contrast_has_no_probability(tmp_path):
    check = sane(maps={"target": {"contrast": ["label", 1]}}, faithfulness=CHEAP)
    (found,) = audit(tmp_path, check).checks
    assert found.status == "ERROR"
    assert "follow the probability of one class" in found.answer


def test_without_the_extra_the_error_names_it(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "captum.attr", None)
    (found,) = audit(tmp_path, sane(faithfulness={})).checks
    assert found.status == "ERROR"
    assert 'pip install "camaudit[explain]"' in found.answer


def test_every_check_on_maps_carries_what_is_known_of_them(tmp_path):
    other = overlap("others", maps={"method": "hirescam"})
    check = sane(faithfulness={"baseline": "grey"}, sample={"n": 48})
    result = audit(tmp_path, overlap(), check, other, n=48)
    by_id = {item.id: item for item in result.checks}
    assert by_id["sane"].trust is None
    assert by_id["on-the-square"].trust.level != "unknown"
    assert by_id["on-the-square"].trust.checks == ("sane",)
    assert "deletion beats random order" in by_id["on-the-square"].trust.text
    assert by_id["others"].trust.level == "unknown"
    assert "no sanity check of hirescam at layer auto" in by_id["others"].trust.text
    known = AuditResult.read(tmp_path / "reports" / "result.json")
    assert [item.trust for item in known.checks] == [item.trust for item in result.checks]
    lines = "\n".join(text.summary_lines(result))
    assert f"maps of on-the-square are {by_id['on-the-square'].trust.text}" in lines
    assert by_id["others"].trust.text in text.failure(by_id["others"], result, "index.html")


def test_parts_that_ran_apart_are_told_of_each_other(tmp_path):
    path = write(tmp_path, overlap(), sane(), **SHARP)
    (tmp_path / "sharp_nets.py").write_text(NETWORK)
    spec = read(path)
    parts = [tmp_path / name for name in ("one", "two")]
    for part, check in zip(parts, spec.checks, strict=True):
        apart = run(plan.make(spec, {check.id}), part)
    assert apart.checks[0].trust is None
    alone = AuditResult.read(parts[0] / "result.json").checks[0]
    assert alone.trust.level == "unknown"
    (tmp_path / "whole").mkdir()
    whole = merge(parts, tmp_path / "whole")
    assert whole.checks[0].trust.level == "limited"
    assert whole.checks[0].trust.checks == ("sane",)
