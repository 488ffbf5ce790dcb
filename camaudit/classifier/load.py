"""From a model spec to a classifier that is ready to run: built, filled, verified."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from camaudit.classifier import build, dense
from camaudit.classifier.export import load_export
from camaudit.classifier.files import existing
from camaudit.classifier.names import read_names
from camaudit.classifier.network import Classifier
from camaudit.classifier.preprocess import Preprocess, from_spec
from camaudit.classifier.weights import check_finite, load_weights, verified
from camaudit.errors import ModelError
from camaudit.integrity import sha256
from camaudit.modules import load_callable
from camaudit.spec.types import WeightsSpec

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import Tensor

    from camaudit.spec.types import ModelSpec

EXPORT = "export"


def load(spec: ModelSpec, base: Path, *, name: str = "model", device: str = "cpu") -> Classifier:
    """The classifier that a spec describes, in eval mode on `device`, its own dtype kept.

    Weights are hashed and checked to be complete and finite; a dry run on grey images checks that
    preprocessing, network, output selector and class names fit (`Classifier.check`). Random weights are
    drawn with a fixed seed; torch's random states are left alone.

    Raises `ModelError` for whatever does not fit, with what was found and what to do.
    """
    with torch.inference_mode(mode=False), build.seeded():
        made = _make(spec, base, device)
        names = read_names(spec.classes, base) or made.classes
        classifier = replace(made, name=name, classes=names, scores=_scores(spec, names, base) or made.scores)
        check_finite(classifier.module, name)
        _to(classifier.module, device, name)
        _to_eval(classifier.module)
        classifier.check()
    return classifier


def _make(spec: ModelSpec, base: Path, device: str) -> Classifier:
    kind, _, rest = spec.factory.partition(":")
    if kind == EXPORT:
        made = _exported(spec, rest, base, device)
    elif kind == build.TORCHVISION:
        made = _filled(Classifier(module=_torchvision(spec, rest)), spec, base)
    else:
        built = build.call(spec.factory, spec.arguments, base)
        made = _filled(Classifier(module=built) if isinstance(built, nn.Module) else built, spec, base)
    return replace(
        made,
        factory=spec.factory,
        output=made.output if spec.output is None else spec.output,
        preprocess=_preprocess(spec, base) or made.preprocess,
    )


def _torchvision(spec: ModelSpec, name: str) -> nn.Module:
    if spec.weights is None:
        raise ModelError(
            "no weights are given, and an untrained network answers at random",
            where=spec.factory,
            hint="name a file (weights: {path: …}), or write weights: random where that is meant",
        )
    return build.torchvision_network(name, spec.arguments)


def _filled(made: Classifier, spec: ModelSpec, base: Path) -> Classifier:
    if not isinstance(spec.weights, WeightsSpec):
        return made
    digest = load_weights(made.module, spec.weights, base)
    return replace(made, weights=spec.weights.path, weights_sha256=digest)


def _exported(spec: ModelSpec, file: str, base: Path, device: str) -> Classifier:
    if spec.arguments:
        raise ModelError("an exported program takes no arguments", where=spec.factory)
    if spec.weights == "random":
        raise ModelError(
            "an exported program brings its weights",
            where=spec.factory,
            hint="leave weights out, or pin the file: weights: {path: the same file, sha256: …}",
        )
    path = existing(file, base)
    digest = sha256(path)
    own = spec.weights is None or existing(spec.weights.path, base).samefile(path)
    if own and spec.weights is not None:
        verified(path, spec.weights)
    made = Classifier(module=load_export(path, device), weights=file, weights_sha256=digest)
    return made if own else _filled(made, spec, base)


def _scores(spec: ModelSpec, classes: tuple[str, ...] | None, base: Path) -> Callable[[Any], Tensor] | None:
    if spec.scores is None:
        return None
    if ":" in spec.scores:
        return load_callable(spec.scores, base, error=ModelError)
    return dense.named(spec.scores, classes)


def _preprocess(spec: ModelSpec, base: Path) -> Preprocess | None:
    """What the spec says, else what torchvision documents; None leaves it to the factory."""
    kind, _, name = spec.factory.partition(":")
    if isinstance(spec.preprocess, str):
        return build.call_preprocess(spec.preprocess, base)
    if spec.preprocess is not None:
        return from_spec(spec.preprocess)
    if kind != build.TORCHVISION:
        return None
    found = build.torchvision_preprocess(name)
    if found is None:
        raise ModelError(
            "torchvision documents no preprocessing for this network",
            where=spec.factory,
            hint="write it: model.preprocess",
        )
    return found


def _to(module: nn.Module, device: str, name: str) -> None:
    try:
        module.to(torch.device(device))
    except (RuntimeError, AssertionError, NotImplementedError) as failure:
        available = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
        raise ModelError(
            f"the network cannot be moved to {device!r}: {str(failure).partition(chr(10))[0]}",
            where=name,
            hint=f"devices here: {', '.join(available)}",
        ) from failure


def _to_eval(module: nn.Module) -> None:
    module.eval()
    for item in module.modules():
        # Networks that override `train` to keep parts in training mode would answer differently each time.
        if item.training:
            item.training = False
