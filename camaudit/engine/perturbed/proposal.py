"""An attack is asked under the guard, and what it proposes is looked at before anything is made of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from camaudit.checks.perturbed import INVALID
from camaudit.engine.perturbed.counted import counted
from camaudit.errors import ModelError
from camaudit.perturb.budget import Budget, rounded, violations
from camaudit.perturb.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.perturb.member import Perturbation

ANYTHING = Budget(norm="linf", eps=1.0)
"""The budget of what has none: pixels stay finite and in [0, 1]."""
KINDS = {"pixels that are not finite": "pixels that are not finite", "pixels from": "pixels beyond [0, 1]"}
"""How a fault begins, and the few words that it is counted under."""
BEYOND = "beyond the budget"


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """Images [n, c, h, w] as proposed and as 8 bits hold them, and what is wrong with each.

    Where something is wrong both are the clean image: nothing is concluded from it.
    """

    images: Tensor
    rounded: Tensor
    faults: tuple[str | None, ...]
    queries: tuple[float, ...]
    """Answers that the network gave about each image while they were made."""

    @property
    def reasons(self) -> tuple[str | None, ...]:
        """The faults in few words, to be counted."""
        return tuple(None if fault is None else f"{INVALID}{_kind(fault)}" for fault in self.faults)


def propose(
    perturbation: Perturbation,
    network: Classifier,
    images: Tensor,
    labels: Tensor,
    *,
    seeds: Sequence[int],
    budget: Budget | None,
    targets: Tensor | None = None,
) -> Proposal:
    """Ask for changed images, with the network guarded, and verify range and budget anew.

    The attack is given copies. Raises `ModelError` for anything but images of the same shape; what the attack
    itself raises goes through.
    """
    asked = counted(network, len(images))
    with guarded(network.module, seed=seeds[0]):
        found = perturbation(
            asked,
            images.clone(),
            labels.clone(),
            seeds=tuple(seeds),
            targets=None if targets is None else targets.clone(),
        )
    # Of no graph and no inference mode, whatever the attack ran in.
    given = _checked(found, images).detach().to(images).clone()
    faults = tuple(violations(images, given, budget or ANYTHING))
    broken = torch.tensor([fault is not None for fault in faults], device=images.device)
    sound = torch.where(broken[:, None, None, None], images, given)
    return Proposal(images=sound, rounded=rounded(sound), faults=faults, queries=tuple(asked.asked.tolist()))


def _checked(found: object, images: Tensor) -> Tensor:
    if isinstance(found, torch.Tensor) and found.shape == images.shape and found.is_floating_point():
        return found
    text = (
        f"a tensor {list(found.shape)} of {found.dtype}"
        if isinstance(found, torch.Tensor)
        else type(found).__name__
    )
    raise ModelError(f"the attack returned {text}; images {list(images.shape)} of floats were asked for")


def _kind(fault: str) -> str:
    return next((words for start, words in KINDS.items() if fault.startswith(start)), BEYOND)
