"""The interval of pooled statistics: a mean's where the statistic is one, and honest at its ends."""

from __future__ import annotations

from math import isnan

import numpy as np
import pytest

from camaudit.stats import bootstrap_mean, bootstrap_pooled

UNIT = (0.0, 1.0)


def ratio(sums):
    return sums[:, 0] / sums[:, 1]


def rows(n, seed=0):
    rng = np.random.default_rng(seed)
    sizes = rng.integers(10, 100, n)
    return np.stack([rng.binomial(sizes, 0.4), sizes], axis=1).astype(float)


def test_a_ratio_against_a_slow_bootstrap():
    counts = rows(60)
    found = bootstrap_pooled(counts, ratio, bounds=UNIT)
    rng = np.random.default_rng(9)
    slow = []
    for _ in range(4000):
        pick = [counts[rng.integers(60)] for _ in range(60)]
        slow.append(sum(row[0] for row in pick) / sum(row[1] for row in pick))
    assert found.value == pytest.approx(counts[:, 0].sum() / counts[:, 1].sum())
    assert found.lower == pytest.approx(np.quantile(slow, 0.025), abs=0.006)
    assert found.upper == pytest.approx(np.quantile(slow, 0.975), abs=0.006)
    assert (found.n, found.method) == (60, "bootstrap")


def test_a_mean_is_a_pooled_statistic():
    values = np.random.default_rng(3).beta(2, 5, 80)
    counts = np.stack([values, np.ones(80)], axis=1)
    pooled = bootstrap_pooled(counts, ratio, bounds=UNIT)
    mean = bootstrap_mean(values, bounds=UNIT)
    assert pooled.value == pytest.approx(mean.value)
    assert pooled.lower == pytest.approx(mean.lower, abs=0.006)
    assert pooled.upper == pytest.approx(mean.upper, abs=0.006)


def test_groups_are_drawn_as_a_whole():
    counts = np.repeat(rows(10), 8, axis=0)
    alone = bootstrap_pooled(counts, ratio, bounds=UNIT)
    grouped = bootstrap_pooled(counts, ratio, bounds=UNIT, clusters=np.repeat(np.arange(10), 8))
    assert grouped.value == pytest.approx(alone.value)
    assert grouped.upper - grouped.lower > 2 * (alone.upper - alone.lower)
    assert grouped.method == "bootstrap over 10 groups"


def test_no_spread_is_no_certainty():
    found = bootstrap_pooled(np.tile([[5.0, 5.0]], (20, 1)), ratio, bounds=UNIT)
    assert found.value == 1
    assert found.lower == pytest.approx(1 - (1 - 0.025 ** (1 / 20)))
    assert found.upper == 1
    assert found.method == "rule of three"


def test_one_none_and_one_group():
    one = bootstrap_pooled(rows(1), ratio, bounds=UNIT)
    assert not isnan(one.value)
    assert isnan(one.lower)
    assert isnan(one.upper)
    assert isnan(bootstrap_pooled(rows(0), ratio, bounds=UNIT).value)
    group = bootstrap_pooled(rows(4), ratio, bounds=UNIT, clusters=["a"] * 4)
    assert isnan(group.lower)
    assert group.n == 4


def test_the_same_twice_and_confidence_widens():
    counts = rows(30)
    first, second = (bootstrap_pooled(counts, ratio, bounds=UNIT) for _ in range(2))
    wide = bootstrap_pooled(counts, ratio, bounds=UNIT, confidence=0.99)
    assert first == second
    assert wide.lower < first.lower < first.value < first.upper < wide.upper


def test_what_is_no_count_is_refused():
    with pytest.raises(ValueError, match="NaN or infinite"):
        bootstrap_pooled(np.array([[np.nan, 1.0], [1.0, 1.0]]), ratio, bounds=UNIT)
    with pytest.raises(ValueError, match="outside the bounds"):
        bootstrap_pooled(rows(5) * [[9, 1]], ratio, bounds=UNIT)
    with pytest.raises(ValueError, match="as many clusters"):
        bootstrap_pooled(rows(5), ratio, bounds=UNIT, clusters=["a"])


@pytest.mark.slow
def test_the_interval_covers_the_truth():
    hits = 0
    for seed in range(300):
        found = bootstrap_pooled(rows(40, seed), ratio, bounds=UNIT, resamples=1000)
        hits += found.lower <= 0.4 <= found.upper
    assert hits / 300 >= 0.92
