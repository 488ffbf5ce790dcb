"""Corruptions that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
import torch

from camaudit import contract
from camaudit.errors import ModelError
from camaudit.perturb.member import Member
from tests.contract.wrong import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract import Contract


@dataclass(frozen=True, kw_only=True)
class Shade:
    """A darker picture, spoilt by `spoil(images, changed, classifier, seeds)`."""

    factor: float
    spoil: Callable[..., Any]
    lenient: bool

    def __call__(self, classifier: Any, images: Any, labels: Any, *, seeds: Any, targets: Any = None) -> Any:
        if (targets is not None or len(seeds) != len(images)) and not self.lenient:
            raise ModelError("no")
        return self.spoil(images, 1 - (1 - images * 0.9) * self.factor, classifier, seeds)


def corruption_of(
    spoil: Callable[..., Any], *, lenient: bool = False, flat: bool = False, **changes: Any
) -> Contract:
    def make(parameters: Any, budget: Any) -> Shade:
        if (set(parameters) - {"severity"} or budget is not None) and not lenient:
            raise ModelError("no")
        return Shade(factor=1 - (0.1 if flat else parameters["severity"] * 0.1), spoil=spoil, lenient=lenient)

    entry = {"name": "planted", "make": make, "norms": (), "access": "none"}
    return contract.of_corruption(Member(**{**entry, **changes}))  # type: ignore[arg-type]


def jitters(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    return changed - 0.01 * torch.rand(())


def asks(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.logits(images)
    return changed


@pytest.mark.parametrize(
    ("spoil", "clause", "words"),
    [
        (lambda i, c, *_: c + 1, "range, shape and type", r"with {'severity': 1}: .*beyond \[0, 1\]"),
        (lambda i, c, *_: c[:, :1], "range, shape and type", r"images are \[3, 1, 32, 40\], it was given"),
        (
            lambda i, c, *_: c.float(),
            "range, shape and type",
            r"images are torch\.float32, it was given torch\.float64",
        ),
        (lambda i, c, *_: i.copy_(c), "range, shape and type", "it changed the images in place"),
        (lambda i, c, *_: i.clone(), "range, shape and type", "nothing changes"),
        (lambda i, c, *_: c.numpy(), "range, shape and type", "it returned ndarray"),
        (lambda i, c, *_: c / (i > 0), "small, black and white pictures", "not finite"),
        (jitters, "the same seed gives the same", "it changed: torch's random state"),
        (lambda i, c, *_: c * (1 - 0.1 * i.mean()), "each image by itself", "alone and in a batch differ"),
        (asks, "the network is not asked", "it asks the network"),
    ],
)
def test_wrong_corruptions(spoil: Callable[..., Any], clause: str, words: str) -> None:
    refused(corruption_of(spoil), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"norms": ("linf",)}, "entry", "a corruption has no budget"),
        ({"access": "scores"}, "entry", "access is 'scores', of a corruption 'none'"),
        ({"targeted": True}, "entry", "cannot aim at a class"),
        ({"lenient": True}, "what is refused", "the parameter 'no_such_parameter' has to be refused"),
        ({"flat": True}, "more severe is further away", "it has to grow"),
    ],
)
def test_wrong_entries_of_corruptions(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(corruption_of(lambda images, changed, *_: changed, **changes), clause, words)


def test_a_right_corruption_keeps_everything() -> None:
    corruption_of(lambda images, changed, *_: changed).hold()
