"""Networks from what a spec's `factory` names."""

from __future__ import annotations

import inspect
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from camaudit.classifier.network import Classifier
from camaudit.classifier.preprocess import Preprocess
from camaudit.data.geometry import Geometry
from camaudit.errors import CamauditError, ModelError
from camaudit.modules import inside, load_callable
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

TORCHVISION = "torchvision"
SEED = 0
ASK_FOR_DRAW = {"googlenet", "inception_v3"}
"""They warn unless it is said whether their parameters are to be drawn."""


def call(reference: str, arguments: dict[str, Any], base: Path) -> nn.Module | Classifier:
    """What ``module:callable`` returns. Raises `ModelError` where it raises or returns something else."""
    function = load_callable(reference, base, error=ModelError)
    with inside(base):
        made = _called(function, arguments, reference)
    if not isinstance(made, nn.Module | Classifier):
        raise ModelError(
            f"returned {_described(made)}, needed is a torch.nn.Module or a camaudit.Classifier",
            where=reference,
        )
    return made


def call_preprocess(reference: str, base: Path) -> Preprocess:
    """What ``module:callable`` returns, which has to be a `Preprocess`."""
    function = load_callable(reference, base, error=ModelError)
    with inside(base):
        made = _called(function, {}, reference)
    if not isinstance(made, Preprocess):
        raise ModelError(
            f"returned {_described(made)}, needed is a camaudit.classifier.Preprocess", where=reference
        )
    return made


def torchvision_network(name: str, arguments: dict[str, Any]) -> nn.Module:
    """One of torchvision's networks on images, its parameters drawn at random; nothing is downloaded.

    Classifiers, and those that segment or detect (they need `model.scores`).
    """
    from torchvision import models

    rooms = (models, models.segmentation, models.detection)
    known = [network for room in rooms for network in models.list_models(module=room)]
    where = f"{TORCHVISION}:{name}"
    if name not in known:
        raise ModelError(
            f"torchvision has no image network {name!r}{did_you_mean(name, known)}",
            where=where,
            hint=f"it has: {', '.join(known)}",
        )
    if any(key.startswith("weights") for key in arguments):
        raise ModelError(
            "weights are not an argument of the factory: they would be downloaded",
            where=where,
            hint="name a file under model.weights",
        )
    builder = models.get_model_builder(name)
    drawn: dict[str, Any] = {"init_weights": True} if name in ASK_FOR_DRAW else {}
    if "weights_backbone" in inspect.signature(builder).parameters:
        drawn["weights_backbone"] = None
    made: nn.Module = _called(builder, {"weights": None, **drawn, **arguments}, where)
    return made


def torchvision_preprocess(name: str) -> Preprocess | None:
    """The preprocessing that torchvision documents for a network's best weights; None where it has none."""
    from torchvision.models import get_model_weights

    weights = get_model_weights(name)
    transforms = getattr(weights, "DEFAULT", None)
    if transforms is None:
        return None
    steps = transforms.transforms()
    if not hasattr(steps, "crop_size"):  # of those that segment or detect: nothing that fits masks
        return None
    return Preprocess(
        geometry=Geometry(
            resize=_size(steps.resize_size),
            crop=_size(steps.crop_size),
            interpolation=steps.interpolation.value,
        ),
        mean=tuple(steps.mean),
        std=tuple(steps.std),
    )


@contextmanager
def seeded() -> Iterator[None]:
    """Draw random weights the same on every run, and leave torch's random states as they are."""
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else range(0)  # type: ignore[no-untyped-call]
    with torch.random.fork_rng(devices=list(devices)):
        torch.manual_seed(SEED)
        yield


def _called(function: Callable[..., Any], arguments: dict[str, Any], where: str) -> Any:
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as failure:
        raise ModelError(
            f"cannot be called with these arguments: {failure}",
            where=where,
            hint="arguments are given under model.arguments",
        ) from failure
    except ValueError:
        pass  # written in C: no signature to look at
    try:
        return function(**arguments)
    except CamauditError:
        raise
    except Exception as failure:
        raise ModelError(f"raised {type(failure).__name__}: {failure}", where=where) from failure


def _described(made: Any) -> str:
    if inspect.isroutine(made) or inspect.isclass(made):
        return f"a {type(made).__name__}, which would have to be called"
    return f"a {type(made).__name__}"


def _size(size: list[int]) -> int | tuple[int, int]:
    return size[0] if len(size) == 1 else (size[0], size[1])
