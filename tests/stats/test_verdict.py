"""The one judge, and that what it shows never contradicts what it says."""

from __future__ import annotations

import math
import subprocess
import sys
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from camaudit import stats, verdict
from camaudit.result import SEVERITY

NAN = math.nan
FINITE = st.floats(-10, 10)


def interval(value, lower, upper, *, n=100, method="bootstrap"):
    return stats.Interval(value=value, lower=lower, upper=upper, n=n, confidence=0.95, method=method)


@pytest.mark.parametrize(
    ("lower", "upper", "at_least", "at_most"),
    [
        (0.61, 0.70, "PASS", "FAIL"),
        (0.60, 0.70, "PASS", "INCONCLUSIVE"),
        (0.50, 0.59, "FAIL", "PASS"),
        (0.50, 0.60, "INCONCLUSIVE", "PASS"),
        (0.55, 0.65, "INCONCLUSIVE", "INCONCLUSIVE"),
        (0.60, 0.60, "PASS", "PASS"),
        (NAN, NAN, "INCONCLUSIVE", "INCONCLUSIVE"),
        (NAN, 0.59, "FAIL", "PASS"),
        (NAN, 0.61, "INCONCLUSIVE", "INCONCLUSIVE"),
        (0.61, NAN, "PASS", "FAIL"),
        (0.59, NAN, "INCONCLUSIVE", "INCONCLUSIVE"),
    ],
)
def test_an_interval_against_the_bound(lower, upper, at_least, at_most):
    ends = [end for end in (lower, upper) if not math.isnan(end)]
    given_interval = interval(sum(ends) / len(ends) if ends else 0.6, lower, upper)
    assert verdict.judge(given_interval, bound=0.6, direction="at_least").status == at_least
    assert verdict.judge(given_interval, bound=0.6, direction="at_most").status == at_most


def test_a_good_number_may_be_worth_less_than_a_pass():
    """What was only guessed at can accuse, and clears nothing."""
    good, bad, across = ((0.0, 0.04), (0.06, 0.1), (0.03, 0.1))
    for worth, status in (("pass", "PASS"), ("open", "INCONCLUSIVE"), ("nothing", None)):
        rulings = [
            verdict.judge(interval(low, low, high), bound=0.05, direction="at_most", worth=worth)
            for low, high in (good, bad, across)
        ]
        assert [ruling.status for ruling in rulings] == [status, "FAIL", "INCONCLUSIVE"]
        assert [ruling.good for ruling in rulings] == [True, False, False]
        assert ("clears nothing" in rulings[0].reason) is (worth != "pass")


@pytest.mark.parametrize("direction", ["at_least", "at_most"])
def test_one_ulp_decides(direction):
    sign = 1 if direction == "at_least" else -1
    bad = float(np.nextafter(0.6, 0.6 - sign))
    for end, status in ((0.6, "PASS"), (bad, "FAIL")):
        ruling = verdict.judge(interval(end, end, end), bound=0.6, direction=direction)
        assert ruling.status == status


def test_deciding_on_the_estimate_leaves_the_interval_out():
    for value, status in ((0.61, "PASS"), (0.60, "PASS"), (0.59, "FAIL")):
        ruling = verdict.judge(
            interval(value, 0.3, 0.9), bound=0.6, direction="at_least", decide_on="estimate"
        )
        assert ruling.status == status
        assert ruling.n_needed is None
        assert "decided on the estimate" in ruling.reason
    alone = interval(0.7, NAN, NAN, n=1, method="one sample")
    assert verdict.judge(alone, bound=0.6, direction="at_least", decide_on="estimate").status == "PASS"


@pytest.mark.parametrize(
    "empty",
    [stats.bootstrap_mean([]), stats.share([]), interval(NAN, 0.7, 0.9), interval(math.inf, 0.7, 0.9)],
)
@pytest.mark.parametrize("decide_on", [None, "estimate"])
def test_empty_is_never_green(empty, decide_on):
    for direction in ("at_least", "at_most"):
        ruling = verdict.judge(empty, bound=0.6, direction=direction, decide_on=decide_on)
        assert ruling.status == "ERROR"
        assert "empty is never green" in ruling.reason


@pytest.mark.parametrize("value", [0.01, 0.99])
def test_one_sample_decides_nothing(value):
    for direction in ("at_least", "at_most"):
        ruling = verdict.judge(
            stats.bootstrap_mean([value], bounds=(0.0, 1.0)), bound=0.6, direction=direction
        )
        assert ruling.status == "INCONCLUSIVE"
        assert "one sample" in ruling.reason


def test_equal_values_decide_only_once_there_are_enough():
    statuses = [
        verdict.judge(
            stats.bootstrap_mean(np.ones(n), bounds=(0.0, 1.0)), bound=0.9, direction="at_least"
        ).status
        for n in (2, 20, 35, 36)
    ]
    assert statuses == ["INCONCLUSIVE", "INCONCLUSIVE", "INCONCLUSIVE", "PASS"]


def test_inconclusive_says_how_many_images_would_settle_it():
    ruling = verdict.judge(interval(0.62, 0.56, 0.68), bound=0.6, direction="at_least")
    assert ruling.status == "INCONCLUSIVE"
    assert ruling.n_needed in {900, 901}
    assert (
        ruling.reason
        == f"0.62 [0.56, 0.68] lies across 0.6; n=100, about n={ruling.n_needed} would settle it"
    )
    never = verdict.judge(interval(0.6, 0.5, 0.7), bound=0.6, direction="at_least")
    assert never.n_needed is None
    assert "no number of images would settle it" in never.reason


def test_the_lucky_end_and_unusable_bounds_are_refused():
    for direction, lucky in (("at_least", "ci_upper"), ("at_most", "ci_lower")):
        with pytest.raises(ValueError, match="would pass on the lucky end"):
            verdict.judge(interval(0.6, 0.5, 0.7), bound=0.6, direction=direction, decide_on=lucky)
    for bound in (NAN, math.inf):
        with pytest.raises(ValueError, match="a bound must be a finite number"):
            verdict.judge(interval(0.6, 0.5, 0.7), bound=bound, direction="at_least")


@given(st.tuples(FINITE, FINITE, FINITE), FINITE)
def test_both_directions_mirror_each_other_and_never_pass_across(numbers, bound):
    lower, value, upper = sorted(numbers)
    least = verdict.judge(interval(value, lower, upper), bound=bound, direction="at_least").status
    most = verdict.judge(interval(-value, -upper, -lower), bound=-bound, direction="at_most").status
    assert least == most
    assert least == ("PASS" if lower >= bound else "FAIL" if upper < bound else "INCONCLUSIVE")


# Too many undefined


def test_undefined_samples_within_the_allowance_are_fine():
    assert verdict.undefined_exceeds({}, 10, 0.0) is None
    assert verdict.undefined_exceeds({}, 0, 0.0) is None
    for part, whole in ((1, 10), (3, 10), (7, 100), (1, 3)):
        assert verdict.undefined_exceeds({"empty mask": part}, whole, part / whole) is None


def test_undefined_samples_beyond_it_are_named_counted_and_mendable():
    text = verdict.undefined_exceeds({"empty mask": 2, "all-zero map": 5}, 300, 0.02)
    assert text == (
        "7 of 300 samples have no number (all-zero map: 5; empty mask: 2), allowed is a share of 0.02; "
        "mend the data, or accept it with allow_undefined: 0.0234"
    )
    assert verdict.undefined_exceeds({"empty mask": 7}, 300, 0.0234) is None
    assert verdict.undefined_exceeds({"empty mask": 1}, 100_000, 0.0) is not None


def test_counts_that_do_not_add_up_are_refused():
    with pytest.raises(ValueError, match="do not add up"):
        verdict.undefined_exceeds({"empty mask": 4}, 3, 1.0)


# Known-bad controls and the worst of several


@pytest.mark.parametrize(
    ("outcome", "status", "words"),
    [
        ("FAIL", "PASS", "failed as expected"),
        ("PASS", "ERROR", "known-bad control passed: this audit cannot tell good from bad"),
        ("INCONCLUSIVE", "INCONCLUSIVE", "did not fail"),
        ("ERROR", "ERROR", "did not fail"),
        ("SKIP", "SKIP", "did not fail"),
    ],
)
def test_a_known_bad_control_must_fail(outcome, status, words):
    turned, reason = verdict.expected(outcome, "fail")
    assert turned == status
    assert words in reason


@pytest.mark.parametrize("outcome", SEVERITY)
def test_what_should_pass_stays_as_it_is(outcome):
    assert verdict.expected(outcome, "pass") == (outcome, "")


def test_the_worst_counts_and_nothing_is_an_error():
    assert verdict.worst([]) == "ERROR"
    for first, second in product(SEVERITY, SEVERITY):
        assert SEVERITY.index(verdict.worst([first, second])) == max(
            SEVERITY.index(first), SEVERITY.index(second)
        )


# Numbers as they are shown


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (0.71, 0.60, "0.71"),
        (0.5999996, 0.60, "0.5999996"),
        (0.6, 0.60, "0.60"),
        (0.6000001, 0.60, "0.6000001"),
        (0.125, 0.125, "0.125"),
        (0.0, 0.0, "0.00"),
        (-1e-9, 0.0, "-0.000000001"),
        (1e-300, 0.0, "1E-300"),
        (-0.0001, None, "0.00"),
        (12.0, None, "12.00"),
        (NAN, 0.6, "–"),
        (math.inf, 0.6, "∞"),
        (-math.inf, 0.6, "−∞"),
    ],
)
def test_as_many_digits_as_it_takes(value, bound, text):
    assert verdict.digits(value, bound) == text


@pytest.mark.parametrize(
    ("value", "bound", "text"),
    [
        (0.31, 0.05, "31"),
        (0.0500001, 0.05, "5.00001"),
        (0.05, 0.05, "5"),
        (0.29, 0.29, "29"),
        (0.004, None, "0"),
        (1.0, 0.9, "100"),
    ],
)
def test_percentages_too(value, bound, text):
    assert verdict.digits(value, bound, percent=True) == text


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_a_shown_number_stands_where_the_number_stands(value, bound):
    shown = float(verdict.digits(value, bound))
    assert (shown > bound, shown < bound) == (value > bound, value < bound)


@given(st.floats(-2, 2), st.integers(-3, 3))
def test_neighbours_of_the_bound_stay_apart_also_as_percentages(bound, steps):
    value = bound
    for _ in range(abs(steps)):
        value = float(np.nextafter(value, math.copysign(9.0, steps)))
    shown = float(verdict.digits(value, bound))
    assert (shown > bound, shown < bound) == (value > bound, value < bound)
    percent = verdict.digits(value, bound, percent=True)
    back = float(f"{percent}e-2") if "E" not in percent else float(percent) / 100
    assert (back > bound, back < bound) == (value > bound, value < bound) or "E" in percent


@given(st.tuples(st.floats(0, 1), st.floats(0, 1), st.floats(0, 1)), st.floats(0, 1))
def test_every_number_of_an_interval_stands_where_it_stands(numbers, bound):
    lower, value, upper = sorted(numbers)
    text = verdict.format_interval(value, lower, upper, bound)
    shown = [float(part) for part in text.replace("[", "").replace("]", "").replace(",", "").split()]
    for number, raw in zip(shown, (value, lower, upper), strict=True):
        assert (number > bound, number < bound) == (raw > bound, raw < bound)


@pytest.mark.parametrize(
    ("numbers", "bound", "percent", "text"),
    [
        ((0.71, 0.69, 0.73), 0.6, False, "0.71 [0.69, 0.73]"),
        ((0.6, 0.5999996, 0.7), 0.6, False, "0.6000000 [0.5999996, 0.7000000]"),
        ((0.31, 0.26, 0.37), 0.05, True, "31 % [26, 37]"),
        ((0.0123, 0.0121, 0.0125), None, False, "0.0123 [0.0121, 0.0125]"),
        ((0.7, NAN, NAN), 0.6, False, "0.70"),
        ((0.7, NAN, 0.8), 0.6, False, "0.70 [–, 0.80]"),
        ((0.7, 0.7, 0.7), None, False, "0.70 [0.70, 0.70]"),
    ],
)
def test_intervals_as_text(numbers, bound, percent, text):
    assert verdict.format_interval(*numbers, bound, percent=percent) == text


def test_the_bound_is_never_rounded_in_a_reason():
    ruling = verdict.judge(interval(0.5, 0.4, 0.6), bound=8 / 255, direction="at_most")
    assert str(8 / 255) in ruling.reason


def test_the_judge_loads_without_torch_and_pandas():
    code = "import sys, camaudit.verdict; print({'torch', 'pandas', 'scipy', 'pydantic'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_fail_has_to_stand_among_the_hypotheses_tested_with_it():
    bad, good = interval(0.3, 0.2, 0.4), interval(0.01, 0.0, 0.03)

    def judged(given, p):
        return verdict.judge(given, bound=0.05, direction="at_most", p=p, tested=8)

    assert judged(bad, 0.001).status == "FAIL"
    assert judged(bad, 0.001).reason.endswith("is not at most 0.05, p = 0.001 among 8 hypotheses")
    assert judged(bad, 0.2).status == "INCONCLUSIVE"
    assert judged(bad, 0.2).reason.endswith("but p = 0.2 among 8 hypotheses may be chance")
    assert judged(bad, 0.05).status == "INCONCLUSIVE"
    assert judged(good, 0.9).status == "PASS"
