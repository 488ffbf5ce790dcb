"""The one judge: from an interval and a bound to PASS, FAIL, INCONCLUSIVE or ERROR; others only show it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from decimal import Decimal
from math import ceil, isfinite, isnan, log10
from typing import TYPE_CHECKING, Literal

from camaudit import stats
from camaudit.result import SEVERITY, Status

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Direction = Literal["at_least", "at_most"]
DecideOn = Literal["ci_lower", "ci_upper", "estimate"]
CAUTIOUS: dict[Direction, DecideOn] = {"at_least": "ci_lower", "at_most": "ci_upper"}
"""The end of the interval that is nearest to failing."""

Worth = Literal["pass", "open", "nothing"]
"""What a number on the good side comes to: PASS; INCONCLUSIVE, since it clears nothing by itself; or nothing,
where others beside it can be cleared."""

EMPTY = "nothing was measured: empty is never green"
_MOST_DIGITS = 17
"""Decimals after which a number is written in full instead."""


@dataclass(frozen=True, kw_only=True)
class Ruling:
    """A status, why, and for INCONCLUSIVE about how many images would settle it (None where none would).

    `good` says that the number is on the good side of its bound, whatever that is worth (`Worth`). Without
    a status the number decides nothing.
    """

    status: Status | None
    reason: str
    n_needed: int | None = None
    good: bool = False


def judge(
    interval: stats.Interval,
    *,
    bound: float,
    direction: Direction,
    decide_on: DecideOn | None = None,
    p: float | None = None,
    tested: int = 1,
    worth: Worth = "pass",
) -> Ruling:
    """PASS where the interval lies wholly on the good side, FAIL wholly on the bad one, else INCONCLUSIVE.

    Raw floats are compared and the bound itself is good: ``at_least`` passes where lower ≥ bound and
    fails where upper < bound. ``estimate`` compares the estimate alone and knows no INCONCLUSIVE. An
    end that is NaN decides nothing. No images or no finite estimate: ERROR. With `p`, adjusted for the
    `tested` hypotheses, there is no FAIL unless p is below 1 minus the confidence: then INCONCLUSIVE. What
    PASS is `worth` may be less where the number is about what somebody only guessed at. Raises
    `ValueError` for a bound that is not finite and for deciding on the lucky end.
    """
    if not isfinite(bound):
        raise ValueError(f"a bound must be a finite number, got {bound}")
    decide_on = decide_on or CAUTIOUS[direction]
    if decide_on not in {"estimate", CAUTIOUS[direction]}:
        raise ValueError(
            f"{direction} cannot decide on {decide_on}: it would pass on the lucky end of the interval"
        )
    if interval.n == 0 or not isfinite(interval.value):
        return Ruling(status="ERROR", reason=EMPTY)
    if decide_on == "estimate":
        return _worth(_on_estimate(interval, bound, direction), worth)
    ruling = _worth(_on_interval(interval, bound, direction), worth)
    return ruling if p is None else _with_p(ruling, p, round(1 - interval.confidence, 12), tested)


def _worth(ruling: Ruling, worth: Worth) -> Ruling:
    if ruling.status != "PASS":
        return ruling
    status: dict[Worth, Status | None] = {"pass": "PASS", "open": "INCONCLUSIVE", "nothing": None}
    short = "" if worth == "pass" else ", which clears nothing by itself"
    return replace(ruling, status=status[worth], reason=ruling.reason + short, good=True)


def _on_estimate(interval: stats.Interval, bound: float, direction: Direction) -> Ruling:
    good = _good(interval.value, bound, direction)
    rule = f"{_rule(bound, direction)} (decided on the estimate, whatever the interval)"
    reason = f"{_shown(interval, bound)} is {'' if good else 'not '}{rule}"
    return Ruling(status="PASS" if good else "FAIL", reason=reason)


def _with_p(ruling: Ruling, p: float, alpha: float, tested: int) -> Ruling:
    """A FAIL has to stand among all the hypotheses tested with it."""
    if ruling.status != "FAIL":
        return ruling
    among = f"p = {p:.2g}" + (f" among {tested} hypotheses" if tested > 1 else "")
    if p < alpha:
        return Ruling(status="FAIL", reason=f"{ruling.reason}, {among}")
    return Ruling(status="INCONCLUSIVE", reason=f"{ruling.reason}, but {among} may be chance")


def _on_interval(interval: stats.Interval, bound: float, direction: Direction) -> Ruling:
    worst, best = interval.lower, interval.upper
    if direction == "at_most":
        worst, best = best, worst
    rule = _rule(bound, direction)
    if _good(worst, bound, direction):
        return Ruling(status="PASS", reason=f"{_shown(interval, bound)} is {rule}")
    if not isnan(best) and not _good(best, bound, direction):
        return Ruling(status="FAIL", reason=f"{_shown(interval, bound)} is not {rule}")
    needed = stats.n_to_settle(interval, bound)
    needed = None if needed is None else max(needed, interval.n + 1)
    return Ruling(status="INCONCLUSIVE", reason=_undecided(interval, bound, worst, needed), n_needed=needed)


def _undecided(interval: stats.Interval, bound: float, worst: float, needed: int | None) -> str:
    if isnan(worst):
        return f"{_shown(interval, bound)} has no end towards the bound ({interval.method}, n={interval.n:,})"
    advice = (
        "no number of images would settle it" if needed is None else f"about n={needed:,} would settle it"
    )
    return f"{_shown(interval, bound)} lies across {_exact(bound)}; n={interval.n:,}, {advice}"


def _good(value: float, bound: float, direction: Direction) -> bool:
    return value >= bound if direction == "at_least" else value <= bound


def _rule(bound: float, direction: Direction) -> str:
    return f"{direction.replace('_', ' ')} {_exact(bound)}"


def _exact(bound: float) -> str:
    """The bound as it was written: rounding it could move it across a value."""
    short = f"{bound:g}"
    return short if float(short) == bound else repr(bound)


def _shown(interval: stats.Interval, bound: float) -> str:
    return format_interval(interval.value, interval.lower, interval.upper, bound)


def undefined_exceeds(undefined: Mapping[str, int], drawn: int, allowed: float) -> str | None:
    """Why too many samples have no number, with counts and reasons; None where the share is allowed.

    `undefined` counts them by reason, `drawn` is how many were measured, `allowed` a share of `drawn`.
    """
    missing = sum(undefined.values())
    if missing > drawn:
        raise ValueError(f"{missing} undefined of {drawn} drawn: the counts do not add up")
    if drawn == 0 or missing / drawn <= allowed:
        return None
    reasons = "; ".join(
        f"{why}: {count:,}" for why, count in sorted(undefined.items(), key=lambda item: -item[1])
    )
    least = ceil(1e4 * missing / drawn) / 1e4
    return (
        f"{missing:,} of {drawn:,} samples have no number ({reasons}), allowed is a share of {allowed:g}; "
        f"mend the data, or accept it with allow_undefined: {least:g}"
    )


def expected(outcome: Status, expect: Literal["pass", "fail"]) -> tuple[Status, str]:
    """Turn round the outcome of a known-bad control, and say so.

    Only FAIL is a control that worked. A control that passes is an ERROR: the audit cannot be trusted.
    """
    if expect == "pass":
        return outcome, ""
    if outcome == "FAIL":
        return "PASS", "failed as expected"
    if outcome == "PASS":
        return "ERROR", "known-bad control passed: this audit cannot tell good from bad"
    return outcome, "known-bad control did not fail: nothing is known about what this audit can tell"


def worst(statuses: Iterable[Status]) -> Status:
    """The worst status; ERROR where there is none: empty is never green."""
    return max(statuses, key=SEVERITY.index, default="ERROR")


def digits(value: float, bound: float | None, *, percent: bool = False, least: int | None = None) -> str:
    """The number with as many decimals as it takes to stand where it stands: below, at or above the bound.

    At least 2 decimals (`percent`: 0); ``0.5999996`` against 0.6 is not written ``0.60``. A number
    closer to the bound than 17 decimals tell is written in full.
    """
    if not isfinite(value):
        return "–" if isnan(value) else "∞" if value > 0 else "−∞"
    value, shift = float(value), 2 if percent else 0
    start = (0 if percent else 2) if least is None else least
    for places in range(start, _MOST_DIGITS + 1):
        text = f"{value:.{places + shift}f}"
        if bound is None or _side(float(text), bound) == _side(value, bound):
            return _moved(text, shift, places)
    return _moved(repr(value), shift, None)


def format_interval(
    value: float, lower: float, upper: float, bound: float | None = None, *, percent: bool = False
) -> str:
    """``0.71 [0.69, 0.73]``, or ``31 % [26, 37]``: every number on its own side of the bound, decimals alike.

    More decimals than 2 (percent: 0) where value and ends would otherwise look equal.
    """
    least = _apart((value, lower, upper), 0 if percent else 2, 2 if percent else 0)
    texts = [digits(item, bound, percent=percent, least=least) for item in (value, lower, upper)]
    longest = max(_places(text) for text in texts)
    shown = [
        digits(item, bound, percent=percent, least=min(longest, _MOST_DIGITS))
        for item in (value, lower, upper)
    ]
    estimate = f"{shown[0]} %" if percent else shown[0]
    return estimate if isnan(lower) and isnan(upper) else f"{estimate} [{shown[1]}, {shown[2]}]"


def _side(value: float, bound: float) -> int:
    return int(value > bound) - int(value < bound)


def _moved(text: str, shift: int, places: int | None) -> str:
    """Shift the decimal point in the text, not in the float: a product could cross the bound."""
    moved = Decimal(text).scaleb(shift)
    written = f"{moved}" if places is None else f"{moved:.{places}f}"
    return written.removeprefix("-") if moved == 0 else written


def _places(text: str) -> int:
    return len(text.partition(".")[2]) if "e" not in text.lower() else 0


def _apart(numbers: Iterable[float], least: int, shift: int) -> int:
    """Decimals that show the leading digit of the spread."""
    finite = [number for number in numbers if isfinite(number)]
    spread = max(finite, default=0.0) - min(finite, default=0.0)
    return least if spread == 0 else min(max(least, ceil(-log10(spread)) - shift), _MOST_DIGITS)
