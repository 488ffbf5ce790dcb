"""Grad-CAM of transformers the slow way: float64, one image, `retain_grad`, loops over tokens."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn

from tests.reference.maps import gradcam


def output_and_gradient(
    module: nn.Module, layer: str, image: Tensor, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """A layer's output for one image [3, h, w], and the gradient of a logit by it, both as they lie."""
    network = deepcopy(module).double().eval()
    kept: list[Tensor] = []
    network.get_submodule(layer).register_forward_hook(lambda _m, _i, output: kept.append(output))
    with torch.enable_grad():
        logits = network(image.double()[None].requires_grad_())
        kept[0].retain_grad()
        logits[0, target].backward()
    return kept[0].detach()[0].numpy(), kept[0].grad[0].numpy()


def from_tokens(values: np.ndarray, prefix: int, rows: int, columns: int) -> np.ndarray:
    """[l, c] → [c, rows, columns], token by token."""
    grid = np.zeros((values.shape[1], rows, columns))
    for i in range(rows):
        for j in range(columns):
            for k in range(values.shape[1]):
                grid[k, i, j] = values[prefix + i * columns + j, k]
    return grid


def from_channels_last(values: np.ndarray) -> np.ndarray:
    """[u, v, c] → [c, u, v]."""
    rows, columns, channels = values.shape
    return np.array(
        [[[values[i, j, k] for j in range(columns)] for i in range(rows)] for k in range(channels)]
    )


def token_gradcam(
    module: nn.Module, layer: str, image: Tensor, target: int, *, prefix: int, grid: tuple[int, int]
) -> np.ndarray:
    """Grad-CAM on the patches of a layer that puts out tokens."""
    output, gradient = output_and_gradient(module, layer, image, target)
    return gradcam(from_tokens(output, prefix, *grid), from_tokens(gradient, prefix, *grid))


def channels_last_gradcam(module: nn.Module, layer: str, image: Tensor, target: int) -> np.ndarray:
    """Grad-CAM on a layer that puts out [n, u, v, c]."""
    output, gradient = output_and_gradient(module, layer, image, target)
    return gradcam(from_channels_last(output), from_channels_last(gradient))
