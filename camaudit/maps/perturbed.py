"""LIME, integrated gradients and occlusion, computed by captum (extra ``explain``)."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch

from camaudit.errors import MapError
from camaudit.maps.capture import ask
from camaudit.maps.shapes import accumulation_type
from camaudit.maps.untouched import untouched
from camaudit.targets import take

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target

GREY = 0.5
"""What hides a part of the image, in occlusion and LIME."""
STEPS = 50
WINDOW = 8
"""The occluding square's side is the image's shorter side divided by this; it moves by half of itself."""
SUPERPIXELS = 50
PERTURBATIONS = 256
AT_ONCE = 16
SEED = 0


def integrated_gradients(capture: Capture, targets: Target, *, steps: int = STEPS) -> Tensor:
    """Gradients along the way from a black image, times the pixels; raw maps [n, h, w].

    M = Σ_c x_c · ∫₀¹ ∂y/∂x_c (a·x) da, by Gauss-Legendre quadrature in `steps` points

    Signed; summed over an image it is y(x) − y(black), up to the quadrature. `steps` forwards and backwards.

    Source: Sundararajan et al., Axiomatic attribution for deep networks, ICML 2017, equation 1.
    """
    explainer = _captum("captum.attr").IntegratedGradients(_scores(capture, targets))
    with untouched(capture.network.module), torch.enable_grad():
        found: Tensor = explainer.attribute(
            capture.images,
            baselines=0.0,
            additional_forward_args=(_rows(capture),),
            n_steps=steps,
            internal_batch_size=len(capture.images),
        )
    return found.detach().sum(1, dtype=accumulation_type(found))


def occlusion(capture: Capture, targets: Target) -> Tensor:
    """How much the score falls where a grey square hides the image; raw maps [n, h, w].

    M_ij = mean over the squares that cover (i, j) of y(x) − y(x with the square)

    The square's side is 1/8 of the shorter side, and it moves by half of that. Signed: positive where the
    hidden part spoke for the target. About 15 × 15 forwards for a square image.

    Source: Zeiler and Fergus, Visualizing and understanding convolutional networks, ECCV 2014, section 4.2.
    """
    images = capture.images
    side = max(1, min(images.shape[2:]) // WINDOW)
    explainer = _captum("captum.attr").Occlusion(_scores(capture, targets))
    with untouched(capture.network.module):
        found: Tensor = explainer.attribute(
            images,
            sliding_window_shapes=(images.shape[1], side, side),
            strides=(images.shape[1], max(1, side // 2), max(1, side // 2)),
            baselines=GREY,
            additional_forward_args=(_rows(capture),),
        )
    return found.detach().mean(1, dtype=accumulation_type(found))


def lime(capture: Capture, targets: Target, *, perturbations: int = PERTURBATIONS) -> Tensor:
    """Every superpixel's weight in a linear model of the score; raw maps [n, h, w].

    w = argmin Σ_z exp(−d(x, x_z)²) (y(x_z) − w·z)² + ‖w‖²,  M_ij = w of the superpixel of (i, j)

    z are random choices of superpixels (SLIC, about 50) with the rest grey, d is the cosine distance.
    Ridge regression, so that a map scales with the score. The choices come from a fixed seed, anew for
    every image. Signed. 256 forwards per image.

    Source: Ribeiro et al., “Why should I trust you?”, KDD 2016, equation 1.
    """
    attr, models = _captum("captum.attr"), _captum("captum._utils.models.linear_model")
    slic = _captum("skimage.segmentation").slic
    _captum("sklearn.linear_model")
    explainer = attr.Lime(_scores(capture, targets), interpretable_model=models.SkLearnRidge(alpha=1.0))
    maps = []
    for row, image in enumerate(capture.images):
        regions = _superpixels(slic, image)
        if int(regions.max()) == 0:
            raise MapError(
                "LIME needs at least two superpixels, and SLIC finds one",
                where=f"image {row} of the batch",
                hint="images of one colour or of a few pixels have no parts to compare",
            )
        with untouched(capture.network.module):
            # Put back by `untouched`.
            torch.manual_seed(SEED)
            found: Tensor = explainer.attribute(
                image[None],
                baselines=GREY,
                additional_forward_args=(_rows(capture)[row : row + 1],),
                feature_mask=regions,
                n_samples=perturbations,
                perturbations_per_eval=AT_ONCE,
            )
        maps.append(found.detach()[0, 0])
    return torch.stack(maps).to(accumulation_type(capture.images))


def _superpixels(slic: Callable[..., Any], image: Tensor) -> Tensor:
    """Regions [1, 1, h, w] numbered from 0."""
    pixels = image.detach().double().cpu().permute(1, 2, 0).numpy()
    regions = slic(pixels, n_segments=SUPERPIXELS, compactness=10, start_label=0, channel_axis=-1)
    # Numbers without gaps: captum counts up to the largest.
    _, numbered = torch.unique(torch.from_numpy(regions), return_inverse=True)
    result: Tensor = numbered[None, None].to(image.device)
    return result


def _scores(capture: Capture, targets: Target) -> Callable[[Tensor, Tensor], Tensor]:
    """The target's score of images of which captum also says which row of the batch each one comes from."""

    def forward(images: Tensor, rows: Tensor) -> Tensor:
        return ask(capture.network.rows(rows), images, take(targets, rows))

    return forward


def _rows(capture: Capture) -> Tensor:
    return torch.arange(len(capture.images), device=capture.images.device)


def _captum(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as missing:
        raise MapError(
            f"this method needs {module.partition('.')[0]}, which cannot be imported: {missing}",
            hint='install the extra: pip install "camaudit[explain]"',
        ) from missing
