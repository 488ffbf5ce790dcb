"""What is explained."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch

from camaudit.contract.network import Chain, seeded
from camaudit.errors import MapError
from camaudit.evidence import LogLikelihood
from camaudit.maps.compute import Request, compute
from camaudit.targets import Scalar, checked, log_likelihood, resolve, select, take
from tests.maps.networks import Plain, pictures
from tests.reference.maps import activations_and_log_gradients, gradcam

LOGITS = torch.tensor([[0.1, 0.7, 0.2], [3.0, -1.0, 2.0]])


def test_predicted_is_the_largest_logit() -> None:
    assert select("predicted", LOGITS).tolist() == [1, 0]
    assert select("predicted", LOGITS, torch.tensor([2, 2])).tolist() == [1, 0]


def test_label_is_the_label() -> None:
    found = select("label", LOGITS, torch.tensor([2, 1], dtype=torch.int32))
    assert (found.tolist(), found.dtype) == ([2, 1], torch.int64)


def test_one_class_for_all() -> None:
    assert select(2, LOGITS).tolist() == [2, 2]


@pytest.mark.parametrize(
    ("kind", "labels", "message"),
    [
        ("label", None, '(?s)target "label": the data has no labels.*hint: .*target: predicted'),
        ("label", torch.tensor([1, -1]), r"images \[1\] of the batch have no label"),
        ("label", torch.tensor([1]), r"targets of shape \[1\] for 2 images"),
        (
            "label",
            torch.tensor([1, 3]),
            "target 3 is not a class of this network: it has 3 outputs, so 0 to 2 are",
        ),
        (3, None, "target 3 is not a class"),
        (-1, None, "target -1 is not a class"),
        (True, None, 'target True: allowed are "label", "predicted" and a class index'),
        ("lable", None, 'target \'lable\': allowed are "label", "predicted"'),
    ],
)
def test_refusals(kind: Any, labels: torch.Tensor | None, message: str) -> None:
    with pytest.raises(MapError, match=message):
        select(kind, LOGITS, labels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bool, torch.complex64])
def test_class_indices_are_whole_numbers(dtype: torch.dtype) -> None:
    with pytest.raises(MapError, match="class indices are whole numbers"):
        checked(torch.ones(2, dtype=dtype), LOGITS)


def test_log_likelihood_by_hand() -> None:
    found = log_likelihood(LOGITS, torch.tensor([2, 0]))
    by_hand = [
        row[c] - math.log(sum(math.exp(value) for value in row))
        for row, c in zip(LOGITS.tolist(), (2, 0), strict=True)
    ]
    assert found.tolist() == pytest.approx(by_hand, abs=1e-6)


def test_log_likelihood_is_the_same_whatever_all_logits_share() -> None:
    classes = torch.tensor([2, 0])
    assert torch.allclose(log_likelihood(LOGITS + 50, classes), log_likelihood(LOGITS, classes), atol=1e-4)


def test_log_likelihood_of_a_row_that_is_taken_is_its_own() -> None:
    target = resolve(LogLikelihood(of="label"), LOGITS, torch.tensor([2, 0]))
    assert isinstance(target, Scalar)
    rows = torch.tensor([1, 1, 0])
    found = take(target, rows).evaluate(LOGITS[rows], None)
    assert torch.equal(found, target.evaluate(LOGITS, None)[rows])


def test_log_likelihood_of_a_label_that_is_missing_is_refused() -> None:
    with pytest.raises(MapError, match="the data has no labels"):
        resolve(LogLikelihood(of="label"), LOGITS)


def test_maps_of_a_log_likelihood_equal_the_slow_ones_and_not_those_of_the_logit() -> None:
    module, images, classes = seeded(Chain), pictures(), torch.tensor([0, 1, 4, 1])
    network = Plain(module)
    target = resolve(LogLikelihood(of="label"), network.logits(images).detach(), classes)
    requests = [Request(method="gradcam", targets=item) for item in (target, classes)]
    found, of_logit = compute(network, images, layer="relu2", requests=requests).maps
    for row, image in enumerate(images):
        slow = gradcam(*activations_and_log_gradients(module, "relu2", image, int(classes[row])))
        np.testing.assert_allclose(found.raw[row].numpy(), slow, rtol=1e-4, atol=1e-6)
    assert not torch.allclose(found.raw, of_logit.raw, rtol=1e-2)
