"""Networks that take more than the image: every forward of every method gets the rows of its images."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from camaudit import Classifier, attention_map, registry
from camaudit.contract.network import Attended, seeded
from camaudit.errors import MapError, ModelError
from camaudit.maps.compute import Request, compute
from camaudit.targets import Scalar, resolve, take
from tests.maps.networks import pictures

TARGETS = torch.tensor([0, 1, 4, 1])
QUESTIONS = torch.tensor([[0, 2], [1, 1], [2, 0], [1, 2]])
EXTRA = {"integrated_gradients": "captum", "occlusion": "captum", "lime": "captum"}


class Asked(Attended):
    """Features are scaled by what is asked."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(3, 6)

    def forward(self, x: Tensor, question: Tensor) -> Tensor:
        x = self.relu1(self.norm(self.stem(x))) * (1 + self.words(question).sum(1))[:, :, None, None]
        gate = nn.functional.interpolate(self.look(x), size=x.shape[2:])
        return self.fc(self.drop(self.relu2(self.conv(x * gate)).mean((2, 3))))


def asked(questions: Tensor = QUESTIONS) -> Classifier:
    return Classifier(module=seeded(Asked)).given({"question": questions})


def maps(name: str, network: Classifier, images: Tensor, targets: Tensor) -> Tensor:
    if name in EXTRA:
        pytest.importorskip(EXTRA[name])
    layer = "look" if name == "attention" else "relu2"
    request = Request(method=name, targets=targets)
    return compute(network, images, layer=layer, requests=[request]).maps[0].raw


@pytest.mark.parametrize("name", registry.names("map"))
def test_one_image_with_its_question_equals_its_row_of_a_batch(name: str) -> None:
    images, whole = pictures(), maps(name, asked(), pictures(), TARGETS)
    for row in range(4):
        alone = maps(name, asked(QUESTIONS[row : row + 1]), images[row : row + 1], TARGETS[row : row + 1])
        torch.testing.assert_close(alone[0], whole[row], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", registry.names("map"))
def test_a_map_depends_on_the_question_of_its_own_image(name: str) -> None:
    one = maps(name, asked(), pictures(), TARGETS)
    other = maps(name, asked(QUESTIONS[[0, 3, 2, 1]]), pictures(), TARGETS)
    assert [torch.allclose(one[row], other[row], rtol=1e-4) for row in range(4)] == [True, False, True, False]


def test_rows_may_repeat_and_a_network_of_images_alone_is_itself() -> None:
    images, network = pictures(), asked()
    index = torch.tensor([2, 0, 2])
    torch.testing.assert_close(network.rows(index).logits(images[index]), network.logits(images)[index])
    plain = Classifier(module=seeded(Attended))
    assert plain.rows(index) is plain
    assert plain.given({}) is plain


def test_floats_come_in_the_type_of_the_network() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.fc = nn.Linear(3, 2)

        def forward(self, x: Tensor, scale: Tensor) -> Tensor:
            return self.fc(x.mean((2, 3)) * scale[:, None])

    network = Classifier(module=Scaled().double().eval()).given({"scale": torch.ones(4)})
    assert network.logits(pictures()).dtype == torch.float64


@pytest.mark.parametrize(
    ("method", "layer"), [("gradcam", "auto"), ("gradcam", "relu2"), ("attention", "look")]
)
def test_a_dry_run_asks_about_the_first_image_alone(method: str, layer: str) -> None:
    found = attention_map(asked(), pictures(), method=method, layer=layer)
    assert found.raw.shape[0] == 4
    alone = attention_map(asked(QUESTIONS[1:2]), pictures()[1:2], method=method, layer=layer)
    torch.testing.assert_close(alone.raw[0], found.raw[1], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({}, "takes 'question' beside the image, and is given nothing(?s:.*)Sample.inputs"),
        ({"question": QUESTIONS[:3]}, "'question' has 3 rows for 4 images(?s:.*)classifier.rows"),
        ({"question": QUESTIONS, "questoin": QUESTIONS}, "no input 'questoin', did you mean \"question\""),
    ],
)
def test_what_is_missing_or_too_much_is_said(inputs: dict[str, Tensor], message: str) -> None:
    with pytest.raises(ModelError, match=message):
        Classifier(module=seeded(Asked)).given(inputs).logits(pictures())


def test_a_network_of_images_alone_refuses_inputs() -> None:
    with pytest.raises(ModelError, match=r"takes no input 'question'.*beside the image it takes nothing"):
        Classifier(module=seeded(Attended)).given({"question": QUESTIONS}).logits(pictures())


def test_functions_are_given_the_inputs_of_their_rows() -> None:
    def asked_for(logits: Tensor, inputs: dict[str, Tensor]) -> Tensor:
        return logits.gather(1, inputs["question"][:, :1])[:, 0]

    target = Scalar(function=asked_for, inputs={"question": QUESTIONS})
    logits = asked().logits(pictures()).detach()
    assert torch.equal(target.evaluate(logits, None), logits[range(4), QUESTIONS[:, 0]])
    index = torch.tensor([3, 3, 0])
    assert torch.equal(
        take(target, index).evaluate(logits[index], None), target.evaluate(logits, None)[index]
    )
    with pytest.raises(MapError, match="target function: asks for inputs, and the data has none"):
        Scalar(function=asked_for).evaluate(logits, None)


def test_a_target_of_a_spec_hands_them_on() -> None:
    from camaudit.evidence import Function

    found = resolve(
        Function(reference="a:b"),
        torch.zeros(4, 3),
        inputs={"question": QUESTIONS},
        load=lambda _: lambda logits, inputs: logits[:, 0] + inputs["question"][:, 0],
    )
    assert isinstance(found, Scalar)
    assert found.evaluate(torch.zeros(4, 3), None).tolist() == [0, 1, 2, 1]
