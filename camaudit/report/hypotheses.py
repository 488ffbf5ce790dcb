"""What the report shows of a suspected region: why, what changing it did, what that costs, and pictures."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from camaudit.report import numbers, words

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.exhibits import Hypothesis, Pair, Version
    from camaudit.result import CheckResult, Finding

_OWN_FILE = re.compile(r"evidence/(\d+-)?pair-\d+\.png")
ROLES = {
    "before": "as it is",
    "control": "with the region of an image of its class",
    "after": "with that of an image of another class",
}


@dataclass(frozen=True, kw_only=True)
class VersionView:
    """One picture, with what it is and what the network answers."""

    role: str
    """before, control or after."""
    file: str | None
    caption: str
    answer: str
    turned: bool
    """Whether the answer is not the label."""


@dataclass(frozen=True, kw_only=True)
class PairView:
    """One image as it is, and changed."""

    anchor: str
    sample: str
    label: str
    versions: tuple[VersionView, ...]


@dataclass(frozen=True, kw_only=True)
class HypothesisView:
    """One suspected region; `facts` keep what is looked at, relied on and lost apart."""

    name: str
    badge: words.Badge | None
    facts: tuple[tuple[str, str], ...]
    pairs: tuple[PairView, ...]


def hypothesis_views(check: CheckResult, anchors: words.Anchors) -> tuple[HypothesisView, ...]:
    """The suspected regions of a check, in the order in which they were tested."""
    findings = {item.name: item for item in check.findings}
    return tuple(
        _view(
            item,
            findings,
            tuple(_pair(pair, anchors.take(check.id, pair.sample, item.name)) for pair in item.pairs),
        )
        for item in check.hypotheses
    )


def _view(item: Hypothesis, findings: dict[str, Finding], pairs: tuple[PairView, ...]) -> HypothesisView:
    main = findings.get(item.name) if item.origin != "metadata" else None
    badge = None
    if main is not None and (main.word or main.status):
        status = main.status or "SKIP"
        badge = words.Badge(word=main.word or status, tone=status.lower())
    return HypothesisView(
        name=words.printable(item.name),
        badge=badge,
        facts=tuple(_column(item, findings) if item.origin == "metadata" else _facts(item, main, findings)),
        pairs=pairs,
    )


def _facts(item: Hypothesis, main: Finding | None, findings: dict[str, Finding]) -> Iterable[tuple[str, str]]:
    if item.origin == "proposed":
        yield "Looks at", f"{item.why}. Seen on images that were not tested; it proves nothing."
    else:
        yield "Suspected", f"{item.why}."
    if main is not None:
        yield "Relies on", main.reason
    agrees, contradicts, worst = (
        findings.get(f"{item.name}: {part}")
        for part in ("accuracy, agrees", "accuracy, contradicts", "worst class")
    )
    if agrees is not None and contradicts is not None:
        cost = (
            f"right answers {_shown(agrees)} where it agrees with the label, {_shown(contradicts)} where not"
        )
        yield "Costs", cost + (f"; {worst.title}: {_shown(worst)}" if worst is not None else "")
    for note in item.notes:
        yield "Note", note


def _column(item: Hypothesis, findings: dict[str, Finding]) -> Iterable[tuple[str, str]]:
    """A metadata column: what goes together with errors, and nothing that is relied on."""
    yield "Suspected", f"{item.why}."
    for part in ("accuracy gap", "worst group"):
        finding = findings.get(f"{item.name}: {part}")
        if finding is not None:
            yield "Goes with", f"{finding.title}: {_shown(finding)}"


def _shown(finding: Finding) -> str:
    return " ".join(numbers.estimate(finding.value, finding.lower, finding.upper, None))


def _pair(pair: Pair, anchor: str) -> PairView:
    return PairView(
        anchor=anchor,
        sample=words.printable(pair.sample),
        label="" if pair.label is None else words.printable(pair.label),
        versions=tuple(_version(item, pair) for item in pair.versions),
    )


def _version(item: Version, pair: Pair) -> VersionView:
    return VersionView(
        role=item.role,
        file=item.image if item.image is not None and _OWN_FILE.fullmatch(item.image) else None,
        caption=ROLES[item.role] + (f" ({words.printable(item.donor)})" if item.donor is not None else ""),
        answer="" if item.answer is None else words.printable(item.answer),
        turned=item.answer is not None and item.answer != pair.label,
    )
