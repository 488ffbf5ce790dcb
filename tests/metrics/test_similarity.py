"""Similarity of two maps: against loops and scipy, and its laws."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata, spearmanr

from camaudit.errors import MapError
from camaudit.metrics import METRICS
from camaudit.metrics.ranking import ascending, midranks
from tests.metrics.cases import two_maps
from tests.reference import overlap as slow

NAMES = ["spearman", "cosine"]
FEW = settings(max_examples=30)


def run(name, first, second, part="function"):
    return METRICS[name].load(part)(first, second)


def same(first, second, tolerance=1e-10):
    torch.testing.assert_close(first, second, rtol=tolerance, atol=tolerance, equal_nan=True)


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(two_maps())
def test_agrees_with_loops(name, maps):
    first, second = maps
    answers = [getattr(slow, name)(a, b) for a, b in zip(first.tolist(), second.tolist(), strict=True)]
    same(run(name, first, second), torch.tensor([value for value, _ in answers], dtype=torch.float64))
    assert run(name, first, second, "undefined") == [reason for _, reason in answers]


def test_spearman_agrees_with_scipy_also_under_ties():
    generator = torch.Generator().manual_seed(0)
    first = torch.randint(0, 5, (20, 7, 7), generator=generator).double()
    second = torch.randn(20, 7, 7, generator=generator).double() + 0.2 * first
    oracle = [spearmanr(a.flatten(), b.flatten()).statistic for a, b in zip(first, second, strict=True)]
    same(run("spearman", first, second), torch.tensor(oracle, dtype=torch.float64))


def test_midranks_agree_with_scipy():
    generator = torch.Generator().manual_seed(0)
    values = torch.randint(-3, 4, (9, 40), generator=generator).double()
    same(midranks(values), torch.from_numpy(rankdata(values.numpy(), axis=1)))
    assert torch.equal(ascending(values), values.sort(dim=1).values)


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(two_maps(), st.integers(-40, 40))
def test_symmetric_in_range_and_blind_to_scale(name, maps, k):
    first, second = maps
    values = run(name, first, second)
    same(values, run(name, second, first))
    same(values, run(name, first * 2.0**k, second))
    same(values, -run(name, -first, second))
    assert values[values.isfinite()].abs().le(1).all()


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(two_maps(), st.randoms(use_true_random=False))
def test_moving_the_cells_of_both_together_changes_nothing(name, maps, random):
    order = list(range(maps[0][0].numel()))
    random.shuffle(order)
    moved = [item.flatten(1)[:, order].view_as(item) for item in maps]
    same(run(name, *moved), run(name, *maps))


@pytest.mark.parametrize("name", NAMES)
@FEW
@given(two_maps())
def test_a_row_alone_is_the_row_of_its_batch(name, maps):
    alone = [run(name, maps[0][row : row + 1], maps[1][row : row + 1]) for row in range(len(maps[0]))]
    same(torch.cat(alone), run(name, *maps), 1e-12)


@FEW
@given(two_maps())
def test_a_map_is_like_itself(maps):
    for name in NAMES:
        values = run(name, maps[0], maps[0])
        same(values, torch.ones_like(values).where(values.isfinite(), torch.nan))


def test_spearman_knows_order_only():
    first = torch.randn(4, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    second = torch.randn(4, 7, 7, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    same(run("spearman", first.exp(), second), run("spearman", first, second))


@pytest.mark.parametrize(
    ("name", "bad", "reason"),
    [
        ("spearman", 0.0, "all-zero map"),
        ("spearman", 0.5, "constant map"),
        ("spearman", float("nan"), "non-finite map"),
        ("spearman", float("inf"), "non-finite map"),
        ("cosine", 0.0, "all-zero map"),
        ("cosine", float("-inf"), "non-finite map"),
    ],
)
def test_a_map_without_order_is_undefined_on_either_side(name, bad, reason):
    good, dead = torch.rand(1, 7, 7), torch.full((1, 7, 7), bad)
    for pair in ((good, dead), (dead, good)):
        assert run(name, *pair).isnan().all()
        assert run(name, *pair, "undefined") == [reason]


def test_one_cell_has_no_order():
    assert run("spearman", torch.ones(1, 1, 1), torch.ones(1, 1, 1), "undefined") == ["constant map"]


@pytest.mark.parametrize("name", NAMES)
def test_maps_of_two_sizes_are_refused(name):
    with pytest.raises(MapError, match=r"\(1, 7, 7\) and \(1, 14, 14\) must have the same shape"):
        run(name, torch.rand(1, 7, 7), torch.rand(1, 14, 14))
