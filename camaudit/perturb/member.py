"""What a perturbation is: it proposes changed images, and whoever asked verifies them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.perturb.budget import Budget, Norm

Access = Literal["gradient", "scores", "none"]
"""What of the network is used: its gradients, its answers alone, or nothing of it."""


class Perturbation(Protocol):
    """Images [n, c, h, w] in [0, 1] and labels int64 [n] → changed images of the same shape.

    `seeds` [n] is one seed per image: what becomes of an image depends on it and on nothing else of the
    batch. `targets` [n] are the classes a targeted attack aims at. The network comes back as it was.
    """

    def __call__(
        self,
        classifier: Classifier,
        images: Tensor,
        labels: Tensor,
        *,
        seeds: Sequence[int],
        targets: Tensor | None = None,
    ) -> Tensor:
        """Propose; range, budget and effect are verified elsewhere."""
        ...


@dataclass(frozen=True, kw_only=True)
class Member:
    """A perturbation as its table lists it.

    `make` takes the parameters that the spec gives and the budget, and raises `ModelError` for those that it
    does not know or cannot keep. `norms` are the norms that it can keep a budget in, none where it has no
    budget (natural corruptions). `doubt` says why it is not on the list of those that can be trusted; a user
    is warned with it.
    """

    name: str
    make: Callable[[Mapping[str, object], Budget | None], Perturbation]
    norms: tuple[Norm, ...]
    access: Access
    targeted: bool = False
    doubt: str = ""
