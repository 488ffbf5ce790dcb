"""Methods that look at the pixels or at a module, from the spec to the verdict."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.engine.measure import Batch, measure, on_one_grid
from camaudit.engine.preflight import examine
from camaudit.engine.show import show
from camaudit.errors import SpecError
from camaudit.evidence import Column, MapRequest
from camaudit.maps import METHODS
from camaudit.maps.record import Draft, record
from camaudit.spec import read
from tests.small_audit import overlap, write

ATTENTION = """
import torch
from torch import nn


class Looking(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.look = nn.Conv2d(3, 1, 1)
        self.head = nn.Linear(3, 2)
        with torch.no_grad():
            self.look.weight.copy_(torch.tensor([1.0, 1.0, -2.0])[:, None, None])
            self.look.bias.zero_()

    def forward(self, x):
        return self.head((x * self.look(x).relu()).mean((2, 3)))


def looking():
    return Looking()


class NoGrid(nn.Module):
    def __init__(self):
        super().__init__()
        self.head = nn.Linear(3 * 16 * 16, 2)

    def forward(self, x):
        return self.head(torch.relu(x).flatten(1))


def no_grid():
    return NoGrid()
"""


def checks(path):
    return {item.id: item for item in run(plan.make(read(path)), path.parent / "reports", Options()).checks}


def test_gradients_and_occlusion_are_judged_like_any_map(tmp_path):
    pytest.importorskip("captum")
    found = checks(
        write(
            tmp_path,
            overlap("gradient", maps={"method": "input_gradient", "target": "label"}),
            overlap("hidden", maps={"method": "occlusion", "target": "label"}),
            overlap("by-score", maps={"method": "scorecam", "target": "label"}),
        )
    )
    assert {name: check.status for name, check in found.items()} == dict.fromkeys(found, "PASS")


def test_maps_at_the_pixels_need_no_layer(tmp_path):
    model = {"factory": "squares_more:no_grid", "weights": "random", "classes": ["red", "green"]}
    path = write(
        tmp_path, overlap("a", maps={"method": "input_gradient"}), overlap("b"), model=model, name="squares"
    )
    (tmp_path / "squares_more.py").write_text(ATTENTION, encoding="utf-8")
    found = checks(path)
    assert found["a"].status in {"PASS", "FAIL", "INCONCLUSIVE"}
    assert found["b"].status == "ERROR"
    notes = [note for note in examine(plan.make(read(path))) if note.what.startswith("layer")]
    assert [note.verdict for note in notes] == ["error"]


def test_the_networks_own_attention(tmp_path):
    model = {"factory": "squares_more:looking", "weights": "random", "classes": ["red", "green"]}
    maps = {"method": "attention", "layer": "look"}
    path = write(
        tmp_path, overlap(maps=maps), {"id": "sane", "kind": "sanity", "seeds": 1, "maps": maps}, model=model
    )
    (tmp_path / "squares_more.py").write_text(ATTENTION, encoding="utf-8")
    made = plan.make(read(path))
    found = checks(path)
    # The module's weights are random here; what counts is that its own map is what was judged.
    assert found["on-the-square"].status != "ERROR"
    assert found["sane"].status != "ERROR"
    assert "hirescam" not in str([item.name for item in found["sane"].findings])
    assert [(item.layer, item.status) for item in show(made, "square-0").maps] == [("look", "ok")]
    assert [note.verdict for note in examine(made) if note.what == "layer look"] == ["ok"]


def test_sanity_of_a_modules_map_draws_anew_what_the_map_is_made_of(tmp_path):
    # The head comes after the map: drawing it anew changes no map, and says nothing about one.
    model = {"factory": "squares_more:looking", "weights": "random", "classes": ["red", "green"]}
    maps = {"method": "attention", "layer": "look"}
    path = write(tmp_path, {"id": "sane", "kind": "sanity", "seeds": 3, "maps": maps}, model=model)
    (tmp_path / "squares_more.py").write_text(ATTENTION, encoding="utf-8")
    stages = {item.name: item.value for item in checks(path)["sane"].findings if "similarity" in item.name}
    assert list(stages) == [f"randomised_similarity [{stage}]" for stage in ("head", "half", "all")]
    assert all(value < 0.9 for value in stages.values()), stages


def test_show_of_a_map_at_the_pixels_is_one_picture(tmp_path):
    path = write(tmp_path, overlap(maps={"method": "input_gradient"}))
    (only,) = show(plan.make(read(path)), "square-0").maps
    assert (only.layer, only.raw.shape, only.status) == ("input", (16, 16), "ok")


def test_sanity_of_a_map_at_the_pixels_compares_on_the_coarser_grid(tmp_path):
    maps = {"method": "input_gradient", "target": "label"}
    found = checks(
        write(tmp_path, {"id": "sane", "kind": "sanity", "seeds": 1, "maps": maps, "allow_undefined": 0.9})
    )
    assert "hirescam_disagreement" in [item.name for item in found["sane"].findings]
    assert found["sane"].status != "ERROR", found["sane"].headline


def test_on_one_grid():
    fine = torch.arange(16.0).reshape(1, 4, 4)
    coarse = torch.ones(1, 2, 2)
    first, second = on_one_grid(fine, coarse)
    assert first.tolist() == [[[2.5, 4.5], [10.5, 12.5]]]
    assert second is coarse
    assert on_one_grid(fine, fine) == (fine, fine)


@pytest.mark.parametrize("method", [name for name, item in METHODS.items() if not item.evidence])
def test_a_gate_on_a_picture_is_a_spec_error(tmp_path, method):
    message = f"'{method}' makes pictures, not evidence: no gate may rest on it"
    with pytest.raises(SpecError, match=message):
        read(write(tmp_path, overlap(maps={"method": method})))


def test_pictures_are_the_guided_ones():
    assert [name for name, item in METHODS.items() if not item.evidence] == [
        "guided_backprop",
        "guided_gradcam",
    ]


def test_attention_without_a_layer_is_a_spec_error(tmp_path):
    with pytest.raises(SpecError, match='"method: attention" needs "layer"'):
        read(write(tmp_path, overlap(maps={"method": "attention"})))


def test_the_plan_says_what_methods_cost(tmp_path):
    checks = [
        overlap("a", maps={"method": "scorecam"}),
        overlap("b"),
        overlap("c", maps={"method": "smoothgrad"}),
    ]
    made = plan.make(read(write(tmp_path, *checks)))
    assert made.passes[0].forwards == 2
    assert "scorecam takes one forward per channel of the layer besides" in made.text()
    assert "smoothgrad takes 25 forwards and backwards besides" in made.text()


def test_maps_at_the_pixels_share_a_forward_whatever_layer_is_named(tmp_path):
    checks = [
        overlap("a", maps={"method": "input_gradient", "layer": "features.0"}),
        overlap("b", maps={"method": "smoothgrad"}),
    ]
    assert plan.make(read(write(tmp_path, *checks))).passes[0].forwards == 1


def test_two_maps_of_different_grids_are_compared():
    fine = torch.rand(2, 8, 8, generator=torch.Generator().manual_seed(0))
    coarse = torch.nn.functional.avg_pool2d(fine[:, None], 4)[:, 0]
    request = MapRequest(method="gradcam", layer="auto", target="label")
    other = replace(request, method="input_gradient")
    made = {
        item: record(
            Draft(
                raw=raw,
                layer="",
                method="",
                target=torch.zeros(2).long(),
                score=torch.zeros(2),
                relu=False,
                connected=True,
            )
        )[0]
        for item, raw in ((request, coarse), (other, fine))
    }
    batch = Batch(loaded=(), maps=made, device=torch.device("cpu"))
    values, reasons = measure(Column(map=request, metric="spearman", against=other), batch)
    assert values.tolist() == pytest.approx([1.0, 1.0])
    assert list(reasons) == [None, None]
