"""The geometry equals torchvision's on PIL images, and masks stay on their objects."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from camaudit.data.geometry import Geometry, nearest
from camaudit.data.sample_error import SampleError
from tests.reference import raster as slow

SIDES = st.integers(1, 40)
SIZES = st.one_of(st.none(), SIDES, st.tuples(SIDES, SIDES))
FILTERS = ["nearest", "bilinear", "bicubic", "lanczos", "box"]


@given(hnp.arrays(np.uint8, st.tuples(SIDES, SIDES, st.just(3))), SIZES, SIZES, st.sampled_from(FILTERS))
def test_images_equal_torchvisions_bit_for_bit(image, resize, crop, interpolation):
    from torchvision.transforms import CenterCrop, InterpolationMode, Resize

    expected = Image.fromarray(image)
    if resize is not None:
        expected = Resize(resize, InterpolationMode(interpolation))(expected)
    if crop is not None:
        expected = CenterCrop(crop)(expected)
    geometry = Geometry(resize=resize, crop=crop, interpolation=interpolation)
    result = geometry.image(image)
    assert result.dtype == np.uint8
    assert np.array_equal(result, np.asarray(expected))
    assert geometry.output_size(*image.shape[:2]) == result.shape[:2]
    assert np.array_equal(geometry.image(Image.fromarray(image)), result)


@given(hnp.arrays(bool, st.tuples(SIDES, SIDES)), SIZES, SIZES)
def test_masks_get_the_size_of_their_image(mask, resize, crop):
    geometry = Geometry(resize=resize, crop=crop)
    result = geometry.mask(mask)
    assert result.dtype == bool
    assert result.shape == geometry.output_size(*mask.shape)


@given(hnp.arrays(bool, st.tuples(SIDES, SIDES)), SIDES, SIDES)
def test_masks_are_taken_at_pixel_centres(mask, height, width):
    assert nearest(mask, (height, width)).tolist() == slow.nearest(mask.tolist(), height, width)


@given(hnp.arrays(bool, st.tuples(SIDES, SIDES)), SIDES, SIDES)
def test_masks_and_images_by_nearest_neighbour_are_the_same_pixels(mask, height, width):
    image = np.repeat(mask[:, :, None].astype(np.uint8) * 255, 3, axis=2)
    geometry = Geometry(resize=(height, width), interpolation="nearest")
    # Where a centre falls on the edge between two input pixels, Pillow's rounding takes either.
    clear = [
        (2 * np.arange(out) + 1) * was % (2 * out) != 0
        for out, was in zip((height, width), mask.shape, strict=True)
    ]
    seen, meant = geometry.image(image)[:, :, 0] > 127, geometry.mask(mask)
    assert np.array_equal(seen[np.ix_(*clear)], meant[np.ix_(*clear)])


@pytest.mark.parametrize("factor", [2, 3, 7])
def test_whole_number_scales_are_exact(factor):
    small = np.random.default_rng(0).random((20, 30)) > 0.5
    big = np.kron(small, np.ones((factor, factor), dtype=bool))
    assert np.array_equal(Geometry(resize=20).mask(big), small)
    assert np.array_equal(Geometry(resize=20 * factor).mask(small), big)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic", "lanczos", "box"])
@pytest.mark.parametrize("size", [(480, 640), (500, 333), (1200, 1600), (300, 224)])
def test_a_disc_and_its_mask_stay_together(size, interpolation):
    height, width = size
    rows, columns = np.mgrid[:height, :width] + 0.5
    mask = (rows - 0.45 * height) ** 2 + (columns - 0.55 * width) ** 2 < (0.3 * min(size)) ** 2
    image = np.repeat(mask[:, :, None].astype(np.uint8) * 255, 3, axis=2)
    geometry = Geometry(resize=256, crop=224, interpolation=interpolation)
    seen, meant = geometry.image(image)[:, :, 0] > 127, geometry.mask(mask)
    assert (seen & meant).sum() / (seen | meant).sum() >= 0.98


def test_a_small_image_is_padded_around_its_middle():
    mask = Geometry(crop=(5, 6)).mask(np.ones((2, 3), dtype=bool))
    expected = np.zeros((5, 6), dtype=bool)
    expected[1:3, 1:4] = True
    assert np.array_equal(mask, expected)


def test_a_mask_can_fall_outside_the_crop():
    mask = np.zeros((100, 300), dtype=bool)
    mask[:, :50] = True
    assert not Geometry(resize=100, crop=100).mask(mask).any()


def test_without_steps_nothing_changes():
    image = np.random.default_rng(1).integers(0, 256, (5, 9, 3), dtype=np.uint8)
    assert np.array_equal(Geometry().image(image), image)


def test_a_thread_like_image_is_refused_before_it_fills_the_memory():
    with pytest.raises(
        SampleError, match="12000 × 1 pixels at a shorter side of 256 are 3072000 × 256"
    ) as caught:
        Geometry(resize=256).image(np.zeros((1, 12000, 3), dtype=np.uint8))
    assert caught.value.reason == "unsupported image"


@pytest.mark.parametrize(
    ("geometry", "text"),
    [
        (Geometry(), "as in the file"),
        (Geometry(resize=256, crop=224), "resize shorter side to 256 (bilinear), centre crop 224 × 224"),
        (Geometry(resize=(8, 9), interpolation="box"), "resize to 8 × 9 (box)"),
        (Geometry(crop=(10, 20)), "centre crop 10 × 20"),
    ],
)
def test_the_record_says_it_in_words(geometry, text):
    assert geometry.text() == text
