from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from camaudit.report import charts
from tests.report import fixture

FINITE = st.floats(-1e9, 1e9)


def test_the_interval_bar_is_drawn_to_scale() -> None:
    chart = charts.interval(fixture.finding(), charts.Axis(low=0.0, high=1.0), description="d")
    assert (chart.x, chart.left, chart.width, chart.gate) == (71.2, 69.4, 3.5, 60.0)
    assert (chart.good_left, chart.good_width) == (60.0, 40.0)
    assert [(mark.shape, mark.x) for mark in chart.marks] == [
        ("diamond", 34.0),
        ("triangle", 29.0),
        ("line", 30.3),
    ]
    assert [tick.text for tick in chart.ticks] == ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
    upper = charts.interval(
        fixture.finding(direction="at_most"), charts.Axis(low=0.0, high=1.0), description="d"
    )
    assert (upper.good_left, upper.good_width) == (0.0, 60.0)


def test_a_number_with_no_value_has_no_dot() -> None:
    nan = float("nan")
    chart = charts.interval(
        fixture.finding(value=nan, lower=nan, upper=nan), charts.Axis(low=0.0, high=1.0), description="d"
    )
    assert chart.x is None
    assert chart.gate == 60.0


def test_numbers_without_ends_get_an_axis_that_holds_everything() -> None:
    axis = charts.axis_of(
        [fixture.finding(low=0.0, high=None, value=7.0, lower=5.0, upper=9.0)], [12.0, -3.0]
    )
    assert axis.low < -3.0
    assert axis.high > 12.0


def test_bars_hold_every_sample() -> None:
    drawn = charts.histogram([0.0, 0.01, 0.5, 1.0, 1.0, 1.0], fixture.finding(), "energy")
    assert drawn is not None
    assert drawn.most == 3
    assert [bar.height for bar in drawn.bars] == [66.67, 33.33, 100.0]
    assert drawn.bars[-1].x + drawn.bars[-1].width <= 100.01
    assert "energy of 6 samples: lowest 0, median 1, highest 1." in drawn.description
    assert charts.histogram([float("nan")], None, "energy") is None


@given(FINITE, FINITE)
def test_ticks_are_few_round_and_inside(one: float, other: float) -> None:
    axis = charts.axis_of([], [one, other])
    ticks = charts.ticks(axis)
    assert 1 <= len(ticks) <= 12
    places = [tick.x for tick in ticks]
    assert places == sorted(places)
    assert all(0 <= place <= 100 for place in places)
    assert len({tick.text for tick in ticks}) == len(ticks)
