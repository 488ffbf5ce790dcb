"""The words of a comparison, for terminal and page alike."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.words import listing, printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from camaudit.comparison import (
        Answers,
        CheckComparison,
        Comparison,
        Difference,
        Image,
        Pairing,
        Part,
        Shown,
    )
    from camaudit.result import Finding

MINUS = "−"


def sentence(comparison: Comparison) -> str:
    """Does anything gated differ? In one sentence, with the verdicts that changed by name."""
    checks = comparison.checks
    if not checks:
        return "No check is in both, so nothing can be compared."
    turned = [item for item in checks if _turned(item)]
    differing = [item for item in checks if item.gated_differs and item not in turned]
    only = len(comparison.only_before) + len(comparison.only_after)
    rest = (
        f" {numbers.count(only, 'check')} {'is' if only == 1 else 'are'} in one of them only." if only else ""
    )
    if comparison.before.word == "accepted":
        return _since(checks[0])
    apart = sum(bool(item.incomparable) for item in checks)
    rest = (f" {apart} cannot be compared number by number." if apart else "") + rest
    whole = f"{numbers.count(len(checks), 'check')} in both"
    if turned:
        names = listing(f"{item.id} {item.statuses[0]} → {item.statuses[1]}" for item in turned)
        more = f"; gated numbers of {len(differing)} more differ" if differing else ""
        return f"Of {whole}, the verdict of {len(turned)} changed: {names}{more}.{rest}"
    if differing:
        names = listing(item.id for item in differing)
        return f"No verdict changed; of {whole}, gated numbers of {len(differing)} differ: {names}.{rest}"
    return f"Nothing that is gated differs in the {whole}.{rest}"


def _since(check: CheckComparison) -> str:
    verdict = f" The run said {check.statuses[1]}." if check.statuses[1] is not None else ""
    difference = check.differences[0]
    if difference.exact:
        return f"The network is the accepted one, and no {difference.column} moved.{verdict}"
    return f"{difference.column} moved by {delta(difference)} from what was accepted.{verdict}"


def _turned(check: CheckComparison) -> bool:
    return check.statuses[0] != check.statuses[1]


def about(comparison: Comparison) -> str:
    """What is compared with what."""
    before, after = comparison.before, comparison.after
    places = [
        f"{side.place}" + (f" ({when(side.created)})" if side.created else "") for side in (before, after)
    ]
    return f"{before.word.capitalize()}: {places[0]}. {after.word.capitalize()}: {places[1]}."


def when(created: str) -> str:
    """A time as the report writes it."""
    return created.replace("T", " ").replace("+00:00", " UTC")


def delta(item: Difference) -> str:
    """``−0.12 [−0.15, −0.09]``, with its sign."""
    value, interval = numbers.estimate(item.interval.value, item.interval.lower, item.interval.upper)
    sign = "+" if isfinite(item.interval.value) and item.interval.value > 0 and value.strip("0.,") else ""
    if item.exact or not interval:
        return (sign + value).replace("-", MINUS)
    return f"{sign}{value} {interval}".replace("-", MINUS)


def judged(item: Difference) -> str:
    """Whether a difference is for the worse, as far as its interval tells; empty where nothing says so."""
    if item.worse is None or item.exact:
        return ""
    low, high = item.interval.lower, item.interval.upper
    if item.worse == "high":
        low, high = -high, -low
    return "worse" if high < 0 else "better" if low > 0 else "undecided"


def reads(item: Difference) -> str:
    """What is to be made of a difference; empty where nothing says so."""
    if item.exact:
        return "exact, same network"
    if item.unexplained:
        moved = "not explained: weights and preprocessing are the same, so code or environment are not"
        return "; ".join(word for word in (judged(item), moved) if word)
    return judged(item)


def paired_of(item: Difference) -> str:
    """How many images a difference is of, and why others are not in it."""
    missing = sum(item.undefined.values())
    return f"n={item.interval.n:,}" + (f", {missing:,} undefined" if missing else "")


def levels(check: CheckComparison) -> str:
    """Gated numbers of classes or sizes that are not the same; empty where there are none."""
    if not check.levels:
        return ""
    shown = [f"{item.name} {finding(item.before)[0]} → {finding(item.after)[0]}" for item in check.levels[:3]]
    differ = "differs" if len(check.levels) == 1 else "differ"
    return f"{numbers.count(len(check.levels), 'gated number')} {differ}: {listing(shown)}" + (
        " …" if len(check.levels) > len(shown) else ""
    )


def pairing(item: Pairing) -> str:
    """How many images are on each side, and how many are the same."""
    left_out = f"; left out: {counted(item.left_out)}" if item.left_out else ""
    return f"{item.before:,} images before, {item.after:,} after, {item.paired:,} the same in both{left_out}"


def counted(reasons: Mapping[str, int]) -> str:
    """``3 only in the first, 1 another label``."""
    return ", ".join(f"{number:,} {reason}" for reason, number in reasons.items() if number)


def answers(item: Answers) -> str:
    """What became of the answers."""
    changed = f"{item.changed:,} of {numbers.count(item.n, 'image')} answered otherwise"
    if not item.labelled:
        return f"{changed}; none of them has a label"
    return (
        f"{changed}; right answers lost: {item.lost:,}, won: {item.won:,} "
        f"(McNemar's exact p {numbers.plain(item.p)})"
    )


def finding(item: Finding | None) -> tuple[str, str]:
    """A number with its interval; a dash where there is none."""
    if item is None:
        return numbers.MISSING, ""
    return numbers.estimate(item.value, item.lower, item.upper, item.bound)


def value(side: Shown) -> str:
    """One image's number, or why it has none."""
    text = numbers.sample(side.value, None)
    return text if isfinite(side.value) else f"{text} ({side.why or 'undefined'})"


def answered(item: Image) -> str:
    """``cat → dog``, ``cat (both)``; empty where nothing was answered."""
    before, after = item.before.predicted, item.after.predicted
    if before is None and after is None:
        return ""
    if before == after:
        return f"{printable(after or '')} (both)"
    return f"{printable(before or 'none')} → {printable(after or 'none')}"


def moved(item: Image) -> str:
    """How far the map moved, or why that has no number."""
    if isfinite(item.distance):
        return numbers.plain(item.distance)
    return f"{numbers.MISSING} ({item.distance_why})"


def heading(check: CheckComparison) -> str:
    """What the pictures are."""
    number = len(check.worst)
    if check.worse is None:
        return (
            f"The {numbers.count(number, 'image')} that changed by most"
            if number > 1
            else "The image that changed"
        )
    return (
        f"The {numbers.count(number, 'image')} that got worse by most"
        if number > 1
        else "The image that got worse"
    )


def none_worse(check: CheckComparison) -> str:
    """Said in place of pictures."""
    if check.incomparable:
        return ""
    return "No image changed." if check.worse is None else "No image got worse."


def changes_of(comparison: Comparison) -> Iterable[tuple[str, Part]]:
    """The parts of the record in their order, by name."""
    yield "Model", comparison.model
    yield "Data", comparison.data
    yield "Environment", comparison.environment
