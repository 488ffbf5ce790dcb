"""Targets for networks that answer per pixel or per box: to be used with ``of: output``.

In a spec, ``target: {function: "camaudit.dense_targets:segmentation_label", of: output}`` explains each
image's own class. For one class, write ``wheel = segmentation_class(7)`` into a file beside the spec and
name that: ``{function: "my_targets:wheel", of: output}``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from camaudit.errors import MapError

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor


def segmentation_class(index: int) -> Callable[[Any], Tensor]:
    """The sum of class `index`'s logits over the pixels that the network gives to that class, [n].

    Which pixels these are is taken as given: no gradient passes through the choice. 0, and a map of zeros
    (undefined, never a pass), where there is none. The function takes logits [n, k, h, w] or a mapping
    that holds them under ``"out"``.

    Source: Vinogradova et al., Towards interpretable semantic segmentation via gradient-weighted class
    activation mapping (Seg-Grad-CAM), AAAI 2020, equation 2, with the predicted pixels for M.
    """

    def summed(output: Any) -> Tensor:
        logits = _logits(output)
        return _of_predicted(logits, torch.full((len(logits),), index, device=logits.device))

    return summed


def segmentation_label(output: Any, labels: Tensor) -> Tensor:
    """As `segmentation_class`, of each image's own label [n]."""
    return _of_predicted(_logits(output), labels)


def detection_class(index: int) -> Callable[[Any], Tensor]:
    """The score of class `index`'s best box, [n]; 0, and a map of zeros, where it has none.

    The function takes a list with a mapping per image that holds `scores` [m] and `labels` [m].
    """

    def best(output: Any) -> Tensor:
        return torch.stack([_best(item, index) for item in _images(output)])

    return best


def detection_label(output: Any, labels: Tensor) -> Tensor:
    """As `detection_class`, of each image's own label [n]."""
    found = [_best(item, int(label)) for item, label in zip(_images(output), labels, strict=True)]
    return torch.stack(found)


def _of_predicted(logits: Tensor, index: Tensor) -> Tensor:
    classes = logits.shape[1]
    outside = (index < 0) | (index >= classes)
    if bool(outside.any()):
        raise MapError(
            f"class {int(index[outside][0])} is none of this network's: its pixels have {classes} classes",
            hint="give every image a label, or name one class: segmentation_class(…)",
        )
    own = logits.gather(1, index[:, None, None, None].expand(-1, 1, *logits.shape[2:]))[:, 0]
    chosen = logits.detach().argmax(1) == index[:, None, None]
    # `where`, not a product: an infinite logit elsewhere has no say.
    return torch.where(chosen, own, torch.zeros_like(own)).sum((1, 2))


def _logits(output: Any) -> Tensor:
    logits = output.get("out") if isinstance(output, Mapping) else output
    if not isinstance(logits, torch.Tensor) or logits.dim() != 4:  # noqa: PLR2004 - [n, k, h, w]
        raise MapError(
            "the network's output holds no logits [n, k, h, w]", hint='use the target with "of: output"'
        )
    return logits


def _images(output: Any) -> list[Any] | tuple[Any, ...]:
    fits = isinstance(output, list | tuple) and all(
        isinstance(item, Mapping) and {"scores", "labels"} <= item.keys() for item in output
    )
    if not fits:
        raise MapError(
            "the network's output is no list of boxes with scores and labels",
            hint='use the target with "of: output"',
        )
    found: list[Any] | tuple[Any, ...] = output
    return found


def _best(item: Mapping[str, Tensor], index: int) -> Tensor:
    own = item["scores"][item["labels"] == index]
    # The sum keeps the graph together where there is no box: a zero that no gradient leaves.
    return own.max() if own.numel() else item["scores"].sum() * 0
