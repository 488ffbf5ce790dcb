"""Intervals of shares, over images and over groups."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats as scipy_stats

from camaudit import stats
from tests.reference import stats as slow


@pytest.mark.parametrize("confidence", [0.8, 0.95, 0.99])
@pytest.mark.parametrize(("k", "n"), [(0, 1), (1, 1), (0, 30), (30, 30), (7, 20), (250, 1000), (1, 100_000)])
def test_wilson_agrees_with_scipy_and_with_the_inverted_test(k, n, confidence):
    interval = stats.wilson(k, n, confidence)
    oracle = scipy_stats.binomtest(k, n).proportion_ci(confidence, method="wilson")
    assert interval.lower == pytest.approx(oracle.low, rel=1e-9, abs=1e-15)
    assert interval.upper == pytest.approx(oracle.high, rel=1e-9, abs=1e-15)
    lower, upper = slow.wilson(k, n, confidence)
    assert interval.lower == pytest.approx(lower, abs=1e-9)
    assert interval.upper == pytest.approx(upper, abs=1e-9)
    assert 0 <= interval.lower <= interval.value == k / n <= interval.upper <= 1


def test_the_ends_at_none_and_all_are_exact():
    assert stats.wilson(0, 7).lower == 0.0
    assert stats.wilson(7, 7).upper == 1.0


def test_none_of_none_is_nothing():
    interval = stats.wilson(0, 0)
    assert math.isnan(interval.value)
    assert (interval.n, interval.method) == (0, "no samples")
    assert stats.share([]).method == "no samples"
    assert stats.share([], clusters=[]).method == "no samples"


def test_impossible_counts_are_refused():
    for k, n in ((-1, 5), (6, 5), (1, 0)):
        with pytest.raises(ValueError, match="k must lie between 0 and n"):
            stats.wilson(k, n)
    with pytest.raises(ValueError, match="confidence must lie"):
        stats.wilson(1, 5, confidence=1.0)


def test_a_share_counts_ones():
    assert stats.share([1, 0, 1, 1]) == stats.wilson(3, 4)
    assert stats.share(np.array([True, False])) == stats.wilson(1, 2)
    with pytest.raises(ValueError, match="made of values 0 and 1"):
        stats.share([0.0, 0.5])


@pytest.mark.parametrize(("within", "between"), [(0.0, 1.0), (0.5, 0.5)])
def test_coverage_over_groups(within, between):
    """Groups that agree inside: taken as images, the interval is far too narrow; over groups it holds."""
    rng, hits = np.random.default_rng(2), {"groups": 0, "images": 0}
    groups = np.repeat(np.arange(20), 8)
    for _ in range(400):
        level = rng.random(20) < 0.7
        own = rng.random(160) < 0.7
        mixed = rng.random(160) < within
        values = np.where(mixed, own, level[groups]).astype(float)
        for name, clusters in (("groups", groups), ("images", None)):
            interval = stats.share(values, clusters=clusters)
            hits[name] += interval.lower <= 0.7 <= interval.upper
    assert between > 0
    assert hits["groups"] >= scipy_stats.binom.ppf(0.001, 400, 0.95), hits
    assert hits["images"] < 0.9 * 400


def test_groups_never_narrow_an_interval():
    rng = np.random.default_rng(0)
    for _ in range(50):
        values = (rng.random(60) < rng.random()).astype(float)
        alone, grouped = stats.share(values), stats.share(values, clusters=rng.integers(0, 12, size=60))
        assert grouped.value == pytest.approx(alone.value)
        assert grouped.upper - grouped.lower >= (alone.upper - alone.lower) * (1 - 1e-9)


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_all_alike_counts_groups_not_images(value):
    interval = stats.share(np.full(100, value), clusters=np.arange(100) % 10)
    by_group = stats.wilson(round(10 * value), 10)
    assert interval.lower == pytest.approx(by_group.lower)
    assert interval.upper == pytest.approx(by_group.upper)
    assert (interval.n, interval.method) == (100, "Wilson over 10 groups")


def test_one_group_has_no_ends():
    interval = stats.share([1.0, 0.0], clusters=["a", "a"])
    assert interval.value == 0.5
    assert math.isnan(interval.lower)
    assert interval.method == "one group"


def test_the_difference_is_that_of_the_paper():
    """Newcombe 1998, table II: 56/70 − 48/80 is .2 [.0524, .3339], and 10/10 − 0/10 is 1 [.6075, 1]."""
    found = stats.share_difference(stats.wilson(56, 70), stats.wilson(48, 80))
    assert (found.value, found.lower, found.upper) == pytest.approx((0.2, 0.0524, 0.3339), abs=5e-5)
    assert found.n == 150
    found = stats.share_difference(stats.wilson(10, 10), stats.wilson(0, 10))
    assert (found.value, found.lower, found.upper) == pytest.approx((1.0, 0.6075, 1.0), abs=5e-5)


def test_the_difference_to_nothing_is_not_known():
    found = stats.share_difference(stats.wilson(5, 10), stats.wilson(0, 0))
    assert all(math.isnan(one) for one in (found.value, found.lower, found.upper))
    with pytest.raises(ValueError, match="confidence must be one"):
        stats.share_difference(stats.wilson(5, 10), stats.wilson(5, 10, 0.9))
