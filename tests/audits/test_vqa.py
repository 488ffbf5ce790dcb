"""The audit of questions about scenes: scenes, masks, answers, the committed weights, the audit."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch

from audits.vqa import data, measure, model, train
from audits.vqa.scenes import APART, COLOURS, SHAPES, SIZE, farther
from camaudit import plan
from camaudit.data.geometry import Geometry
from camaudit.data.stream import Loaded, stream
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "vqa.audit.yaml"
README = AUDITS / "vqa/README.md"
SOME = [
    data.ask.__wrapped__(number, split="test", family=family)
    for family in data.FAMILIES
    for number in range(40)
]


def named(asked):
    """The things that fit what the question says of them, but for the direction."""
    said = asked.question.split()
    return [
        thing
        for thing in asked.things
        if all(word in {thing.colour, thing.shape} for word in said if word in {*COLOURS, *SHAPES})
    ]


@pytest.mark.parametrize("asked", SOME, ids=lambda item: item.question)
def test_the_answer_is_right_and_the_thing_is_the_one_asked_about(asked):
    fitting, said = named(asked), asked.question.split()
    if asked.family == "exists":
        assert asked.answer == ("yes" if fitting else "no")
        assert fitting == (list(asked.things[:1]) if asked.present else [])
        return
    where = next((word for word in said if word in data.DIRECTIONS), None)
    if where is None:
        assert len(fitting) == 1
    else:
        assert len(fitting) == 2
        assert farther(fitting[0], fitting[1], where) >= APART
    assert fitting[0] == asked.things[0]
    assert asked.answer == (fitting[0].colour if said[1] == "colour" else fitting[0].shape)
    # Whoever takes the other of two like things is wrong.
    assert all((item.colour if said[1] == "colour" else item.shape) != asked.answer for item in fitting[1:])


def test_masks_are_the_pixels_that_were_painted():
    for asked in SOME:
        assert (asked.object & asked.others).sum() == 0
        assert asked.object.any() == asked.present
        assert asked.others.any()
        for thing in asked.things:
            mask = thing.mask()
            assert 50 < mask.sum() < 250
            assert not np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]]).any()
            inside = np.median(asked.image[mask].astype(float), axis=0)
            assert np.abs(inside - COLOURS[thing.colour]).max() < 30
        ground = asked.image[~(asked.object | asked.others)].astype(float)
        assert np.ptp(np.median(ground, axis=0)) < 5  # grey: no thing reaches beyond its mask


@pytest.mark.parametrize("family", data.FAMILIES)
def test_answers_are_balanced_and_the_question_does_not_tell(family):
    asked = [data.ask.__wrapped__(number, split="train", family=family) for number in range(600)]
    counts = Counter(item.answer for item in asked)
    expected = 600 / len(counts)
    assert len(counts) == {"c": 4, "s": 3, "e": 2}[family[0]]
    assert all(abs(count - expected) < 4 * np.sqrt(expected) for count in counts.values())
    if family == "exists":  # the number of things does not tell either
        sizes = [{len(item.things) for item in asked if item.answer == answer} for answer in ("yes", "no")]
        assert sizes[0] == sizes[1] == {3, 4}


def test_splits_share_no_scene_and_are_the_same_every_time():
    one, other = (data.ask.__wrapped__(3, split="train", family="colour") for _ in range(2))
    assert np.array_equal(one.image, other.image)
    pictures = {
        split: {
            data.ask.__wrapped__(number, split=split, family="shape").image.tobytes() for number in range(200)
        }
        for split in ("train", "test")
    }
    assert not pictures["train"] & pictures["test"]


def test_samples_are_about_things_that_are_there():
    loaded = list(stream(list(data.samples(n=30)), Geometry(), regions=("object", "others")))
    assert all(isinstance(item, Loaded) for item in loaded)
    assert all(item.masks["object"].any() and item.masks["others"].any() for item in loaded)
    assert all(item.pixels.shape == (SIZE, SIZE, 3) for item in loaded)
    assert {item.sample.label_name for item in loaded} <= set(data.ANSWERS) - {"no"}
    assert len({item.sample.id for item in loaded}) == 30
    assert all(item.sample.inputs["question"].shape == (data.LENGTH,) for item in loaded)


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match="no split 'val'; allowed: train, test"):
        data.ask(0, split="val", family="colour")
    with pytest.raises(ValueError, match="no family 'size'; allowed: colour, colour-where"):
        data.ask(0, split="test", family="size")


def test_the_network_has_a_word_and_an_answer_for_each():
    assert len(data.WORDS) == model.WORDS
    assert len(data.ANSWERS) == model.ANSWERS
    assert tuple(read(SPEC).model.classes) == data.ANSWERS
    made = model.network().eval()
    seen = {}
    made.fused.register_forward_hook(lambda _module, _inputs, output: seen.update(shape=output.shape))
    assert made(torch.rand(2, 3, SIZE, SIZE), torch.zeros(2, data.LENGTH, dtype=torch.int64)).shape == (2, 9)
    assert tuple(seen["shape"][2:]) == (12, 12)


def test_weights_are_small_and_are_those_of_the_spec():
    file = AUDITS / "vqa/vqa.safetensors"
    written = read(SPEC).model.weights
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 400_000


def test_committed_weights_are_right_about_as_often_as_the_readme_says():
    stated = cells(README.read_text(encoding="utf-8"), "network")[0]
    found = measure.right(measure.load(), 500)
    assert found.mean() == pytest.approx(stated, abs=4 * np.sqrt(stated * (1 - stated) / 500))


def test_the_question_alone_is_of_little_use():
    assert measure.question_only(500).mean() < 0.45
    assert measure.majority(500).mean() < 0.25


def test_training_is_deterministic_and_learns():
    first, second = (train.train(model.network, questions=320, epochs=2) for _ in range(2))
    assert all(torch.equal(value, second.state_dict()[name]) for name, value in first.state_dict().items())


@pytest.mark.slow
def test_training_again_reaches_more_than_the_question_alone():
    made = train.train(model.network, questions=4000, epochs=5)
    assert measure.right(made, 500).mean() > measure.question_only(500).mean() + 0.08


@pytest.mark.slow
def test_the_audit_passes_with_the_figures_of_the_readme(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        check.id: "PASS" for check in read(SPEC).checks
    }
    text = README.read_text(encoding="utf-8")
    for check in result.checks:
        if check.kind == "overlap":
            assert check.findings[0].value == pytest.approx(
                cells(text, f"`{check.id}`", nth=-1)[0], abs=0.01
            ), check.id
