"""How far two maps are apart: against loops, closed forms and other libraries, and the laws of each."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy.stats import wasserstein_distance

from camaudit.errors import MapError
from camaudit.metrics import displacement
from tests.metrics.cases import POSITIVE, two_maps
from tests.reference import displacement as slow

FEW = settings(max_examples=25)
PITCH = (2.0, 3.0)


@st.composite
def masses(draw: st.DrawFn, n: int = 3):
    """Stacks of maps ≥ 0 of one small shape."""
    shape = draw(st.tuples(st.integers(1, 3), st.integers(1, 4), st.integers(1, 4)))
    return [torch.from_numpy(draw(hnp.arrays(np.float64, shape, elements=POSITIVE))) for _ in range(n)]


def same(first, second, tolerance=1e-9):
    torch.testing.assert_close(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)


def agrees(values, reasons, answers, tolerance=1e-9):
    same(values, torch.tensor([value for value, _ in answers], dtype=torch.float64), tolerance)
    assert reasons == [reason for _, reason in answers]


def rows(first, second):
    return zip(first.tolist(), second.tolist(), strict=True)


@FEW
@given(two_maps(), st.data())
def test_topk_agrees_with_loops(maps, data):
    first, second = maps
    k = data.draw(st.integers(1, first[0].numel()))
    agrees(
        displacement.topk_intersection(first, second, k=k),
        displacement.topk_intersection_undefined(first, second, k=k),
        [slow.topk_intersection(a, b, k) for a, b in rows(first, second)],
    )


@FEW
@given(masses(2))
def test_ssim_agrees_with_loops(maps):
    first, second = maps
    window = displacement.ssim_window(*first.shape[1:])
    agrees(
        displacement.ssim(first, second, window=window),
        displacement.ssim_undefined(first, second, window=window),
        [slow.ssim(a, b, window) for a, b in rows(first, second)],
    )


@FEW
@given(masses(2))
def test_mass_moved_agrees_with_the_whole_programme(maps):
    first, second = maps
    agrees(
        displacement.wasserstein(first, second, pitch=PITCH),
        displacement.wasserstein_undefined(first, second),
        [slow.wasserstein(a, b, PITCH) for a, b in rows(first, second)],
        1e-7,
    )


@FEW
@given(masses(2))
def test_the_centres_agree_with_loops(maps):
    first, second = maps
    agrees(
        displacement.centroid_shift(first, second, pitch=PITCH),
        displacement.centroid_shift_undefined(first, second),
        [slow.centroid_shift(a, b, PITCH) for a, b in rows(first, second)],
    )


def test_ssim_agrees_with_scikit_image():
    similarity = pytest.importorskip("skimage.metrics").structural_similarity
    generator = torch.Generator().manual_seed(0)
    first, second = (torch.rand(4, 16, 20, generator=generator, dtype=torch.float64) for _ in range(2))
    for window in (3, 7):
        oracle = [
            similarity(
                a / a.max(),
                b / b.max(),
                win_size=window,
                data_range=1.0,
                use_sample_covariance=False,
                full=True,
            )[1][window // 2 : -(window // 2), window // 2 : -(window // 2)].mean()
            for a, b in zip(first.numpy(), second.numpy(), strict=True)
        ]
        same(displacement.ssim(first, second, window=window), torch.tensor(oracle, dtype=torch.float64))


def test_a_point_that_moved_moved_by_its_distance():
    first, second = torch.zeros(1, 7, 9), torch.zeros(1, 7, 9)
    first[0, 1, 2], second[0, 5, 8] = 3.0, 0.5
    far = math.hypot(4 * PITCH[0], 6 * PITCH[1])
    for move in (displacement.wasserstein, displacement.centroid_shift):
        assert float(move(first, second, pitch=PITCH)) == pytest.approx(far)


def test_two_halves_that_part_move_while_their_centre_stays():
    first, second = torch.zeros(1, 1, 9), torch.zeros(1, 1, 9)
    first[0, 0, 4], second[0, 0, 2], second[0, 0, 6] = 1.0, 1.0, 1.0
    assert float(displacement.wasserstein(first, second)) == pytest.approx(2)
    assert float(displacement.centroid_shift(first, second)) == pytest.approx(0, abs=1e-12)


@FEW
@given(hnp.arrays(np.float64, (2, 9), elements=st.floats(0.125, 8)), st.booleans())
def test_on_a_line_it_is_scipys_distance(values, upright):
    shape = (1, 9, 1) if upright else (1, 1, 9)
    first, second = (torch.from_numpy(row).reshape(shape) for row in values)
    pitch = (2.0, 1.0) if upright else (1.0, 2.0)
    oracle = wasserstein_distance(range(0, 18, 2), range(0, 18, 2), values[0], values[1])
    assert float(displacement.wasserstein(first, second, pitch=pitch)) == pytest.approx(oracle, abs=1e-9)


@FEW
@given(masses(3))
def test_it_is_a_metric_and_bounds_the_centres(maps):
    one, two, three = maps
    moved = displacement.wasserstein(one, two, pitch=PITCH)
    same(moved, displacement.wasserstein(two, one, pitch=PITCH))
    detour = moved + displacement.wasserstein(two, three, pitch=PITCH)
    straight = displacement.wasserstein(one, three, pitch=PITCH)
    known = straight.isfinite() & detour.isfinite()
    assert (straight[known] <= detour[known] + 1e-9).all()
    assert (
        (displacement.centroid_shift(one, two, pitch=PITCH) <= moved + 1e-9).logical_or(moved.isnan()).all()
    )


MEASURES = {
    "topk": lambda a, b: displacement.topk_intersection(a, b, k=3),
    "ssim": lambda a, b: displacement.ssim(a, b, window=displacement.ssim_window(*a.shape[1:])),
    "wasserstein": displacement.wasserstein,
    "centroid": displacement.centroid_shift,
}
RANGES = {"topk": (0, 1), "ssim": (-1, 1), "wasserstein": (0, math.inf), "centroid": (0, math.inf)}
STILL = {"topk": 1, "ssim": 1, "wasserstein": 0, "centroid": 0}


@pytest.mark.parametrize("name", MEASURES)
@FEW
@given(maps=masses(2), k=st.integers(-30, 30))
def test_symmetric_in_range_blind_to_scale_and_still_where_nothing_moved(name, maps, k):
    first, second = maps
    if first[0].numel() < 3:
        return
    values = MEASURES[name](first, second)
    known = values[values.isfinite()]
    low, high = RANGES[name]
    assert ((known >= low) & (known <= high)).all()
    same(values, MEASURES[name](second, first))
    same(values, MEASURES[name](first * 2.0**k, second))
    own = MEASURES[name](first, first)
    same(own, torch.full_like(own, STILL[name]).where(own.isfinite(), torch.nan), 1e-12)
    alone = [MEASURES[name](first[row : row + 1], second[row : row + 1]) for row in range(len(first))]
    same(torch.cat(alone), values, 1e-12)


@pytest.mark.parametrize(
    ("dead", "reason"),
    [(0.0, "all-zero map"), (float("nan"), "non-finite map"), (float("inf"), "non-finite map")],
)
def test_a_map_without_mass_is_undefined_on_either_side(dead, reason):
    good, bad = torch.rand(1, 7, 7, generator=torch.Generator().manual_seed(0)), torch.full((1, 7, 7), dead)
    for pair in ((good, bad), (bad, good)):
        assert all(measure(*pair).isnan().all() for measure in MEASURES.values())
        assert displacement.wasserstein_undefined(*pair) == [reason]
        assert displacement.centroid_shift_undefined(*pair) == [reason]
        assert displacement.ssim_undefined(*pair, window=3) == [reason]
        assert displacement.topk_intersection_undefined(*pair, k=3) == [reason]


def test_extreme_values_do_not_overflow():
    huge = torch.tensor([[[1e308, 1e308], [1e308, 0.0]]], dtype=torch.float64)
    tiny = torch.tensor([[[5e-324, 0.0], [0.0, 5e-324]]], dtype=torch.float64)
    for measure in (displacement.wasserstein, displacement.centroid_shift):
        assert measure(huge, tiny).isfinite().all()
    assert displacement.ssim(huge, tiny, window=1).isfinite().all()


def test_what_has_no_meaning_is_refused():
    good = torch.rand(1, 7, 7)
    for measure in (displacement.wasserstein, displacement.centroid_shift):
        with pytest.raises(MapError, match="negative values"):
            measure(good - 0.5, good)
    with pytest.raises(MapError, match="negative values"):
        displacement.ssim(good, good - 0.5, window=3)
    with pytest.raises(MapError, match="must have the same shape"):
        displacement.wasserstein(good, torch.rand(1, 14, 14))
    with pytest.raises(MapError, match=r"window of 9 × 9 cells does not fit a map of 7 × 7"):
        displacement.ssim(good, good, window=9)
    for k in (0, 50):
        with pytest.raises(MapError, match=f"the top {k} of 49 cells; 1 to 49 are allowed"):
            displacement.topk_intersection(good, good, k=k)


def test_windows_and_tops_by_size():
    assert [displacement.ssim_window(*size) for size in ((7, 7), (13, 20), (14, 14), (2, 9))] == [3, 3, 7, 1]
    assert [displacement.top_cells(cells) for cells in (1, 49, 64, 196)] == [1, 5, 6, 20]
