"""The check `sanity`: maps that do not depend on the network must not pass."""

from __future__ import annotations

import pytest

from camaudit import maps, plan
from camaudit.engine import run, streaming
from camaudit.spec import read
from tests.small_audit import overlap, write

SANE = {"id": "sane", "kind": "sanity", "seeds": 3}

NETWORK = '''
import torch
from torch import nn


class Mixed(nn.Module):
    """Enough channels and pixels for a map to change when parameters do."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(3)
        self.features = nn.Sequential(
            nn.Conv2d(3, 16, 3, padding=1), nn.ReLU(), nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()
        )
        self.head = nn.Linear(16, 2)

    def forward(self, x):
        return self.head(self.features(x).mean((2, 3)))


def mixed():
    torch.manual_seed(0)
    return Mixed()
'''


def audit(tmp_path, *checks, **changes):
    path = write(tmp_path, *checks, **changes)
    (tmp_path / "mixed_nets.py").write_text(NETWORK)
    found = run(plan.make(read(path)), tmp_path / "reports")
    return {check.id: check for check in found.checks}


MIXED = {"model": {"factory": "mixed_nets:mixed", "classes": ["red", "green"]}}


def brightness(capture, targets):
    """A map that shows the picture, whatever the network."""
    return capture.images.mean(1)


@pytest.fixture
def picture_only(monkeypatch):
    method = maps.Method(
        name="picture", title="the picture", function="tests.checks.test_sanity:brightness", source="nobody"
    )
    monkeypatch.setitem(maps.METHODS, "picture", method)


def test_a_map_that_ignores_the_network_fails(tmp_path, picture_only):
    check = audit(tmp_path, {**SANE, "maps": {"method": "picture"}}, n=40, **MIXED)["sane"]
    assert check.outcome == "FAIL"
    assert check.blocks
    stages = [item for item in check.findings if item.name.startswith("randomised_similarity")]
    assert [item.value for item in stages] == pytest.approx([1.0, 1.0, 1.0], abs=1e-6)
    assert {item.status for item in stages} == {"FAIL"}


def test_gradcam_changes_with_the_network(tmp_path):
    check = audit(tmp_path, SANE, n=20, **MIXED)["sane"]
    found = {item.name: item for item in check.findings}
    assert found["randomised_similarity [all]"].value < 0.9
    assert found["all_zero"].n == 20
    # A GAP head averages nothing away: Grad-CAM and HiResCAM are the same map.
    assert found["hirescam_disagreement"].value == pytest.approx(0.0, abs=1e-5)


def test_all_zero_maps_are_counted_and_fail(tmp_path):
    blind = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    check = audit(
        tmp_path, overlap(), {**SANE, "model": "blind", "allow_undefined": 1.0}, models={"blind": blind}
    )["sane"]
    found = {item.name: item for item in check.findings}
    assert found["all_zero"].value == 1.0
    assert found["all_zero"].status == "FAIL"
    assert check.status in {"FAIL", "ERROR"}
    assert check.blocks


def test_randomising_leaves_the_other_checks_alone(tmp_path):
    sample = {"n": 64, "by": "label", "seed": 0}
    together = audit(tmp_path / "a", overlap(sample=sample), {**SANE, "sample": sample})["on-the-square"]
    alone = audit(tmp_path / "b", overlap(sample=sample))["on-the-square"]
    assert [item.value for item in together.findings] == [item.value for item in alone.findings]


def test_the_head_is_what_runs_last_not_what_is_registered_last(tmp_path, monkeypatch):
    swapped = NETWORK.replace(
        "self.features =", "self.head = nn.Linear(16, 2)\n        self.features ="
    ).replace("        self.head = nn.Linear(16, 2)\n\n", "\n")
    assert swapped.count("nn.Linear") == 1
    heads = []
    original = streaming.randomised

    def watched(classifier, *, stage, seed, order):
        drawn = original(classifier, stage=stage, seed=seed, order=order)
        if stage == "head":
            before, after = classifier.module.state_dict(), drawn.module.state_dict()
            heads.append({name for name in before if not before[name].equal(after[name])})
        return drawn

    monkeypatch.setattr(streaming, "randomised", watched)
    path = write(tmp_path, SANE, **MIXED)
    (tmp_path / "mixed_nets.py").write_text(swapped)
    run(plan.make(read(path)), tmp_path / "reports")
    assert heads == [{"head.weight", "head.bias"}] * 3
