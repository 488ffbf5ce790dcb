from __future__ import annotations

from math import inf, isfinite, nan

from hypothesis import given
from hypothesis import strategies as st

from camaudit.report import numbers

FLOATS = st.floats(-1e6, 1e6)


def test_known_texts() -> None:
    assert numbers.estimate(0.712, 0.694, 0.729, 0.6) == ("0.71", "[0.69, 0.73]")
    assert numbers.estimate(0.5, nan, nan) == ("0.50", "")
    assert numbers.estimate(nan, nan, nan) == ("–", "")
    assert [numbers.plain(value) for value in (0.5, 0.0, 3.0, 0.00123, 1234.5, nan, inf, -0.25)] == [
        "0.50", "0", "3", "0.0012", "1,234.50", "–", "–", "-0.25",
    ]  # fmt: skip
    assert [numbers.duration(value) for value in (0.42, 41.2, 125, 3780)] == [
        "0.4 s",
        "41 s",
        "2 min 5 s",
        "1 h 3 min",
    ]
    assert numbers.count(1, "check") == "1 check"
    assert numbers.count(1842, "class", "classes") == "1,842 classes"
    assert numbers.decimal(-0.001, 2) == "0.00"


@given(FLOATS, FLOATS)
def test_a_sample_stays_on_its_side_of_the_bound(value: float, bound: float) -> None:
    shown = float(numbers.sample(value, bound))
    assert (shown > bound, shown < bound) == (value > bound, value < bound)


@given(st.lists(FLOATS, min_size=3, max_size=3), FLOATS)
def test_an_estimate_stays_in_order_and_on_its_side(values: list[float], bound: float) -> None:
    lower, value, upper = sorted(values)
    number, interval = numbers.estimate(value, lower, upper, bound)
    shown = [float(text) for text in (interval[1:-1].split(", ")[0], number, interval[1:-1].split(", ")[1])]
    assert shown == sorted(shown)
    for text, true in zip(shown, (lower, value, upper), strict=True):
        assert (text > bound, text < bound) == (true > bound, true < bound)


@given(st.floats())
def test_plain_is_near_and_never_a_nan(value: float) -> None:
    text = numbers.plain(value)
    assert text
    if isfinite(value):
        assert abs(float(text.replace(",", "")) - value) <= max(0.05 * abs(value), 1e-11)
    else:
        assert text == "–"
