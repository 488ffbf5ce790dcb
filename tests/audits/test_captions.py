"""The captions audit: its scenes and masks, its committed weights, and its figures."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from audits.captions import data, looks, measure, model, train
from camaudit import plan
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "captions.audit.yaml"
README = AUDITS / "captions/README.md"
SOME = range(60)


def test_a_caption_says_what_is_drawn():
    for number in SOME:
        drawn = data.scene(number)
        first, second = drawn.things
        assert drawn.caption[1:3] == (first.colour, first.shape)
        assert drawn.caption[6:] == (second.colour, second.shape)
        assert first.colour != second.colour
        assert first.shape != second.shape
        (y1, x1), (y2, x2) = (np.argwhere(mask).mean(0) for mask in drawn.masks)
        beside = abs(x2 - x1) > abs(y2 - y1)
        assert drawn.caption[3] == ("left" if beside else "above")
        assert x1 < x2 if beside else y1 < y2
        assert set(drawn.caption) <= set(data.WORDS)


def test_a_mask_is_where_its_colour_is():
    for number in SOME:
        drawn = data.scene(number)
        for thing, mask in zip(drawn.things, drawn.masks, strict=True):
            assert 0.02 <= mask.mean() <= 0.14
            seen = np.median(drawn.image[mask], axis=0) / 255
            assert seen == pytest.approx(data.COLOURS[thing.colour], abs=0.06)
        assert not (drawn.masks[0] & drawn.masks[1]).any()


@pytest.mark.parametrize("which", [0, 1])
@pytest.mark.parametrize("what", ["colour", "shape"])
def test_a_change_is_seen_on_its_object_alone(which, what):
    for number in range(20):
        before, after = data.scene(number), data.scene(number, change=(which, what))
        place = (1 if which == 0 else 6) + (what == "shape")
        pairs = zip(before.caption, after.caption, strict=True)
        assert [i for i, (old, new) in enumerate(pairs) if old != new] == [place]
        assert len({getattr(thing, what) for thing in (*before.things, *after.things)}) == 3
        changed = (before.image != after.image).any(axis=2)
        thing = before.things[which]
        y, x = np.argwhere(changed).T + 0.5
        assert (np.hypot(x - thing.x, y - thing.y) <= thing.radius + 1.5).all()
        assert np.array_equal(before.masks[1 - which], after.masks[1 - which])


def test_splits_share_no_scene():
    drawn = [data.scene(i, split=split).image.tobytes() for split in ("train", "test") for i in SOME]
    assert len(set(drawn)) == len(drawn)


def test_a_sample_for_every_content_word():
    samples = list(data.samples(n=3))
    assert [sample.label_name for sample in samples[:4]] == list(data.CONTENT)
    assert [sample.label for sample in samples[:4]] == [0, 1, 2, 3]
    assert {sample.group for sample in samples[:4]} == {"scene-0000"}
    loaded = list(stream(samples, Geometry(), regions=("object", "other")))
    assert all(isinstance(item, Loaded) for item in loaded)
    for place, item in enumerate(loaded):
        masks = data.scene(place // 4).masks
        own = 0 if item.sample.label in {0, 1} else 1
        assert np.array_equal(item.masks["object"], masks[own])
        assert np.array_equal(item.masks["other"], masks[1 - own])


def test_a_sample_for_every_caption_has_both_objects():
    (sample,) = data.samples(n=1, what="captions")
    assert (sample.label, sample.label_name) == (4, "whole caption")
    masks = data.scene(0).masks
    assert np.array_equal(sample.masks["object"].read(32, 32), masks[0] | masks[1])
    assert "other" not in sample.masks


def test_unknown_arguments_are_refused():
    with pytest.raises(ValueError, match="no 'letters'; allowed: words, captions"):
        list(data.samples(what="letters"))
    with pytest.raises(ValueError, match="no split 'val'; allowed: train, test"):
        data.scene(0, split="val")


def test_scores_are_the_likelihood_of_what_it_says():
    torch.manual_seed(0)
    network, images = model.Captioner().eval(), torch.rand(3, 3, 32, 32)
    with torch.no_grad():
        found = network(images)
        logs = network.teach(images, found["caption"])
    words = logs.gather(2, found["caption"][:, :, None])[:, :, 0]
    assert torch.equal(logs.argmax(2), found["caption"])
    assert torch.allclose(found["scores"][:, :4], words[:, [1, 2, 6, 7]], atol=1e-5)
    assert torch.allclose(found["scores"][:, 4], words.sum(1), atol=1e-5)


def test_the_blind_baseline_is_near_chance():
    found = measure.blind()
    assert found["first colour"].value == pytest.approx(1 / 4, abs=0.07)
    assert found["second shape"].value == pytest.approx(1 / 3, abs=0.07)
    assert found["relation"].value == pytest.approx(1 / 2, abs=0.09)
    assert found["whole caption"].value <= 0.03


def test_what_words_hang_on_is_told_by_a_network_that_reads_the_first_object_alone(monkeypatch):
    # It says the first object's colour and shape in both slots: the second words hang on the wrong object.
    def said(_network, images):
        known = {}
        for change in (None, *((which, what) for which in (0, 1) for what in ("colour", "shape"))):
            drawn, captions = data.arrays(20, split="test", change=change)
            known |= {image.tobytes(): words for image, words in zip(drawn, captions, strict=True)}
        words = np.stack([known[image.tobytes()] for image in images])
        words[:, 6:] = words[:, 1:3]
        return words

    monkeypatch.setattr(measure, "_said", said)
    found = {slot: (a.value, b.value) for slot, (a, b) in measure.depends(None, n=20).items()}
    assert found["first colour"] == found["first shape"] == (1.0, 1.0)
    assert found["second colour"] == found["second shape"] == (0.0, 0.0)


def test_looks_of_a_known_map(monkeypatch):
    # All evidence on the first object: named by two of four words, the other one of the rest.
    def maps(_network, images, _slot, _method):
        return torch.from_numpy(np.stack([data.scene(i).masks[0] for i in range(len(images))])).float()

    monkeypatch.setattr(looks, "word_maps", maps)
    found = looks.looks(None, "hirescam", n=10)
    assert (found["named"].value, found["other"].value) == (0.5, 0.5)
    assert np.isnan(found["ratio"].value)  # 0 or infinite everywhere


def test_weights_are_small_and_are_those_of_the_spec():
    file = AUDITS / "captions/captions.safetensors"
    written = read(SPEC).model.weights
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 400_000


def test_committed_weights_are_right_on_some_scenes():
    assert measure.figures(measure.load(), n=100)["whole caption"].value >= 0.80


@pytest.mark.slow
def test_committed_weights_do_what_the_readme_says():
    text = README.read_text(encoding="utf-8")
    seeing, guessing = measure.figures(measure.load()), measure.blind()
    for name in measure.ROWS:
        assert cells(text, name)[:2] == pytest.approx([seeing[name].value, guessing[name].value], abs=0.01)


@pytest.mark.slow
def test_words_hang_on_their_object_as_the_readme_says():
    text = README.read_text(encoding="utf-8")
    for slot, (follows, stays) in measure.depends(measure.load()).items():
        stated = cells(text, f"hangs on: {slot}")
        assert [follows.value, stays.value] == pytest.approx(stated, abs=0.01)


@pytest.mark.slow
def test_the_audit_passes_with_the_figures_of_the_readme_and_warns_of_the_second_colour(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        check.id: "PASS" for check in result.checks
    }
    text = README.read_text(encoding="utf-8")
    for check in result.checks:
        if check.kind == "overlap":
            assert check.findings[0].value == pytest.approx(cells(text, f"`{check.id}`", nth=1)[0], abs=0.01)
    words = {finding.level: finding for finding in result.checks[0].findings if finding.by == "class"}
    for slot in data.CONTENT:
        assert words[slot].value == pytest.approx(cells(text, f"maps of: {slot}")[0], abs=0.01)
    assert words["second colour"].status == "FAIL"


@pytest.mark.slow
@pytest.mark.parametrize("method", ["hirescam", "gradcam"])
def test_maps_by_method_are_those_of_the_readme(method):
    found = [item.value for item in looks.looks(measure.load(), method).values()]
    assert found == pytest.approx(cells(README.read_text(encoding="utf-8"), method), abs=0.02)


@pytest.mark.slow
def test_trained_briefly_it_tells_colours():
    found = measure.figures(train.train(n=1500, steps=300), n=200)
    assert found["relation"].value >= 0.75
    assert found["first colour"].value >= 0.75


def test_training_is_deterministic():
    first, second = (train.train(n=8, steps=2).state_dict() for _ in range(2))
    assert all(torch.equal(first[key], second[key]) for key in first)
