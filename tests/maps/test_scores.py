"""Targets that are more than one class's logit: linear ones and functions, through every gradient method."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.evidence import Contrast, Counterfactual, Function, Kth, Named
from camaudit.maps.capture import capture
from camaudit.maps.compute import Request, compute
from camaudit.targets import Scalar, class_of, resolve, score, select, take, weights
from tests.maps.networks import Plain, pictures

LOGITS = torch.tensor([[0.1, 0.7, 0.2], [3.0, -1.0, 2.0]])
LABELS = torch.tensor([2, 0])
CLASSES = ("cat", "dog", "fox")


def maps(target: Any, method: str = "gradcam", module: nn.Module | None = None, layer: str = "conv") -> Any:
    network = Plain(module if module is not None else seeded(Chain))
    request = Request(method=method, targets=target)
    return compute(network, pictures(), layer=layer, requests=[request]).maps[0]


def test_kth() -> None:
    assert [select(Kth(k=k), LOGITS).tolist() for k in (1, 2, 3)] == [[1, 0], [2, 2], [0, 1]]
    assert select(Kth(k=1), torch.zeros(2, 3)).tolist() == [0, 0], "ties as in argmax"
    assert select(Kth(k=2), torch.zeros(2, 3)).tolist() == [1, 1]


def test_named() -> None:
    assert select(Named(name="fox"), LOGITS, classes=CLASSES).tolist() == [2, 2]


def test_contrast_and_counterfactual_are_weights_on_the_logits() -> None:
    found = resolve(Contrast(of="label", against="predicted"), LOGITS, LABELS)
    assert found.tolist() == [[0, -1, 1], [0, 0, 0]]
    torch.testing.assert_close(score(found, LOGITS), torch.tensor([-0.5, 0.0]))
    found = resolve(Contrast(of=Named(name="cat"), against=Kth(k=2)), LOGITS, classes=CLASSES)
    assert found.tolist() == [[1, 0, -1], [1, 0, -1]]
    found = resolve(Counterfactual(of=1), LOGITS)
    assert found.tolist() == [[0, -1, 0], [0, -1, 0]]
    assert class_of(found, LOGITS).tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("aim", "classes", "message"),
    [
        (Kth(k=4), None, "target kth: 4: the network has 3 outputs, so 1 to 3 are allowed"),
        (Named(name="dgo"), CLASSES, "(?s)target 'dgo' is not a class.*did you mean \"dog\".*cat, dog, fox"),
        (Named(name="dog"), None, "(?s)the network's outputs have no names.*hint: name them"),
        (Named(name="dog"), ("dog", "dog", "fox"), "the name of several classes: 0, 1"),
        (Contrast(of=0, against=3), None, "target 3 is not a class of this network"),
        (Counterfactual(of=Named(name="x")), CLASSES, "target 'x' is not a class"),
        (Contrast(of="label", against=0), None, "the data has no labels"),
    ],
)
def test_refusals(aim: Any, classes: Any, message: str) -> None:
    with pytest.raises(MapError, match=message):
        resolve(aim, LOGITS, classes=classes)


def test_weights_must_fit_and_be_finite() -> None:
    with pytest.raises(MapError, match=r"targets of shape \[4, 3\] for 4 images"):
        maps(torch.zeros(4, 3))
    with pytest.raises(MapError, match="weights on the logits are not finite"):
        maps(torch.full((4, 5), float("nan")))


@pytest.mark.parametrize("method", ["gradcam", "hirescam", "cam"])
def test_contrast_is_the_difference_of_maps_and_counterfactual_the_negative(method: str) -> None:
    one, other = torch.tensor([0, 1, 4, 1]), torch.tensor([1, 2, 0, 3])
    layer = "relu2"
    first, second = (maps(item, method, layer=layer).raw for item in (one, other))
    logits = torch.zeros(4, 5)
    contrast = maps(weights(one, logits) - weights(other, logits), method, layer=layer)
    torch.testing.assert_close(contrast.raw, first - second, rtol=1e-4, atol=1e-6)
    assert contrast.target.tolist() == [-1] * 4
    torch.testing.assert_close(maps(-weights(one, logits), method, layer=layer).raw, -first)


@pytest.mark.parametrize("method", ["gradcampp", "layercam"])
def test_counterfactual_is_more_than_a_sign_where_the_method_keeps_positive_gradients(method: str) -> None:
    target = torch.tensor([0, 1, 4, 1])
    plain = maps(target, method, layer="relu2").raw
    turned = maps(-weights(target, torch.zeros(4, 5)), method, layer="relu2").raw
    assert (turned >= 0).all()
    assert (turned > 0).any()
    assert not torch.allclose(turned, plain)


def test_a_contrast_of_a_class_with_itself_is_all_zero() -> None:
    assert maps(partial(resolve, Contrast(of="predicted", against=Kth(k=1)))).status == ("all-zero",) * 4


def test_weights_share_the_backward_and_the_forward(monkeypatch: pytest.MonkeyPatch) -> None:
    module = seeded(Chain)
    forwards, backwards = [], []
    module.register_forward_pre_hook(lambda *_: forwards.append(1))
    grad = torch.autograd.grad
    monkeypatch.setattr(torch.autograd, "grad", lambda *args, **kw: backwards.append(1) or grad(*args, **kw))
    aims = ["predicted", Kth(k=1), Kth(k=2), Contrast(of=0, against=1), Counterfactual(of=2), 3]
    requests = [
        Request(method=method, targets=partial(resolve, aim))
        for aim in aims
        for method in ("gradcam", "hirescam", "gradcampp")
    ]
    compute(Plain(module), pictures(), layer="conv", requests=requests)
    assert (len(forwards), len(backwards)) == (1, 5)


# --- functions


def log_probability(logits: Tensor, labels: Tensor) -> Tensor:
    return logits.log_softmax(1).gather(1, labels[:, None])[:, 0]


def test_a_function_of_the_logits_equals_its_own_gradient() -> None:
    module, images, labels = seeded(Chain), pictures(), torch.tensor([0, 1, 4, 1])
    found = maps(Scalar(function=log_probability, labels=labels))
    activations = capture(Plain(module), images, layer="conv").activations.double()
    module.double()
    leaf = activations.clone().requires_grad_()
    logits = module.fc(module.relu2(leaf * 1).mean((2, 3)))
    (gradients,) = torch.autograd.grad(log_probability(logits, labels).sum(), leaf)
    expected = (gradients.mean((2, 3), keepdim=True) * activations).sum(1)
    np.testing.assert_allclose(found.raw, expected.detach(), rtol=0, atol=1e-5 * expected.abs().max().item())
    torch.testing.assert_close(found.score, log_probability(logits, labels).detach().float())
    assert found.target.tolist() == [-1] * 4


def test_a_linear_function_equals_its_class() -> None:
    torch.testing.assert_close(
        maps(Scalar(function=lambda logits: logits[:, 2])).raw, maps(torch.full((4,), 2)).raw
    )


class Captioner(Chain):
    """Puts out more than logits."""

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        logits = super().forward(x)
        return {"logits": logits, "words": torch.stack([logits, 2 * logits], 1)}


def test_a_function_of_the_networks_own_output() -> None:
    network = Plain(seeded(Captioner), pick=lambda output: output["logits"])
    target = Scalar(function=lambda output: output["words"][:, 1, 3], of="output")
    requests = [
        Request(method="gradcam", targets=target),
        Request(method="gradcam", targets=torch.full((4,), 3)),
    ]
    found, plain = compute(network, pictures(), layer="conv", requests=requests).maps
    torch.testing.assert_close(found.raw, 2 * plain.raw)
    torch.testing.assert_close(found.score, 2 * plain.score)


BAD = {
    "no numbers": (lambda logits: 3.0, r"returns 3.0 for 4 images; floats \[4\] are needed"),
    "wrong shape": (lambda logits: logits, r"returns a tensor \[4, 5\]"),
    "one for all": (lambda logits: logits.sum(), r"returns a tensor \[\]"),
    "whole numbers": (lambda logits: logits.argmax(1), r"returns a tensor \[4\] \(torch.int64\)"),
    "cut off": (
        lambda logits: logits.detach()[:, 0],
        '(?s)target function: gives a number that no gradient can pass.*hint: .*"occlusion"',
    ),
}


@pytest.mark.parametrize("kind", BAD)
def test_functions_that_do_not_fit(kind: str) -> None:
    function, message = BAD[kind]
    with pytest.raises(MapError, match=message):
        maps(Scalar(function=function))


def test_a_function_that_asks_for_labels_that_are_not_there() -> None:
    with pytest.raises(MapError, match="asks for labels, and the data has none"):
        maps(Scalar(function=log_probability))


def test_cam_refuses_functions() -> None:
    with pytest.raises(MapError, match=r'(?s)CAM explains logits and weighted sums.*not function.*"gradcam"'):
        maps(Scalar(function=lambda logits: logits[:, 0]), "cam", layer="relu2")


class TwoHeads(nn.Module):
    """Its second answer does not depend on the layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.side = nn.Conv2d(3, 4, 3), nn.Conv2d(3, 4, 3)
        self.fc = nn.Linear(4, 5)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        return self.fc(self.layer(x).mean((2, 3))), self.fc(self.side(x).mean((2, 3)))


def test_one_targets_missing_gradient_is_not_anothers() -> None:
    network = Plain(seeded(TwoHeads), pick=lambda output: output[0])
    away = Scalar(function=lambda output: output[1][:, 0] + 0 * output[0].detach()[:, 0], of="output")
    near = Scalar(function=lambda output: output[0][:, 0], of="output")
    with torch.no_grad():
        network.module.requires_grad_(requires_grad=True)
    requests = [Request(method="gradcam", targets=item) for item in (away, near, torch.zeros(4).long())]
    found = compute(network, pictures(), layer="layer", requests=requests).maps
    assert [item.status[0] == "disconnected" for item in found] == [True, False, False]
    torch.testing.assert_close(found[1].raw, found[2].raw)


def test_take() -> None:
    rows = torch.tensor([1, 1, 0])
    assert take(torch.tensor([5, 6]), rows).tolist() == [6, 6, 5]
    assert take(LOGITS, rows).shape == (3, 3)
    taken = take(Scalar(function=log_probability, labels=LABELS), rows)
    assert isinstance(taken, Scalar)
    assert taken.labels is not None
    assert taken.labels.tolist() == [0, 0, 2]


def test_an_infinite_logit_without_a_weight_has_no_say() -> None:
    logits = torch.tensor([[1.0, float("-inf"), 3.0]])
    assert score(torch.tensor([[1.0, 0.0, -1.0]]), logits).tolist() == [-2.0]


def test_a_function_is_loaded_by_its_reference() -> None:
    found = resolve(Function(reference="m:f", of="output"), LOGITS, LABELS, load={"m:f": log_probability}.get)
    assert isinstance(found, Scalar)
    assert (found.name, found.of, found.function) == ("m:f", "output", log_probability)
    assert found.labels is LABELS
