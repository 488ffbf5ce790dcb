"""What every corruption keeps."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camaudit.contract.attacks import ANYTHING, UNKNOWN, LookedError, closed
from camaudit.contract.clause import contract, is_a, name_of, refuses, require
from camaudit.contract.network import small
from camaudit.contract.state import require_untouched, state_of, stir
from camaudit.errors import ModelError
from camaudit.perturb.budget import Budget, violations
from camaudit.perturb.member import Member

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.contract.clause import Contract

SEVERITIES: tuple[Mapping[str, object], ...] = tuple({"severity": number} for number in range(1, 6))
SIZES = ((1, 1), (2, 3), (7, 5), (33, 32))


def scenes(count: int = 8, height: int = 32, width: int = 40) -> Tensor:
    """Pictures with edges, colours and gradients, on the 8-bit grid."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(count, 3, 5, 6, generator=generator)
    blocks = torch.nn.functional.interpolate(coarse, size=(height, width), mode="nearest")
    fine = torch.nn.functional.interpolate(coarse.roll(1, 0), size=(height, width), mode="bilinear")
    return ((blocks * 0.6 + fine * 0.4) * 255).round().div(255)


@dataclass(frozen=True, kw_only=True)
class _Case:
    """A corruption with the parameters that it is tried with, from mild to severe."""

    member: Member
    steps: Sequence[Mapping[str, object]]

    def run(
        self,
        images: Tensor,
        parameters: Mapping[str, object] | None = None,
        seeds: Sequence[int] | None = None,
        targets: Tensor | None = None,
    ) -> Any:
        """What becomes of the images, with the parameters in the middle if none are said."""
        given = self.steps[len(self.steps) // 2] if parameters is None else parameters
        made = self.member.make(given, None)
        labels = torch.zeros(len(images), dtype=torch.long)
        own = tuple(range(len(images))) if seeds is None else tuple(seeds)
        return made(closed(small()), images, labels, seeds=own, targets=targets)

    def entry(self) -> None:
        is_a(self.member, Member)
        require(self.member.name, "its name is empty")
        require(self.member.norms == (), f"norms are {self.member.norms}: a corruption has no budget")
        require(self.member.access == "none", f"access is {self.member.access!r}, of a corruption 'none'")
        require(not self.member.targeted, "targeted is said: a corruption cannot aim at a class")

    def refusals(self) -> None:
        first, budget = self.steps[0], Budget(norm="linf", eps=0.1)
        refuses(
            lambda: self.member.make({**first, UNKNOWN: 1}, None), ModelError, f"the parameter {UNKNOWN!r}"
        )
        refuses(lambda: self.member.make(first, budget), ModelError, "a budget")
        targets = torch.zeros(2, dtype=torch.long)
        refuses(lambda: self.run(scenes(2), targets=targets), ModelError, "a target")
        refuses(lambda: self.run(scenes(2), seeds=(1,)), ModelError, "1 seed for 2 images")

    def images(self) -> None:
        for step in self.steps:
            for dtype in (torch.float32, torch.float64):
                images = scenes(3).to(dtype)
                found = self._sound(images, step)
                require(not torch.equal(found, images), f"with {dict(step)} nothing changes")

    def _sound(self, images: Tensor, step: Mapping[str, object]) -> Any:
        before = images.clone()
        found: Any = self.run(images, step)
        require(isinstance(found, Tensor), f"it returned {type(found).__name__}, not a tensor")
        text = f"images are {list(found.shape)}, it was given {list(images.shape)}"
        require(found.shape == images.shape, text)
        require(found.dtype == images.dtype, f"images are {found.dtype}, it was given {images.dtype}")
        require(torch.equal(images, before), "it changed the images in place")
        wrong = [fault for fault in violations(images, found, ANYTHING) if fault]
        require(not wrong, f"with {dict(step)}: {'; '.join(wrong)}")
        return found

    def sizes(self) -> None:
        for size in SIZES:
            for value in (0.0, 1.0):
                self._sound(torch.full((1, 3, *size), value), self.steps[-1])
        require(self.run(scenes(3)[:0]).shape == (0, 3, 32, 40), "no pictures do not give images [0, …]")

    def chance(self) -> None:
        network, images = small().module, scenes(2)
        before = state_of(network)
        first = self.run(images)
        require_untouched(before, network, "it")
        stir()
        text = "two calls with the same seeds differ: draw from the seeds alone, not from global states"
        require(torch.equal(first, self.run(images)), text)

    def companions(self) -> None:
        images = scenes()
        own, together = self.run(images[3:4], seeds=(7,))[0], self.run(images, seeds=range(4, 12))[3]
        far = float((own - together).abs().max())
        require(far == 0, f"an image alone and in a batch differ by up to {far:.3g}")

    def access(self) -> None:
        try:
            self.run(scenes(1))
        except LookedError as looked:
            raise AssertionError("it asks the network: a corruption knows the image alone") from looked

    def severe(self) -> None:
        images = scenes(8, 64, 64)
        far = [float((self.run(images, step) - images).square().mean().sqrt()) for step in self.steps]
        text = ", ".join(f"{distance:.3g}" for distance in far)
        grows = all(one < other for one, other in pairwise(far))
        require(grows, f"from mild to severe images are {text} away (root mean square): it has to grow")


def of_corruption(member: Member, *, steps: Sequence[Mapping[str, object]] = SEVERITIES) -> Contract:
    """What a corruption keeps: images in [0, 1] made of the image, its seed and the parameters alone.

    `steps` are the parameters that it is tried with, from mild to severe. Clauses: the entry; unknown
    parameters, budgets, targets and missing seeds refused; range, shape and type, and something changes; the
    smallest pictures, black and white; the same seed gives the same, whatever the global states; no companion
    plays a part; the network is not asked; more severe is further away.
    """
    case = _Case(member=member, steps=steps)
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("what is refused", case.refusals),
        ("range, shape and type", case.images),
        ("small, black and white pictures", case.sizes),
        ("the same seed gives the same", case.chance),
        ("each image by itself", case.companions),
        ("the network is not asked", case.access),
        ("more severe is further away", case.severe),
    ]
    return contract(f"corruption {name_of(member)}", clauses)
