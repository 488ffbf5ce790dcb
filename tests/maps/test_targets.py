"""What is explained."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from camaudit.errors import MapError
from camaudit.targets import checked, select

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
