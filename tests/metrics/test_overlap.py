"""Every overlap metric against loops, against its own laws, and where peers go wrong."""

from __future__ import annotations

from math import log

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit.contract.metrics import awkward
from camaudit.errors import MapError
from camaudit.metrics import METRICS, overlap
from tests.metrics.cases import pairs
from tests.reference import overlap as slow

MASS = {"energy_inside", "kappa_mass", "inside_outside", "iou"}
RANK = {"rank_accuracy", "pointing", "pixel_auc"}
FEW = settings(max_examples=30)
T = 0.3141  # no ratio of small whole numbers: no pixel lies on the threshold


def run(name, maps, masks, part="function"):
    return METRICS[name].load(part)(maps, masks, **({"t": T} if name == "iou" else {}))


def expected(name, maps, masks):
    extra = (T,) if name == "iou" else ()
    return [
        getattr(slow, name)(grid, mask, *extra)
        for grid, mask in zip(maps.tolist(), masks.tolist(), strict=True)
    ]


def same(first, second, tolerance=1e-12):
    torch.testing.assert_close(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)


def agrees(name, maps, masks):
    answers = expected(name, maps, masks)
    same(run(name, maps, masks), torch.tensor([value for value, _ in answers], dtype=torch.float64), 1e-10)
    assert run(name, maps, masks, "undefined") == [reason for _, reason in answers]


@pytest.mark.parametrize("name", sorted(MASS))
@FEW
@given(pairs())
def test_mass_agrees_with_loops(name, given_pair):
    agrees(name, *given_pair)


@pytest.mark.parametrize("name", sorted(RANK))
@FEW
@given(pairs(signed=True))
def test_ranks_agree_with_loops(name, given_pair):
    agrees(name, *given_pair)


@pytest.mark.parametrize("name", sorted(RANK))
@pytest.mark.parametrize("size", [(30, 44), (33, 29)])
def test_ranks_agree_with_loops_where_the_tolerance_spans_pixels(name, size):
    generator = torch.Generator().manual_seed(2)
    # Few levels and few mask pixels: peaks tie, near and far, and hit some of the time.
    maps = torch.randint(-9, 500, (24, *size), generator=generator).double().clamp(max=499 - 9)
    masks = torch.rand(24, *size, generator=generator) > 0.999 - 0.02 * (name != "pointing")
    agrees(name, maps, masks)


@pytest.mark.parametrize("name", sorted(MASS | RANK))
def test_degenerate_rows_agree_with_loops(name):
    maps, masks, names = awkward()
    answers = [reason for _, reason in expected(name, *_without_extremes(maps, masks, names))]
    assert run(name, *_without_extremes(maps, masks, names), "undefined") == answers
    assert any(answers)
    assert not all(answers)


def _without_extremes(maps, masks, names):
    """Plain sums overflow on the huge maps: the loops have no answer there."""
    keep = [not name.startswith(("huge", "tiny")) for name in names]
    return maps[keep], masks[keep]


@pytest.mark.parametrize("name", sorted(MASS))
def test_sizes_at_the_ends_of_float64_do_not_matter(name):
    maps, masks, names = awkward()
    ordinary = [key.startswith("ordinary") for key in names]
    huge = [key.startswith("huge") for key in names]
    same(run(name, maps[huge], masks[huge]), run(name, maps[ordinary], masks[ordinary]))


@pytest.mark.parametrize("name", sorted(MASS | RANK))
@FEW
@given(pairs(), st.integers(-60, 60))
def test_scaling_by_powers_of_two_changes_nothing_at_all(name, given_pair, k):
    maps, masks = given_pair
    torch.testing.assert_close(
        run(name, maps * 2.0**k, masks), run(name, maps, masks), rtol=0, atol=0, equal_nan=True
    )


@pytest.mark.parametrize("name", sorted(MASS | RANK))
@FEW
@given(pairs(), st.floats(1e-6, 1e6))
def test_scaling_changes_nothing_beyond_rounding(name, given_pair, factor):
    maps, masks = given_pair
    scaled = (maps.float() * 1.0).double() * factor  # float32 values stay apart when scaled in float64
    same(run(name, scaled, masks), run(name, maps.float().double(), masks))


@pytest.mark.parametrize("name", sorted(RANK))
@FEW
@given(pairs(signed=True))
def test_ranks_know_order_only(name, given_pair):
    maps, masks = given_pair
    order = torch.stack([row.flatten().unique(return_inverse=True)[1].view_as(row) for row in maps]).double()
    zero = (maps == 0).flatten(1).all(dim=1)
    shifted = (order + 1).masked_fill(zero[:, None, None], 0.0)
    same(run(name, shifted, masks), run(name, maps, masks))


@pytest.mark.parametrize("name", sorted((MASS | RANK) - {"pointing"}))
@FEW
@given(pairs(), st.randoms(use_true_random=False))
def test_moving_pixels_of_map_and_mask_together_changes_nothing(name, given_pair, random):
    maps, masks = given_pair
    order = list(range(maps[0].numel()))
    random.shuffle(order)
    moved = [item.flatten(1)[:, order].view_as(item) for item in (maps, masks)]
    same(run(name, *moved), run(name, maps, masks))


@FEW
@given(pairs(signed=True))
def test_pointing_is_the_same_in_a_mirror_and_turned(given_pair):
    maps, masks = given_pair
    for change in (lambda item: item.flip(1), lambda item: item.flip(2), lambda item: item.transpose(1, 2)):
        same(run("pointing", change(maps), change(masks)), run("pointing", maps, masks))


@pytest.mark.parametrize("name", sorted(MASS | RANK))
@FEW
@given(pairs())
def test_a_row_alone_is_the_row_of_its_batch(name, given_pair):
    maps, masks = given_pair
    alone = [run(name, maps[row : row + 1], masks[row : row + 1]) for row in range(len(maps))]
    same(torch.cat(alone), run(name, maps, masks))
    reasons = [
        run(name, maps[row : row + 1], masks[row : row + 1], "undefined")[0] for row in range(len(maps))
    ]
    assert reasons == run(name, maps, masks, "undefined")


@FEW
@given(pairs(signed=True))
def test_auc_of_a_mask_and_of_its_complement_add_up_to_one(given_pair):
    maps, masks = given_pair
    both = run("pixel_auc", maps, masks) + run("pixel_auc", maps, ~masks)
    same(both, torch.ones_like(both).where(both.isfinite(), torch.nan))


@FEW
@given(pairs(signed=True))
def test_auc_of_a_map_and_of_its_negative_add_up_to_one(given_pair):
    maps, masks = given_pair
    both = run("pixel_auc", maps, masks) + run("pixel_auc", -maps, masks)
    same(both, torch.ones_like(both).where(both.isfinite(), torch.nan))


@FEW
@given(pairs())
def test_energy_of_a_mask_and_of_its_complement_add_up_to_one(given_pair):
    maps, masks = given_pair
    both = run("energy_inside", maps, masks) + run("energy_inside", maps, ~masks)
    same(both, torch.ones_like(both).where(both.isfinite(), torch.nan))


@FEW
@given(pairs())
def test_the_log_ratio_of_a_mask_is_minus_that_of_its_complement(given_pair):
    maps, masks = given_pair
    same(run("inside_outside", maps, masks), -run("inside_outside", maps, ~masks))


@FEW
@given(pairs())
def test_kappa_has_the_sign_of_energy_beyond_the_share(given_pair):
    maps, masks = given_pair
    share = masks.flatten(1).double().mean(dim=1)
    kappa = run("kappa_mass", maps, masks)
    same(kappa * (1 - share), (run("energy_inside", maps, masks) - share).where(kappa.isfinite(), torch.nan))


# Known answers


def one(rows, dtype=torch.float64):
    return torch.tensor([rows], dtype=dtype)


def test_known_answers_of_mass():
    maps, masks = one([[3.0, 1.0], [0.0, 4.0]]), one([[1, 0], [0, 1]], torch.bool)
    assert overlap.energy_inside(maps, masks).item() == 7 / 8
    assert overlap.kappa_mass(maps, masks).item() == pytest.approx((7 / 8 - 1 / 2) / (1 / 2))
    assert overlap.inside_outside(maps, masks).item() == pytest.approx(log(3.5 / 0.5))
    assert overlap.iou(maps, masks, t=0.25).item() == pytest.approx(2 / 3)
    assert overlap.iou(maps, masks, t=0.5).item() == 1.0
    assert overlap.iou(maps, masks, t=1.0).item() == 0.5


def test_known_answers_of_ranks():
    maps, masks = one([[4.0, 3.0], [2.0, -1.0]]), one([[1, 0], [1, 0]], torch.bool)
    assert overlap.rank_accuracy(maps, masks).item() == 0.5
    assert overlap.pixel_auc(maps, masks).item() == 3 / 4
    assert overlap.pointing(maps, masks).item() == 1.0


def peak_at(y, x, size=224):
    maps = torch.zeros(1, size, size)
    maps[0, y, x] = 1.0
    return maps


@pytest.mark.parametrize(
    ("y", "x", "hit"),
    [(100, 115, 1.0), (100, 116, 0.0), (109, 112, 1.0), (110, 112, 0.0), (85, 100, 1.0), (84, 100, 0.0)],
)
def test_the_tolerance_is_15_pixels_as_the_crow_flies(y, x, hit):
    masks = torch.zeros(1, 224, 224, dtype=torch.bool)
    masks[0, 100, 100] = True
    assert overlap.pointing(peak_at(y, x), masks).item() == hit


@pytest.mark.parametrize(
    ("height", "width", "reach"), [(448, 448, 30), (112, 300, 7), (300, 112, 7), (8, 8, 0)]
)
def test_the_tolerance_grows_with_the_shorter_side(height, width, reach):
    masks = torch.zeros(1, height, width, dtype=torch.bool)
    masks[0, 3, 3] = True
    hits = []
    for x in (3 + reach, 4 + reach):
        maps = torch.zeros(1, height, width)
        maps[0, 3, x] = 1.0
        hits.append(overlap.pointing(maps, masks).item())
    assert hits == [1.0, 0.0]


def test_tied_peaks_far_apart_count_only_where_they_agree():
    masks = torch.zeros(3, 224, 224, dtype=torch.bool)
    masks[0, 10:20, 10:20] = True
    masks[0, 200:210, 200:210] = True
    masks[1, 10:20, 10:20] = True
    masks[2, 100:110, 100:110] = True
    maps = (peak_at(15, 15) + peak_at(205, 205)).expand(3, 224, 224)
    same(overlap.pointing(maps, masks), torch.tensor([1.0, torch.nan, 0.0], dtype=torch.float64))
    assert overlap.pointing_undefined(maps, masks) == [None, "tied peaks", None]


@pytest.mark.parametrize(("edge", "hit"), [(22, 1.0), (23, 0.0)])
def test_a_border_cell_repeated_by_the_resize_is_judged_by_its_centre(edge, hit):
    raw = torch.zeros(1, 1, 7, 7)
    raw[..., 0, 0] = 1.0
    maps = torch.nn.functional.interpolate(raw, size=(224, 224), mode="bilinear", align_corners=False)[0]
    assert (maps == 1).sum() == 16 * 16
    masks = torch.zeros(1, 224, 224, dtype=torch.bool)
    masks[:, :, edge:] = True
    assert overlap.pointing(maps, masks).item() == hit


def test_ties_that_hardly_matter_are_shared_out_and_others_are_undefined():
    maps = torch.arange(10_000, dtype=torch.float64).view(1, 100, 100)
    masks = maps >= 5_000
    maps[0, 49, 99] = maps[0, 50, 0]  # one pixel outside ties with the last one inside
    assert overlap.rank_accuracy(maps, masks).item() == pytest.approx((4_999 + 0.5) / 5_000)
    maps[0, 40:60] = 5_000.0
    assert overlap.rank_accuracy(maps, masks).isnan().item()
    assert overlap.rank_accuracy_undefined(maps, masks) == ["ties straddle the mask size"]


# Where peers go wrong


@pytest.mark.parametrize("name", sorted(MASS | RANK))
def test_empty_masks_and_all_zero_maps_are_never_hits(name):
    """Quantus 0.6.0 counts both as hits of the pointing game."""
    maps = torch.stack([torch.rand(16, 16), torch.zeros(16, 16), torch.zeros(16, 16)])
    masks = torch.zeros(3, 16, 16, dtype=torch.bool)
    masks[1, 4:9, 4:9] = True
    assert run(name, maps, masks).isnan().all()
    assert run(name, maps, masks, "undefined") == ["empty mask", "all-zero map", "empty mask"]


@pytest.mark.parametrize("name", sorted(MASS | RANK))
@pytest.mark.parametrize("size", [1, 3, 7])
def test_the_result_does_not_depend_on_the_batch_size(name, size):
    """Quantus 0.6.0's weighted localisation does."""
    generator = torch.Generator().manual_seed(1)
    maps = torch.rand(14, 24, 31, generator=generator)
    masks = torch.rand(14, 24, 31, generator=generator) > torch.rand(14, 1, 1, generator=generator)
    split = torch.cat([run(name, m, k) for m, k in zip(maps.split(size), masks.split(size), strict=True)])
    same(split, run(name, maps, masks))


@pytest.mark.parametrize("name", sorted(MASS))
def test_a_dead_map_is_not_brought_to_life(name):
    """Per-image min-max scaling, as in pytorch-grad-cam, would give a constant map a pattern of rounding."""
    masks = torch.zeros(1, 8, 8, dtype=torch.bool)
    masks[0, :4] = True
    value = run(name, torch.full((1, 8, 8), 1e-30), masks).item()
    even = {"energy_inside": 0.5, "kappa_mass": 0.0, "inside_outside": 0.0, "iou": 0.5}
    assert value == pytest.approx(even[name], abs=1e-12)


# Refusals


@pytest.mark.parametrize("name", sorted(MASS))
def test_negative_values_are_refused_where_mass_needs_none(name):
    maps = torch.rand(3, 4, 4)
    maps[1, 2, 2] = -1e-9
    with pytest.raises(MapError, match="1 of 3 maps hold negative values"):
        run(name, maps, torch.ones(3, 4, 4, dtype=torch.bool))


@pytest.mark.parametrize("t", [0.0, -0.1, 1.01, float("nan")])
def test_a_threshold_that_chooses_all_or_nothing_is_refused(t):
    with pytest.raises(MapError, match="must lie above 0 and at most at 1"):
        overlap.iou(torch.rand(1, 4, 4), torch.ones(1, 4, 4, dtype=torch.bool), t=t)


# Chance


def test_chance_of_pointing_is_the_dilated_share():
    generator = torch.Generator().manual_seed(3)
    masks = torch.rand(3, 40, 31, generator=generator) > 0.995
    expected_shares = [slow.tolerated_share(mask) for mask in masks.tolist()]
    same(run("pointing", masks.float(), masks, "chance"), torch.tensor(expected_shares, dtype=torch.float64))


@pytest.mark.parametrize("name", sorted((MASS | RANK) - {"iou", "inside_outside"}))
def test_chance_is_what_shuffled_maps_score(name):
    generator = torch.Generator().manual_seed(4)
    masks = torch.zeros(1, 24, 24, dtype=torch.bool)
    masks[0, 5:15, 8:20] = True
    maps = torch.rand(1, 24, 24, generator=generator).flatten()
    shuffled = torch.stack([maps[torch.randperm(576, generator=generator)] for _ in range(4000)]).view(
        -1, 24, 24
    )
    scores = run(name, shuffled, masks.expand(4000, 24, 24))
    chance = run(name, maps.view(1, 24, 24), masks, "chance").item()
    assert scores.mean().item() == pytest.approx(chance, abs=4 * scores.std().item() / 4000**0.5)


def test_chance_of_the_log_ratio_is_that_of_an_even_map():
    masks = torch.zeros(1, 9, 9, dtype=torch.bool)
    masks[0, 2:4] = True
    assert run("inside_outside", torch.ones(1, 9, 9), masks).item() == pytest.approx(
        run("inside_outside", torch.ones(1, 9, 9), masks, "chance").item(), abs=1e-12
    )
