"""Audits of networks that take a question beside the image, from the spec to the verdict."""

from __future__ import annotations

import pytest

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.engine.preflight import examine
from camaudit.engine.show import show
from camaudit.spec import read
from tests.small_audit import overlap, write

ASKED = """
from functools import partial

import numpy as np
import torch
from torch import nn

from camaudit import Sample
from camaudit.data.masks import MaskArray
from tests.small_audit import picture


class Asked(nn.Module):
    # Asked for 0 it looks at red, asked for 1 at green; both halves of the picture have a square each.
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(3, 2, 1), nn.ReLU())
        self.head = nn.Linear(2, 2)
        with torch.no_grad():
            self.features[0].weight.copy_(torch.tensor([[1.0, 0, 0], [0, 1.0, 0]])[:, :, None, None])
            self.features[0].bias.fill_(-0.5)
            self.head.weight.copy_(torch.tensor([[1.0, 1.0], [-1.0, -1.0]]))
            self.head.bias.zero_()

    def forward(self, images, question):
        seen = self.features(images).mean((2, 3))
        return self.head(seen * nn.functional.one_hot(question, 2))


def network():
    return Asked()


def pair(number):
    (red, one), (green, other) = picture(2 * number), picture(2 * number + 1)
    masks = [np.concatenate(item, 1) for item in ((one, other & False), (one & False, other))]
    return np.concatenate((red, green), 1), masks


def mask(number, which):
    return pair(number)[1][which]


def samples(n=12, form="good"):
    for number in range(n):
        image = pair(number)[0]
        question = np.array(number % 2)
        if form == "unequal" and number == 3:
            question = np.array([1, 2])
        if form == "text":
            question = np.array("red")
        yield Sample(
            id=f"pair-{number}", image=lambda image=image: image, label=0,
            masks={
                "object": MaskArray(array=partial(mask, number, number % 2)),
                "other": MaskArray(array=partial(mask, number, 1 - number % 2)),
            },
            inputs={} if form == "none" else {"question": question},
        )


def difference(logits, labels, inputs):
    assert len(inputs["question"]) == len(logits)
    return logits[:, 0] - logits[:, 1]
"""


def spec(tmp_path, *checks, form="good", **changes):
    model = {"factory": "asked:network", "classes": ["yes", "no"], "preprocess": {"resize": [16, 32]}}
    path = write(
        tmp_path,
        *checks,
        model={**model, "weights": "random", **changes},
        data={"pairs": {"factory": "asked:samples", "arguments": {"form": form}}},
    )
    (tmp_path / "asked.py").write_text(ASKED, encoding="utf-8")
    return plan.make(read(path))


def checks(work, tmp_path, batch_size=5):
    found = run(work, tmp_path / "reports", Options(batch_size=batch_size)).checks
    return {item.id: item for item in found}


def test_each_image_is_asked_its_own_question(tmp_path):
    pytest.importorskip("captum")
    methods = ("gradcam", "input_gradient", "occlusion")
    work = spec(
        tmp_path,
        *(overlap(name, maps={"method": name, "target": "label"}) for name in methods),
        overlap("other", mask="other", maps={"target": "label"}, gate={"at_most": 0.4}),
        overlap("likelihood", maps={"target": {"log_likelihood": "label"}}),
        overlap("function", maps={"target": "asked:difference"}),
    )
    found = checks(work, tmp_path)
    assert {name: item.status for name, item in found.items()} == dict.fromkeys(found, "PASS")


def test_batches_change_nothing(tmp_path):
    one, other = (
        checks(spec(tmp_path, overlap("a")), tmp_path, batch_size=size)["a"].findings[0].value
        for size in (1, 12)
    )
    assert one == pytest.approx(other, rel=1e-6)


def test_randomised_copies_are_asked_as_well(tmp_path):
    work = spec(tmp_path, {"id": "sane", "kind": "sanity", "maps": {"target": "label"}})
    assert checks(work, tmp_path)["sane"].status != "ERROR"


def test_preflight_and_show_bind_the_question(tmp_path):
    work = spec(tmp_path, overlap("a", maps={"target": "asked:difference"}))
    assert {note.verdict for note in examine(work)} == {"ok"}
    assert {item.status for item in show(work, "pair-1").maps} == {"ok"}


@pytest.mark.parametrize(
    ("form", "message"),
    [
        ("none", "the network takes 'question' beside the image, and is given nothing"),
        (
            "unequal",
            r"sample pair-3: it brings question (int64 [2]), and sample pair-0 brings question (int64 [])",
        ),
        ("text", "sample pair-0: input 'question' is <U3; an array of numbers is needed"),
    ],
)
def test_inputs_that_do_not_fit_are_an_error_before_and_in_the_run(tmp_path, form, message):
    work = spec(tmp_path, overlap("a"), form=form)
    assert [note.verdict for note in examine(work) if message in note.text] == ["error"]
    found = checks(work, tmp_path)["a"]
    assert found.status == "ERROR"
    assert message in found.headline


def test_a_network_of_images_alone_refuses_samples_with_questions(tmp_path):
    found = checks(spec(tmp_path, overlap("a"), factory="squares_nets:good"), tmp_path)["a"]
    assert found.status == "ERROR"
    assert "the network takes no input 'question'" in found.headline
