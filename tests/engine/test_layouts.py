"""Layouts and dense networks from the spec to the verdict, the preflight and `show`."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.engine.preflight import examine
from camaudit.engine.show import show
from camaudit.spec import read
from tests.small_audit import overlap, write

NETWORKS = """
import torch
from torch import nn


class Patches(nn.Module):
    '''A class token that hears how red and how green the patches are; red and green have a channel each.'''

    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, 2, 2, 2)
        self.norm = nn.Linear(2, 2)
        self.head = nn.Linear(2, 2, bias=False)
        self.last = nn.LayerNorm(2, elementwise_affine=True)
        self.block = Mean()
        with torch.no_grad():
            self.patches.weight.zero_()
            self.patches.weight[0, 0] = self.patches.weight[1, 1] = 0.25
            self.patches.bias.fill_(-0.5)
            self.head.weight.copy_(torch.tensor([[1.0, -1.0], [-1.0, 1.0]]))

    def forward(self, x):
        x = self.patches(x).relu().flatten(2).mT
        x = torch.cat([torch.zeros_like(x[:, :1]), x], 1)
        return self.head(self.block(x)[:, 0])


class Mean(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = Scale()
        self.out = Scale()

    def forward(self, x):
        return self.out(torch.cat([self.norm(x).mean(1, keepdim=True), x[:, 1:]], 1))


class Scale(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(2))

    def forward(self, x):
        return x * self.weight


class Pixels(nn.Module):
    '''Red, green and neither, pixel by pixel.'''

    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.classify = nn.Conv2d(2, 3, 1)
        with torch.no_grad():
            self.features[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])
            self.features[0].bias.fill_(-0.5)
            self.classify.weight.copy_(torch.tensor([[1.0, 0], [0, 1.0], [0, 0]])[:, :, None, None])
            self.classify.bias.copy_(torch.tensor([0.0, 0, 0.05]))

    def forward(self, x):
        return {"out": self.classify(self.features(x))}
"""
LABEL = {"function": "camaudit.dense_targets:segmentation_label", "of": "output"}
SEGMENTS = {"factory": "nets:Pixels", "scores": "segmentation", "classes": ["red", "green", "neither"]}
TOKENS = {"factory": "nets:Patches", "classes": ["red", "green"]}


def audit(folder, *checks, **changes):
    path = write(folder, *checks, **changes)
    (folder / "nets.py").write_text(NETWORKS, encoding="utf-8")
    return path


def checks(path):
    return {item.id: item for item in run(plan.make(read(path)), path.parent / "reports", Options()).checks}


def test_a_segmentation_is_audited(tmp_path):
    maps = {"layer": "features", "target": LABEL}
    path = audit(tmp_path, overlap("pixels", maps=maps), overlap("auto"), model=SEGMENTS)
    found = checks(path)
    assert found["pixels"].status == "PASS"
    # The feature of the colour is the square itself, up to nothing outside.
    assert found["pixels"].findings[0].value == pytest.approx(1.0)
    assert found["auto"].status == "ERROR"
    assert "name the last layer of its backbone, such as layer: features" in found["auto"].headline


def test_tokens_are_audited_and_their_layout_is_on_record(tmp_path):
    written = {"tokens": {"prefix": 1, "grid": [8, 8]}}
    path = audit(
        tmp_path,
        overlap("auto", maps={"target": "label"}),
        overlap("written", maps={"target": "label", "layer": "block.norm", "layout": written}),
        overlap("vanished", maps={"target": "label", "layer": "block"}),
        overlap("misread", maps={"target": "label", "layer": "block.norm", "layout": "grid"}),
        model=TOKENS,
    )
    found = checks(path)
    assert found["auto"].status == found["written"].status == "PASS"
    assert found["auto"].findings[0].value == pytest.approx(found["written"].findings[0].value)
    assert found["written"].parameters["layout"] == "tokens, 1 without a place, 8×8"
    assert "read as tokens: 1 without a place, then 8×8" in found["auto"].parameters["layer block.norm"]
    assert found["vanished"].status == found["misread"].status == "ERROR"
    assert '"layer: block.norm" is the last one' in found["vanished"].headline
    assert "cannot be read as grid" in found["misread"].headline


def test_the_preflight_tells_layouts(tmp_path):
    path = audit(tmp_path, overlap("a"), overlap("b", maps={"layer": "block"}), model=TOKENS)
    notes = {note.what: note for note in examine(plan.make(read(path))) if note.what.startswith("layer")}
    assert "read as tokens: 1 without a place, then 8×8" in notes["layer auto"].text
    assert notes["layer block"].verdict == "error"
    assert "exactly zero" in notes["layer block"].text


def test_show_draws_tokens_at_every_layer(tmp_path):
    path = audit(tmp_path, overlap("a", maps={"target": "label"}), model=TOKENS)
    shown = {item.layer: item for item in show(plan.make(read(path)), "square-0").maps}
    assert shown["block.norm"].raw.shape == shown["patches"].raw.shape == (8, 8)
    assert shown["block.norm"].status == "ok"
    assert shown["block"].raw is None
    assert "exactly zero" in shown["block"].status


def test_the_example_of_the_page_runs(tmp_path):
    page = (Path(__file__).parents[2] / "docs/maps.md").read_text(encoding="utf-8")
    (block,) = (text for text in re.findall(r"```yaml\n(.*?)```", page, re.DOTALL) if "scores:" in text)
    spec = yaml.safe_load(block)
    mean = {**spec["maps"], "target": "label"}
    path = audit(
        tmp_path,
        overlap("pixels", allow_undefined=1),
        overlap("mean", allow_undefined=1, maps=mean),
        n=4,
        **spec,
    )
    found = checks(path)
    # Random weights: which verdict it is does not matter, that there is a number does.
    assert found["mean"].status in {"PASS", "FAIL", "INCONCLUSIVE"}, found["mean"].headline
    # They may give no pixel to a class.
    assert found["pixels"].status != "ERROR" or "nothing was measured" in found["pixels"].headline
