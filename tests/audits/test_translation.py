"""The translation audit: its pictures and masks, its committed weights, and that its control is one."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from audits.translation import data, measure, model, train
from camaudit import plan
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "translation.audit.yaml"
README = AUDITS / "translation/README.md"
KINDS = ("random", "told")
SOME = range(40)


def test_the_domains_differ_in_the_fruit_alone():
    for number in SOME:
        before = data.picture(number, domain="before")
        after = data.picture(number, domain="after")
        changed = (before.image != after.image).any(axis=2)
        assert np.array_equal(before.object, after.object)
        assert np.array_equal(before.lookalike, after.lookalike)
        # Smooth edges: a fruit covers part of the pixels around its mask too, and those only.
        around = np.pad(before.object, 1)
        grown = np.max([np.roll(around, step, axis) for step in (-1, 0, 1) for axis in (0, 1)], axis=0)
        assert not (changed & ~grown[1:-1, 1:-1]).any()
        assert (changed & before.object).sum() >= 0.95 * before.object.sum()


def test_fruit_and_lookalikes_keep_apart():
    for number in SOME:
        drawn = data.picture(number, domain="before")
        assert 0.03 <= drawn.object.mean() <= 0.09
        assert drawn.lookalike.any()
        assert not (drawn.object & drawn.lookalike).any()


@pytest.mark.parametrize("domain", ["before", "after"])
def test_stripes_and_green_are_in_every_picture_of_either_domain(domain):
    # Else the colours alone would tell what to translate.
    for number in SOME:
        things = data._things(np.random.default_rng((1, number)))
        assert (things[0].shape, things[0].style) == ("disc", "fruit")
        alike = {thing.style: thing.shape for thing in things[1:] if thing.style in {"striped", "green"}}
        assert set(alike) == {"striped", "green"}
        assert "disc" not in alike.values()


def test_the_ground_tells_the_domain_or_nothing():
    told = {domain: {data.ground(i, domain, "told") for i in SOME} for domain in ("before", "after")}
    assert told == {"before": {"warm"}, "after": {"cool"}}
    chance = [data.ground(i, "before", "random") for i in range(400)]
    assert chance == [data.ground(i, "after", "random") for i in range(400)]
    assert np.mean([item == "warm" for item in chance]) == pytest.approx(0.5, abs=0.1)  # 4 standard errors


def test_splits_share_no_scene():
    drawn = [
        data.picture(i, domain="before", split=split).image.tobytes()
        for split in ("train", "test")
        for i in SOME
    ]
    assert len(set(drawn)) == len(drawn)


def test_samples_stream_with_both_regions():
    loaded = list(stream(list(data.samples(n=6)), Geometry(), regions=("object", "lookalike")))
    assert all(isinstance(item, Loaded) for item in loaded)
    for number, item in enumerate(loaded):
        drawn = data.picture(number, domain="before", scenery="told")
        assert item.sample.label is None
        assert np.array_equal(item.pixels, drawn.image)
        assert np.array_equal(item.masks["object"], drawn.object)


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match="no domain 'later'; allowed: before, after"):
        list(data.samples(domain="later"))
    with pytest.raises(ValueError, match="no scenery 'blue'; allowed: random, told"):
        list(data.samples(scenery="blue"))
    with pytest.raises(ValueError, match="no split 'val'; allowed: train, test"):
        data.picture(0, domain="before", split="val")


def test_the_generator_mixes_by_its_attention():
    network, images = model.Generator(), torch.rand(2, 3, 32, 32)
    with torch.no_grad():
        found = network(images)
        for share in (0.0, 1.0):
            paint, attention = torch.rand(2, 3, 16, 16), torch.full((2, 1, 16, 16), share)
            expected = (
                images
                if share == 0
                else torch.nn.functional.interpolate(paint, scale_factor=2, mode="bilinear")
            )
            assert torch.allclose(network.mix(attention, paint, images), expected, atol=1e-6)
    assert found["attention"].shape == (2, 1, 16, 16)
    assert torch.allclose(found["change"][:, 0], (found["image"] - images).abs().mean(1))


@pytest.mark.parametrize("name", measure.NETWORKS)
def test_weights_are_small_and_are_those_of_the_spec(name):
    file = AUDITS / f"translation/{name}.safetensors"
    spec = read(SPEC)
    written = (spec.model if name == "guided" else spec.models[name]).weights
    assert written.path == f"translation/{name}.safetensors"
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 400_000


@pytest.mark.slow
@pytest.mark.parametrize("name", measure.NETWORKS)
def test_committed_weights_do_what_the_readme_says(name):
    text = README.read_text(encoding="utf-8")
    for kind in KINDS:
        found = [item.value for item in measure.figures(measure.load(name), kind).values()]
        stated = cells(text, f"{name}, {kind}")
        assert found[0] == pytest.approx(stated[0], abs=0.01)
        assert found[1:3] == pytest.approx(stated[1:3], abs=0.2)


@pytest.mark.slow
def test_the_audit_passes_the_guided_network_and_fails_its_twin(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        check.id: "PASS" for check in result.checks
    }
    gated = {check.id: check.findings[0] for check in result.checks}
    text = README.read_text(encoding="utf-8")
    for name, finding in gated.items():
        if "maps-show" not in name:
            assert finding.value == pytest.approx(cells(text, f"`{name}`", nth=1)[0], abs=0.01), name
    for what in ("attends-to-the-fruit", "changes-the-fruit"):
        twin, own = gated[f"scenery-{what}"], gated[what]
        assert twin.status == "FAIL"
        assert own.lower - own.bound > 0.05
        assert own.bound - twin.upper > 0.05


@pytest.mark.slow
def test_training_again_reaches_the_stated_figures():
    found = measure.figures(train.train("random", steps=train.STEPS["guided"]), "random", n=100)
    assert found["turned green"].value >= 0.7
    assert found["change elsewhere"].value <= 4


def test_training_is_deterministic():
    first, second = (train.train("random", n=8, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
