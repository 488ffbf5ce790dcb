"""What a layer put out, and whether a map can be made of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from camaudit.errors import MapError

SPATIAL = 4
"""Dimensions of an output that has a place for every value: [n, c, u, v]."""


def is_spatial(output: Any) -> bool:
    """Whether it is a float tensor [n, c, u, v]."""
    return isinstance(output, Tensor) and output.dim() == SPATIAL and output.is_floating_point()


def is_tokens(output: Any) -> bool:
    """Whether it is a float tensor [n, l, d]: a sequence of tokens, as transformers hand on."""
    return isinstance(output, Tensor) and output.dim() == SPATIAL - 1 and output.is_floating_point()


def describe(output: Any) -> str:
    """An output in words for an error: ``a tuple of 2``, ``a tensor [4, 10] (torch.float32)``."""
    if isinstance(output, Tensor):
        tokens = ", a sequence of tokens" if is_tokens(output) else ""
        return f"a tensor {list(output.shape)} ({output.dtype}{tokens})"
    if isinstance(output, Mapping):
        return f"a {type(output).__name__} with keys {', '.join(map(repr, output))}"
    if isinstance(output, tuple | list):
        return f"a {type(output).__name__} of {len(output)}"
    return f"a {type(output).__name__}"


def channels_last(shape: tuple[int, ...], images: tuple[int, ...]) -> bool:
    """Whether [n, u, v, c] fits the images [n, 3, h, w] and [n, c, u, v] does not.

    A grid fits where it has the aspect ratio of the images, give or take one cell. Swin transformers
    hand on such outputs; read as [n, c, u, v] they would make a map of nothing.
    """
    size = (images[2], images[3])
    return fits(shape[1], shape[2], size) and shape[1] * shape[2] > 1 and not fits(shape[2], shape[3], size)


def fits(rows: int, columns: int, size: tuple[int, int]) -> bool:
    """Whether a grid has the aspect ratio of images of that height and width, give or take one cell."""
    height, width = size
    return abs(rows * width - columns * height) <= max(width, height)


def check_calls(calls: int, call: int | None, where: str) -> None:
    """`MapError` unless the layer ran, and it is clear which of its calls is meant."""
    times = f"{calls} time{'s' * (calls != 1)}"
    if calls == 0:
        raise not_running(where)
    if call is None and calls > 1:
        raise MapError(
            f"runs {times} in one forward, and one call has to be chosen",
            where=where,
            hint=f"set maps.call to 0 … {calls - 1} (0 is the first call), or name another layer",
        )
    if call is not None and not 0 <= call < calls:
        raise MapError(
            f"call {call} is asked for, but it runs {times} in one forward",
            where=where,
            hint=f"set maps.call to 0 … {calls - 1}, or leave it out where a layer runs once",
        )


def not_running(where: str) -> MapError:
    """The error for a layer that no forward reaches."""
    return MapError(
        "does not run in this network's forward",
        where=where,
        hint='name another layer, or "auto"; compiled and scripted networks run theirs out of sight: '
        "hand over the plain one",
    )


def check_shape(shape: tuple[int, ...], images: tuple[int, ...], where: str, *, guess: bool = True) -> None:
    """`MapError` unless an output has an entry for each of the images [n, 3, h, w].

    And, where it is for us to `guess` how it is laid out, unless it looks like [n, c, u, v].
    """
    if shape[0] != images[0]:
        raise MapError(f"puts out {shape[0]} entries for {images[0]} images; one each is needed", where=where)
    if guess and channels_last(shape, images):
        raise MapError(
            f"puts out {list(shape)} for images of {images[2]}×{images[3]}: its channels come last",
            where=where,
            hint='"layout: channels_last" reads it so; "layout: auto" finds out',
        )


def refuse_vanished(arrives: bool, elsewhere: bool, layer: str, instead: str | None = None) -> None:
    """`MapError` where gradients reach tokens without a place (`elsewhere`) and none on the grid."""
    if arrives or not elsewhere:
        return
    raise MapError(
        "the gradient of every token on the grid is exactly zero: only tokens without a place (the class "
        "token) reach the logits from here, so a map would be all zero",
        where=f"layer {layer!r}",
        hint=f'"layer: {instead}" is the last one whose patches still reach the logits'
        if instead
        else '"layer: auto" finds the last layer whose patches still reach the logits',
    )


def usable(images: Tensor) -> Tensor:
    """The images [n, 3, h, w] without a graph, fit for autograd even where `inference_mode` made them.

    Raises `MapError` where there is no image, or where it is no batch of float images.
    """
    if not is_spatial(images):
        raise MapError(f"images are {describe(images)}; a float tensor [n, 3, h, w] in [0, 1] is needed")
    if len(images) == 0:
        raise MapError("no images: a map of an empty batch says nothing")
    with torch.inference_mode(mode=False):
        return images.clone() if images.is_inference() else images.detach()


def checked_logits(logits: Any, images: Tensor) -> Tensor:
    """The logits, if they are a float tensor [n, k]; `MapError` else."""
    fits = isinstance(logits, Tensor) and logits.dim() == 2 and logits.is_floating_point()  # noqa: PLR2004 - [n, k]
    if not fits or len(logits) != len(images) or logits.shape[1] == 0:
        raise MapError(
            f"the network puts out {describe(logits)} for {len(images)} images; logits [n, k] are needed",
            hint="say which entry of a tuple or dict holds the logits: model.output",
        )
    found: Tensor = logits
    return found


def accumulation_type(values: Tensor) -> torch.dtype:
    """The type to sum in: float32, or float64 where the values are."""
    return torch.promote_types(values.dtype, torch.float32)
