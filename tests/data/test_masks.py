"""Mask files and other outlines: what is inside is never a guess."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from camaudit.data.masks import (
    MaskArray,
    MaskBox,
    MaskFile,
    MaskPolygons,
    MaskRLE,
    MaskUnion,
    mask_file,
    split_selector,
)
from camaudit.data.sample_error import SampleError

RNG = np.random.default_rng(5)
BITS = RNG.random((6, 9)) > 0.5
LEVELS = RNG.integers(0, 4, (6, 9)).astype(np.uint8)


@pytest.fixture
def save(tmp_path):
    def write(picture, name="m.png", **options):
        path = tmp_path / name
        (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(path, **options)
        return path

    return write


def palette(indices, colours):
    picture = Image.fromarray(indices).convert("P")
    picture.putdata(indices.ravel().tolist())
    picture.putpalette([part for colour in colours for part in colour])
    return picture


def refused(mask, reason, match, size=(6, 9)):
    with pytest.raises(SampleError, match=match) as caught:
        mask.read(*size)
    assert caught.value.reason == reason


@pytest.mark.parametrize("suffix", ["png", "bmp", "tif", "gif"])
def test_black_is_outside_and_all_else_inside(save, suffix):
    mask = MaskFile(path=save(BITS.astype(np.uint8) * 255, f"m.{suffix}")).read(6, 9)
    assert mask.dtype == bool
    assert np.array_equal(mask, BITS)


def test_any_level_but_black_is_inside(save):
    assert np.array_equal(MaskFile(path=save(LEVELS)).read(6, 9), LEVELS > 0)


def test_one_bit_files_are_read(save):
    assert np.array_equal(MaskFile(path=save(Image.fromarray(BITS))).read(6, 9), BITS)


def test_one_bit_files_have_two_levels(save):
    assert np.array_equal(MaskFile(path=save(Image.fromarray(BITS)), level=128).read(6, 9), BITS)


def test_sixteen_bit_instance_numbers_are_read(save):
    numbers = LEVELS.astype(np.uint16) * 1000
    assert np.array_equal(MaskFile(path=save(numbers), value=2000).read(6, 9), LEVELS == 2)
    assert np.array_equal(MaskFile(path=save(numbers)).read(6, 9), LEVELS > 0)


def test_a_value_is_a_palette_index(save):
    path = save(palette(LEVELS, [(0, 0, 0), (128, 0, 0), (0, 128, 0), (9, 9, 9)]))
    assert np.array_equal(MaskFile(path=path, value=2).read(6, 9), LEVELS == 2)
    assert np.array_equal(MaskFile(path=path).read(6, 9), LEVELS > 0)


def test_a_value_is_a_grey_level(save):
    assert np.array_equal(MaskFile(path=save(LEVELS), value=3).read(6, 9), LEVELS == 3)
    grey = np.repeat(LEVELS[:, :, None], 3, axis=2)
    assert np.array_equal(MaskFile(path=save(grey), value=3).read(6, 9), LEVELS == 3)


def test_a_value_is_a_colour(save):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [255, 255, 0]], dtype=np.uint8)[LEVELS]
    path = save(colours)
    assert np.array_equal(MaskFile(path=path, value=(255, 255, 0)).read(6, 9), LEVELS == 3)
    assert np.array_equal(MaskFile(path=path).read(6, 9), LEVELS > 0)


def test_a_grey_level_of_a_coloured_mask_is_refused(save):
    colours = np.array([[0, 0, 0], [255, 0, 0], [0, 255, 0], [255, 255, 0]], dtype=np.uint8)[LEVELS]
    refused(MaskFile(path=save(colours), value=255), "unclear mask", "coloured, so it has no grey levels")


@pytest.mark.parametrize(
    "colours",
    [
        [(255, 255, 255), (0, 0, 0), (1, 1, 1), (2, 2, 2)],  # an optimiser put white first
        [(0, 0, 0), (255, 255, 255), (0, 0, 0), (2, 2, 2)],  # two blacks
    ],
)
def test_a_palette_that_tells_two_stories_is_refused(save, colours):
    refused(MaskFile(path=save(palette(LEVELS, colours))), "unclear mask", "of index 0, or the black ones")


def test_a_palette_that_tells_two_stories_can_be_read_by_index(save):
    path = save(palette(LEVELS, [(255, 255, 255), (0, 0, 0), (1, 1, 1), (2, 2, 2)]))
    assert np.array_equal(MaskFile(path=path, value=0).read(6, 9), LEVELS == 0)


@pytest.mark.parametrize("name", ["m.jpg", "m.webp"])
def test_lossy_formats_need_a_level(save, name):
    big = np.kron(BITS, np.ones((8, 8))).astype(bool)
    path = save(big.astype(np.uint8) * 255, name)
    refused(MaskFile(path=path), "unclear mask", f"hint: .*{name}#>=128", size=big.shape)
    refused(MaskFile(path=path, value=255), "unclear mask", "lossy", size=big.shape)
    assert np.mean(MaskFile(path=path, level=128).read(*big.shape) == big) > 0.99


def test_a_tiff_with_jpeg_inside_is_lossy(save):
    refused(MaskFile(path=save(LEVELS, "m.tif", compression="jpeg")), "unclear mask", "lossy")


def test_a_level_is_included(save):
    assert np.array_equal(MaskFile(path=save(LEVELS), level=2).read(6, 9), LEVELS >= 2)


def test_transparent_masks_are_refused_and_opaque_alpha_is_dropped(save):
    picture = Image.fromarray(np.repeat(LEVELS[:, :, None], 3, axis=2)).convert("RGBA")
    assert np.array_equal(MaskFile(path=save(picture)).read(6, 9), LEVELS > 0)
    picture.putalpha(Image.fromarray(BITS.astype(np.uint8) * 255))
    refused(MaskFile(path=save(picture)), "unsupported mask", "pixels are transparent.*")


def test_alpha_does_not_hide_that_a_format_is_lossy(save):
    picture = Image.fromarray(np.repeat(LEVELS[:, :, None], 3, axis=2)).convert("RGBA")
    picture.putpixel((0, 0), (0, 0, 0, 255))
    refused(MaskFile(path=save(picture, "m.webp")), "unclear mask", "lossy")


def test_float_masks_are_refused(save):
    refused(
        MaskFile(path=save(RNG.random((6, 9)).astype(np.float32), "m.tif"), level=1), "unclear mask", "mode F"
    )


def test_a_mask_of_another_size_names_both(save):
    refused(
        MaskFile(path=save(LEVELS)),
        "mask size differs",
        r"the mask is 9 × 6 pixels, the image 8 × 6 \(width × height\)",
        size=(6, 8),
    )


def test_a_turned_mask_gets_the_likely_cause(save):
    refused(MaskFile(path=save(LEVELS)), "mask size differs", "without its EXIF orientation", size=(9, 6))


def test_a_mask_file_is_upright_too(save):
    exif = Image.Exif()
    exif[0x0112] = 6
    path = save(np.ascontiguousarray(np.rot90(LEVELS, 1)), exif=exif)
    assert np.array_equal(MaskFile(path=path).read(6, 9), LEVELS > 0)


def test_missing_and_damaged_files_are_named(tmp_path):
    refused(MaskFile(path=tmp_path / "none.png"), "missing mask", r"none\.png: there is no such file")
    (tmp_path / "bad.png").write_bytes(b"\x89PNG\r\n\x1a\n")
    refused(MaskFile(path=tmp_path / "bad.png"), "unreadable mask", "bad.png")


def test_an_empty_mask_is_no_error(save):
    assert not MaskFile(path=save(np.zeros((6, 9), dtype=np.uint8))).read(6, 9).any()


def test_polygons_are_united():
    mask = MaskPolygons(
        polygons=([0, 0, 3, 0, 3, 3, 0, 3], np.array([2.0, 2, 5, 2, 5, 5, 2, 5])), size=(6, 9)
    )
    assert mask.read(6, 9).sum() == 9 + 9 - 1


def test_run_lengths_packed_or_not():
    expected = np.zeros((3, 3), dtype=bool)
    expected[1, 1] = True
    assert np.array_equal(MaskRLE(counts="414", size=(3, 3)).read(3, 3), expected)
    assert np.array_equal(MaskRLE(counts=(4, 1, 4), size=(3, 3)).read(3, 3), expected)


def test_a_box_and_a_union():
    union = MaskUnion(masks=(MaskBox(box=(0, 0, 2, 1)), MaskBox(box=(1, 0, 4, 1))))
    assert union.read(2, 6).tolist() == [[True] * 4 + [False] * 2, [False] * 6]


@pytest.mark.parametrize(
    "mask",
    [
        MaskPolygons(polygons=([0, 0, 1, 0, 1, 1],), size=(5, 5)),
        MaskRLE(counts=(25,), size=(5, 5)),
        MaskBox(box=(0, 0, 1, 1), size=(5, 5)),
        MaskArray(array=lambda: np.zeros((5, 5), dtype=bool)),
    ],
)
def test_every_kind_refuses_another_size(mask):
    refused(mask, "mask size differs", "the mask is 5 × 5 pixels, the image 9 × 6")
    assert mask.read(5, 5).shape == (5, 5)


@pytest.mark.parametrize(
    ("mask", "match"),
    [
        (MaskPolygons(polygons=([0, 0, 1],)), "three points"),
        (MaskRLE(counts=(3,), size=(6, 9)), "add up to 3"),
        (MaskRLE(counts="4T", size=(6, 9)), "cut off"),
        (MaskArray(array=lambda: np.zeros((6, 9))), "float64 of shape"),
        (MaskArray(array=lambda: [[True]]), "returned list"),
        (MaskArray(array=lambda: np.zeros((6, 9, 1), dtype=bool)), "bool of shape"),
        (MaskArray(array=lambda: 1 / 0), "the callable raised ZeroDivisionError"),
    ],
)
def test_bad_outlines_are_refused(mask, match):
    refused(mask, "unreadable mask", match)


def test_an_array_of_integers_is_inside_where_it_is_not_zero():
    assert np.array_equal(MaskArray(array=lambda: LEVELS.astype(np.int64)).read(6, 9), LEVELS > 0)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("a/b.png", ("a/b.png", None, None)),
        ("b.png#15", ("b.png", 15, None)),
        ("b.png#255,0,7", ("b.png", (255, 0, 7), None)),
        ("b.jpg#>=128", ("b.jpg", None, 128)),
        ("dog #1.png", ("dog #1.png", None, None)),
        ("b#15", ("b#15", None, None)),
    ],
)
def test_which_pixels_are_meant_stands_after_the_path(text, parts):
    assert split_selector(text) == parts


def test_a_mask_file_is_relative(tmp_path):
    assert mask_file("m/a.png#3", tmp_path) == MaskFile(path=tmp_path / "m/a.png", value=3)
