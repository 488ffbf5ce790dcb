"""Audits of networks that are known to the last weight, and attacks that keep or break their rules."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
import yaml

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.perturb.attacks import ATTACKS
from camaudit.perturb.corruptions import CORRUPTIONS
from camaudit.perturb.member import Member
from camaudit.spec import read

if TYPE_CHECKING:
    from pathlib import Path

SIDE = 8
MODULE = '''
import numpy as np
import torch
from torch import nn

from camaudit import Sample
from camaudit.data.masks import MaskArray

SIDE = 8
OBJECT = np.zeros((SIDE, SIDE), dtype=bool)
OBJECT[2:5, 3:7] = True


def weights():
    """Fixed weights [3, SIDE, SIDE] of both signs, none of them 0."""
    rng = np.random.default_rng(0)
    return rng.choice([-1.0, 1.0], (3, SIDE, SIDE)) * rng.uniform(0.2, 1.0, (3, SIDE, SIDE))


def score(image):
    """The linear network's score of a picture uint8 [h, w, 3]."""
    return float(((image.transpose(2, 0, 1) / 255 - 0.5) * weights()).sum())


def picture(number):
    """Values from 40 to 100 and from 156 to 216: none is near the middle or an end."""
    rng = np.random.default_rng(number)
    values = rng.integers(40, 101, (SIDE, SIDE, 3)) + 116 * rng.integers(0, 2, (SIDE, SIDE, 3))
    return values.astype(np.uint8)


def samples(n=24, wrong=0, unlabelled=0, groups=0):
    """`n` pictures labelled as the linear network answers, but for the first few."""
    for number in range(n):
        image = picture(number)
        label = int(score(image) > 0)
        if number < wrong:
            label = 1 - label
        if wrong <= number < wrong + unlabelled:
            label = None
        yield Sample(
            id=f"s{number:03d}",
            image=lambda image=image: image,
            masks={"object": MaskArray(array=lambda: OBJECT)},
            label=label,
            group=f"g{number // groups}" if groups else None,
        )


class Linear(nn.Module):
    """Logits (-s, s) with s = w · (x - 0.5), through a layer that hands the image on."""

    def __init__(self, scale=1.0):
        super().__init__()
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        nn.init.dirac_(self.features.weight)
        self.head = nn.Parameter(torch.from_numpy(weights()).float() * scale)
        self.count = nn.BatchNorm2d(3)

    def forward(self, x):
        s = ((self.features(x) - 0.5) * self.head).sum((1, 2, 3))
        return torch.stack([-s, s], dim=1)


class Steady(nn.Module):
    """Its layer sees which values are above the middle, and nothing else: small changes reach nothing."""

    def __init__(self):
        super().__init__()
        self.features = nn.Conv2d(3, 3, 1, bias=False)
        nn.init.dirac_(self.features.weight)
        self.head = nn.Parameter(torch.from_numpy(weights()).float())

    def forward(self, x):
        coarse = torch.where(x > 0.5, 0.75, 0.25).to(x)
        s = ((self.features(coarse) - 0.5) * self.head).sum((1, 2, 3))
        return torch.stack([-s, s], dim=1)


def linear(**arguments):
    return Linear(**arguments)


def steady():
    return Steady()
'''


class Signs:
    """One step of ε against the label along the gradient's sign, as fast gradient attacks do."""

    def __init__(self, eps, factor=1.0):
        self.eps = eps * factor

    def __call__(self, classifier, images, labels, *, seeds, targets=None):
        images = images.requires_grad_()
        logits = classifier.logits(images)
        aim = -labels if targets is None else targets
        rows = torch.arange(len(images))
        score = logits[rows, aim] if targets is not None else -logits[rows, labels]
        (gradient,) = torch.autograd.grad(score.sum(), images)
        return (images + self.eps * gradient.sign()).clamp(0, 1)


class Shaken:
    """Noise by each image's own seed, and a network that is left as a mess."""

    def __init__(self, eps):
        self.eps = eps

    def __call__(self, classifier, images, labels, *, seeds, targets=None):
        with torch.no_grad():
            for parameter in classifier.module.parameters():
                parameter.mul_(-3)
            classifier.module.train()
            torch.manual_seed(0)
        rows = [
            torch.rand(image.shape, generator=torch.Generator().manual_seed(seed))
            for image, seed in zip(images, seeds, strict=True)
        ]
        return (images + self.eps * (2 * torch.stack(rows) - 1)).clamp(0, 1)


def _raising(*_, **__):
    raise RuntimeError("out of luck")


def _half_nan(classifier, images, labels, *, seeds, targets=None):
    """NaN for images with an even seed, else as they are."""
    bad = torch.tensor([seed % 2 == 0 for seed in seeds])
    return torch.where(bad[:, None, None, None], torch.nan, images)


def _makes(function):
    return lambda parameters, budget: function(**parameters, eps=budget.eps)


def member(name: str, make: Any, **changes: Any) -> Member:
    return Member(
        name=name,
        make=make,
        **{"norms": ("linf", "l2", "l0"), "access": "gradient", "targeted": True} | changes,
    )


MEMBERS = {
    "signs": member("signs", _makes(Signs)),
    "shaken": member("shaken", _makes(Shaken), access="none", doubt="it is a test"),
    "raising": member("raising", lambda parameters, budget: _raising),
    "nan": member("nan", lambda parameters, budget: _half_nan),
    "idle": member("idle", lambda parameters, budget: lambda _, images, *__, **___: images, targeted=False),
    "other shape": member(
        "other shape", lambda parameters, budget: lambda _, images, *__, **___: images[:, :1]
    ),
}


def registered(monkeypatch) -> None:
    """Put the tests' own members into the tables."""
    for name, own in MEMBERS.items():
        monkeypatch.setitem(ATTACKS, name, own)
    for name, own in CORRUPTED.items():
        monkeypatch.setitem(CORRUPTIONS, name, own)


def _darker(parameters, budget):
    """Every pixel times 1 - severity / 10."""
    factor = 1 - parameters.pop("severity") / 10
    assert budget is None
    assert not parameters
    return lambda _, images, *__, **___: images * factor


CORRUPTED = {
    "darker": Member(name="darker", make=_darker, norms=(), access="none"),
    "none": Member(
        name="none", make=lambda *_: lambda _, images, *__, **___: images, norms=(), access="none"
    ),
    "blinding": Member(
        name="blinding", make=lambda *_: lambda _, images, *__, **___: images + 2, norms=(), access="none"
    ),
}


def adversarial(name: str = "under-attack", **changes: Any) -> dict[str, Any]:
    """A check under one step of 8/255."""
    attack = {"name": "signs", "norm": "linf", "eps": "8/255", **changes.pop("attack", {})}
    gate = {"success_rate": {"at_most": 0.5}}
    return {"id": name, "kind": "adversarial", "attack": attack, "gate": gate, **changes}


def write(
    folder: Path,
    *checks: dict[str, Any],
    network: str = "linear",
    data: dict[str, Any] | None = None,
    **model: Any,
) -> Path:
    """Write module and spec into `folder`; returns the spec's path."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"struck_{folder.name}".replace("-", "_")
    (folder / f"{name}.py").write_text(MODULE, encoding="utf-8")
    spec = {
        "version": 1,
        "name": "struck",
        "model": {
            "factory": f"{name}:{network}",
            "arguments": model,
            "weights": "random",
            "classes": ["below", "above"],
        },
        "maps": {"layer": "features"},
        "data": {"noise": {"factory": f"{name}:samples", "arguments": data or {}}},
        "checks": list(checks) or [adversarial()],
    }
    path = folder / "struck.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return path


def audited(folder: Path, *checks: dict[str, Any], batch_size: int = 16, **rest: Any):
    """The result of an audit of these checks."""
    path = write(folder, *checks, **rest)
    return run(plan.make(read(path)), folder / "out", Options(batch_size=batch_size))


def known() -> dict[str, Any]:
    """What the module holds: `picture`, `score`, `weights`."""
    module: dict[str, Any] = {}
    exec(compile(MODULE, "struck", "exec"), module)
    return module
