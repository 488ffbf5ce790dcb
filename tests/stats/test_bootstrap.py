"""Intervals of means: against loops and scipy, by coverage, and where certainty would be false."""

from __future__ import annotations

import math
import tracemalloc
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from scipy import stats as scipy_stats

from camaudit import stats
from tests.reference import stats as slow

SKEWED = {
    "normal": (lambda rng, shape: rng.normal(size=shape), 0.0),
    "uniform": (lambda rng, shape: rng.random(shape), 0.5),
    "Beta(2, 5)": (lambda rng, shape: rng.beta(2, 5, size=shape), 2 / 7),
    "Beta(8, 1)": (lambda rng, shape: rng.beta(8, 1, size=shape), 8 / 9),
}


def covered(draw, truth, *, n, runs, seed, **options):
    rng = np.random.default_rng(seed)
    hits = 0
    for values in draw(rng, (runs, n)):
        interval = stats.bootstrap_mean(values, resamples=1000, **options)
        hits += interval.lower <= truth <= interval.upper
    return hits


def at_least_nominal(hits, runs, nominal):
    """Not below nominal beyond what so many simulations can be off by (one in a thousand)."""
    return hits >= scipy_stats.binom.ppf(0.001, runs, nominal)


@pytest.mark.parametrize("n", [8, 20, 100])
@pytest.mark.parametrize("name", list(SKEWED))
def test_coverage_is_nominal(name, n):
    draw, truth = SKEWED[name]
    hits = covered(draw, truth, n=n, runs=400, seed=n)
    assert at_least_nominal(hits, 400, 0.95), hits / 400


@pytest.mark.parametrize(("confidence", "n"), [(0.8, 20), (0.99, 20), (0.99, 100)])
def test_coverage_is_nominal_at_other_confidences(confidence, n):
    draw, truth = SKEWED["Beta(2, 5)"]
    hits = covered(draw, truth, n=n, runs=400, seed=n, confidence=confidence)
    assert at_least_nominal(hits, 400, confidence), hits / 400


def test_intervals_are_not_needlessly_wide():
    draw, truth = SKEWED["normal"]
    hits = covered(draw, truth, n=100, runs=400, seed=5)
    assert hits <= scipy_stats.binom.ppf(0.999, 400, 0.96), hits / 400


def test_coverage_of_strongly_skewed_data_is_what_the_docstring_says():
    for n, least in ((8, 0.91), (20, 0.95)):
        hits = covered(lambda rng, shape: rng.beta(0.5, 3, size=shape), 0.5 / 3.5, n=n, runs=400, seed=n)
        assert at_least_nominal(hits, 400, least), (n, hits / 400)


def test_the_plain_percentiles_that_it_replaces_do_not_cover_at_small_n():
    rng, hits = np.random.default_rng(8), 0
    for values in rng.beta(8, 1, size=(400, 8)):
        means = values[rng.integers(0, 8, size=(1000, 8))].mean(axis=1)
        hits += np.quantile(means, 0.025) <= 8 / 9 <= np.quantile(means, 0.975)
    assert not at_least_nominal(hits, 400, 0.95)


def test_coverage_over_groups():
    rng, hits = np.random.default_rng(3), {"groups": 0, "images": 0}
    for _ in range(400):
        sizes = rng.integers(3, 12, size=25)
        groups = np.repeat(np.arange(25), sizes)
        values = rng.normal(size=25)[groups] + 0.3 * rng.normal(size=len(groups))
        for name, clusters in (("groups", groups), ("images", None)):
            interval = stats.bootstrap_mean(values, clusters=clusters, resamples=1000)
            hits[name] += interval.lower <= 0 <= interval.upper
    assert at_least_nominal(hits["groups"], 400, 0.95), hits
    assert hits["images"] < 280, "images of one group taken to be independent should fail here"


@pytest.mark.parametrize("n", [3, 8, 30])
@pytest.mark.parametrize("confidence", [0.8, 0.95])
def test_agrees_with_the_slow_replica(n, confidence):
    values = np.random.default_rng(n).beta(2, 6, size=n)
    interval = stats.bootstrap_mean(values, confidence=confidence, seed=1)
    lower, upper = slow.bootstrap_mean(list(values), confidence, seed=2, resamples=10_000)
    noise = 0.05 * (upper - lower)
    assert interval.value == pytest.approx(values.mean(), rel=1e-12)
    assert interval.lower == pytest.approx(lower, abs=noise)
    assert interval.upper == pytest.approx(upper, abs=noise)


def test_agrees_with_scipy_at_the_expanded_level():
    n = 60
    values = np.random.default_rng(0).normal(size=n)
    tail = scipy_stats.norm.cdf(math.sqrt(n / (n - 1)) * scipy_stats.t.ppf(0.025, n - 1))
    oracle = scipy_stats.bootstrap(
        (values,), np.mean, confidence_level=1 - 2 * tail, n_resamples=20_000, method="percentile", rng=1
    ).confidence_interval
    interval = stats.bootstrap_mean(values, resamples=20_000)
    noise = 0.04 * (oracle.high - oracle.low)
    assert interval.lower == pytest.approx(oracle.low, abs=noise)
    assert interval.upper == pytest.approx(oracle.high, abs=noise)


@settings(max_examples=40)
@given(hnp.arrays(np.float64, st.integers(2, 30), elements=st.floats(0, 1)), st.integers(0, 5))
def test_the_estimate_lies_inside_and_the_ends_within_the_bounds(values, seed):
    interval = stats.bootstrap_mean(values, seed=seed, resamples=200, bounds=(0.0, 1.0))
    assert 0 <= interval.lower <= interval.value <= interval.upper <= 1
    assert interval == stats.bootstrap_mean(values, seed=seed, resamples=200, bounds=(0.0, 1.0))


@settings(max_examples=40)
@given(hnp.arrays(np.float64, st.integers(2, 20), elements=st.integers(0, 8).map(lambda value: value / 8)))
def test_a_mirror_turns_the_interval_round(values):
    one = stats.bootstrap_mean(values, resamples=4000, bounds=(0.0, 1.0))
    other = stats.bootstrap_mean(1 - values, resamples=4000, bounds=(0.0, 1.0))
    assert other.value == pytest.approx(1 - one.value)
    assert other.lower == pytest.approx(1 - one.upper, abs=1e-9)
    assert other.upper == pytest.approx(1 - one.lower, abs=1e-9)


def test_the_same_seed_gives_the_same_and_another_seed_nearly_the_same():
    values = np.random.default_rng(0).random(50)
    first, again, other = (stats.bootstrap_mean(values, seed=seed) for seed in (3, 3, 4))
    assert first == again
    assert first.lower == pytest.approx(other.lower, abs=0.02 * (first.upper - first.lower))


def test_groups_of_one_are_no_groups():
    values = np.random.default_rng(0).random(40)
    one = stats.bootstrap_mean(values)
    other = stats.bootstrap_mean(values, clusters=[f"{number:03}" for number in range(40)])
    assert (other.value, other.lower, other.upper) == (one.value, one.lower, one.upper)
    assert other.method == "bootstrap over 40 groups"


def test_copies_of_images_add_no_certainty_where_their_group_is_known():
    values, groups = np.random.default_rng(0).random(30), np.arange(30)
    once = stats.bootstrap_mean(values, clusters=groups)
    often = stats.bootstrap_mean(np.repeat(values, 7), clusters=np.repeat(groups, 7))
    assert often.n == 210
    assert often.lower == pytest.approx(once.lower, rel=1e-9)
    assert often.upper == pytest.approx(once.upper, rel=1e-9)
    unknown = stats.bootstrap_mean(np.repeat(values, 7))
    assert unknown.upper - unknown.lower < 0.5 * (often.upper - often.lower)


def test_one_dominant_group_widens_the_interval():
    rng = np.random.default_rng(0)
    values, even = rng.random(400), np.repeat(np.arange(20), 20)
    uneven = np.where(np.arange(400) < 381, 0, np.arange(400))
    calm, wide = (
        stats.bootstrap_mean(values, clusters=groups, bounds=(0.0, 1.0)) for groups in (even, uneven)
    )
    assert wide.upper - wide.lower > 2 * (calm.upper - calm.lower)


@pytest.mark.parametrize(
    ("values", "clusters", "method"), [([0.4], None, "one sample"), ([0.4, 0.6], ["a", "a"], "one group")]
)
def test_one_sample_or_group_has_an_estimate_and_no_ends(values, clusters, method):
    interval = stats.bootstrap_mean(values, clusters=clusters, bounds=(0.0, 1.0))
    assert interval.value == pytest.approx(np.mean(values))
    assert math.isnan(interval.lower)
    assert math.isnan(interval.upper)
    assert (interval.n, interval.method) == (len(values), method)


def test_no_samples_have_nothing():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        interval = stats.bootstrap_mean([])
    assert (interval.n, interval.method) == (0, "no samples")
    assert all(math.isnan(item) for item in (interval.value, interval.lower, interval.upper))


# All values equal


@pytest.mark.parametrize("n", [2, 10, 300])
def test_equal_ones_are_as_certain_as_a_share_of_n_out_of_n(n):
    interval = stats.bootstrap_mean(np.ones(n), bounds=(0.0, 1.0))
    exact = scipy_stats.binomtest(n, n).proportion_ci(0.95, method="exact")
    assert interval.method == "rule of three"
    assert interval.lower == pytest.approx(exact.low, rel=1e-9)
    assert interval.upper == 1.0


def test_equal_values_leave_room_towards_both_ends_of_the_range():
    interval = stats.bootstrap_mean(np.full(30, 0.7), bounds=(0.0, 1.0))
    unseen = 1 - 0.025 ** (1 / 30)
    assert interval.value == 0.7
    assert interval.lower == pytest.approx(0.7 - unseen * 0.7)
    assert interval.upper == pytest.approx(0.7 + unseen * 0.3)


def test_equal_values_without_a_range_have_no_ends():
    interval = stats.bootstrap_mean(np.full(30, 0.7))
    assert interval.method == "no spread"
    assert math.isnan(interval.lower)
    assert math.isnan(interval.upper)
    half = stats.bootstrap_mean(np.full(30, 0.7), bounds=(-math.inf, 1.0))
    assert math.isnan(half.lower)
    assert 0.7 < half.upper < 1.0


def test_values_that_differ_by_rounding_are_equal():
    values = np.full(30, 0.1 + 0.2)
    values[::2] = 0.3
    assert stats.bootstrap_mean(values, bounds=(0.0, 1.0)).method == "rule of three"
    assert stats.bootstrap_mean(values * 1e-30, bounds=(0.0, 1.0)).method == "rule of three"
    assert stats.bootstrap_mean(np.arange(30) * 1e-30, bounds=(0.0, 1.0)).method == "rule of three"
    small = stats.bootstrap_mean(np.arange(30) * 1e-200)
    assert small.method == "bootstrap"
    assert small.upper == pytest.approx(1e-200 * stats.bootstrap_mean(np.arange(30.0)).upper)


def test_equal_groups_count_as_groups_not_as_images():
    interval = stats.bootstrap_mean(np.ones(100), clusters=np.arange(100) % 10, bounds=(0.0, 1.0))
    assert interval.lower == pytest.approx(0.025 ** (1 / 10))
    assert (interval.n, interval.method) == (100, "rule of three over 10 groups")


def test_the_rule_of_three_covers_a_rare_failure():
    """Nine in ten draws of 20 miss a failure of one image in 200; the bootstrap alone would be sure."""
    rng, hits = np.random.default_rng(0), 0
    for values in (rng.random((400, 20)) > 1 / 200).astype(float):
        interval = stats.bootstrap_mean(values, resamples=200, bounds=(0.0, 1.0))
        hits += interval.lower <= 199 / 200 <= interval.upper
    assert at_least_nominal(hits, 400, 0.95)


# Refusals and cost


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="1 values are NaN or infinite"):
        stats.bootstrap_mean([0.1, bad])


def test_other_input_is_refused():
    with pytest.raises(ValueError, match="one-dimensional"):
        stats.bootstrap_mean(np.zeros((2, 2)))
    with pytest.raises(ValueError, match="confidence must lie between 0 and 1"):
        stats.bootstrap_mean([0.1, 0.2], confidence=95)
    with pytest.raises(ValueError, match="as many clusters"):
        stats.bootstrap_mean([0.1, 0.2], clusters=["a"])
    with pytest.raises(ValueError, match="leave the bounds"):
        stats.bootstrap_mean([0.1, 1.2], bounds=(0.0, 1.0))


def test_memory_does_not_grow_with_the_number_of_images():
    values = np.random.default_rng(0).random(100_000)
    tracemalloc.start()
    interval = stats.bootstrap_mean(values, resamples=300)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert interval.upper - interval.lower < 0.005
    assert peak < 100e6, "all resamples at once would take 240 MB"
