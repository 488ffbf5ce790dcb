"""Corruptions against what they are by definition."""

from __future__ import annotations

import colorsys
import math

import numpy as np
import pytest
from scipy import ndimage

from camaudit.perturb.corruptions import files, lens, light, sensor


def chance(seed=0):
    return np.random.default_rng(seed)


GREY = np.full((3, 64, 64), 0.5)
PHOTO = chance(4).uniform(size=(3, 20, 24))


def test_noise_has_the_spread_that_it_says():
    for severity in range(1, 6):
        added = sensor.gaussian_noise(GREY, severity, chance()) - GREY
        assert added.std() == pytest.approx(sensor.GAUSSIAN[severity - 1], rel=0.05)
        counted = sensor.shot_noise(GREY, severity, chance())
        assert counted.std() == pytest.approx(math.sqrt(0.5 / sensor.PHOTONS[severity - 1]), rel=0.05)
        speckled = sensor.speckle_noise(GREY, severity, chance()) - GREY
        assert speckled.std() == pytest.approx(0.5 * sensor.SPECKLE[severity - 1], rel=0.05)
        hit = sensor.impulse_noise(GREY, severity, chance())
        assert (hit == 0).mean() == pytest.approx(sensor.IMPULSES[severity - 1] / 2, rel=0.2)
        assert (hit == 1).mean() == pytest.approx(sensor.IMPULSES[severity - 1] / 2, rel=0.2)
        assert set(np.unique(hit)) == {0.0, 0.5, 1.0}


def test_brightness_is_the_value_of_hsv():
    found = light.brightness(PHOTO, 2, chance())
    for row, column in ((0, 0), (5, 7), (19, 23)):
        hue, saturation, value = colorsys.rgb_to_hsv(*PHOTO[:, row, column])
        wanted = colorsys.hsv_to_rgb(hue, saturation, min(value + 0.2, 1.0))
        assert found[:, row, column] == pytest.approx(wanted)


def test_contrast_keeps_the_mean_and_scales_the_spread():
    found = light.contrast(PHOTO, 1, chance())
    assert found.mean(axis=(1, 2)) == pytest.approx(PHOTO.mean(axis=(1, 2)))
    assert found.std(axis=(1, 2)) == pytest.approx(0.4 * PHOTO.std(axis=(1, 2)))


def test_fog_is_a_cloud_with_both_ends_and_no_border():
    cloud = light._cloud(32, 2.0, chance())
    assert (cloud.min(), cloud.max()) == (0.0, 1.0)
    inside = np.abs(np.diff(cloud, axis=1)).mean()
    assert np.abs(cloud[:, 0] - cloud[:, -1]).mean() < 3 * inside


def test_a_finer_cloud_has_the_same_coarse_one():
    # Smoothness: neighbours are nearer than far ones, the more so the faster it decays.
    rough, smooth = (light._cloud(64, decay, chance()) for decay in (1.4, 3.0))
    assert np.abs(np.diff(smooth)).mean() < np.abs(np.diff(rough)).mean()


@pytest.mark.parametrize("effect", [lens.gaussian_blur, lens.defocus_blur, lens.motion_blur, lens.zoom_blur])
def test_a_lens_changes_no_flat_picture(effect):
    for severity in range(1, 6):
        assert effect(GREY, severity, chance()) == pytest.approx(GREY)


def test_a_gaussian_has_its_variance_even_below_a_pixel():
    for side in (16, 32, 224, 448):
        for severity in range(1, 6):
            found = lens.gaussian_blur(point(side), severity, chance())[0]
            variance = (found.sum(axis=1) * (np.arange(side) - side // 2) ** 2).sum()
            assert variance == pytest.approx((lens.GAUSSIAN[severity - 1] * side / 224) ** 2, rel=0.01)


def point(side):
    image = np.zeros((3, side, side))
    image[:, side // 2, side // 2] = 1.0
    return image


def test_defocus_spreads_a_point_over_its_disk():
    found = lens.defocus_blur(point(224), 3, chance())[0]
    rows, columns = np.mgrid[:224, :224] - 112
    away = np.hypot(rows, columns)
    assert found.sum() == pytest.approx(1.0)
    assert found[away > 6 + 3].max() < 1e-6
    assert found[away < 4] == pytest.approx(1 / (math.pi * 36), rel=0.05)


def test_motion_spreads_a_point_over_a_line():
    found = lens.motion_blur(point(224), 5, chance(1))[0]
    rows, columns = np.nonzero(found > found.max() / 100)
    centred = np.stack([rows, columns]) - 112
    strength = np.linalg.svd(centred - centred.mean(axis=1, keepdims=True))[1]
    assert strength[1] < 0.1 * strength[0]
    assert np.hypot(*centred).max() == pytest.approx(40, abs=2)


def test_blurs_scale_with_the_picture():
    # The same scene at four times the size, blurred and then reduced, is about the scene blurred.
    small = ndimage.gaussian_filter(chance(5).uniform(size=(3, 28, 28)), (0, 2, 2))
    large = np.kron(small, np.ones((1, 4, 4)))
    for effect in (lens.gaussian_blur, lens.defocus_blur):
        blurred = effect(large, 5, chance()).reshape(3, 28, 4, 28, 4).mean(axis=(2, 4))
        assert np.abs(blurred - effect(small, 5, chance()))[:, 4:-4, 4:-4].max() < 0.01


def test_zoom_leaves_the_middle_where_it_is():
    found = lens.zoom_blur(point(65), 3, chance())[0]
    assert np.unravel_index(found.argmax(), found.shape) == (32, 32)
    rows, columns = np.indices(found.shape) - 32
    assert (found * rows).sum() == pytest.approx(0, abs=1e-6)
    assert (found * columns).sum() == pytest.approx(0, abs=1e-6)


def test_pixelate_makes_boxes_of_one_colour():
    found = files.pixelate(chance().uniform(size=(3, 40, 40)), 5, chance())
    boxes = found.reshape(3, 10, 4, 10, 4)
    assert (boxes == boxes[:, :, :1, :, :1]).all()


def test_jpeg_is_what_pillow_writes():
    from io import BytesIO

    from PIL import Image

    picture = Image.fromarray((PHOTO.transpose(1, 2, 0) * 255).round().astype(np.uint8))
    file = BytesIO()
    picture.save(file, "JPEG", quality=10)
    wanted = np.asarray(Image.open(file)).transpose(2, 0, 1) / 255
    assert np.array_equal(files.jpeg_compression(PHOTO, 4, chance()), wanted)
