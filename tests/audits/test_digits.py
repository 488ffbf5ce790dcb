"""The digits audit: its pictures and masks, its committed weights, and that its control is one."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch

if find_spec("sklearn") is None:
    pytest.skip("needs the extra `demo`: sklearn not installed", allow_module_level=True)

from audits.digits import data, measure, model, train
from camaudit import plan
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "digits.audit.yaml"
README = (AUDITS / "digits/README.md").read_text(encoding="utf-8")
SOME = [int(number) for number in data.numbers("test")[:40]]


def test_training_and_test_scans_are_disjoint_and_complete():
    training, test = set(data.numbers("train")), set(data.numbers("test"))
    assert (len(training), len(test)) == (1197, 600)
    assert training | test == set(range(1797))


def test_the_split_does_not_share_a_scan_drawn_twice():
    # The same picture under two numbers would leak training into the audit.
    scans = data._scans()[0].astype(np.uint8)
    training = {scans[number].tobytes() for number in data.numbers("train")}
    assert not [number for number in data.numbers("test") if scans[number].tobytes() in training]


@pytest.mark.parametrize("patch", ["consistent", "random", "absent"])
def test_a_picture_is_the_same_every_time(patch):
    for number in SOME:
        first, second = (data.picture(number, patch=patch, seed=3) for _ in range(2))
        assert all(np.array_equal(getattr(first, part), getattr(second, part)) for part in first.__slots__)


def test_seeds_move_digits_and_patches():
    pictures = [data.picture(SOME[0], patch="consistent", seed=seed) for seed in range(30)]
    assert len({item.decoy.tobytes() for item in pictures}) == 4
    assert len({item.strokes.tobytes() for item in pictures}) > 20


def test_strokes_are_ink_and_the_patch_is_beside_them():
    for number in SOME:
        drawn, bare = (data.picture(number, patch=patch) for patch in ("consistent", "absent"))
        assert drawn.strokes.any()
        assert drawn.decoy.sum() == data.PATCH**2
        assert not (drawn.strokes & drawn.decoy).any()
        assert np.array_equal(drawn.strokes, bare.strokes)
        assert np.array_equal(bare.image.max(2) >= data.STROKE, bare.strokes)
        # The patch lies on nothing, and changes nothing but its own pixels.
        assert not bare.image[drawn.decoy].any()
        assert np.array_equal(drawn.image[~drawn.decoy], bare.image[~drawn.decoy])


def test_a_consistent_patch_tells_the_label_and_a_random_one_does_not():
    labels = data._scans()[1]
    told = {
        kind: [
            int(item.image[item.decoy][0, 0])
            for item in (data.picture(int(number), patch=kind) for number in data.numbers("test"))
        ]
        for kind in ("consistent", "random")
    }
    true = [data.level(int(labels[number])) for number in data.numbers("test")]
    assert told["consistent"] == true
    assert len(set(true)) == 10
    assert min(true) > 0  # a black patch would not be seen
    agree = np.mean(np.array(told["random"]) == np.array(true))
    assert agree == pytest.approx(0.1, abs=0.04)  # 600 draws with chance 1/10: ± 3.3 standard errors
    assert set(told["random"]) == set(true)


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match="no split 'val'; allowed: train, test"):
        list(data.samples(split="val"))
    with pytest.raises(ValueError, match="no patch 'loud'; allowed: consistent, random, absent"):
        data.picture(0, patch="loud")


def test_samples_stream_with_both_regions():
    samples = list(data.samples())[:20]
    loaded = list(stream(samples, Geometry(), regions=("object", "decoy")))
    assert all(isinstance(item, Loaded) for item in loaded)
    for item in loaded:
        drawn = data.picture(int(item.sample.id.removeprefix("digit-")), patch="consistent")
        assert np.array_equal(item.pixels, drawn.image)
        assert np.array_equal(item.masks["object"], drawn.strokes)
        assert np.array_equal(item.masks["decoy"], drawn.decoy)


def test_without_a_patch_there_is_no_mask_of_it():
    sample = next(data.samples(patch="absent"))
    assert set(sample.masks) == {"object"}


def test_a_cell_of_the_map_sees_as_much_as_the_model_says():
    network = model.network()
    image = torch.zeros(1, 1, data.CANVAS, data.CANVAS, requires_grad=True)
    for layer in network.features:
        if isinstance(layer, torch.nn.Conv2d):
            torch.nn.init.ones_(layer.weight)
            torch.nn.init.ones_(layer.bias)
    grid = network.features(image)
    assert grid.shape[2:] == (18, 18)
    # Max pooling hands the gradient to one of four equal pixels, so one pixel may be missing at an edge.
    grid[0, :, 9, 9].sum().backward()
    rows = image.grad[0, 0].any(1).nonzero().flatten()
    assert 13 <= int(rows[-1] - rows[0]) + 1 <= 14


@pytest.mark.parametrize("name", measure.NETWORKS)
def test_weights_are_small_and_are_those_of_the_spec(name):
    file = AUDITS / f"digits/{name}.safetensors"
    spec = read(SPEC)
    written = (spec.model if name == "honest" else spec.models[name]).weights
    assert written.path == f"digits/{name}.safetensors"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 300_000


@pytest.mark.parametrize("name", measure.NETWORKS)
def test_committed_weights_have_the_accuracies_of_the_readme(name):
    network = measure.load(name)
    found = [measure.accuracy(network, kind).value for kind in ("consistent", "random", "absent")]
    assert found == pytest.approx(cells(README, name), abs=0.005)


@pytest.mark.slow
def test_the_audit_passes_the_honest_network_and_fails_the_decoy(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        "on-the-strokes": "PASS",
        "off-the-patch": "PASS",
        "where-it-errs": "PASS",
        "decoy-on-the-strokes": "PASS",
        "decoy-off-the-patch": "PASS",
        "maps-show-the-network": "PASS",
        "decoy-maps-show-the-network": "PASS",
        "one-pixel": "PASS",
        "decoy-one-pixel": "PASS",
        "in-poor-light": "PASS",
        "decoy-in-poor-light": "PASS",
        "no-shortcut-proposed": "INCONCLUSIVE",
        "decoy-shortcut-proposed": "PASS",
    }
    assert not result.blocks
    honest, decoy = ({item.word for item in check.findings} for check in result.checks[-2:])
    assert "SHORTCUT" in decoy
    assert honest == {"", "BOUNDED"}
    assert {item.origin for check in result.checks[-2:] for item in check.hypotheses} == {"proposed"}
    gated = {check.id: check.findings[0] for check in result.checks}
    for name in ("decoy-on-the-strokes", "decoy-off-the-patch"):
        assert gated[name].status == "FAIL"
    for name in ("on-the-strokes", "decoy-on-the-strokes", "off-the-patch", "decoy-off-the-patch"):
        stated = cells(README, f"`{name}`", nth=1)[0]
        assert gated[name].value == pytest.approx(stated, abs=0.01), name
    errs = {item.name: item for check in result.checks for item in check.findings if check.kind == "errors"}
    assert errs["error_rate"].value == pytest.approx(0.0275, abs=0.005)
    assert errs["inside"].value == pytest.approx(0.56, abs=0.03)
    assert errs["difference"].lower > 0
    # A clear margin on both sides of the gate, and well above what any digit of the class would get.
    honest = gated["on-the-strokes"]
    assert honest.lower - honest.bound > 0.05
    assert honest.bound - gated["decoy-on-the-strokes"].upper > 0.1
    shuffled = next(control for control in honest.controls if control.name == "shuffled_mask")
    assert honest.lower - shuffled.upper > 0.1


@pytest.mark.slow
def test_training_again_reaches_the_stated_accuracy():
    network = train.train("random")
    assert measure.accuracy(network, "random").value >= 0.95
    assert measure.accuracy(network, "absent").value >= 0.95


def test_training_is_deterministic():
    first, second = (train.train("consistent", epochs=1).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
