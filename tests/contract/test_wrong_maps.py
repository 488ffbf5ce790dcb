"""Map methods that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import torch

from camaudit import contract
from camaudit.maps import Method
from tests.contract.wrong import HERE, plant, refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract import Contract
    from camaudit.maps.capture import Capture


def map_of(function: Callable[..., Any], /, **changes: Any) -> Contract:
    options = {key: changes.pop(key) for key in ("signed", "targeted") if key in changes}
    entry = {"name": "planted", "title": "Planted", "source": "nobody", "function": plant(function)}
    return contract.of_map(Method(**{**entry, **changes}), **options)


def weighed(capture: Capture, target: Any) -> torch.Tensor:
    """What is right, for others to spoil."""
    return (capture.activations * capture.gradients(target)).sum(1)


def drawn(capture: Capture, target: Any) -> torch.Tensor:
    return weighed(capture, target) * (1 + torch.rand(()))


def in_place(capture: Capture, target: Any) -> torch.Tensor:
    capture.images.add_(0.1)
    return weighed(capture, target)


def trained(capture: Capture, target: Any) -> torch.Tensor:
    capture.network.module.train()
    return weighed(capture, target)


def hooked(capture: Capture, target: Any) -> torch.Tensor:
    capture.network.module.register_forward_hook(lambda *_: None)
    return weighed(capture, target)


def reweighted(capture: Capture, target: Any) -> torch.Tensor:
    next(capture.network.module.parameters()).mul_(1.5)
    return weighed(capture, target)


def asks_in_training_mode(capture: Capture, target: Any) -> torch.Tensor:
    module = capture.network.module
    flags = [item.training for item in module.modules()]
    for item in module.modules():
        item.training = False
    capture.network.logits(capture.images)  # not put back where this raises
    for item, flag in zip(module.modules(), flags, strict=True):
        item.training = flag
    return weighed(capture, target)


def of_what_is_trained(capture: Capture, target: Any) -> torch.Tensor:
    return weighed(capture, target) * sum(item.requires_grad for item in capture.network.module.parameters())


def unfreezes(capture: Capture, target: Any) -> torch.Tensor:
    capture.network.module.requires_grad_()
    return weighed(capture, target)


def of_the_batch(capture: Capture, target: Any) -> torch.Tensor:
    raw = weighed(capture, target)
    return raw - raw.mean()


def of_classes_only(capture: Capture, target: Any) -> torch.Tensor:
    rows = torch.nn.functional.one_hot(target.long(), 5).float() if target.dim() == 1 else target.flip(1)
    return weighed(capture, rows)


def with_a_graph(capture: Capture, target: Any) -> torch.Tensor:
    return weighed(capture, target).requires_grad_()


def peaked(raw: torch.Tensor) -> torch.Tensor:
    return raw / raw.abs().amax((1, 2), keepdim=True).clamp(min=1e-12)


@pytest.mark.parametrize(
    ("function", "clause", "words"),
    [
        (drawn, "the same twice", "two calls with the same input differ"),
        (in_place, "network and images untouched", "it changed the images in place"),
        (trained, "network and images untouched", "it changed: the training flags"),
        (hooked, "network and images untouched", "it changed: the hooks"),
        (reweighted, "network and images untouched", "it changed: the weights or buffers"),
        (drawn, "network and images untouched", "it changed: torch's random state"),
        (
            asks_in_training_mode,
            "network untouched after it raised",
            "forward number 2 changed: the training",
        ),
        (
            of_what_is_trained,
            "frozen networks and inference mode",
            "of a network with frozen parameters differ",
        ),
        (unfreezes, "frozen networks and inference mode", "it unfroze parameters"),
        (of_the_batch, "each image by itself", "image 0 alone and in a batch differ by up to"),
        (of_classes_only, "weights as a target", "give another map than the class"),
        (with_a_graph, "shape and type", "maps hang on a graph"),
        (
            lambda c, t: weighed(c, t).double(),
            "shape and type",
            r"maps are torch\.float64 for images in float32",
        ),
        (
            lambda c, t: weighed(c, t)[:, None],
            "shape and type",
            r"maps are \[3, 1, 6, 6\] for 3 images, needed",
        ),
        (lambda c, t: weighed(c, t).numpy(), "shape and type", "it returned ndarray, not a tensor"),
        (lambda c, t: weighed(c, t) * torch.nan, "shape and type", "maps hold NaN"),
        (lambda c, t: weighed(c, t).relu(), "raw maps", "no map holds negative evidence"),
        (lambda c, t: -weighed(c, t).relu(), "raw maps", "no map holds positive evidence"),
        (lambda c, t: peaked(weighed(c, t)), "raw maps", "raw maps are not normalised"),
        (lambda c, t: c.activations.sum(1), "looks at image and target", "is the same for two classes"),
        (
            lambda c, t: t[:, None, None].expand(-1, 6, 6) + 0.5,
            "looks at image and target",
            "maps of two images",
        ),
    ],
)
def test_wrong_map_methods(function: Callable[..., Any], clause: str, words: str) -> None:
    refused(map_of(function), clause, words)


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"title": ""}, "entry", "its title is empty"),
        ({"source": ""}, "entry", "its source is empty"),
        ({"at": "pixel"}, "entry", "at is 'pixel'"),
        ({"function": f"{HERE}:nothing"}, "entry", "it raised AttributeError"),
        ({"at": "pixels"}, "shape and type", r"maps are \[3, 6, 6\] for 3 images, needed are \[3, 12, 12\]"),
        ({"signed": False}, "raw maps", "maps hold negative values, and signed=False was said"),
        ({"targeted": False}, "looks at image and target", "differs between two classes, and targeted=False"),
    ],
)
def test_wrong_entries_of_map_methods(changes: dict[str, Any], clause: str, words: str) -> None:
    def small(capture: Capture, target: Any) -> torch.Tensor:
        return weighed(capture, target)[:, :6, :6]

    refused(map_of(small, **changes), clause, words)


def test_a_right_map_method_keeps_everything() -> None:
    map_of(weighed).hold()
