"""Sign-flip tests: against scipy, against a slow loop, and calibrated by simulation."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from camaudit import stats

NULLS = 400


def slow_max_t(data):
    """Single-step and step-down by brute force over all sign patterns, one at a time."""
    n, k = data.shape

    def statistics(values):
        return [
            abs(values[:, j].sum()) / np.sqrt((values[:, j] ** 2).sum()) if values[:, j].any() else 0.0
            for j in range(k)
        ]

    seen = statistics(data)
    order = sorted(range(k), key=lambda j: -seen[j])
    counts = [0] * k
    for signs in itertools.product([1, -1], repeat=n):
        drawn = statistics(data * np.array(signs)[:, None])
        for place, j in enumerate(order):
            counts[j] += max(drawn[other] for other in order[place:]) >= seen[j] - 1e-9
    adjusted, highest = [0.0] * k, 0.0
    for j in order:
        highest = max(highest, counts[j] / 2**n)
        adjusted[j] = highest
    return adjusted


@pytest.mark.parametrize("n", [2, 5, 10, 13])
def test_exact_agrees_with_scipy(n):
    rng = np.random.default_rng(n)
    for values in (rng.normal(0.4, 1, n), rng.integers(-1, 2, n).astype(float), rng.normal(0, 1, n)):
        oracle = scipy_stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=np.inf, vectorized=False
        )
        assert stats.sign_flip(values) == pytest.approx(min(oracle.pvalue, 1.0), abs=1e-12)


def test_drawn_agrees_with_scipy_within_what_drawing_leaves():
    rng = np.random.default_rng(0)
    for mean in (0.0, 0.2, 0.4):
        values = rng.normal(mean, 1, 40)
        oracle = scipy_stats.permutation_test(
            (values,), np.mean, permutation_type="samples", n_resamples=9999, rng=1
        ).pvalue
        error = 4 * np.sqrt(2 * oracle * (1 - oracle) / 9999) + 2e-4
        assert stats.sign_flip(values) == pytest.approx(oracle, abs=error)


@given(seed=st.integers(0, 10_000), n=st.integers(1, 7), k=st.integers(1, 4))
@settings(max_examples=40, deadline=None)
def test_max_t_agrees_with_the_loop(seed, n, k):
    rng = np.random.default_rng(seed)
    data = rng.integers(-2, 3, size=(n, k)).astype(float)
    assert stats.max_t(data) == pytest.approx(slow_max_t(data), abs=1e-12)


def test_groups_flip_as_a_whole():
    values = np.array([1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    assert stats.sign_flip(values) == 2 / 64
    assert stats.sign_flip(values, clusters=["a", "a", "b", "b", "c", "c"]) == 2 / 8


def test_nothing_shows_nothing():
    assert stats.sign_flip([]) == 1.0
    assert stats.sign_flip(np.zeros(30)) == 1.0
    assert stats.max_t(np.zeros((0, 2))) == (1.0, 1.0)
    assert stats.max_t(np.zeros((3, 0))) == ()


def test_it_is_seeded_and_refuses_what_is_no_number():
    values = np.random.default_rng(3).normal(0.2, 1, 50)
    assert stats.sign_flip(values, seed=4) == stats.sign_flip(values, seed=4)
    with pytest.raises(ValueError, match="1 values are NaN"):
        stats.sign_flip([1.0, float("nan")])
    with pytest.raises(ValueError, match=r"finite and \[n, k\]"):
        stats.max_t(np.zeros(3))


def within_binomial(rejected: int, runs: int, level: float) -> bool:
    """Not above what chance allows (one-sided 99.9 %): a test on few values may reject less often."""
    return rejected <= scipy_stats.binom.ppf(0.999, runs, level)


@pytest.mark.parametrize("draw", ["normal", "ternary", "rare"])
def test_under_the_null_it_rejects_as_often_as_it_says(draw):
    rng, rejected = np.random.default_rng(7), 0
    for _ in range(NULLS):
        sign = rng.choice([-1.0, 1.0], 60)
        values = {
            "normal": rng.normal(0, 1, 60),
            "ternary": sign * (rng.random(60) < 0.5),
            "rare": sign * (rng.random(60) < 0.1),
        }[draw]
        rejected += stats.sign_flip(values, draws=999, seed=int(rng.integers(1 << 30))) < 0.05
    assert within_binomial(rejected, NULLS, 0.05), rejected
    if draw == "normal":
        assert rejected >= scipy_stats.binom.ppf(0.001, NULLS, 0.05), rejected


def test_over_several_hypotheses_any_false_alarm_is_as_rare():
    """Ten correlated nulls: unadjusted, one in three runs raises an alarm; max-T holds 5 %."""
    rng, alarms = np.random.default_rng(11), {"adjusted": 0, "alone": 0}
    for _ in range(NULLS):
        shared = rng.normal(0, 1, (40, 1))
        data = 0.5 * shared + rng.normal(0, 1, (40, 10))
        seed = int(rng.integers(1 << 30))
        alarms["adjusted"] += min(stats.max_t(data, draws=999, seed=seed)) < 0.05
        alarms["alone"] += min(stats.sign_flip(column, draws=199, seed=seed) for column in data.T) < 0.05
    assert within_binomial(alarms["adjusted"], NULLS, 0.05), alarms
    assert alarms["adjusted"] >= scipy_stats.binom.ppf(0.001, NULLS, 0.05), alarms
    assert not within_binomial(alarms["alone"], NULLS, 0.05), alarms


def test_a_true_effect_is_found_beside_many_nulls():
    rng = np.random.default_rng(5)
    data = rng.normal(0, 1, (50, 12))
    data[:, 3] += 1.0
    adjusted = stats.max_t(data)
    assert adjusted[3] < 0.01
    assert sum(p < 0.05 for p in adjusted) == 1


def test_holm_is_the_textbooks():
    assert stats.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx((0.03, 0.06, 0.06, 0.02))
    assert stats.holm([]) == ()
    assert stats.holm([0.9, 0.8]) == (1.0, 1.0)
    with pytest.raises(ValueError, match="between 0 and 1"):
        stats.holm([1.2])
