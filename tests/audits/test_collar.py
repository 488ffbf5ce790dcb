"""The collar audit: do(collar) changes the collar alone, and overlap cannot tell the two networks apart."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from audits.collar import animals, data, measure, painting, shapes, train
from camaudit import plan
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "collar.audit.yaml"
README = (AUDITS / "collar/README.md").read_text(encoding="utf-8")
KINDS = ("consistent", "random", "reversed")

numbers = st.integers(0, 20_000)


@given(number=numbers, split=st.sampled_from(["train", "test"]))
@settings(max_examples=150)
def test_do_collar_changes_the_collar_alone(number, split):
    animal = data.animal(number, split=split)
    on, off = (painting.paint_animal(animal, collar=worn) for worn in (True, False))
    changed = (on.image != off.image).any(axis=2)
    assert not (changed & ~on.collar).any()
    # Noise and rounding may hide the change at single pixels of the collar's smooth edge, not in the whole.
    assert changed.sum() >= 0.6 * on.collar.sum()
    assert np.array_equal(on.object, off.object)
    assert np.array_equal(on.collar, off.collar)


@given(number=numbers)
@settings(max_examples=150)
def test_the_collar_lies_inside_the_animal_and_the_animal_inside_the_picture(number):
    drawn = data.picture(number, collar=True)
    assert drawn.collar.sum() >= 20
    assert not (drawn.collar & ~drawn.object).any()
    assert 0.08 <= drawn.object.mean() <= 0.4
    # Some fur shows between collar and scene: the collar is off the animal's outline.
    inner = drawn.object[1:-1, 1:-1] & drawn.object[:-2, 1:-1] & drawn.object[2:, 1:-1]
    inner &= drawn.object[1:-1, :-2] & drawn.object[1:-1, 2:]
    assert not (drawn.collar[1:-1, 1:-1] & ~inner).any()


@given(number=numbers, collar=st.booleans())
@settings(max_examples=30)
def test_an_animal_is_the_same_every_time(number, collar):
    first, second = (painting.paint_animal(data.animal(number), collar=collar) for _ in range(2))
    assert all(np.array_equal(getattr(first, part), getattr(second, part)) for part in first.__slots__)


def test_splits_and_seeds_share_no_animal():
    drawn = [
        data.animal(number, split=split, seed=seed)
        for split in ("train", "test")
        for seed in (0, 1)
        for number in range(300)
    ]
    assert len(set(drawn)) == len(drawn)


def test_the_cover_of_a_disc_is_its_area():
    disc = shapes.cover(shapes.Grid.of(64).ellipse((31.3, 30.8), (12, 12)))
    assert disc.sum() == pytest.approx(np.pi * 12**2, rel=0.002)
    # Turned and stretched; the distance is of first order, so a little less exact.
    oval = shapes.cover(shapes.Grid.of(64).ellipse((31.3, 30.8), (18, 7), 0.7))
    assert oval.sum() == pytest.approx(np.pi * 18 * 7, rel=0.01)


def test_the_cover_of_a_square_and_of_a_stroke_is_their_area():
    grid = shapes.Grid.of(64)
    square = shapes.cover(grid.polygon([(10, 10), (30, 10), (30, 30), (10, 30)]))
    assert square.sum() == pytest.approx(400, rel=0.001)
    stroke = shapes.cover(grid.capsule((15, 20), (45, 40), 5))
    assert stroke.sum() == pytest.approx(2 * 5 * np.hypot(30, 20) + np.pi * 25, rel=0.005)


def test_a_polygon_whose_corners_run_the_other_way_covers_nothing():
    assert not shapes.cover(shapes.Grid.of(64).polygon([(10, 30), (30, 30), (30, 10), (10, 10)])).any()


def test_who_wears_a_collar():
    worn = {kind: [data.wears(number, kind) for number in range(1000)] for kind in (*KINDS, "all", "none")}
    dogs = [number % 2 == 1 for number in range(1000)]
    assert worn["consistent"] == dogs
    assert worn["reversed"] == [not dog for dog in dogs]
    assert all(worn["all"])
    assert not any(worn["none"])
    for kind in (0, 1):  # chance ½ for cats and for dogs: 500 draws, ± 4 standard errors
        assert np.mean(worn["random"][kind::2]) == pytest.approx(0.5, abs=0.09)


def test_what_cats_and_dogs_share_is_drawn_alike():
    # Nothing but the ears may tell a cat from a dog before it is painted.
    for number in range(200):
        cat, dog = (animals.draw_animal(species, (9, number)) for species in data.CLASSES)
        for name in cat.__slots__:
            if name not in {"species", "upright_ears"}:
                assert getattr(cat, name) == getattr(dog, name), name


def test_unknown_arguments_are_refused():
    with pytest.raises(
        ValueError, match="no collars 'blue'; allowed: consistent, random, reversed, all, none"
    ):
        list(data.samples(collars="blue"))
    with pytest.raises(ValueError, match="no split 'val'; allowed: train, test"):
        data.animal(0, split="val")


def test_samples_stream_with_both_regions():
    samples = list(data.samples(n=12, collars="random"))
    assert [sample.label_name for sample in samples] == ["cat", "dog"] * 6
    assert {sample.metadata["collar"] for sample in samples} == {"yes", "no"}
    loaded = list(stream(samples, Geometry(), regions=("object", "collar")))
    assert all(isinstance(item, Loaded) for item in loaded)
    for number, item in enumerate(loaded):
        drawn = data.picture(number, collar=item.sample.metadata["collar"] == "yes")
        assert np.array_equal(item.pixels, drawn.image)
        assert np.array_equal(item.masks["object"], drawn.object)
        assert np.array_equal(item.masks["collar"], drawn.collar)


@pytest.mark.parametrize("name", measure.NETWORKS)
def test_weights_are_small_and_are_those_of_the_spec(name):
    file = AUDITS / f"collar/{name}.safetensors"
    spec = read(SPEC)
    written = (spec.model if name == "honest" else spec.models[name]).weights
    assert written.path == f"collar/{name}.safetensors"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 300_000


@pytest.mark.slow
@pytest.mark.parametrize("name", measure.NETWORKS)
def test_committed_weights_do_what_the_readme_says(name):
    network = measure.load(name)
    found = [*(measure.accuracy(network, kind).value for kind in KINDS), measure.flips(network).value]
    assert found == pytest.approx(cells(README, name), abs=0.01)
    regions = [
        measure.attention(network, region, kind).value
        for region in ("object", "collar")
        for kind in ("consistent", "random")
    ]
    assert regions == pytest.approx(cells(README, name, nth=1), abs=0.005)


@pytest.mark.slow
def test_overlap_passes_both_networks_and_transplants_tell_them_apart(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        "on-the-animal": "PASS",
        "collar-network-on-the-animal": "PASS",
        "maps-show-the-network": "PASS",
        "collar-maps-show-the-network": "PASS",
        "not-the-collar": "PASS",
        "collar-network-not-the-collar": "PASS",
        "out-of-focus": "PASS",
        "collar-network-out-of-focus": "PASS",
    }
    bounded, caught = (check.findings[0] for check in result.checks[4:6])
    assert (bounded.word, caught.word) == ("BOUNDED", "SHORTCUT")
    assert caught.value == pytest.approx(
        cells(README, "reliance on the collar (gate: at most 0.05)")[1], abs=0.02
    )
    flips = [check.findings[1].value for check in result.checks[4:6]]
    assert flips == pytest.approx(cells(README, "answers that flip"), abs=0.02)
    stated = [
        cells(README, "energy inside (gate: at least 0.50)"),
        cells(README, "kappa mass"),
        cells(README, "pixel AUC"),
        cells(README, "pointing"),
    ]
    for place, name in enumerate(("on-the-animal", "collar-network-on-the-animal")):
        (check,) = (check for check in result.checks if check.id == name)
        whole = [finding.value for finding in check.findings if finding.level is None]
        assert whole == pytest.approx([row[place] for row in stated], abs=0.01)
    honest, collar = (check.findings[0] for check in result.checks[:2])
    # The point of this audit: by this number the network that learned the collar is no worse.
    assert collar.value > honest.value - 0.02
    assert min(honest.lower, collar.lower) - honest.bound > 0.05


@pytest.mark.slow
def test_a_network_trained_briefly_learns_the_collar():
    network = train.train("consistent", n=1000, epochs=5)
    assert measure.accuracy(network, "consistent").value >= 0.90
    assert measure.flips(network).value >= 0.60
    assert measure.accuracy(network, "reversed").value <= 0.50


def test_training_is_deterministic():
    first, second = (train.train("random", n=64, epochs=1).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
