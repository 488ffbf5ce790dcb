"""A comparison in lines for the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.diff import words
from camaudit.report.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.comparison import Change, CheckComparison, Comparison, Image, Part

LONGEST = 60
"""Letters of a fact in a line; the page has all of it."""


def lines(comparison: Comparison) -> list[str]:
    """What is compared, whether anything gated differs, what changed, and every check of both."""
    return [printable(line) for line in _lines(comparison)]


def _lines(comparison: Comparison) -> Iterable[str]:
    yield words.about(comparison)
    yield words.sentence(comparison)
    yield from (f"note: {note}" for note in comparison.notes)
    for title, part in words.changes_of(comparison):
        yield from _part(title.lower(), part)
    changed = [
        line for line in comparison.spec_lines if line[:1] in {"+", "-"} and line[:3] not in {"+++", "---"}
    ]
    yield f"spec: {numbers.count(len(changed), 'line')} changed" if changed else "spec: nothing changed"
    for word, only in (("first", comparison.only_before), ("second", comparison.only_after)):
        yield from (f"only in the {word}: {name} ({status})" for name, status in only)
    for check in comparison.checks:
        yield from _check(check)


def _part(title: str, part: Part) -> Iterable[str]:
    if not part.changes:
        yield f"{title}: nothing changed"
    yield from (f"{title}: {_change(item)}" for item in part.changes)


def _change(item: Change) -> str:
    return f"{item.term}: {_short(item.before)} → {_short(item.after)}"


def _short(text: str | None) -> str:
    if text is None:
        return "none"
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _check(check: CheckComparison) -> Iterable[str]:
    yield f"{check.id}: {_statuses(check)}"
    yield from (f"  {_change(item)}" for item in check.changes)
    for item in check.numbers:
        if item.gated:
            texts = [" ".join(filter(None, words.finding(side))) for side in (item.before, item.after)]
            yield f"  {item.name}: {texts[0]} → {texts[1]}"
    if check.levels:
        yield f"  by class or size: {words.levels(check)}"
    yield from (f"  not comparable: {reason}" for reason in check.incomparable)
    yield from (f"  note: {note}" for note in check.notes)
    yield from (f"  {line}" for line in _paired(check))


def _paired(check: CheckComparison) -> Iterable[str]:
    """What is told image by image."""
    if check.pairing is not None:
        yield words.pairing(check.pairing)
        yield from (f"no mean difference: {why}" for why in check.pairing.partial)
    for item in check.differences:
        beside = ", ".join(filter(None, [words.paired_of(item), words.judged(item)]))
        yield f"Δ {item.column}: {words.delta(item)} ({beside})"
    if check.distance is not None:
        shown = words.delta(check.distance).removeprefix("+")
        yield f"map distance: {shown} ({words.paired_of(check.distance)})"
    elif check.no_distance and not check.incomparable:
        yield f"maps not compared: {check.no_distance}"
    if check.answers is not None:
        yield words.answers(check.answers)
    if check.died:
        yield f"{numbers.count(len(check.died), 'image')} lost the number: {', '.join(check.died[:3])}"
    if check.worst:
        yield f"{words.heading(check).lower()}:"
        yield from (f"  {_image(item)}" for item in check.worst)


def _statuses(check: CheckComparison) -> str:
    before, after = check.statuses
    if before is None:
        return after or "not judged"
    return f"{before}, as before" if before == after else f"{before} → {after}"


def _image(item: Image) -> str:
    answer = words.answered(item)
    return f"{item.id}: {words.value(item.before)} → {words.value(item.after)}" + (
        f", {answer}" if answer else ""
    )
