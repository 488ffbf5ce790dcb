"""Numbers as text. What stands beside a gate is written by the judge: it never contradicts a verdict."""

from __future__ import annotations

from math import ceil, isfinite, log10

from camaudit.verdict import digits, format_interval

MISSING = "–"
"""What stands where there is no number."""


def estimate(value: float, lower: float, upper: float, bound: float | None = None) -> tuple[str, str]:
    """``("0.71", "[0.69, 0.73]")`` as the judge writes them; no interval where neither end is known."""
    if not isfinite(value):
        return MISSING, ""
    text, _, interval = format_interval(value, lower, upper, bound).partition(" [")
    return text, f"[{interval}" if interval else ""


def sample(value: float, bound: float | None) -> str:
    """One sample's number on its own side of the bound; small ones with two leading digits."""
    if not isfinite(value):
        return MISSING
    return digits(value, bound, least=_places(value))


def plain(value: float) -> str:
    """A number beside no gate: two decimals, or two leading digits of small ones; whole ones whole."""
    if not isfinite(value):
        return MISSING
    return f"{int(value):,}" if value == int(value) else decimal(value, _places(value))


def decimal(value: float, places: int) -> str:
    """``1,234.50``; a zero never carries a minus sign."""
    text = f"{value:,.{places}f}"
    return text.removeprefix("-") if not text.strip("-0.,") else text


def count(number: int, word: str, plural: str = "") -> str:
    """``1 check``, ``1,842 samples``."""
    return f"{number:,} {word if number == 1 else plural or word + 's'}"


def duration(seconds: float) -> str:
    """``0.4 s``, ``41 s``, ``2 min 5 s``, ``1 h 3 min``."""
    if seconds < 10:  # noqa: PLR2004 - below ten seconds the tenths matter
        return f"{seconds:.1f} s"
    whole = round(seconds)
    hours, minutes, rest = whole // 3600, whole % 3600 // 60, whole % 60
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _places(value: float) -> int:
    """Decimals: 2, or as many as show two leading digits, at most 12."""
    if value == 0 or abs(value) >= 0.1:  # noqa: PLR2004 - two decimals show two digits from here on
        return 2
    return min(ceil(-log10(abs(value))) + 1, 12)
