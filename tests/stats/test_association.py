"""How much two groupings go together, and two rankings: nothing, all, and what chance gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from camaudit import stats
from camaudit.metrics.similarity import spearman

tables = st.lists(st.lists(st.integers(1, 40), min_size=3, max_size=3), min_size=2, max_size=4)


@given(counts=tables)
def test_it_is_the_corrected_one_of_the_paper(counts):
    rows, columns, n = len(counts), 3, np.sum(counts)
    phi = scipy_stats.chi2_contingency(counts, correction=False).statistic / n
    phi = max(0.0, phi - (rows - 1) * (columns - 1) / (n - 1))
    least = min(rows - (rows - 1) ** 2 / (n - 1), columns - (columns - 1) ** 2 / (n - 1)) - 1
    assert stats.cramers_v(counts) == pytest.approx(math.sqrt(phi / least), abs=1e-9)
    assert stats.cramers_v(np.transpose(counts)) == pytest.approx(stats.cramers_v(counts), abs=1e-9)


def test_known_answers():
    assert stats.cramers_v([[20, 0], [0, 30]]) == pytest.approx(1.0)
    assert stats.cramers_v([[10, 20], [20, 40]]) == 0.0
    each_its_own = np.concatenate(
        [np.eye(8, 20, dtype=int).sum(0)[None], np.eye(20, dtype=int)[8:].sum(0)[None]]
    )
    assert stats.cramers_v(each_its_own) == 0.0  # uncorrected it would be 1


@pytest.mark.parametrize("counts", [[[3, 4]], [[3], [4]], [[0, 0], [3, 4]], [[3, 0], [4, 0]]])
def test_one_group_goes_with_nothing(counts):
    assert math.isnan(stats.cramers_v(counts))


@pytest.mark.parametrize("counts", [[1, 2], [[-1, 2], [3, 4]]])
def test_what_is_no_table_is_refused(counts):
    with pytest.raises(ValueError, match="counts must be a table"):
        stats.cramers_v(counts)


@settings(max_examples=20)
@given(rows=st.lists(st.lists(st.integers(-3, 3), min_size=6, max_size=6), min_size=2, max_size=12))
def test_rank_correlation_is_that_of_the_metric(rows):
    """Maps are compared by the one while a network is at hand, and by the other when it is not any more."""
    first, second = np.array(rows, dtype=float), np.array(rows[::-1], dtype=float)
    maps = [torch.from_numpy(item).reshape(-1, 2, 3) for item in (first, second)]
    np.testing.assert_allclose(stats.rank_correlation(first, second), spearman(*maps).numpy(), atol=1e-12)


def test_rank_correlation_of_what_has_no_order_is_undefined():
    rows = np.array([[1.0, 2.0, 3.0], [2.0, 2.0, 2.0], [1.0, np.nan, 2.0]])
    found = stats.rank_correlation(rows, np.array([[3.0, 2.0, 1.0], [1.0, 2.0, 3.0], [1.0, 2.0, 3.0]]))
    assert found[0] == -1
    assert np.isnan(found[1:]).all()
    with pytest.raises(ValueError, match="one shape"):
        stats.rank_correlation(rows, rows[:2])
    assert stats.rank_correlation(np.zeros((0, 4)), np.zeros((0, 4))).shape == (0,)
