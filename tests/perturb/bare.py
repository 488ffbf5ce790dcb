"""What a class of torchattacks does where nothing guards it: every way to fail, looked for."""

from __future__ import annotations

import inspect
import itertools
import time
import warnings
from contextlib import suppress
from unittest.mock import patch

import numpy as np
import torch
import torchattacks
from torch import nn

from camaudit.contract.network import CLASSES, answers, margins, small
from camaudit.contract.network import smooth as pictures
from camaudit.perturb.attacks.parameters import arguments
from camaudit.perturb.attacks.traits import TRAITS
from camaudit.perturb.budget import distance
from tests.perturb.attacked import budgets, few, room

SEED = 4


class BrokenError(RuntimeError):
    """What a network raises in the middle of an attack."""


class Doubled(nn.Module):
    """A network that calculates in doubles whatever it is given: a batch turns no sign of a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.module = plain(torch.float64)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return self.module(images.double()).to(images.dtype)


def plain(dtype: torch.dtype = torch.float32, classes: int = CLASSES) -> nn.Module:
    """The small network, all in eval mode, without gradients."""
    module = small(dtype, classes, raw=True).module
    for parameter in module.parameters():
        parameter.grad = None
        parameter.requires_grad_()
    return module


def bare(name, module, images, *, labels=None, targets=None, budget=None, seed=SEED):
    """A class of torchattacks called as its documentation says: on pixels in [0, 1], the network itself."""
    kind, budget = getattr(torchattacks, name), budget or budgets(name)[0]
    signature = inspect.signature(kind)
    given = arguments(name, signature, TRAITS[name], few(name), budget)
    if "n_classes" in signature.parameters:
        given["n_classes"] = module.head.out_features if hasattr(module, "head") else CLASSES
    if labels is None:
        with torch.no_grad():
            labels = module(images).argmax(1)
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        attack = kind(module, **given)
        if targets is not None:
            attack.set_mode_targeted_by_label(quiet=True)
        return attack(images, labels if targets is None else targets)


def faults(name: str) -> set[str]:
    """The ways in which a class fails, by their names in `camaudit.perturb.attacks.defects`."""
    state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng():
        try:
            found = _once(name) | _raising(name)
            tests = {"companions": _companions, "clock": _clock, "doubles": _doubles}
            tests |= {"classes": _classes, "aims": _aims}
            return found | {fault for fault, failed in tests.items() if failed(name)}
        finally:
            np.random.set_state(state)  # noqa: NPY002


def _once(name: str) -> set[str]:
    """What one call shows; a second one with another seed tells a state that is set from one that is used."""
    module, images, budget = plain(), pictures(), budgets(name)[0]
    labels = answers(small(raw=True), images)
    module.drop.training = True
    fresh = _numpy_after(lambda: torch.manual_seed(SEED))
    states = []
    for seed in (SEED, SEED + 1):
        # Each call in a second of its own, or what seeds itself from the clock seems to set one state.
        with patch.object(time, "time", lambda seed=seed: 1000.0 * (1 + seed)):
            found = bare(name, module if seed == SEED else plain(), images, labels=labels, seed=seed)
        states.append(torch.get_rng_state())
        if seed == SEED:
            kept, drawn = found, np.random.get_state()[1:3]  # noqa: NPY002
    clean = kept.detach()
    wrong = {
        "range": not (bool(clean.isfinite().all()) and clean.min() >= 0 and clean.max() <= 1),
        "budget": not _told(name) or bool((distance(images, clean, budget.norm) > budget.eps + 1e-6).any()),
        "flags": not module.drop.training,
        "gradients": any(parameter.grad is not None for parameter in module.parameters()),
        "output": kept.requires_grad,
        "reseeds": torch.equal(*states),
        "numpy": any(not np.array_equal(one, other) for one, other in zip(fresh, drawn, strict=True)),
    }
    return {fault for fault, failed in wrong.items() if failed}


def _told(name: str) -> bool:
    """Whether the class can be told a budget; one that changes nothing needs none."""
    return TRAITS[name].eps is not None or name == "VANILA"


def _numpy_after(done):
    np.random.seed(SEED)  # noqa: NPY002
    done()
    return np.random.get_state()[1:3]  # noqa: NPY002


def _raising(name: str) -> set[str]:
    """A network in training mode that raises: is it in training mode afterwards?"""
    module, labels = plain().train(), answers(small(raw=True), pictures())

    def refuse(*_):
        raise BrokenError

    module.register_forward_pre_hook(refuse)
    with suppress(BrokenError):
        bare(name, module, pictures(), labels=labels)
    return set() if module.training else {"raising"}


def _companions(name: str) -> bool:
    """Does the first image come out otherwise without the others? Chance is the same for it in both."""
    module, images = Doubled().eval(), pictures(2)
    # The clock stands still: what seeds itself from it would differ by chance, with companions or without.
    with patch.object(time, "time", lambda: 1000.0):
        together = [bare(name, module, images.roll(-first, 0)).detach()[0] for first in range(len(images))]
        alone = [bare(name, module, image[None]).detach()[0] for image in images]
    return not all(torch.allclose(*pair, rtol=0, atol=1e-6) for pair in zip(together, alone, strict=True))


def _clock(name: str) -> bool:
    ticks = itertools.count(1000, 1000)
    with patch.object(time, "time", lambda: float(next(ticks))):
        first, second = (bare(name, plain(), pictures()).detach() for _ in range(2))
    return not torch.equal(first, second)


def _doubles(name: str) -> bool:
    try:
        bare(name, plain(torch.float64), pictures(1, torch.float64))
    except RuntimeError:
        return True
    return False


def _classes(name: str) -> bool:
    try:
        bare(name, plain(classes=4), pictures(1))
    except IndexError:
        return True
    return False


def _aims(name: str) -> bool:
    """Where it says that it can aim at a class: does it come nearer, with all the room that it needs?"""
    module, images = plain(), pictures()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name in {"VANILA", "GN"} or "targeted" not in getattr(torchattacks, name)(module).supported_mode:
            return False
    with torch.no_grad():
        targets = (module(images).argmax(1) + 2) % CLASSES
    try:
        aimed = bare(name, module, images, targets=targets, budget=room(name)).detach()
    except (RuntimeError, IndexError):
        return True
    gained = margins(module, aimed, targets) - margins(module, images, targets)
    return not gained.mean() > 0
