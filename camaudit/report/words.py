"""The words of a report: statuses, sentences about a whole run, and names made safe to show."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import quote

from camaudit.report.findings import near_controls
from camaudit.report.numbers import count

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.result import AuditResult, CheckResult, Finding, Status

MEANING: dict[Status, str] = {
    "PASS": "the rule is met, and the interval lies wholly on the good side",
    "FAIL": "the rule is broken, and the interval lies wholly on the bad side",
    "INCONCLUSIVE": "the interval lies across the bound: too few samples to decide",
    "SKIP": "not carried out, for a stated reason",
    "ERROR": "could not be carried out: it says nothing about the network",
}
"""What each status means, for the legend."""

TERMS = (
    (
        "map",
        (
            "a picture of where in an image the network found evidence for a class, made from the network "
            "itself by Grad-CAM or a like method"
        ),
    ),
    ("sample", "one image of those that were audited, with its label"),
    ("estimate", "the number found on these samples"),
    (
        "interval",
        "the range in which the number of all such images is expected, after the estimate in brackets",
    ),
    ("gate", "the bound that the audit sets: the whole interval has to lie on its good side"),
    (
        "control",
        (
            "what is scored on the same images without knowing where the object is; a number no better than "
            "its controls shows nothing"
        ),
    ),
    (
        "known-bad control",
        "a network or data set that must fail; that it does shows that the audit can tell good from bad",
    ),
)
"""What the words of a report mean, for somebody who reads the first."""

BLIND_SPOTS = (
    (
        "A map shows where evidence was found, which is an association. Only an experiment that changes a "
        "region and watches the answer can show that a network relies on it."
    ),
    "Cues spread over the whole picture, such as blur, tint or compression, leave no place on a map.",
    "A cue that lies inside the object counts as attention on the object unless it has a mask of its own.",
    "A cue that never occurs in these pictures cannot be seen here at all.",
)
"""What no report of this kind can show; printed in every one."""


@dataclass(frozen=True, kw_only=True)
class Badge:
    """A status as word, icon and colour; never colour alone."""

    word: str
    tone: str
    """pass, fail, inconclusive, skip or error: picks the icon and the colour."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The whole run in a sentence, and what has to be said beside it."""

    badge: Badge
    sentence: str
    remarks: tuple[str, ...]


def badge(status: Status) -> Badge:
    """The badge of a status."""
    return Badge(word=status, tone=status.lower())


def verdict(result: AuditResult) -> Verdict:
    """One sentence for the run; says partial, failed, undecided and known-bad by name."""
    return Verdict(badge=_badge(result), sentence=_sentence(result), remarks=tuple(_remarks(result)))


def shortfalls(check: CheckResult) -> tuple[Finding, ...]:
    """Gated numbers that fell short but only warn: they do not show in the check's status."""
    return tuple(
        item
        for item in check.findings
        if item.severity == "warn" and item.status in {"FAIL", "INCONCLUSIVE", "ERROR"}
    )


def listing(items: Iterable[str], most: int = 8) -> str:
    """``a, b and c``; ``a, b and 5 more`` beyond `most`."""
    names = list(items)
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def printable(text: str) -> str:
    """The text on one line with every control, format and lone surrogate character spelled out.

    Names come from files and labels: none may move the cursor, colour a terminal, turn the reading
    direction of its neighbours or break a line.
    """
    return "".join(
        character if character.isprintable() or character == " " else _spelled(character)
        for character in " ".join(text.splitlines())
    )


class Anchors:
    """Unique `id` attributes that are their own URL fragments, whatever the names hold."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, *parts: str) -> str:
        """``check/sample``, percent-encoded; a number is appended where it is taken already."""
        wanted = "/".join(quote(part, safe="", errors="surrogatepass") for part in parts)
        chosen, number = wanted, 1
        while chosen in self._taken:
            number += 1
            chosen = f"{wanted}:{number}"
        self._taken.add(chosen)
        return chosen


def _spelled(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def _badge(result: AuditResult) -> Badge:
    if result.status == "PASS" and result.not_run:
        return Badge(word="PARTIAL", tone="inconclusive")
    if result.status == "PASS" and all(check.expect == "fail" for check in result.checks):
        return Badge(word="CONTROLS ONLY", tone="inconclusive")
    return badge(result.status)


def _sentence(result: AuditResult) -> str:
    if not result.checks:
        return "No check was run, so this audit shows nothing."
    counts = Counter(check.status for check in result.checks)
    total = len(result.checks)
    parts = _parts(counts, total)
    if counts["PASS"] == total:
        all_passed = "The only check passed." if total == 1 else f"All {total} checks passed."
        return f"As far as it went, the run passed: {_lower(all_passed)}" if result.not_run else all_passed
    if result.blocks:
        return f"This audit does not pass: {listing(parts)}."
    if not counts["PASS"] and counts["SKIP"] == total:
        return "Every check was skipped, so this audit shows nothing."
    return f"This audit passes with reservations: {listing(parts)}."


def _parts(counts: Counter[Status], total: int) -> list[str]:
    said: tuple[tuple[Status, str, str], ...] = (
        ("FAIL", "failed", "failed"),
        ("ERROR", "could not be carried out", "could not be carried out"),
        ("INCONCLUSIVE", "is undecided", "are undecided"),
        ("SKIP", "was skipped", "were skipped"),
        ("PASS", "passed", "passed"),
    )
    parts = [
        f"{counts[status]} {one if counts[status] == 1 else many}"
        for status, one, many in said
        if counts[status]
    ]
    first = next(status for status, _, _ in said if counts[status])
    words = parts[0].split(" ", 1)
    number = f"{counts[first]} of {count(total, 'check')}" if total > 1 else "the only check"
    return [f"{number} {words[1]}", *parts[1:]]


def _remarks(result: AuditResult) -> Iterable[str]:
    if result.not_run:
        left_out = count(len(result.not_run), "check")
        names = listing(result.not_run)
        yield f"Partial run: {left_out} of the spec left out ({names}). Nothing is said about them."
    yield from _controls([check for check in result.checks if check.expect == "fail"], len(result.checks))
    yield from _cautions(result)
    short = [(check, shortfalls(check)) for check in result.checks if shortfalls(check)]
    if short:
        number = sum(len(items) for _, items in short)
        where = listing(check.id for check, _ in short)
        yield f"{count(number, 'gated number')} fell short in {where}; severity: warning only."


def _cautions(result: AuditResult) -> Iterable[str]:
    near = [check.id for check in result.checks if near_controls(check)]
    if near:
        verb, whose = ("overlaps", "its pass says") if len(near) == 1 else ("overlap", "these passes say")
        noun = "interval" if len(near) == 1 else "intervals"
        yield (
            f"The {noun} of {listing(near)} {verb} those of controls that know nothing of the object: "
            f"{whose} little about the network."
        )


def _controls(controls: Sequence[CheckResult], total: int) -> Iterable[str]:
    failed = [check.id for check in controls if check.outcome == "FAIL"]
    other = [check.id for check in controls if check.outcome != "FAIL"]
    if failed and len(failed) == total:
        yield (
            f"Only known-bad controls were run ({listing(failed)}). They failed, as they must; "
            "no check of the network itself was made."
        )
    elif failed:
        each = "it must" if len(failed) == 1 else "they must"
        yield f"{count(len(failed), 'known-bad control')} ({listing(failed)}) failed, as {each}."
    if other:
        yield f"Known-bad control did not fail: {listing(other)}. The audit cannot be trusted until it does."


def _lower(sentence: str) -> str:
    return sentence[0].lower() + sentence[1:]
