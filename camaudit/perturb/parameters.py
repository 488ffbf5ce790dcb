"""The same network with its parameters drawn anew: a map that does not change does not show the network.

Source: J. Adebayo et al., “Sanity checks for saliency maps”, NeurIPS 2018, §4 (cascading randomisation).
"""

from __future__ import annotations

from contextlib import contextmanager
from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor, nn

from camaudit.classifier.weights import check_finite
from camaudit.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camaudit.classifier import Classifier

Stage = Literal["head", "half", "all"]
MATRIX = 2
"""Dimensions of a parameter that mixes features; those with fewer only scale and shift."""


def randomised(
    classifier: Classifier, *, stage: Stage, seed: int, order: Sequence[str] | None = None
) -> Classifier:
    """A copy of the classifier with part of its parameters drawn anew; the original is not touched.

    `stage`, counted over the modules that own parameters, from the logits backwards: ``head``, the last
    one that owns a matrix or kernel and what follows it; ``half``, the later half (rounded up), the head
    included; ``all``. Their order is that of registration, which is the order of execution in most
    networks; `order` gives their names in the order in which they run where it is not.

    A module is drawn by its own ``reset_parameters``, as before training; batch normalisation forgets its
    running statistics with that. Matrices and kernels that this leaves as they were, and all parameters
    of modules without it, are drawn from a normal distribution with the tensor's own mean and standard
    deviation (|mean| where all its values are equal). Values are drawn on the CPU, so that a seed gives
    the same network on every device; torch's random states are left alone.

    Raises `ModelError` where nothing can be drawn, and where the result is not finite.
    """
    with torch.inference_mode(mode=False), torch.no_grad(), _seeded(seed):
        module = _copy(classifier).cpu()
        chosen = _chosen(_with_parameters(module, order), stage)
        changed = [_draw(item, classifier.name) for item in chosen]
        if not any(changed):
            raise ModelError(
                f"no parameter of stage {stage!r} can be drawn anew",
                where=classifier.name,
                hint="a network without learned values has nothing that a map could show",
            )
        check_finite(module, classifier.name)
        module.to(classifier.device)
    name = f"{classifier.name} ({stage} randomised, seed {seed})"
    return replace(classifier, module=module, name=name, weights=None, weights_sha256=None)


def _copy(classifier: Classifier) -> nn.Module:
    try:
        return deepcopy(classifier.module)
    except Exception as failure:
        raise ModelError(
            f"the network cannot be copied: {type(failure).__name__}: {failure}",
            where=classifier.name,
            hint="parameter randomisation works on a copy; keep tensors with a graph out of the modules",
        ) from failure


def _with_parameters(module: nn.Module, order: Sequence[str] | None) -> list[nn.Module]:
    """Modules that own parameters themselves, in the order given, else of registration."""
    named = {name: item for name, item in module.named_modules() if _own(item)}
    if order is None:
        return list(named.values())
    ran = [named[name] for name in dict.fromkeys(order) if name in named]
    return [item for item in named.values() if item not in ran] + ran


def _own(module: nn.Module) -> list[Tensor]:
    own = module.parameters(recurse=False)
    return [values for values in own if values.is_floating_point() or values.is_complex()]


def _chosen(modules: list[nn.Module], stage: Stage) -> list[nn.Module]:
    matrices = [
        place for place, item in enumerate(modules) if any(values.dim() >= MATRIX for values in _own(item))
    ]
    head = matrices[-1] if matrices else max(len(modules) - 1, 0)
    starts = {"head": head, "half": min(head, len(modules) // 2), "all": 0}
    return modules[starts[stage] :]


def _draw(module: nn.Module, where: str) -> bool:
    """Draw one module's own parameters; whether any value changed."""
    before = [values.clone() for values in _own(module)]
    reset = getattr(module, "reset_parameters", None)
    if callable(reset):
        try:
            reset()
        except Exception as failure:
            raise ModelError(
                f"{type(module).__name__}.reset_parameters raised {type(failure).__name__}: {failure}",
                where=where,
            ) from failure
    for values, was in zip(_own(module), before, strict=True):
        if not callable(reset) or (values.dim() >= MATRIX and torch.equal(values, was)):
            _draw_like(values, was)
    return any(not torch.equal(values, was) for values, was in zip(_own(module), before, strict=True))


def _draw_like(values: Tensor, was: Tensor) -> None:
    exact = was.double() if was.is_floating_point() else was.to(torch.complex128)
    mean = exact.mean()
    spread = exact.std(correction=0)
    values.copy_(torch.randn_like(exact) * torch.where(spread > 0, spread, mean.abs()) + mean)


@contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """Seed the CPU's generator only: `torch.manual_seed` would seed those of all GPUs as well."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(seed)
        yield
