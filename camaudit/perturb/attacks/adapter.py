"""A class of torchattacks as a perturbation: on pixels in [0, 1], one seed per image.

The library is asked for changed images and trusted with nothing. It sees a stand-in that hands out logits and
holds nothing of the network; the network is guarded besides. Attacks that draw at random, or that let images
of a batch touch each other, get one image at a time.
"""

from __future__ import annotations

import inspect
import warnings
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from camaudit.errors import CamauditError, ModelError
from camaudit.perturb.budget import COUNTED, TOLERANCE, distance
from camaudit.perturb.guard import guarded

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.classifier import Classifier
    from camaudit.perturb.attacks.traits import Traits
    from camaudit.perturb.budget import Budget

CLASSES_ASKED = 10
"""Most classes that APGDT, FAB and AutoAttack aim at, the own one among them; as in AutoAttack's paper."""


@dataclass(frozen=True, kw_only=True)
class TorchAttack:
    """One class of torchattacks with its parameters, ready to propose: a `Perturbation`.

    `kind` is the class. `parameters` are all those that it is called with, but for the network, the seed and
    the number of classes, which only a call knows. Raises `ModelError` when it is called with pixels beyond
    [0, 1], with targets that the class cannot aim at, on a network with fewer classes than its loss compares,
    and where the library raises.
    """

    name: str
    kind: Callable[..., Any]
    traits: Traits
    budget: Budget | None
    parameters: Mapping[str, object] = field(default_factory=dict)

    def __call__(
        self,
        classifier: Classifier,
        images: Tensor,
        labels: Tensor,
        *,
        seeds: Sequence[int],
        targets: Tensor | None = None,
    ) -> Tensor:
        """Changed images [n, c, h, w], detached, of the dtype and on the device of `images`."""
        self._check(classifier, images, labels, seeds, targets)
        if not len(images):
            return images.detach().clone()
        aims = self._aims(classifier, images, labels) if targets is None else targets
        ask = partial(self._attacked, targeted=targets is not None)
        if self.batched and not classifier.inputs:
            return self._kept(images.detach(), ask(classifier, images, aims, seed=0))
        rows = torch.arange(len(images), device=images.device)[:, None]
        parts = [
            ask(classifier.rows(row), images[row], aims[row], seed=seed)
            for row, seed in zip(rows, seeds, strict=True)
        ]
        return self._kept(images.detach(), torch.cat(parts))

    @property
    def batched(self) -> bool:
        """Whether all images may go in together: nothing is random, and none touches another."""
        return self.traits.batched and not self.parameters.get("random_start", False)

    def _aims(self, classifier: Classifier, images: Tensor, labels: Tensor) -> Tensor:
        """The labels to move away from; or, where a class has to be aimed at, the ones after them."""
        if not self.traits.aims:
            return labels
        return (labels + 1) % _count(classifier, images)

    def _attacked(
        self, classifier: Classifier, images: Tensor, aims: Tensor, *, seed: int, targeted: bool
    ) -> Tensor:
        with guarded(classifier.module, seed), warnings.catch_warnings():
            # The library's own: about tensors that it copies and calls that will go.
            warnings.filterwarnings("ignore", module="torchattacks")
            # Some classes work in nothing else: neither in half precision nor in another order of memory.
            clean = images.detach().float().contiguous()
            attack = self.kind(_Seen(classifier, clean), **self._bound(classifier, clean, seed))
            if targeted or self.traits.aims:
                attack.set_mode_targeted_by_label(quiet=True)
            try:
                found = attack(clean.clone(), aims.detach().clone())
            except CamauditError:
                raise
            except Exception as failure:
                raise ModelError(
                    f"the attack fails: {type(failure).__name__}: {failure}",
                    where=self.name,
                    hint="do its parameters fit these images and this network? Another attack may do",
                ) from failure
        if not isinstance(found, Tensor) or found.shape != images.shape:
            shape = list(found.shape) if isinstance(found, Tensor) else type(found).__name__
            raise ModelError(f"the attack gives {shape} for images {list(images.shape)}", where=self.name)
        # Pixels that it left alone stay as they were, to the last bit.
        return torch.where(found.detach() == clean, images.detach(), found.detach().to(images))

    def _bound(self, classifier: Classifier, images: Tensor, seed: int) -> dict[str, object]:
        """The parameters, and what only a call knows: its seed, and how many classes there are."""
        accepted = inspect.signature(self.kind).parameters
        bound = dict(self.parameters)
        if "seed" in accepted:
            bound["seed"] = seed
        if "n_classes" in accepted:
            count = _count(classifier, images)
            self._check_classes(count)
            bound.setdefault("n_classes", min(count, CLASSES_ASKED))
        return bound

    def _check_classes(self, count: int) -> None:
        if count < self.traits.classes:
            raise ModelError(
                f"its loss compares {self.traits.classes} classes, the network has {count}",
                where=self.name,
                hint="torchattacks.APGD does with two",
            )
        asked = self.parameters.get("n_classes", 0)
        if isinstance(asked, int) and asked > count:
            raise ModelError(f"n_classes is {asked}, the network has {count}", where=self.name)

    def _kept(self, clean: Tensor, found: Tensor) -> Tensor:
        """What was found; the clean image where an attack that knows no budget went beyond it."""
        if self.budget is None or self.traits.eps is not None:
            return found
        slack = 0.0 if self.budget.norm in COUNTED else TOLERANCE
        allowed = self.budget.eps * (1 + TOLERANCE) + slack
        # Not finite is not taken back: that is a defect, for whoever verifies to see.
        beyond = distance(clean, found, self.budget.norm) > allowed
        return torch.where(beyond[:, None, None, None], clean, found)

    def _check(
        self,
        classifier: Classifier,
        images: Tensor,
        labels: Tensor,
        seeds: Sequence[int],
        targets: Tensor | None,
    ) -> None:
        # The library takes what lies beyond [0, 1] in silence.
        classifier.check_images(images)
        if len(seeds) != len(images):
            raise ModelError(
                f"{len(seeds)} seeds for {len(images)} images; one each is needed", where=self.name
            )
        for word, aims in (("labels", labels), ("targets", targets)):
            if aims is not None and aims.shape != (len(images),):
                raise ModelError(f"{word} {list(aims.shape)} for {len(images)} images", where=self.name)
        if targets is not None and not self.traits.targeted:
            raise ModelError(
                "it cannot aim at a class", where=self.name, hint="torchattacks.PGD can, leave the target out"
            )


def _count(classifier: Classifier, images: Tensor) -> int:
    """How many classes there are; a network that nobody has asked yet is asked about one image."""
    if classifier.outputs:
        return classifier.outputs
    first = torch.zeros(1, dtype=torch.int64, device=images.device)
    with guarded(classifier.module), torch.no_grad():
        return classifier.rows(first).logits(images[:1]).shape[1]


class _Seen(nn.Module):
    """The network as an attack sees it: logits of images, in their dtype, and nothing else within reach.

    The network is no submodule, so that neither `eval()` nor anything else comes to it. An attack may ask
    about many versions of one image; inputs beside the image are then those of that image.
    """

    def __init__(self, classifier: Classifier, images: Tensor) -> None:
        super().__init__()
        # Where torchattacks looks for the device.
        self.place = nn.Parameter(images.new_zeros(()), requires_grad=False)
        self._classifier = classifier

    def forward(self, images: Tensor) -> Tensor:
        """Logits [m, k]; a copy, since attacks write into them."""
        asked = self._classifier
        if asked.inputs:
            asked = asked.rows(torch.zeros(len(images), dtype=torch.int64, device=images.device))
        return asked.logits(images).to(images.dtype, copy=True)
