"""Every kind of image file is turned into upright RGB, or refused by name."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
import pytest
from PIL import Image

from camaudit.data import decode
from camaudit.data.decode import image_size, read_image
from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError

RNG = np.random.default_rng(3)
COLOUR = RNG.integers(0, 256, (5, 7, 3), dtype=np.uint8)
GREY = RNG.integers(0, 256, (5, 7), dtype=np.uint8)


@pytest.fixture
def save(tmp_path):
    def write(picture, name="a.png", **options):
        path = tmp_path / name
        (Image.fromarray(picture) if isinstance(picture, np.ndarray) else picture).save(path, **options)
        return path

    return write


def refused(path, reason):
    """The refusal, checked for its reason and its place."""
    with pytest.raises(SampleError, match=r".") as caught:
        read_image(path)
    assert caught.value.reason == reason
    assert str(path) in str(caught.value)
    assert isinstance(caught.value, DataError)
    return caught.value


def test_rgb_comes_back_as_it_is(save):
    path = save(COLOUR)
    photo = read_image(path)
    assert photo.pixels.dtype == np.uint8
    assert np.array_equal(photo.pixels, COLOUR)
    assert photo.size == (5, 7)
    assert photo.sha256 == sha256(path.read_bytes()).hexdigest()


def test_grey_is_repeated_in_three_channels(save):
    assert np.array_equal(read_image(save(GREY)).pixels, np.repeat(GREY[:, :, None], 3, axis=2))


def test_one_bit_becomes_black_and_white(save):
    bits = GREY > 127
    assert np.array_equal(read_image(save(Image.fromarray(bits))).pixels[:, :, 0], bits * 255)


def test_a_palette_is_looked_up(save):
    picture = Image.fromarray(GREY % 3, mode=None)
    picture = picture.convert("P")
    picture.putpalette([255, 0, 0, 0, 255, 0, 0, 0, 255])
    expected = np.eye(3, dtype=np.uint8)[GREY % 3] * 255
    assert np.array_equal(read_image(save(picture)).pixels, expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_an_alpha_channel_that_hides_nothing_is_dropped(save, mode):
    picture = Image.fromarray(COLOUR).convert(mode)
    expected = np.asarray(Image.fromarray(COLOUR).convert("L" if mode == "LA" else "RGB").convert("RGB"))
    assert np.array_equal(read_image(save(picture)).pixels, expected)


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_a_transparent_pixel_is_refused(save, mode):
    picture = Image.fromarray(COLOUR).convert(mode)
    alpha = Image.new("L", picture.size, 255)
    alpha.putpixel((2, 2), 254)
    picture.putalpha(alpha)
    error = refused(save(picture), "unsupported image")
    assert "1 of 35 pixels are transparent" in str(error)
    assert "hint: flatten it onto the background" in str(error)


@pytest.mark.parametrize("used", [True, False])
def test_a_transparent_palette_entry_counts_where_it_is_used(save, used):
    picture = Image.fromarray(np.where(GREY > 127, 1, 0).astype(np.uint8)).convert("P")
    picture.putpalette([9, 9, 9, 200, 200, 200, 50, 50, 50])
    path = save(picture, transparency=1 if used else 2)
    if used:
        refused(path, "unsupported image")
    else:
        assert read_image(path).pixels.max() == 200


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_a_transparent_colour_counts_where_it_is_used(save, mode):
    key = int(GREY[0, 0]) if mode == "L" else tuple(int(part) for part in COLOUR[0, 0])
    refused(save(GREY if mode == "L" else COLOUR, transparency=key), "unsupported image")


def test_sixteen_bit_grey_keeps_its_high_byte(save):
    values = RNG.integers(0, 65536, (5, 7), dtype=np.uint16)
    assert np.array_equal(read_image(save(values)).pixels[:, :, 1], values >> 8)
    assert np.array_equal(read_image(save(values, "a.tif")).pixels[:, :, 1], values >> 8)


def test_sixteen_bit_black_is_black(save):
    assert read_image(save(np.zeros((4, 4), dtype=np.uint16))).pixels.max() == 0


def test_twelve_bits_in_a_sixteen_bit_file_are_refused(save):
    error = refused(save(RNG.integers(0, 4096, (5, 7), dtype=np.uint16)), "unsupported image")
    assert "would be almost black" in str(error)


def test_sixteen_bit_grey_with_a_transparent_value_is_refused(save, monkeypatch):
    values = np.full((3, 3), 5000, dtype=np.uint16)
    picture = Image.fromarray(values)
    picture.info["transparency"] = 5000
    with pytest.raises(SampleError, match="9 of 9 pixels are transparent"):
        decode.to_rgb(picture, where="a.png")


@pytest.mark.parametrize("dtype", [np.int32, np.float32])
def test_pixels_without_a_fixed_scale_are_refused(save, dtype):
    error = refused(save(RNG.random((4, 4)).astype(dtype), "a.tif"), "unsupported image")
    assert "no fixed scale to 8 bits" in str(error)


@pytest.mark.parametrize("mode", ["LAB", "HSV"])
def test_rare_colour_spaces_are_refused_by_name(mode):
    with pytest.raises(SampleError, match=f"pixels of mode {mode}"):
        read_image(lambda: Image.new(mode, (2, 2)))


@pytest.mark.parametrize("name", ["a.jpg", "a.tif"])
def test_cmyk_is_converted(save, name):
    picture = Image.new("CMYK", (8, 8), (0, 255, 255, 0))
    options = {"quality": 95} if name == "a.jpg" else {}
    red = read_image(save(picture, name, **options)).pixels.reshape(-1, 3).mean(axis=0)
    assert red == pytest.approx([255, 0, 0], abs=4)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.webp"])
def test_exif_orientation_is_applied(save, name, orientation):
    upright = np.zeros((24, 40, 3), dtype=np.uint8)
    upright[:8, :8] = [255, 0, 0]
    upright[-8:, :8] = [0, 255, 0]
    stored = {
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.transpose(1, 0, 2),
        6: np.rot90(upright, 1),
        7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    options = (
        {"lossless": True}
        if name == "a.webp"
        else {"quality": 100, "subsampling": 0}
        if name == "a.jpg"
        else {}
    )
    path = save(np.ascontiguousarray(stored), name, exif=exif, **options)
    photo = read_image(path)
    assert photo.size == (24, 40)
    assert np.abs(photo.pixels.astype(int) - upright).mean() < 3
    assert image_size(path) == (24, 40)


def test_orientation_of_a_pil_image_from_a_callable_is_applied():
    picture = Image.fromarray(COLOUR)
    picture.getexif()[0x0112] = 6
    assert read_image(lambda: picture).size == (7, 5)


@pytest.mark.parametrize(
    ("name", "options"),
    [("a.gif", {}), ("a.tif", {}), ("a.png", {}), ("a.webp", {"lossless": True})],
)
def test_several_frames_are_refused(save, name, options):
    frames = [Image.fromarray(RNG.integers(0, 256, (6, 6, 3), dtype=np.uint8)) for _ in range(3)]
    path = save(frames[0], name, save_all=True, append_images=frames[1:], **options)
    assert "holds 3 frames" in str(refused(path, "unsupported image"))


def test_a_single_frame_gif_is_read(save):
    assert read_image(save(GREY, "a.gif")).size == (5, 7)


def test_a_camera_file_with_a_preview_gives_the_photograph(save):
    photograph = Image.fromarray(np.full((16, 24, 3), 200, dtype=np.uint8))
    preview = Image.fromarray(np.full((8, 8, 3), 10, dtype=np.uint8))
    path = save(photograph, "a.mpo", save_all=True, append_images=[preview])
    photo = read_image(path)
    assert photo.size == (16, 24)
    assert photo.pixels.mean() == pytest.approx(200, abs=2)


def test_a_missing_file_is_named(tmp_path):
    assert "no such file" in str(refused(tmp_path / "none.png", "missing image"))


def test_a_folder_is_no_image(tmp_path):
    refused(tmp_path, "unreadable image")


def test_an_empty_file_is_named(tmp_path):
    (tmp_path / "a.jpg").touch()
    assert "the file is empty" in str(refused(tmp_path / "a.jpg", "unreadable image"))


def test_text_with_an_image_suffix_is_named(tmp_path):
    (tmp_path / "a.jpg").write_text("not an image")
    assert "no image that Pillow can read" in str(refused(tmp_path / "a.jpg", "unreadable image"))


@pytest.mark.parametrize("name", ["a.jpg", "a.png", "a.tif", "a.bmp", "a.webp"])
def test_a_truncated_file_is_refused(save, tmp_path, name):
    path = save(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8), name)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    refused(path, "unreadable image")


def test_a_flipped_bit_in_a_png_is_refused(save):
    path = save(RNG.integers(0, 256, (64, 64, 3), dtype=np.uint8))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(bytes(data))
    refused(path, "unreadable image")


@pytest.mark.parametrize("limit", [10, 30])
def test_a_decompression_bomb_is_refused(save, monkeypatch, limit):
    path = save(GREY)  # 35 pixels: over the limit of 30 (a warning), over twice the limit of 10 (an error)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
    assert "MAX_IMAGE_PIXELS" in str(refused(path, "unsupported image"))


@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_a_decompression_bomb_is_refused_where_warnings_are_silent(save, monkeypatch):
    path = save(GREY)
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 30)
    assert "7 × 5 pixels are over the limit of 30" in str(refused(path, "unsupported image"))


@pytest.mark.parametrize("result", [COLOUR, Image.fromarray(COLOUR)])
def test_a_callable_gives_an_image(result):
    photo = read_image(lambda: result)
    assert np.array_equal(photo.pixels, COLOUR)
    assert photo.sha256 == read_image(COLOUR.copy).sha256
    assert image_size(lambda: result) == (5, 7)


def test_the_hash_of_an_array_knows_its_shape():
    flat = np.zeros((2, 6, 3), dtype=np.uint8)
    assert read_image(lambda: flat).sha256 != read_image(lambda: flat.reshape(6, 2, 3)).sha256


def test_a_callable_gives_a_grey_array():
    assert np.array_equal(read_image(lambda: GREY).pixels[:, :, 2], GREY)


@pytest.mark.parametrize(
    "result",
    [
        None,
        COLOUR / 255,
        COLOUR.transpose(2, 0, 1),
        np.zeros((0, 4, 3), dtype=np.uint8),
        np.zeros((2, 2, 4), dtype=np.uint8),
        COLOUR.tolist(),
    ],
)
def test_other_results_of_a_callable_are_refused(result):
    with pytest.raises(SampleError, match=r"a PIL image or a uint8 array \[h, w, 3\] or \[h, w\] is needed"):
        read_image(lambda: result)


def test_an_image_without_pixels_is_refused():
    with pytest.raises(SampleError, match=r"the image is \(0, 4\)"):
        read_image(lambda: Image.new("RGB", (0, 4)))


def test_a_callable_that_raises_is_named():
    def broken():
        raise KeyError("pixels")

    with pytest.raises(SampleError, match="broken: the callable raised KeyError: 'pixels'"):
        read_image(broken)


def test_a_callable_may_refuse_by_itself():
    def choosy():
        raise SampleError("too dark", reason="dark image")

    with pytest.raises(SampleError, match="too dark") as caught:
        read_image(choosy)
    assert caught.value.reason == "dark image"


def test_the_size_of_a_broken_file_is_refused_as_the_file_is(tmp_path):
    (tmp_path / "a.jpg").write_bytes(b"nothing")
    with pytest.raises(SampleError, match="Pillow can read"):
        image_size(tmp_path / "a.jpg")


def test_detail_stands_on_one_line(tmp_path):
    assert SampleError("m", reason="r", where="w", hint="h").detail == "w: m; h"
