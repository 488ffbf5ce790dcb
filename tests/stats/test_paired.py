"""McNemar's exact test against the binomial sums it is made of."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit import stats


def by_hand(lost, won):
    """Both tails of Binomial(m, ½) at least as far from the middle."""
    m = lost + won
    far = abs(lost - m / 2)
    return sum(comb(m, k) for k in range(m + 1) if abs(k - m / 2) >= far) / 2**m


@given(st.integers(0, 40), st.integers(0, 40))
def test_it_is_the_sum_of_both_tails(lost, won):
    assert stats.mcnemar(lost, won) == pytest.approx(by_hand(lost, won), rel=1e-9)


def test_nothing_changed_is_no_evidence():
    assert stats.mcnemar(0, 0) == 1.0


def test_negative_counts_are_refused():
    with pytest.raises(ValueError, match="negative"):
        stats.mcnemar(-1, 2)
