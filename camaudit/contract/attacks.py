"""What every attack keeps."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, get_args

import torch
from torch import Tensor

from camaudit.contract.clause import contract, is_a, name_of, refuses, require
from camaudit.contract.network import CLASSES, answers, margins, small, smooth
from camaudit.contract.state import require_untouched, state_of, stir
from camaudit.errors import ModelError
from camaudit.perturb.budget import NORMS, Budget, violations
from camaudit.perturb.member import Access, Member

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.classifier import Classifier
    from camaudit.contract.clause import Contract

SEEDS = (11, 22, 33)
EPS = {"linf": 0.05, "l2": 0.5, "l0": 6, "patch": 3}
"""Room to move on pictures of 8 × 8 pixels."""
UNKNOWN = "no_such_parameter"
ANYTHING = Budget(norm="linf", eps=1.0)


class LookedError(RuntimeError):
    """What a network raises that must not be asked."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    """An attack with its parameters and budgets; what it makes of the pictures is kept."""

    member: Member
    parameters: Mapping[str, object]
    budgets: Sequence[Budget | None]
    _kept: dict[int, Tensor] = field(default_factory=dict)

    def run(
        self,
        classifier: Classifier,
        images: Tensor,
        *,
        budget: Budget | None,
        seeds: Sequence[int] = SEEDS,
        labels: Tensor | None = None,
        targets: Tensor | None = None,
    ) -> Any:
        """What it proposes."""
        made = self.member.make(self.parameters, budget)
        labels = answers(classifier, images) if labels is None else labels
        return made(classifier, images, labels, seeds=seeds[: len(images)], targets=targets)

    def found(self, number: int = 0) -> Tensor:
        """What it proposes with one of its budgets; the network calculates in doubles."""
        if number not in self._kept:
            images = smooth()
            made = self.run(small(torch.float64), images, budget=self.budgets[number])
            require(isinstance(made, Tensor), f"it returned {type(made).__name__}, not a tensor")
            text = f"images are {list(made.shape)}, it was given {list(images.shape)}"
            require(made.shape == images.shape, text)
            self._kept[number] = made
        return self._kept[number]

    def entry(self) -> None:
        is_a(self.member, Member)
        require(self.member.name, "its name is empty")
        require(callable(self.member.make), "make is no function")
        unknown = [norm for norm in self.member.norms if norm not in NORMS]
        require(not unknown, f"norms {unknown} are none of {', '.join(NORMS)}")
        allowed = get_args(Access)
        text = f"access is {self.member.access!r}, allowed: {', '.join(allowed)}"
        require(self.member.access in allowed, text)

    def parameters_refused(self) -> None:
        given = {**self.parameters, UNKNOWN: 1}
        budget = self.budgets[0]
        refuses(lambda: self.member.make(given, budget), ModelError, f"the parameter {UNKNOWN!r}")

    def images(self) -> None:
        images = smooth()
        for number in range(len(self.budgets)):
            made = self.found(number)
            require(made.dtype == images.dtype, f"images are {made.dtype}, it was given {images.dtype}")
            require(made.device == images.device, f"images are on {made.device}, not on {images.device}")
            require(not made.requires_grad, "images hang on a graph: detach them")

    def kept(self) -> None:
        for number, budget in enumerate(self.budgets):
            wrong = [text for text in violations(smooth(), self.found(number), budget or ANYTHING) if text]
            require(not wrong, f"{len(wrong)} of {len(SEEDS)} images are invalid: {'; '.join(wrong)}")

    def untouched(self) -> None:
        classifier, images = small(torch.float64), smooth()
        labels = answers(classifier, images)
        # A mix of flags, easily levelled, that changes no answer.
        classifier.module.get_submodule("conv").training = True
        stir()
        before, pixels, given = state_of(classifier.module), images.clone(), labels.clone()
        again = self.run(classifier, images, budget=self.budgets[0], labels=labels)
        require_untouched(before, classifier.module, "it")
        require(torch.equal(images, pixels), "it changed the images in place")
        require(torch.equal(labels, given), "it changed the labels in place")
        text = "two calls with the same seeds differ: draw from the seeds alone, not from global states"
        require(torch.equal(again, self.found()), text)

    def companions(self) -> None:
        # In doubles, so that a batch's arithmetic turns no sign of a gradient.
        own = self.run(small(torch.float64), smooth()[2:], budget=self.budgets[0], seeds=SEEDS[2:])
        far = float((own[0] - self.found()[2]).abs().max())
        require(far <= 1e-6, f"an image alone and in a batch differ by up to {far:.3g}")  # noqa: PLR2004 - float32

    def access(self) -> None:
        classifier = small(torch.float64)
        labels = answers(classifier, smooth())
        try:
            self.run(DOORS[self.member.access](classifier), smooth(), budget=self.budgets[0], labels=labels)
        except LookedError as looked:
            raise AssertionError("access='none' was said, and it asks the network") from looked
        except RuntimeError as failure:
            text = f"access={self.member.access!r} was said, and without gradients it raises {failure}"
            raise AssertionError(text) from failure

    def targets(self) -> None:
        classifier, images = small(), smooth()
        targets = (answers(classifier, images) + 2) % CLASSES
        if not self.member.targeted:
            refuses(lambda: self._aimed(classifier, targets), ModelError, "targeted=False: a target")
            return
        aimed = self._aimed(classifier, targets)
        gained = margins(classifier.logits, aimed, targets) - margins(classifier.logits, images, targets)
        text = f"aimed at a class, its margin changes by {float(gained.mean()):.3g} on the average"
        require(gained.mean() > 0, f"{text}: it has to grow")

    def _aimed(self, classifier: Classifier, targets: Tensor) -> Any:
        return self.run(classifier, smooth(), budget=self.budgets[0], targets=targets)

    def effect(self) -> None:
        classifier, images = small(torch.float64), smooth()
        labels = answers(classifier, images)
        before, after = (margins(classifier.logits, item, labels) for item in (images, self.found()))
        worse = int((after > before).sum())
        require(not worse, f"the label's margin grows in {worse} of {len(images)} images: it has to shrink")
        require((after < before).any(), "no label's margin shrinks: it does nothing; say so in `doubt`")


def _without_gradients(classifier: Classifier) -> Classifier:
    class Scores(torch.nn.Module):
        def __init__(self, module: torch.nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, images: Tensor) -> Tensor:
            with torch.no_grad():
                found: Tensor = self.module(images)
            return found

    return replace(classifier, module=Scores(classifier.module).eval())


def closed(classifier: Classifier) -> Classifier:
    """The network for those that must not ask it: it raises `LookedError`."""

    class Closed(torch.nn.Module):
        def __init__(self, module: torch.nn.Module) -> None:
            super().__init__()
            self.module = module

        def forward(self, _images: Tensor) -> Tensor:
            raise LookedError

    return replace(classifier, module=Closed(classifier.module).eval())


DOORS: dict[Access, Callable[[Classifier], Classifier]] = {"scores": _without_gradients, "none": closed}
"""What is shut where an attack says that it needs no more."""


def budgets_of(member: Member) -> list[Budget | None]:
    """A budget in each norm that an attack can keep; none where it keeps none."""
    return [Budget(norm=norm, eps=EPS[norm]) for norm in member.norms] or [None]


def of_attack(
    member: Member,
    *,
    parameters: Mapping[str, object] | None = None,
    budgets: Sequence[Budget | None] = (),
) -> Contract:
    """What an attack keeps: it proposes images within its budget, each of its own seed, and changes nothing.

    `parameters` are what it is made with, short ones for quick tests; `budgets` what it is tried with, one
    per norm if left out; targets are tried with the first. Clauses: the entry; unknown parameters refused;
    shape and type; range and budget; network, images and chance as they were, and the same twice; no
    companion plays a part; no more of the network than `access` says; a target aimed at, or refused where
    the entry says so; the label's margin shrinks, unless the entry has a `doubt`.
    """
    own = tuple(budgets) or tuple(budgets_of(member) if isinstance(member, Member) else [None])
    case = _Case(member=member, parameters=parameters or {}, budgets=own)
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("unknown parameters", case.parameters_refused),
        ("shape and type", case.images),
        ("range and budget", case.kept),
        ("network, images and chance untouched", case.untouched),
        ("each image by itself", case.companions),
        ("targets", case.targets),
    ]
    if getattr(member, "access", None) in DOORS:
        clauses.append(("access to the network", case.access))
    if not getattr(member, "doubt", ""):
        clauses.append(("effect", case.effect))
    return contract(f"attack {name_of(member)}", clauses)
