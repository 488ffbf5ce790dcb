from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from camaudit.report import colours, evidence, pictures, plates
from camaudit.result import SampleRow
from tests.report import fixture

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("ramp", [colours.positive(), colours.negative()], ids=["positive", "negative"])
def test_lightness_rises_and_equal_steps_look_equal(ramp: np.ndarray) -> None:
    assert ramp.shape == (256, 3)
    assert ramp.dtype == np.uint8
    light = colours.lightness(ramp)
    # Rounding to 8 bits moves a colour by up to half a level.
    assert np.diff(light).min() > -0.004
    assert (np.diff(light[::8]) > 0).all()
    assert light[0] < 0.2
    assert light[-1] > 0.88
    steps = np.linalg.norm(np.diff(colours.to_oklab(ramp[::15] / 255), axis=0), axis=1)
    assert steps.max() / steps.min() < 1.2


def test_oklab_known_colours_and_round_trip() -> None:
    # Ottosson's own: white is (1, 0, 0); sRGB red has lightness 0.628, a 0.225, b 0.126.
    assert colours.to_oklab(np.ones((1, 3)))[0] == pytest.approx([1, 0, 0], abs=1e-3)
    assert colours.to_oklab(np.array([[1.0, 0, 0]]))[0] == pytest.approx([0.628, 0.225, 0.126], abs=1e-3)
    rgb = np.random.default_rng(0).uniform(size=(100, 3))
    assert colours.from_oklab(colours.to_oklab(rgb)) == pytest.approx(rgb, abs=1e-6)


def test_size_is_lightness_and_sign_is_colour() -> None:
    values = np.array([[-2.0, -1.0, 0.0, 1.0, 2.0, 9.0]], np.float32)
    painted = colours.paint(values, 2.0)[0]
    assert (painted[2] == colours.positive()[0]).all()
    assert (painted[4] == painted[5]).all(), "beyond the scale is the last colour"
    assert np.ptp(painted[0].astype(int)) < 30, "evidence against is grey"
    assert np.ptp(painted[3].astype(int)) > 100, "evidence for is coloured"


def test_the_scale_is_shared_and_clips_only_many_maps_and_says_so() -> None:
    maps = [np.full((3, 3), value, np.float32) for value in np.linspace(1, 2, 19)]
    scale = pictures.scale_of([*maps[:-1], np.full((3, 3), 50, np.float32)])
    assert scale is not None
    assert (scale.top, scale.clipped) == (50, 0)
    scale = pictures.scale_of([*maps, *maps, np.full((3, 3), -50, np.float32)])
    assert scale is not None
    assert (scale.top, scale.largest, scale.clipped, scale.maps, scale.negative) == (2, 50, 1, 39, True)
    assert pictures.scale_of([]) is None


def test_an_overlay_leaves_the_picture_plain_where_there_is_no_evidence() -> None:
    image = Image.fromarray(np.random.default_rng(0).integers(0, 255, (28, 28, 3), np.uint8))
    plain = np.asarray(image.convert("L").convert("RGB"))
    for dead in (np.zeros((7, 7), np.float32), -np.ones((7, 7), np.float32)):
        assert (np.asarray(pictures.overlay(image, dead, 3.0)) == plain).all()
        assert (np.asarray(pictures.overlay(image, dead, 0.0)) == plain).all()
    left = np.zeros((7, 7), np.float32)
    left[:, :2] = 3
    drawn = np.asarray(pictures.overlay(image, left, 3.0)).astype(int)
    assert (drawn[:, 16:] == plain[:, 16:]).all()
    assert (np.ptp(drawn[:, :4], axis=2) > 20).all()


def test_a_weak_map_looks_weak_beside_a_strong_one() -> None:
    image = Image.new("RGB", (16, 16), "grey")
    strong, weak = (np.full((2, 2), value, np.float32) for value in (4.0, 0.2))
    shift = [
        np.ptp(np.asarray(pictures.overlay(image, raw, 4.0)).astype(int), axis=2).max()
        for raw in (strong, weak)
    ]
    assert shift[1] < shift[0] / 4
    light = [
        colours.lightness(np.asarray(pictures.raw_map(raw, (4, 4), 4.0)).reshape(-1, 3)).mean()
        for raw in (strong, weak)
    ]
    assert light[1] < 0.3
    assert light[0] > 0.9


@pytest.mark.parametrize("background", [0, 128, 255])
def test_an_outline_can_be_seen_on_any_background(background: int) -> None:
    mask = np.zeros((100, 100), bool)
    mask[20:60, 0:50] = True
    image = Image.new("RGB", (100, 100), (background,) * 3)
    drawn = np.asarray(pictures.outline(image, [(mask, (255, 255, 255))]))
    changed = (drawn != background).any(axis=2)
    assert changed[20, 0:50].any() or changed[19, 0:50].any()
    assert (drawn[20:60, 49] == 255).all(), "the line runs inside of the mask's rim"
    assert (drawn[20:60, 50] == 0).all(), "and has a dark one beside it"
    assert (drawn[20:60, 0] == 255).all(), "a mask at the edge is closed there"
    assert (drawn[30:50, 5:45] == background).all()
    assert (drawn[80:] == background).all()


def test_tiny_pictures_are_enlarged_by_whole_factors_and_large_ones_reduced() -> None:
    assert pictures.display_size(32, 32) == (192, 192)
    assert pictures.display_size(8, 8) == (192, 192)
    assert pictures.display_size(224, 224) == (224, 224)
    assert pictures.display_size(1024, 512) == (448, 224)
    assert pictures.display_size(1, 1000) == (1, 1000)
    width, height = pictures.display_size(30, 200)
    assert (width % 30, height % 200) == (0, 0)


def test_raw_maps_keep_their_cells(tmp_path: Path) -> None:
    rows = fixture.evidence(tmp_path, 3, side=28)
    sheet = plates.draw(4, rows, evidence.read(tmp_path, [row.map or "" for row in rows]), tmp_path)
    assert sheet.regions == ("object", "collar")
    assert [picture.kind for picture in sheet.plates[0].pictures] == ["input", "map", "outline", "raw"]
    assert sheet.plates[0].maps[0].grid == (7, 7)
    assert sheet.scale is not None
    cells = np.asarray(Image.open(tmp_path / "img" / "4-0-r.webp").convert("RGB"))
    raw = np.load(tmp_path / "evidence" / "maps.npz")["m000000"]
    side = cells.shape[0] // 7
    assert (cells[side // 2 :: side, side // 2 :: side] == colours.paint(raw, sheet.scale.top)).all()


def test_a_row_without_evidence_says_so(tmp_path: Path) -> None:
    row = SampleRow(id="a", label=None, predicted=None, values={}, map_status="disconnected")
    bare = plates.draw(0, [row], evidence.read(tmp_path, []), tmp_path)
    assert bare.scale is None
    assert [(item.kind, item.missing) for item in bare.plates[0].pictures] == [
        ("input", "the input was not kept")
    ]
    rows = [*fixture.evidence(tmp_path, 1, side=16), row]
    sheet = plates.draw(0, rows, evidence.read(tmp_path, ["m000000"]), tmp_path)
    assert [item.missing for item in sheet.plates[1].pictures] == [
        "the input was not kept",
        "the input was not kept",
        "this sample has no mask",
        "no map: disconnected",
    ]


@pytest.mark.parametrize(
    "stored", [np.zeros(3), np.zeros((0, 4)), np.array([["a"]])], ids=["line", "empty", "text"]
)
def test_what_is_no_map_is_refused(tmp_path: Path, stored: np.ndarray) -> None:
    (tmp_path / "evidence").mkdir()
    np.savez(tmp_path / "evidence" / "maps.npz", m=stored)
    with pytest.raises(evidence.MissingError, match="no plane of numbers"):
        evidence.read(tmp_path, ["m"]).map("m")
