"""The audit of a network of modules: its programs, the committed weights, the audit."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch

from audits.modules import measure, model
from audits.vqa import data
from audits.vqa.measure import right, tensors
from audits.vqa.scenes import COLOURS, SHAPES
from audits.vqa.train import train
from camaudit import plan
from camaudit.engine import run
from camaudit.spec import read
from tests.audits.readme import cells

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "modules.audit.yaml"
README = AUDITS / "modules/README.md"


def watched(question: str, seed: int = 0):
    """What each module put out in a forward of an untrained network on one image."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        made = model.network().eval()
    seen: dict[str, torch.Tensor] = {}
    for name, module in made.named_modules():
        module.register_forward_hook(lambda _module, _inputs, output, name=name: seen.update({name: output}))
    image = torch.rand(1, 3, 48, 48, generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        made(image, torch.from_numpy(data.encode(question))[None])
    return seen


def test_the_tokens_that_choose_modules_are_those_of_the_words():
    assert [data.WORDS[token] for token in model.COLOURS] == list(COLOURS)
    assert [data.WORDS[token] for token in model.SHAPES] == list(SHAPES)
    chosen = model.DIRECTIONS | model.QUERIES
    assert {name: data.WORDS[token] for name, token in chosen.items()} == {name: name for name in chosen}


def test_the_program_follows_from_the_question():
    seen = watched("what colour is the circle")
    assert torch.equal(seen["attention"], seen["shape"][:, :1])
    assert torch.equal(seen[""], seen["queries.colour"])
    seen = watched("what shape is the left red one")
    assert torch.equal(seen["attention"], seen["leftmost"])
    assert torch.equal(seen[""], seen["queries.shape"])
    seen = watched("is there a blue triangle")
    assert torch.equal(seen["attention"], torch.minimum(seen["colour"][:, 2:3], seen["shape"][:, 2:3]))
    assert torch.equal(seen[""], seen["queries.there"])


def test_a_direction_drops_and_never_adds():
    for direction in data.DIRECTIONS:
        seen = watched(f"what shape is the {direction} green one")
        assert bool((seen["attention"] <= seen["colour"][:, 1:2]).all())
        assert bool((seen["attention"] < seen["colour"][:, 1:2]).any())


def test_a_map_is_turned_so_that_the_direction_lies_left_and_back():
    maps = torch.rand(2, 1, 4, 4, generator=torch.Generator().manual_seed(0))
    edges = {"left": maps[..., 0], "right": maps[..., -1], "top": maps[..., 0, :], "bottom": maps[..., -1, :]}
    for place, (direction, edge) in enumerate(edges.items()):
        assert tuple(model.DIRECTIONS)[place] == direction
        there = model.turned(maps)[place]
        assert torch.equal(there[..., 0], edge)
        assert torch.equal(model.turned_back(there)[place], maps)


def test_a_direction_sees_the_whole_grid():
    assert sum(model.DILATIONS) >= 11


def test_questions_of_a_batch_have_programs_of_their_own():
    made = model.network().eval()
    images, tokens, _ = tensors(*data.arrays(10, "test"))
    with torch.no_grad():
        alone = torch.cat([made(images[row : row + 1], tokens[row : row + 1]) for row in range(10)])
        assert torch.allclose(made(images, tokens), alone, atol=1e-5)


def test_the_answer_sees_the_image_under_the_attention_alone():
    made = model.network().eval()
    tokens = torch.from_numpy(data.encode("what colour is the circle"))[None]
    made.shape.look[-1].bias.data.fill_(-1e4)  # no circle anywhere
    with torch.no_grad():
        one, other = (made(torch.rand(1, 3, 48, 48), tokens) for _ in range(2))
    assert torch.equal(one, other)


def test_weights_are_small_and_are_those_of_the_spec():
    file = AUDITS / "modules/modules.safetensors"
    written = read(SPEC).model.weights
    assert hashlib.sha256(file.read_bytes()).hexdigest() == written.sha256
    assert file.stat().st_size < 400_000
    assert tuple(read(SPEC).model.classes) == data.ANSWERS


def test_committed_weights_are_right_about_as_often_as_the_readme_says():
    stated = cells(README.read_text(encoding="utf-8"), "network")[0]
    found = right(measure.load(), 500)
    assert found.mean() == pytest.approx(stated, abs=4 * np.sqrt(stated * (1 - stated) / 500))


@pytest.mark.slow
def test_training_again_reaches_more_than_the_question_alone():
    assert right(train(model.network, questions=2000, epochs=4), 500).mean() > 0.5


@pytest.mark.slow
def test_the_audit_has_the_figures_of_the_readme(tmp_path):
    result = run(plan.make(read(SPEC)), tmp_path)
    text = README.read_text(encoding="utf-8")
    assert not any(check.blocks for check in result.checks)
    for check in result.checks:
        if check.kind == "overlap":
            assert check.findings[0].value == pytest.approx(
                cells(text, f"`{check.id}`", nth=-1)[0], abs=0.01
            ), check.id
