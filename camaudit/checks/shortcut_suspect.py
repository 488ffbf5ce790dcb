"""What is estimated of one suspected region: reliance, judged, then flips, margin, costs and harm."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.shortcut_columns import NO_REGION, UNTOUCHED, column

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.scores import Table
    from camaudit.stats import Interval
    from camaudit.verdict import Worth

WORDS = {"FAIL": "SHORTCUT", "PASS": "BOUNDED"}
FEWEST = 5
"""Images below which a class is not looked at for being the worst."""
UNPROVED = (
    "no proposed region was found to be relied on; what maps do not propose was not tested: no all-clear"
)
BROKEN = "the change by itself costs more right answers than the bound"


@dataclass(frozen=True)
class Suspected:
    """One suspected region with the numbers that tell of it."""

    spec: ShortcutSpec
    table: Table
    confidence: float
    name: str

    def column(self, infill: str, part: str) -> str:
        """Where its numbers stand."""
        return column(self.name, infill, part)

    def differences(self, infill: str, first: str, second: str = "other") -> np.ndarray:
        """Right by the first minus right by the second, of the images where both are defined."""
        frame, other = self.table.frame, self.column(infill, second)
        start = UNTOUCHED if first == UNTOUCHED else self.column(infill, first)
        values = (frame[start] - frame[other]).dropna()
        return values.to_numpy(dtype=np.float64)

    def mean(self, infill: str, first: str, second: str = "other") -> Interval:
        """Interval of the mean difference of two shares of right answers."""
        return stats.bootstrap_mean(
            self.differences(infill, first, second),
            confidence=self.confidence,
            clusters=self.table.clusters(self.column(infill, "flip")),
            bounds=(-1.0, 1.0),
        )

    @property
    def worth(self) -> Worth:
        """What BOUNDED comes to: a region that nobody named was guessed at, and clears nothing."""
        if self.name in self.spec.regions:
            return "pass"
        return "nothing" if self.spec.regions else "open"

    def shift(self, infill: str, part: str) -> Interval:
        """Interval of a mean in logits."""
        name = self.column(infill, part)
        return stats.bootstrap_mean(
            self.table.values(name), confidence=self.confidence, clusters=self.table.clusters(name)
        )

    def share(self, infill: str, part: str) -> Interval:
        """Interval of a share."""
        name = self.column(infill, part)
        return stats.share(
            self.table.values(name), confidence=self.confidence, clusters=self.table.clusters(name)
        )


def of_suspect(own: Suspected, p: float, tested: int) -> Iterator[Estimate]:
    """All estimates of one region; `p` is adjusted for the `tested` ones."""
    ways: dict[str, Interval] = {infill: own.mean(infill, "same") for infill in own.spec.infills}
    edits: dict[str, Interval] = {infill: own.mean(infill, UNTOUCHED, "same") for infill in own.spec.infills}
    interval, weakest = _combined(ways, edits, own.spec.gate.effect_at_most)
    flips, margin, beyond = (
        own.share(weakest, "flip"),
        own.shift(weakest, "margin"),
        own.shift(weakest, "beyond"),
    )
    yield Estimate(
        name=own.name,
        title=f"reliance on {own.name}: accuracy where it agrees with the label minus where it does not",
        interval=interval,
        column=own.column(weakest, "flip"),
        gate=own.spec.gate.as_gate(),
        undefined=_undefined(own, weakest),
        of=_shown(own, weakest),
        p=p,
        tested=tested,
        worth=own.worth,
        unproved=UNPROVED,
        words=WORDS,
        called="reliance",
        beside=(
            ("swapping it flips {} of answers", flips, True),
            ("moves the margin by {} logits", margin, False),
            ("{} without what the change itself moves", beyond, False),
        ),
    )
    yield from _moved(own, weakest, flips, margin, beyond)
    yield from _edits(own, edits)
    yield from _harm(own, weakest)


def _moved(
    own: Suspected, infill: str, flips: Interval, margin: Interval, beyond: Interval
) -> Iterator[Estimate]:
    """Answers and margins that the region moves."""
    yield Estimate(
        name=f"{own.name}: flips",
        title=f"share of answers that differ between the two donors' {own.name}",
        interval=flips,
        column=own.column(infill, "flip"),
    )
    for part, interval, text in (
        ("margin", margin, ""),
        ("beyond", beyond, ", without what the change by itself shifts"),
    ):
        yield Estimate(
            name=f"{own.name}: margin" + (" beyond the change" if text else ""),
            title=f"shift of the label's margin by {own.name}, in logits{text}",
            interval=interval,
            column=own.column(infill, part),
            low=None,
            high=None,
        )


def _edits(own: Suspected, edits: Mapping[str, Interval]) -> Iterator[Estimate]:
    """What the change by itself costs."""
    for infill, edit in edits.items():
        yield Estimate(
            name=f"{own.name}: cost of the change ({infill})",
            title="right answers that the change by itself costs: untouched minus same-class donor",
            interval=edit,
            column=own.column(infill, "same"),
            low=-1.0,
        )


def reliance(ways: Sequence[Interval]) -> Interval:
    """The size of the effect that all ways agree on: the weakest one, between the lowest and the highest end.

    So SHORTCUT takes every way above the bound, and BOUNDED every way below it. An effect against the label
    is a dependence as well, so sizes are compared: an interval across 0 begins at 0.
    """
    sizes = [_size(way) for way in ways]
    weakest = min(sizes, key=lambda way: way.value)
    widest = max(sizes, key=lambda way: way.upper)
    return replace(
        weakest,
        lower=min(way.lower for way in sizes),
        upper=max(way.upper for way in sizes),
        method=widest.method,
    )


def _combined(
    ways: Mapping[str, Interval], edits: Mapping[str, Interval], bound: float
) -> tuple[Interval, str]:
    """Reliance by the ways whose change by itself leaves the answers right, and the weakest way.

    A way that breaks the images shows too little reliance, for nothing is right any more. It is set aside;
    with one such way, nothing is bounded. Where all ways break the images, all count for SHORTCUT.
    """
    sound = [infill for infill, edit in edits.items() if not edit.lower > bound]
    chosen = sound or list(ways)
    interval = reliance([ways[infill] for infill in chosen])
    if len(sound) < len(ways) and not interval.lower > bound:
        interval = replace(interval, upper=nan, method=BROKEN)
    return interval, min(chosen, key=lambda infill: abs(ways[infill].value))


def _size(way: Interval) -> Interval:
    if way.n < 2 or np.isnan(way.lower):  # noqa: PLR2004 - no spread
        return way
    ends = sorted((abs(way.lower), abs(way.upper)))
    lower = 0.0 if way.lower <= 0 <= way.upper else ends[0]
    return replace(way, value=abs(way.value), lower=lower, upper=ends[1])


def _undefined(own: Suspected, infill: str) -> dict[str, int]:
    """Missing numbers by reason; that an image does not show the region is no failure to measure."""
    found = own.table.undefined(own.column(infill, "flip"))
    return {reason: count for reason, count in found.items() if reason != NO_REGION}


def _shown(own: Suspected, infill: str) -> int:
    return len(own.table.ids) - own.table.undefined(own.column(infill, "flip")).get(NO_REGION, 0)


def _harm(own: Suspected, infill: str) -> Iterator[Estimate]:
    """Accuracy by whether the region agrees, and the class that loses most."""
    for part, text in (("same", "agrees with"), ("other", "contradicts")):
        yield Estimate(
            name=f"{own.name}: accuracy, {text.partition(' ')[0]}",
            title=f"right answers where {own.name} {text} the label",
            interval=own.share(infill, part),
            column=own.column(infill, part),
        )
    worst = _worst_class(own, infill)
    if worst is not None:
        level, interval, classes = worst
        yield Estimate(
            name=f"{own.name}: worst class",
            title=f"right answers where {own.name} contradicts the label, in class {level}, the worst of "
            f"{classes} (its interval allows for having been picked)",
            interval=interval,
            column=own.column(infill, "other"),
        )


def _worst_class(own: Suspected, infill: str) -> tuple[str, Interval, int] | None:
    """The class with the fewest right answers; its interval holds for all classes at once (Bonferroni)."""
    frame, name = own.table.frame, own.column(infill, "other")
    parts = {
        str(label): part
        for label in sorted(frame["label"].dropna().unique())
        if len((part := own.table.where(frame["label"] == label)).values(name)) >= FEWEST
    }
    if len(parts) < 2:  # noqa: PLR2004 - a worst one of one
        return None
    level = min(parts, key=lambda label: float(parts[label].values(name).mean()))
    confidence = 1 - (1 - own.confidence) / len(parts)
    worst = parts[level]
    interval = stats.share(worst.values(name), confidence=confidence, clusters=worst.clusters(name))
    return level, interval, len(parts)
