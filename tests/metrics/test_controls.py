"""The centre prior and the dilation behind the pointing game's tolerance."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy.ndimage import distance_transform_edt

from camaudit.metrics.controls import centre_prior
from camaudit.metrics.regions import dilate


@pytest.mark.parametrize("shape", [(7, 7), (8, 8), (6, 11), (1, 1), (224, 160)])
def test_the_prior_is_the_gaussian_that_it_says(shape):
    h, w = shape
    prior = centre_prior(h, w)
    assert prior.shape == (h, w)
    assert prior.dtype == torch.float64
    for y, x in [(0, 0), (h - 1, 0), (h // 2, w // 3)]:
        square = (y - (h - 1) / 2) ** 2 + (x - (w - 1) / 2) ** 2
        assert prior[y, x].item() == pytest.approx(math.exp(-square / (2 * (h / 4) ** 2)), rel=1e-12)


def test_the_prior_is_symmetric_and_highest_in_the_middle():
    prior = centre_prior(31, 17)
    assert torch.equal(prior, prior.flip(0))
    assert torch.equal(prior, prior.flip(1))
    assert prior.argmax().item() == 15 * 17 + 8


def test_sigma_can_be_given_and_must_be_positive():
    assert centre_prior(9, 9, sigma=2.0)[4, 6].item() == pytest.approx(math.exp(-0.5))
    with pytest.raises(ValueError, match="positive sigma"):
        centre_prior(9, 9, sigma=0.0)
    with pytest.raises(ValueError, match="at least 1×1"):
        centre_prior(0, 9)


@pytest.mark.parametrize("radius", [0.0, 0.5, 1.0, 1.5, 2.9, 7.5, 15.0, 400.0])
def test_dilation_is_the_euclidean_distance_compared(radius):
    masks = torch.rand(6, 37, 23, generator=torch.Generator().manual_seed(0)) > 0.99
    masks[0] = False
    distances = [
        distance_transform_edt(~mask) if mask.any() else np.full(mask.shape, np.inf) for mask in masks.numpy()
    ]
    assert np.array_equal(dilate(masks, radius).numpy(), np.stack(distances) <= radius)


def test_dilation_leaves_its_input_as_it_was():
    masks = torch.zeros(1, 5, 5, dtype=torch.bool)
    masks[0, 2, 2] = True
    assert dilate(masks, 1).sum().item() == 5
    assert masks.sum().item() == 1
