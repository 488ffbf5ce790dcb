"""Scores of whole images from outputs that are none: pixels of a segmentation, boxes of a detection.

An audit needs an answer per image: a prediction, a target. These functions say what it is; a target with
``of: output`` still sees the network's own output (`camaudit.dense_targets`).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camaudit.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable

PIXELS = 4
"""Dimensions of a segmentation's logits: [n, k, h, w]."""


def segmentation_scores(output: Any) -> Tensor:
    """Each class's mean logit over all pixels, [n, k]; differentiable, linear in the logits.

    `output` are logits [n, k, h, w], or a mapping that holds them under ``"out"``, as torchvision's do.
    The largest score is the class that the network sees most of: often the background. Raises
    `ModelError` for anything else.
    """
    logits = output.get("out") if isinstance(output, Mapping) else output
    if not isinstance(logits, Tensor) or logits.dim() != PIXELS or not logits.is_floating_point():
        raise ModelError(
            f"scores: segmentation needs logits [n, k, h, w] or a mapping with 'out', got a "
            f"{type(output).__name__}{f' {list(output.shape)}' if isinstance(output, Tensor) else ''}",
            hint="write your own: scores: module:callable",
        )
    return logits.mean((2, 3))


def detection_scores(output: Any, *, classes: int) -> Tensor:
    """The score of each class's best box, [n, k]; 0 where it has none. Differentiable where there is one.

    `output` is a list with a mapping per image: `scores` [m] and `labels` [m], as torchvision's detectors
    put out. Class indices are the detector's own, with 0 for the background, which never has a box: an
    image without any box is answered by 0. Raises `ModelError` for anything else, and for a label that is
    not below `classes`.
    """
    fits = isinstance(output, list | tuple) and all(
        isinstance(item, Mapping) and {"scores", "labels"} <= item.keys() for item in output
    )
    if not fits:
        raise ModelError(
            "scores: detection needs a list of mappings with scores and labels, "
            f"got a {type(output).__name__}",
            hint="write your own: scores: module:callable",
        )
    return torch.stack([_best(item["scores"], item["labels"], classes) for item in output])


def _best(scores: Tensor, labels: Tensor, classes: int) -> Tensor:
    if labels.numel() and int(labels.max()) >= classes:
        raise ModelError(
            f"the detector finds class {int(labels.max())}, and there are {classes} class names",
            hint="model.classes names all of them, the background (0) too",
        )
    # Never negative, so 0 is both: no box, and a score of nothing. The sum keeps the graph together.
    none = scores.sum() * 0
    return torch.stack([torch.cat([scores[labels == index], none[None]]).max() for index in range(classes)])


def named(name: str, classes: tuple[str, ...] | None) -> Callable[[Any], Tensor]:
    """The function that a spec's `scores` means by ``segmentation`` or ``detection``."""
    if name == "segmentation":
        return segmentation_scores
    if classes is None:
        raise ModelError(
            "scores: detection has to know how many classes there are",
            hint="name them in model.classes, the background (0) first",
        )
    return partial(detection_scores, classes=len(classes))
