"""Polygons, boxes and run lengths against hand-made cases and slow replicas."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camaudit.data.raster import fill_box, fill_polygon, fill_runs, unpack_counts
from tests.reference import raster as slow

COORDINATES = st.floats(-5, 15, allow_nan=False).map(lambda value: round(value, 2))
POLYGONS = st.lists(st.tuples(COORDINATES, COORDINATES), min_size=3, max_size=8).map(
    lambda points: [number for point in points for number in point]
)
MASKS = hnp.arrays(bool, hnp.array_shapes(min_dims=2, max_dims=2, max_side=9))


@given(POLYGONS, st.integers(1, 12), st.integers(1, 12))
def test_a_polygon_holds_the_pixels_whose_centres_lie_inside(polygon, height, width):
    assert fill_polygon(polygon, height, width).tolist() == slow.polygon_mask(polygon, height, width)


def test_a_rectangle_on_pixel_edges_is_exact():
    mask = fill_polygon([1, 2, 4, 2, 4, 6, 1, 6], 8, 8)
    assert mask.sum() == 12
    assert mask[2:6, 1:4].all()


def test_a_crossing_outline_is_filled_by_the_even_odd_rule():
    # a big square and a small one inside, as a single outline: the small one is a hole
    outline = [0, 0, 8, 0, 8, 8, 0, 8, 0, 0, 2, 2, 6, 2, 6, 6, 2, 6, 2, 2]
    mask = fill_polygon(outline, 8, 8)
    assert mask.sum() == 64 - 16
    assert not mask[2:6, 2:6].any()


def test_a_disc_has_the_area_of_a_disc():
    angle = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    outline = np.stack([100 + 60 * np.cos(angle), 90 + 60 * np.sin(angle)], axis=1).ravel()
    assert fill_polygon(outline, 200, 200).sum() == pytest.approx(np.pi * 60**2, rel=2e-3)


@pytest.mark.parametrize("polygon", [[], [1, 1, 2, 2], [0, 0, 1, 0, 1], [0, 0, 1, 0, 1, float("nan")]])
def test_what_is_no_polygon_is_refused(polygon):
    with pytest.raises(ValueError, match="at least three points as finite numbers"):
        fill_polygon(polygon, 4, 4)


def test_a_box_holds_the_pixels_whose_centres_lie_inside():
    mask = fill_box((1, 0.5, 3.5, 2), 4, 5)
    assert mask.tolist() == [
        [False, True, True, False, False],
        [False, True, True, False, False],
        [False] * 5,
        [False] * 5,
    ]


@pytest.mark.parametrize(
    ("text", "counts"),
    [
        ("414", [4, 1, 4]),  # the middle of 3 × 3
        ("2130O", [2, 1, 3, 1, 2]),  # the fourth is 1 - 1, the fifth 2 - 3 = -1
        ("T3", [100]),  # 100 = 4 + 3 · 32
        ("`0", [16]),  # bit 4 would be a sign, so a second character follows
        ("", []),
    ],
)
def test_compressed_run_lengths_worked_out_by_hand(text, counts):
    assert unpack_counts(text) == counts
    assert slow.pack(counts) == text


@pytest.mark.parametrize("text", ["4T", "4 4", "é"])
def test_damaged_run_lengths_are_refused(text):
    with pytest.raises(ValueError, match=r"cut off|no character of compressed run lengths"):
        unpack_counts(text)


@given(MASKS)
def test_run_lengths_come_back_packed_or_not(mask):
    counts = slow.runs(mask.tolist())
    assert unpack_counts(slow.pack(counts)) == counts
    assert np.array_equal(fill_runs(counts, *mask.shape), mask)


@given(st.lists(st.integers(0, 10**6), max_size=30))
def test_packing_is_undone_for_any_counts(counts):
    assert unpack_counts(slow.pack(counts)) == counts


def test_runs_go_down_the_columns():
    assert fill_runs([1, 2, 3], 2, 3).tolist() == [[False, True, False], [True, False, False]]


@pytest.mark.parametrize("counts", [[3, 2], [4, 5, 3], [-1, 10]])
def test_runs_that_do_not_add_up_are_refused(counts):
    with pytest.raises(ValueError, match="the image has 3 × 3 pixels"):
        fill_runs(counts, 3, 3)
