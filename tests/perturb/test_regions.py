"""Interventions on regions: exact at the edges, pure, and what they put in is what they say."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit.perturb.regions import INFILLS, fill, swap_background, transplant


@st.composite
def cases(draw):
    n, height, width = (draw(st.integers(1, limit)) for limit in (3, 19, 19))
    generator = torch.Generator().manual_seed(draw(st.integers(0, 10_000)))
    share = draw(st.sampled_from([0.0, 0.02, 0.3, 0.9, 1.0]))
    images = torch.rand((2, n, 3, height, width), generator=generator)
    masks = torch.rand((2, n, height, width), generator=generator) < share
    return images[0], masks[0], images[1], masks[1]


def made(case, how):
    images, masks, donors, donor_masks = case
    return {
        "fill": fill(images, masks, how),
        "transplant": transplant(images, masks, donors, donor_masks, how=how),
        "swap": swap_background(images, ~masks, donors, donor_masks, how=how),
    }


@given(case=cases(), how=st.sampled_from(INFILLS))
@settings(max_examples=150, deadline=None)
def test_nothing_outside_the_mask_changes_and_the_range_is_kept(case, how):
    images, masks, *_ = before = [part.clone() for part in case]
    for name, after in made(case, how).items():
        untouched = ~masks[:, None].expand_as(images)
        assert torch.equal(after[untouched], images[untouched]), name
        assert after.shape == images.shape
        assert after.dtype == images.dtype
        assert after.min() >= 0
        assert after.max() <= 1
        assert after.data_ptr() != case[0].data_ptr()
    assert all(torch.equal(old, new) for old, new in zip(before, case, strict=True))


@given(case=cases(), how=st.sampled_from(INFILLS))
@settings(max_examples=60, deadline=None)
def test_what_comes_out_is_the_same_every_time_and_for_every_batch(case, how):
    whole = made(case, how)
    for name, one in made([part[:1] for part in case], how).items():
        assert torch.allclose(one, whole[name][:1], atol=1e-6), name


@given(case=cases(), how=st.sampled_from(INFILLS))
@settings(max_examples=60, deadline=None)
def test_what_was_in_the_region_leaves_no_trace(case, how):
    images, masks, donors, donor_masks = case
    other = torch.where(masks[:, None], 1 - images, images)
    for name, after in made((other, masks, donors, donor_masks), how).items():
        assert torch.equal(after, made(case, how)[name]), name


@pytest.mark.parametrize("how", INFILLS)
def test_a_flat_surround_is_continued(how):
    images = torch.full((1, 3, 20, 30), 0.25)
    masks = torch.zeros((1, 20, 30), dtype=torch.bool)
    masks[0, 5:12, 8:20] = True
    images[0, :, 5:12, 8:20] = 1.0
    assert torch.allclose(fill(images, masks, how), torch.full_like(images, 0.25), atol=1e-6)


@pytest.mark.parametrize("how", INFILLS)
def test_a_mask_over_all_gives_grey_and_an_empty_one_nothing(how):
    images = torch.rand((2, 3, 7, 9))
    masks = torch.tensor([True, False])[:, None, None].expand(2, 7, 9)
    after = fill(images, masks, how)
    assert torch.allclose(after[0], torch.full((3, 7, 9), 0.5), atol=1e-6)
    assert torch.equal(after[1], images[1])


def test_mean_is_the_mean_colour_outside():
    images = torch.rand((1, 3, 6, 6), dtype=torch.float64)
    masks = torch.zeros((1, 6, 6), dtype=torch.bool)
    masks[0, 2:4, 1:5] = True
    expected = [images[0, channel][~masks[0]].mean() for channel in range(3)]
    assert torch.allclose(fill(images, masks, "mean")[0, :, 2, 2], torch.stack(expected))


def test_tile_repeats_the_largest_strip():
    images = torch.rand((1, 3, 8, 8))
    masks = torch.zeros((1, 8, 8), dtype=torch.bool)
    masks[0, 0:4, 5:8] = True  # left: 8 × 5, below: 4 × 8
    after = fill(images, masks, "tile")
    for row in range(4):
        for column in range(5, 8):
            assert torch.equal(after[0, :, row, column], images[0, :, row, column % 5])


def test_blur_is_smooth_between_two_sides():
    images = torch.zeros((1, 3, 16, 16))
    images[..., 8:] = 1.0
    masks = torch.zeros((1, 16, 16), dtype=torch.bool)
    masks[0, :, 4:12] = True
    row = fill(images, masks, "blur")[0, 0, 8]
    assert row[4] < row[8] < row[11]
    assert (row.diff() >= -1e-6).all()


@pytest.mark.parametrize("how", INFILLS)
def test_content_comes_from_the_donor_and_shape_from_the_recipient(how):
    recipients, donors = torch.full((1, 3, 12, 12), 0.2), torch.full((1, 3, 12, 12), 0.9)
    donors[0, :, 1:3, 1:7] = torch.tensor([1.0, 0.0, 0.0])[:, None, None]
    donor_masks = torch.zeros((1, 12, 12), dtype=torch.bool)
    donor_masks[0, 1:3, 1:7] = True
    masks = torch.zeros_like(donor_masks)
    masks[0, 6:11, 3:8] = True
    masks[0, 8, 5] = False
    after = transplant(recipients, masks, donors, donor_masks, how=how)
    assert torch.allclose(
        after[0, :, 7, 4], torch.tensor([1.0, 0.0, 0.0]), atol=0.5 if how == "blur" else 1e-6
    )
    assert torch.allclose(after[0, :, 8, 5], torch.full((3,), 0.2))
    if how != "blur":  # none of the donor's surround comes along
        assert not (after == 0.9).any()


def test_regions_of_one_size_are_carried_pixel_by_pixel():
    recipients, donors = torch.rand((2, 1, 3, 10, 10))
    masks, donor_masks = torch.zeros((2, 1, 10, 10), dtype=torch.bool)
    masks[0, 1:4, 2:6] = True
    donor_masks[0, 6:9, 5:9] = True
    after = transplant(recipients, masks, donors, donor_masks, how="mean")
    assert torch.equal(after[0, :, 1:4, 2:6], donors[0, :, 6:9, 5:9])


def test_of_a_donor_without_the_region_comes_the_filled_region():
    recipients, donors = torch.rand((2, 1, 3, 10, 10))
    masks = torch.zeros((1, 10, 10), dtype=torch.bool)
    masks[0, 1:4, 2:6] = True
    for how in INFILLS:
        after = transplant(recipients, masks, donors, torch.zeros_like(masks), how=how)
        assert torch.equal(after, fill(recipients, masks, how))


def test_a_background_swap_keeps_the_object_and_hides_the_donors():
    recipients, donors = torch.full((1, 3, 12, 12), 0.3), torch.full((1, 3, 12, 12), 0.6)
    objects, donor_objects = torch.zeros((2, 1, 12, 12), dtype=torch.bool)
    objects[0, 2:5, 2:5] = donor_objects[0, 6:9, 6:9] = True
    donors[0, :, 6:9, 6:9] = 1.0
    for how in INFILLS:
        after = swap_background(recipients, objects, donors, donor_objects, how=how)
        assert torch.allclose(after[0, 0], torch.where(objects[0], 0.3, 0.6))


def test_shapes_and_ways_are_checked():
    images, masks = torch.rand((1, 3, 4, 4)), torch.zeros((1, 4, 4), dtype=torch.bool)
    with pytest.raises(ValueError, match="no infill 'noise'; allowed: blur, mean, tile"):
        fill(images, masks, "noise")
    with pytest.raises(ValueError, match=r"masks must be bool \[n, h, w\]"):
        fill(images, masks.float(), "mean")
    with pytest.raises(ValueError, match="masks must be bool"):
        transplant(images, masks, images, masks[:, :2], how="mean")
    with pytest.raises(ValueError, match=r"donors .* must have the recipients'"):
        swap_background(images, masks, torch.rand((1, 3, 5, 5)), torch.zeros((1, 5, 5)).bool(), how="mean")
