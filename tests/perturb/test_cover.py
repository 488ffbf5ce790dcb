"""Covered images: what covers them, and which pixels belong to a cell."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camaudit.perturb.cover import baseline, covered


@pytest.mark.parametrize("kind", ["blur", "grey", "mean"])
@pytest.mark.parametrize("size", [(1, 1), (2, 3), (16, 16), (40, 24)])
def test_a_cover_is_an_image(kind, size):
    images = torch.rand(2, 3, *size)
    base = baseline(images, kind)
    assert base.shape == images.shape
    assert ((base >= 0) & (base <= 1)).all()


@pytest.mark.parametrize("kind", ["blur", "mean"])
def test_an_even_image_is_its_own_cover(kind):
    images = torch.full((1, 3, 20, 20), 0.3)
    torch.testing.assert_close(baseline(images, kind), images)


def test_grey_is_grey_and_the_mean_keeps_each_channels():
    images = torch.rand(2, 3, 8, 8)
    assert baseline(images, "grey").unique().tolist() == [0.5]
    means = baseline(images, "mean")
    torch.testing.assert_close(means[:, :, 0, 0], images.mean((2, 3)))
    assert (means == means[:, :, :1, :1]).all()


def test_blur_is_a_gaussian_of_an_eighth_of_the_shorter_side():
    images = torch.zeros(1, 1, 64, 96)
    images[0, 0, 32, 48] = 1
    blurred = baseline(images, "blur")[0, 0].double()
    assert blurred.sum().item() == pytest.approx(1, abs=1e-4)
    # Of a point in the middle it is the kernel itself: ratios are those of exp(−d² / 2σ²) with σ = 8.
    assert (blurred[32, 56] / blurred[32, 48]).item() == pytest.approx(0.60653, abs=1e-3)
    assert (blurred[48, 48] / blurred[32, 48]).item() == pytest.approx(0.13534, abs=1e-3)


@given(
    st.integers(1, 5), st.integers(1, 5), st.integers(5, 13), st.integers(5, 13), st.integers(0, 2**25 - 1)
)
def test_every_pixel_belongs_to_one_cell(rows, columns, height, width, bits):
    shown = (
        torch.tensor([bits >> place & 1 for place in range(rows * columns)]).bool().reshape(1, rows, columns)
    )
    image, base = torch.ones(1, 3, height, width), torch.zeros(1, 3, height, width)
    found = covered(image, base, shown)[0]
    for y in range(height):
        for x in range(width):
            cell = shown[0, y * rows // height, x * columns // width]
            assert found[:, y, x].tolist() == [float(cell)] * 3
