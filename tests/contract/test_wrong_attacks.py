"""Attacks that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
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
class Step:
    """One step along the gradient's sign, spoilt by `spoil(images, changed, classifier, seeds)`."""

    eps: float
    spoil: Callable[..., Any]
    aims: bool

    def __call__(self, classifier: Any, images: Any, labels: Any, *, seeds: Any, targets: Any = None) -> Any:
        if targets is not None and not self.aims:
            raise ModelError("it cannot aim at a class")
        with torch.enable_grad():
            start = images.detach().requires_grad_()
            aim, sign = (labels, 1) if targets is None else (targets, -1)
            loss = torch.nn.functional.cross_entropy(classifier.logits(start), aim, reduction="sum")
            (gradient,) = torch.autograd.grad(loss, start)
        changed = (images + sign * self.eps * gradient.sign().to(images.dtype)).clamp(0, 1)
        return self.spoil(images, changed, classifier, seeds)


def attack_of(spoil: Callable[..., Any], *, strict: bool = True, **changes: Any) -> Contract:
    def make(parameters: Any, budget: Any) -> Step:
        if parameters and strict:
            raise ModelError(f"there is no parameter {min(parameters)!r}")
        return Step(eps=0.03 if budget is None else budget.eps, spoil=spoil, aims=True)

    entry = {"name": "planted", "make": make, "norms": ("linf",), "access": "gradient", "targeted": True}
    return contract.of_attack(Member(**{**entry, **changes}))  # type: ignore[arg-type]


def right(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    return changed


def leaves_gradients(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    with torch.enable_grad():
        classifier.logits(images).sum().backward()
    return changed


def levels_flags(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.module.eval()
    return changed


def reseeds(draw: Callable[[], object], images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    draw()
    return changed


def reseed_numpy() -> None:
    np.random.seed(0)  # noqa: NPY002 - the global one is what an attack may spoil


def swaps_buffer(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
    classifier.module.scale = classifier.module.scale.clone()
    return changed


@pytest.mark.parametrize(
    ("spoil", "clause", "words"),
    [
        (lambda i, c, *_: i + 2 * (c - i), "range and budget", "3 of 3 images are invalid: .*beyond"),
        (lambda i, c, *_: c - 1, "range and budget", r"beyond \[0, 1\]"),
        (lambda i, c, *_: c * torch.nan, "range and budget", "pixels that are not finite"),
        (
            lambda i, c, *_: c[:, :, 1:],
            "shape and type",
            r"images are \[3, 3, 7, 8\], it was given \[3, 3, 8, 8\]",
        ),
        (
            lambda i, c, *_: c.double(),
            "shape and type",
            r"images are torch\.float64, it was given torch\.float32",
        ),
        (lambda i, c, *_: c.requires_grad_(), "shape and type", "images hang on a graph"),
        (lambda i, c, *_: c.numpy(), "shape and type", "it returned ndarray, not a tensor"),
        (
            lambda i, c, *_: i.copy_(c),
            "network, images and chance untouched",
            "it changed the images in place",
        ),
        (leaves_gradients, "network, images and chance untouched", r"it changed: the gradients \(\.grad\)"),
        (levels_flags, "network, images and chance untouched", "it changed: the training flags"),
        (swaps_buffer, "network, images and chance untouched", "it changed: which tensors it holds"),
        (
            partial(reseeds, lambda: torch.manual_seed(0)),
            "network, images and chance untouched",
            "torch's random",
        ),
        (
            partial(reseeds, reseed_numpy),
            "network, images and chance untouched",
            "NumPy's random",
        ),
        (partial(reseeds, lambda: random.seed(0)), "network, images and chance untouched", "Python's random"),
        (
            lambda i, c, *_: c - 1e-4 * i.mean(),
            "each image by itself",
            "alone and in a batch differ by up to",
        ),
        (lambda i, c, *_: i.clone(), "effect", "no label's margin shrinks: it does nothing"),
        (lambda i, c, *_: 2 * i - c, "effect", "the label's margin grows in 3 of 3 images"),
        (lambda i, c, *_: 2 * i - c, "targets", "it has to grow"),
    ],
)
def test_wrong_attacks(spoil: Callable[..., Any], clause: str, words: str) -> None:
    refused(attack_of(spoil), clause, words)


def test_an_attack_that_draws_from_global_states() -> None:
    generator = torch.Generator()  # a state of its own, which is not seeded by the seeds

    def spoil(images: Any, changed: Any, classifier: Any, seeds: Any) -> Any:
        return images + (changed - images) * torch.rand(images.shape, generator=generator)

    refused(attack_of(spoil), "network, images and chance untouched", "two calls with the same seeds differ")


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"norms": ("l1",)}, "entry", r"norms \['l1'\] are none of linf, l2, l0, patch"),
        ({"access": "weights"}, "entry", "access is 'weights', allowed: gradient, scores, none"),
        ({"strict": False}, "unknown parameters", "the parameter 'no_such_parameter' has to be refused"),
        (
            {"targeted": False},
            "targets",
            "targeted=False: a target has to be refused with a ModelError, and was taken",
        ),
        ({"access": "none"}, "access to the network", "access='none' was said, and it asks the network"),
        (
            {"access": "scores"},
            "access to the network",
            "access='scores' was said, and without gradients it raises",
        ),
    ],
)
def test_wrong_entries_of_attacks(changes: dict[str, Any], clause: str, words: str) -> None:
    if changes.get("norms") == ("l1",):
        member = Member(name="planted", make=lambda *_: None, norms=("l1",), access="none")  # type: ignore[arg-type]
        refused(contract.of_attack(member, budgets=[None]), clause, words)
    else:
        refused(attack_of(right, **changes), clause, words)


def test_a_right_attack_keeps_everything() -> None:
    attack_of(right).hold()


def test_a_doubt_excuses_from_the_effect_and_from_nothing_else() -> None:
    made = attack_of(lambda images, *_: images.clone(), doubt="does nothing")
    assert "effect" not in map(str, made)
    refused(made, "targets", "it has to grow")
