"""A small network to attack, what is left of it afterwards, and few steps for every class of torchattacks."""

from __future__ import annotations

import random

import numpy as np
import torch
from torch import nn

from camaudit.classifier import Classifier
from camaudit.classifier.preprocess import Preprocess
from camaudit.perturb.attacks import find
from camaudit.perturb.attacks.traits import TRAITS
from camaudit.perturb.budget import Budget

SIDE = 8
CLASSES = 10
SEEDS = (11, 22, 33)
EPS = {"linf": 0.05, "l2": 0.5, "l0": 6, "patch": 3}
FEW = {
    "AutoAttack": {"version": "rand"},
    "CW": {"steps": 20, "c": 5, "lr": 0.1},
    "DeepFool": {"steps": 4},
    "EADEN": {"binary_search_steps": 3, "max_iterations": 20, "initial_const": 1.0, "lr": 0.1},
    "EADL1": {"binary_search_steps": 3, "max_iterations": 20, "initial_const": 1.0, "lr": 0.1},
    "FFGSM": {},
    "FGSM": {},
    "GN": {},
    "JSMA": {"gamma": 0.02},
    "OnePixel": {"steps": 2, "popsize": 20},
    "PGDRS": {"steps": 3, "noise_batch_size": 2},
    "PGDRSL2": {"steps": 3, "noise_batch_size": 2},
    "PIFGSM": {"num_iter_set": 3},
    "PIFGSMPP": {"num_iter_set": 3},
    "Pixle": {"restarts": 5, "max_iterations": 5},
    "SPSA": {"nb_sample": 16, "nb_iter": 3},
    "SparseFool": {"steps": 1},
    "Square": {"n_queries": 30},
    "VANILA": {},
}
"""Parameters that keep a class short; those that are not named take three steps."""


class Small(nn.Module):
    """Convolution, batch norm, dropout, a parameter under two names, and a buffer."""

    def __init__(self, classes: int = CLASSES) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8)
        self.drop = nn.Dropout(0.5)
        self.deep = nn.Conv2d(8, 8, 3, stride=2, padding=1)
        self.tied = self.deep
        self.head = nn.Linear(8, classes)
        self.register_buffer("scale", torch.tensor(20.0))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        seen = torch.relu(self.norm(self.conv(images)))
        return self.head(self.drop(torch.relu(self.deep(seen))).mean((2, 3))) * self.scale


def small(dtype: torch.dtype = torch.float32, classes: int = CLASSES, *, raw: bool = False) -> Classifier:
    """A network in eval mode, with gradients of its own here and there; `raw` is without preprocessing.

    Its bias is set so that the pictures lie near the borders between classes: most attacks find something.
    """
    with torch.random.fork_rng():
        torch.manual_seed(3)
        module = Small(classes)
        module.norm.running_mean.normal_()
    module.to(dtype).eval()
    preprocess = Preprocess() if raw else Preprocess(mean=(0.5, 0.4, 0.3), std=(0.2, 0.2, 0.3))
    classifier = Classifier(module=module, preprocess=preprocess)
    images = pictures()
    with torch.no_grad():
        module.head.bias -= classifier.logits(images).mean(0) / module.scale
    module(images.to(dtype)).sum().backward()
    module.norm.weight.grad = None
    module.head.bias.requires_grad_(False)  # noqa: FBT003
    return classifier


def pictures(count: int = 3, dtype: torch.dtype = torch.float32) -> torch.Tensor:
    """Smooth random pictures on the 8-bit grid, black and white among their values."""
    coarse = torch.rand(count, 3, 4, 4, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    fine = nn.functional.interpolate(coarse, size=SIDE, mode="bilinear")
    return (((fine - 0.5) * 2 + 0.5).clamp(0, 1) * 255).round().div(255).to(dtype)


def answers(classifier: Classifier, images: torch.Tensor) -> torch.Tensor:
    """What the network says."""
    with torch.no_grad():
        return classifier.logits(images).argmax(1)


def few(name: str) -> dict[str, object]:
    """Parameters that keep a class of torchattacks short."""
    return FEW.get(name, {"steps": 3})


def budgets(name: str) -> list[Budget | None]:
    """A budget in each norm that a class can keep; none where it keeps none."""
    return [Budget(norm=norm, eps=EPS[norm]) for norm in find(f"torchattacks.{name}").norms] or [None]


def room(name: str) -> Budget | None:
    """A budget that gives a targeted attack room; none for a class that cannot be told one."""
    if name == "Square":  # gives nothing where it does not succeed
        return Budget(norm="linf", eps=0.3)
    norm = TRAITS[name].norms[0]
    return (
        None if TRAITS[name].eps is None else Budget(norm=norm, eps={"linf": 0.1, "l2": 2.0, "l0": 1}[norm])
    )


def margins(logits, images: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """How far the logits of these classes are above the largest other."""
    with torch.no_grad():
        found = logits(images)
        others = found.scatter(1, classes[:, None], -torch.inf).amax(1)
        return found.gather(1, classes[:, None])[:, 0] - others


def attack(name, classifier, images, *, budget=None, seeds=SEEDS, labels=None, targets=None, **given):
    """What the adapter makes of a class of torchattacks."""
    made = find(f"torchattacks.{name}").make({**few(name), **given}, budget)
    labels = answers(classifier, images) if labels is None else labels
    return made(classifier, images, labels, seeds=seeds[: len(images)], targets=targets)


def remains(module: nn.Module) -> list[object]:
    """Everything that an attack could change in a network, and the random states."""
    return [
        [(name, item.training) for name, item in module.named_modules()],
        [(len(item._forward_hooks), len(item._forward_pre_hooks)) for item in module.modules()],
        [len(item._backward_hooks) for item in module.modules()],
        [(id(item), item.requires_grad, id(item.grad)) for item in module.parameters()],
        [item.grad.tolist() for item in module.parameters() if item.grad is not None],
        [(name, id(item)) for name, item in module.named_buffers()],
        [item.tolist() for item in module.state_dict().values()],
        random.getstate(),
        np.random.get_state()[1].tolist(),  # noqa: NPY002
        torch.get_rng_state().tolist(),
        torch.is_grad_enabled(),
    ]
