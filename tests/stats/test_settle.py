"""How many images would settle an interval that lies across its bound."""

from __future__ import annotations

import numpy as np
import pytest

from camaudit import stats


@pytest.mark.parametrize(
    ("share", "bound"), [(0.70, 0.65), (0.60, 0.65), (0.02, 0.03), (1.0, 0.9), (0.0, 0.05)]
)
def test_wilson_at_that_n_excludes_the_bound_and_one_less_does_not(share, bound):
    base = (
        stats.wilson(round(share * 20), 20) if share in {0.0, 1.0} else stats.wilson(round(share * 100), 100)
    )
    needed = stats.n_to_settle(base, bound)

    def settled(n):
        from camaudit.stats.shares import _score

        lower, upper = _score(share, n, 0.95)
        return upper <= bound or lower >= bound

    assert settled(needed)
    assert not settled(needed - 1)


@pytest.mark.parametrize("n", [2, 5, 10])
def test_the_rule_of_three_at_that_n_excludes_the_bound_and_one_less_does_not(n):
    needed = stats.n_to_settle(stats.bootstrap_mean(np.ones(n), bounds=(0.0, 1.0)), 0.8)
    lower = [stats.bootstrap_mean(np.ones(size), bounds=(0.0, 1.0)).lower for size in (needed - 1, needed)]
    assert lower[0] < 0.8 <= lower[1]


@pytest.mark.parametrize("side", [-1, 1])
def test_the_bootstrap_at_about_that_n_reaches_the_bound(side):
    values = np.random.default_rng(0).beta(4, 3, size=100)
    interval = stats.bootstrap_mean(values)
    bound = interval.value + side * 0.25 * (interval.upper - interval.lower)
    needed = stats.n_to_settle(interval, bound)
    assert 300 < needed < 500
    later = stats.bootstrap_mean(np.tile(values, needed // 100 + 1)[:needed])
    end = later.upper if side > 0 else later.lower
    assert end == pytest.approx(bound, abs=0.1 * (interval.upper - interval.lower))


def test_groups_close_in_as_images_do():
    values, groups = np.random.default_rng(0).random(200), np.repeat(np.arange(40), 5)
    interval = stats.bootstrap_mean(values, clusters=groups)
    bound = interval.value - (interval.value - interval.lower) / 3
    assert stats.n_to_settle(interval, bound) in {1800, 1801}
    sure = stats.bootstrap_mean(np.ones(20), clusters=np.arange(20) % 4, bounds=(0.0, 1.0))
    assert stats.n_to_settle(sure, 0.9) > 20


def test_nothing_settles_an_estimate_on_the_bound_or_without_an_end():
    assert stats.n_to_settle(stats.wilson(5, 10), 0.5) is None
    for interval in (
        stats.wilson(5, 10),
        stats.bootstrap_mean(np.linspace(0, 1, 11)),
        stats.bootstrap_mean([0.5] * 9, bounds=(0, 1)),
    ):
        assert stats.n_to_settle(interval, 0.5) is None
        assert stats.n_to_settle(interval, 0.5 - 1e-15) is None
        assert stats.n_to_settle(interval, 0.5 - 1e-3) > 100
    assert stats.n_to_settle(stats.bootstrap_mean([0.5]), 0.4) is None
    assert stats.n_to_settle(stats.bootstrap_mean([]), 0.4) is None
    assert stats.n_to_settle(stats.bootstrap_mean(np.ones(9)), 0.4) is None
