"""Maps the slow way: float64, one image at a time, the full graph, loops over channels and cells."""

from __future__ import annotations

from copy import deepcopy

import numpy as np
import torch
from torch import Tensor, nn


def activations_and_gradients(
    module: nn.Module, layer: str, image: Tensor, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """A layer's output for one image [3, h, w] and the gradient of a logit by it, both [c, u, v] float64."""
    network = deepcopy(module).double().eval()
    kept: list[Tensor] = []

    def keep(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> Tensor:
        output.retain_grad()
        kept.append(output)
        return output.clone()

    network.get_submodule(layer).register_forward_hook(keep)
    with torch.enable_grad():
        network(image.double()[None])[0, target].backward()
    (output,) = kept
    return output.detach()[0].numpy(), output.grad[0].numpy()


def activations_and_log_gradients(
    module: nn.Module, layer: str, image: Tensor, target: int
) -> tuple[np.ndarray, np.ndarray]:
    """A layer's output for one image and the gradient of log p of a class: logits' gradients, one by one.

    ∂ log p_c / ∂ A = ∂ y_c / ∂ A − Σ_k p_k ∂ y_k / ∂ A
    """
    with torch.no_grad():
        logits = deepcopy(module).double().eval()(image.double()[None])[0].numpy()
    shares = np.exp(logits) / np.exp(logits).sum()
    activations, total = activations_and_gradients(module, layer, image, target)
    for k, share in enumerate(shares):
        total = total - share * activations_and_gradients(module, layer, image, k)[1]
    return activations, total


def gradcam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Selvaraju et al. 2017, equations 1 and 2, before the ReLU."""
    channels, rows, columns = activations.shape
    total = np.zeros((rows, columns))
    for k in range(channels):
        alpha = 0.0
        for i in range(rows):
            for j in range(columns):
                alpha += gradients[k, i, j] / (rows * columns)
        total += alpha * activations[k]
    return total


def hirescam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Draelos and Carin 2020."""
    total = np.zeros(activations.shape[1:])
    for k in range(len(activations)):
        total += gradients[k] * activations[k]
    return total


def gradcampp(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Chattopadhay et al. 2018, with the derivatives of exp(S) written out and divided by exp(S)."""
    channels, rows, columns = activations.shape
    total = np.zeros((rows, columns))
    for k in range(channels):
        weight = 0.0
        for i in range(rows):
            for j in range(columns):
                g = gradients[k, i, j]
                if g > 0:
                    # g·g underflows in float64 only below 1e-154.
                    weight += g**2 / (2 * g**2 + activations[k].sum() * g**3) * g
        total += weight * activations[k]
    return total


def layercam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Jiang et al. 2021."""
    channels, rows, columns = activations.shape
    total = np.zeros((rows, columns))
    for k in range(channels):
        for i in range(rows):
            for j in range(columns):
                if gradients[k, i, j] > 0:
                    total[i, j] += gradients[k, i, j] * activations[k, i, j]
    return total


def xgradcam(activations: np.ndarray, gradients: np.ndarray) -> np.ndarray:
    """Fu et al. 2020."""
    total = np.zeros(activations.shape[1:])
    for k in range(len(activations)):
        share = activations[k].sum()
        if share != 0:
            total += (activations[k] / share * gradients[k]).sum() * activations[k]
    return total


def cam(activations: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Zhou et al. 2016, equation 2: `weights` [c] are the linear layer's for the class."""
    total = np.zeros(activations.shape[1:])
    for k in range(len(activations)):
        total += weights[k] * activations[k]
    return total


def bilinear(values: np.ndarray, height: int, width: int) -> np.ndarray:
    """A map [u, v] at [height, width]: centres kept in place, edges repeated, in loops."""
    rows, columns = values.shape
    result = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y = max((i + 0.5) * rows / height - 0.5, 0.0)
            x = max((j + 0.5) * columns / width - 0.5, 0.0)
            top, left = int(y), int(x)
            below, right = min(top + 1, rows - 1), min(left + 1, columns - 1)
            dy, dx = y - top, x - left
            upper = (1 - dx) * values[top, left] + dx * values[top, right]
            lower = (1 - dx) * values[below, left] + dx * values[below, right]
            result[i, j] = (1 - dy) * upper + dy * lower
    return result


def scorecam(module: nn.Module, layer: str, image: Tensor, target: int) -> np.ndarray:
    """Wang et al. 2020, algorithm 1 with a black baseline image, one channel at a time."""
    network = deepcopy(module).double().eval()
    picture = image.double().numpy()
    height, width = picture.shape[1:]
    activations, _ = activations_and_gradients(module, layer, image, target)

    def logit(pixels: np.ndarray) -> float:
        with torch.no_grad():
            return float(network(torch.from_numpy(pixels)[None])[0, target])

    baseline = logit(np.zeros_like(picture))
    scores = {}
    for k, channel in enumerate(activations):
        # What is the same everywhere in float32 differs by rounding in float64.
        if np.ptp(channel) > 1e-12:
            mask = bilinear(channel, height, width)
            mask = (mask - mask.min()) / (mask.max() - mask.min())
            scores[k] = logit(picture * mask) - baseline
    total = np.zeros(activations.shape[1:])
    highest = max(scores.values(), default=0.0)
    normaliser = sum(np.exp(score - highest) for score in scores.values())
    for k, score in scores.items():
        total += np.exp(score - highest) / normaliser * activations[k]
    return total


def pixel_gradient(module: nn.Module, image: Tensor, target: int) -> np.ndarray:
    """∂ logit / ∂ pixels of one image, [3, h, w] float64."""
    network = deepcopy(module).double().eval()
    leaf = image.double()[None].clone().requires_grad_()
    with torch.enable_grad():
        network(leaf)[0, target].backward()
    return leaf.grad[0].numpy()
