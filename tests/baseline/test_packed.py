"""A map in a line of text: what is read back is what was packed."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from camaudit.baseline import PackedMap
from camaudit.errors import BaselineError

MAPS = arrays(
    np.float32,
    st.tuples(st.integers(1, 9), st.integers(1, 9)),
    elements=st.floats(-1e6, 1e6, width=32, allow_subnormal=False),
)


@given(MAPS)
def test_the_text_reads_back(raw):
    packed = PackedMap.of(raw)
    again = PackedMap.read(packed.text)
    assert again.scale == packed.scale
    assert np.array_equal(again.levels, packed.levels)


@given(MAPS)
def test_the_error_is_half_a_level(raw):
    packed = PackedMap.of(raw)
    largest = np.abs(raw.astype(np.float64)).max()
    assert np.abs(packed.values - raw).max() <= largest / 127 * 0.5001 + largest * 1e-5


def test_a_map_of_seven_by_seven_takes_under_a_hundred_letters():
    assert len(PackedMap.of(np.random.default_rng(0).normal(size=(7, 7))).text) < 100


def test_an_empty_map_stays_empty():
    packed = PackedMap.of(np.zeros((2, 3)))
    assert packed.scale == 0
    assert not packed.values.any()
    assert PackedMap.read(packed.text).values.shape == (2, 3)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_what_is_not_finite_has_no_packed_form(bad):
    assert PackedMap.of(np.array([[1.0, bad]])) is None


@pytest.mark.parametrize(
    "text", ["", "2x2*1:AAA", "2x2*1:AAAAAA==", "2x2*1:%%%%", "2*1:AAAA", "2x2*x:AAAAAA=="]
)
def test_other_text_is_refused(text):
    if text == "2x2*1:AAAAAA==":
        assert PackedMap.read(text).levels.shape == (2, 2)
        return
    with pytest.raises(BaselineError, match="not a packed map"):
        PackedMap.read(text)
