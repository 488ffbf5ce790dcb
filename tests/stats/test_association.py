"""How much two groupings go together: nothing, all, and what chance gives."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats as scipy_stats

from camaudit import stats

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
