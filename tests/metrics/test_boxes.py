"""Boxes of maps against flood fill, cases known by hand, and the laws of localisation."""

from __future__ import annotations

from math import nan

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from camaudit.contract.metrics import awkward
from camaudit.errors import MapError
from camaudit.metrics import METRICS, PROFILES, boxes
from camaudit.metrics.controls import CENTRE_BOX, centre_box, centre_prior
from camaudit.metrics.localisation import BOX_LEVELS, PIXEL_LEVELS, average_precision, best_level
from tests.metrics.cases import POSITIVE, pairs
from tests.reference import localisation as slow

T = 0.3141
FEW = settings(max_examples=30, deadline=None)


@st.composite
def maps_and_boxes(draw):
    """Maps float64 [n, h, w] and 0 to 3 boxes each, padded with NaN to [n, 3, 4]."""
    n, height, width = draw(st.tuples(st.integers(1, 3), st.integers(1, 7), st.integers(1, 7)))
    maps = draw(hnp.arrays(np.float64, (n, height, width), elements=POSITIVE))
    padded = torch.full((n, 3, 4), nan, dtype=torch.float64)
    for row in range(n):
        for place in draw(st.sets(st.integers(0, 2))):
            left, top = draw(st.integers(0, width - 1)), draw(st.integers(0, height - 1))
            across, down = draw(st.floats(0.25, width)), draw(st.floats(0.25, height))
            padded[row, place] = torch.tensor([left, top, left + across, top + down])
    return torch.from_numpy(maps), padded


def lists(given_boxes):
    return [[tuple(box) for box in row.tolist() if box[0] == box[0]] for row in given_boxes]


def picture(text):
    """A map drawn with digits, one line a row: [1, h, w]."""
    rows = [[float(sign) for sign in line.strip()] for line in text.strip().splitlines()]
    return torch.tensor([rows], dtype=torch.float64)


def box(*edges):
    return torch.tensor([[edges]], dtype=torch.float64)


@FEW
@given(maps_and_boxes())
def test_box_iou_agrees_with_flood_fill(case):
    maps, given_boxes = case
    answers = [
        slow.box_iou(grid, own, T) for grid, own in zip(maps.tolist(), lists(given_boxes), strict=True)
    ]
    expected = torch.tensor([value for value, _ in answers], dtype=torch.float64)
    torch.testing.assert_close(
        boxes.box_iou(maps, given_boxes, t=T), expected, rtol=1e-12, atol=1e-12, equal_nan=True
    )
    assert boxes.box_iou_undefined(maps, given_boxes, t=T) == [reason for _, reason in answers]


@FEW
@given(maps_and_boxes())
def test_the_curve_agrees_with_flood_fill_at_every_level(case):
    maps, given_boxes = case
    curve = boxes.best_box_ious(maps, given_boxes)
    for level in (0, 14, 49, 99):
        expected = [
            slow.best_box_iou(grid, own, BOX_LEVELS[level])
            for grid, own in zip(maps.tolist(), lists(given_boxes), strict=True)
        ]
        torch.testing.assert_close(
            curve[:, level],
            torch.tensor(expected, dtype=torch.float64),
            rtol=1e-12,
            atol=1e-12,
            equal_nan=True,
        )


@FEW
@given(pairs())
def test_pixel_precision_and_recall_agree_with_counting(pair):
    maps, masks = pair
    usable = masks.flatten(1).any(1) & (maps.flatten(1).amax(1) > 0)
    counts = boxes.pixel_counts(maps, masks)
    assert torch.equal(counts.isfinite().all(1), usable)
    grids, own = maps[usable].tolist(), masks[usable].tolist()
    for row, grid, mask in zip(counts[usable].numpy(), grids, own, strict=True):
        assert average_precision(row) == pytest.approx(slow.pxap([grid], [mask], PIXEL_LEVELS), abs=1e-12)
    if grids:
        pooled = average_precision(counts[usable].numpy().sum(axis=0))
        assert pooled == pytest.approx(slow.pxap(grids, own, PIXEL_LEVELS), abs=1e-12)


@FEW
@given(maps_and_boxes(), st.sampled_from([0.3, 0.5, 0.7]))
def test_the_best_level_is_the_best(case, delta):
    maps, given_boxes = case
    usable = torch.tensor([bool(own) for own in lists(given_boxes)]) & (maps.flatten(1).amax(1) > 0)
    if not usable.any():
        return
    curve = boxes.best_box_ious(maps[usable], given_boxes[usable]).numpy()
    level = best_level(curve, delta)
    reached = (curve[:, BOX_LEVELS.index(level)] >= delta).mean()
    own = [item for item, good in zip(lists(given_boxes), usable.tolist(), strict=True) if good]
    assert reached == pytest.approx(slow.max_box_acc(maps[usable].tolist(), own, BOX_LEVELS, delta))


def test_the_middle_of_the_best_levels_is_taken():
    curve = np.zeros((4, len(BOX_LEVELS)))
    curve[:, 20:31] = 0.6
    assert best_level(curve, 0.5) == BOX_LEVELS[25]
    assert best_level(curve, 0.7) == BOX_LEVELS[49]
    with pytest.raises(ValueError, match="no images"):
        best_level(curve[:0], 0.5)


def test_known_boxes():
    """The largest component counts pixels, not the box's area nor the peak."""
    map_ = picture(
        """
        9000000
        0000555
        0000555
        1000000
        """
    )
    assert boxes.box_iou(map_, box(4, 1, 7, 3), t=0.5).item() == 1
    assert boxes.box_iou(map_, box(0, 0, 1, 1), t=0.5).item() == 0
    assert boxes.box_iou(map_, box(0, 0, 1, 1), t=0.6).item() == 1
    assert boxes.box_iou(map_, box(4, 0, 7, 3), t=0.5).item() == pytest.approx(6 / 9)
    assert boxes.box_iou(map_, box(4.5, 1, 7, 3), t=0.5).item() == pytest.approx(5 / 6)
    two = torch.tensor([[[0, 0, 1, 1], [4, 1, 7, 2]]], dtype=torch.float64)
    assert boxes.box_iou(map_, two, t=0.5).item() == pytest.approx(0.5)
    curve = boxes.best_box_ious(map_, box(0, 0, 1, 1))[0]
    assert curve.shape == (len(BOX_LEVELS),)
    assert (curve == 1).all()


def test_pixels_that_touch_at_a_corner_are_one_component():
    found, sizes = boxes.component_boxes(np.array([[1, 0, 0], [0, 1, 0], [0, 0, 0], [0, 1, 1]], dtype=bool))
    assert found.tolist() == [[0, 0, 2, 2], [1, 3, 3, 4]]
    assert sizes.tolist() == [2, 2]
    assert boxes.component_boxes(np.zeros((2, 2), dtype=bool))[0].shape == (0, 4)


def test_of_equal_components_the_first_counts():
    map_ = picture("1001")
    assert boxes.box_iou(map_, box(0, 0, 1, 1), t=0.5).item() == 1
    assert boxes.box_iou(map_, box(3, 0, 4, 1), t=0.5).item() == 0


def test_a_perfect_map_and_a_worst_one():
    mask = torch.zeros(1, 6, 8, dtype=torch.bool)
    mask[:, 2:4, 3:6] = True
    assert average_precision(boxes.pixel_counts(mask.double(), mask).numpy()) == pytest.approx(1)
    # At every level above 0 nothing of the mask is found; at 0 everything is marked.
    assert average_precision(boxes.pixel_counts((~mask).double(), mask).numpy()) == pytest.approx(6 / 48)
    constant = torch.full_like(mask, 1, dtype=torch.float64)
    assert average_precision(boxes.pixel_counts(constant, mask).numpy()) == pytest.approx(6 / 48)


def test_area_is_scikit_learns_on_levels():
    sklearn = pytest.importorskip("sklearn.metrics")
    generator = torch.Generator().manual_seed(1)
    maps = (torch.rand(3, 9, 11, generator=generator, dtype=torch.float64) * 100).round() / 100
    maps[:, 0, 0] = 1
    masks = torch.rand(3, 9, 11, generator=generator) > 0.7
    ours = average_precision(boxes.pixel_counts(maps, masks).numpy().sum(axis=0))
    theirs = sklearn.average_precision_score(masks.flatten().numpy(), maps.flatten().numpy())
    assert ours == pytest.approx(theirs, abs=1e-12)


def test_an_area_without_positives_is_undefined():
    assert np.isnan(average_precision(np.zeros(2 * len(PIXEL_LEVELS))))


@FEW
@given(maps_and_boxes(), st.integers(-8, 8))
def test_scale_does_not_matter(case, power):
    maps, given_boxes = case
    first, second = (boxes.best_box_ious(maps * 2.0**shift, given_boxes) for shift in (0, power))
    assert torch.equal(first.nan_to_num(-1), second.nan_to_num(-1))


@FEW
@given(maps_and_boxes())
def test_the_best_of_all_components_is_no_worse_than_the_largest(case):
    maps, given_boxes = case
    curve = boxes.best_box_ious(maps, given_boxes)
    largest = boxes.box_iou(maps, given_boxes, t=BOX_LEVELS[14])
    assert torch.equal(largest.isfinite(), curve.isfinite().all(1))
    defined = largest.isfinite()
    assert (curve[defined, 14] >= largest[defined]).all()


@pytest.mark.parametrize("name", list(PROFILES))
def test_profiles_are_undefined_with_a_reason_row_by_row(name):
    maps, masks, _ = awkward()
    profile = PROFILES[name]
    reference = masks
    if profile.reference == "boxes":
        reference = torch.full((len(maps), 1, 4), nan, dtype=torch.float64)
        reference[masks.flatten(1).any(1)] = torch.tensor([1.0, 1, 4, 5], dtype=torch.float64)
    values, reasons = profile.load()(maps, reference), profile.load("undefined")(maps, reference)
    assert profile.name == name
    assert values.dtype == torch.float64
    assert values.isfinite().all(1).tolist() == [reason is None for reason in reasons]
    assert values.isnan().all(1).tolist() == [reason is not None for reason in reasons]
    alone = torch.cat([profile.load()(maps[i : i + 1], reference[i : i + 1]) for i in range(len(maps))])
    torch.testing.assert_close(alone, values, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_one_map_for_all_is_drawn_once(monkeypatch):
    calls = []
    original = boxes.component_boxes
    monkeypatch.setattr(boxes, "component_boxes", lambda marked: calls.append(1) or original(marked))
    prior = centre_prior(12, 12).expand(5, 12, 12)
    given_boxes = torch.tensor([[[float(i), 2, 9, 9]] for i in range(5)])
    shared = boxes.best_box_ious(prior, given_boxes)
    assert len(calls) == len(BOX_LEVELS)
    assert torch.equal(shared, boxes.best_box_ious(prior.contiguous(), given_boxes))


@pytest.mark.parametrize("t", [0.0, -0.1, 1.1])
def test_thresholds_that_choose_all_or_nothing_are_refused(t):
    with pytest.raises(MapError, match="above 0 and at most at 1"):
        boxes.box_iou(picture("12"), box(0, 0, 1, 1), t=t)


@pytest.mark.parametrize("edges", [(1, 0, 1, 1), (0, 2, 1, 1), (0, 0, torch.inf, 1)])
def test_boxes_without_area_are_refused(edges):
    with pytest.raises(MapError, match="no area"):
        boxes.box_iou(picture("12"), box(*edges), t=0.5)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (2, 3), (10, 10), (224, 224), (7, 31)])
def test_the_centre_box_lies_in_the_centre(height, width):
    drawn = centre_box(height, width)
    assert drawn.shape == (height, width)
    assert torch.equal(drawn, drawn.flip(0))
    assert torch.equal(drawn, drawn.flip(1))
    assert drawn.max() == 1
    rows, columns = drawn.amax(1).sum(), drawn.amax(0).sum()
    assert drawn.sum() == rows * columns
    if height > 100:
        assert drawn.mean().item() == pytest.approx(CENTRE_BOX, abs=0.01)
    with pytest.raises(ValueError, match="at least 1×1"):
        centre_box(0, 3)


def test_the_entry_says_what_it_is_held_against():
    assert METRICS["box_iou"].reference == "boxes"
