"""From the answers to changed images to reliance, flips and harm. Torch-free.

The table has one row per changed image. Of each suspected region and each infill it holds: ``same`` and
``other``, whether the answer is right with the region of a donor of the same class and of another class;
``margin``, the label's margin with the first minus that with the second; ``flip``, whether the two answers
differ. ``untouched`` says whether the answer to the image as it was is right.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.kind import Estimate

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.scores import Table
    from camaudit.stats import Interval

UNTOUCHED, SHIFT, META = "untouched", "largest shift", "metadata "
REMOVED = "object removed"
PARTS = {
    "same": "right with the region of an image of the same class",
    "other": "right with the region of an image of another class",
    "margin": "margin of the label with the first, minus that with the second, in logits",
    "flip": "the two answers differ",
}
MOST = 8
"""Regions that maps may propose; what is tested has its price in power."""
NO_REGION = "the image does not show the region"
WORDS = {"FAIL": "SHORTCUT", "PASS": "BOUNDED"}
FEWEST = 5
"""Images below which a class is not looked at for being the worst."""


def proposed(number: int) -> str:
    """The name of a region that maps proposed, counted from 1."""
    return f"place-{number}"


def column(name: str, infill: str, part: str) -> str:
    """Where the numbers of a suspected region stand."""
    return f"{name} {infill} {part}"


def suspects(table: Table) -> list[str]:
    """The suspected regions of a table, in order."""
    ends = [name.rpartition(" ") for name in table.columns]
    return list(dict.fromkeys(front.rpartition(" ")[0] for front, _, part in ends if part == "flip"))


def titles(spec: ShortcutSpec) -> dict[str, str]:
    """What each column is, of every region that may be tested."""
    names = [*spec.regions, *(proposed(number + 1) for number in range(MOST) if spec.discover)]
    found = {
        SHIFT: "largest shift of the label's margin by any region, in logits",
        UNTOUCHED: "right as it is",
        **{f"{REMOVED} {infill}": f"AUC without the object ({infill}), its part" for infill in spec.infills},
    }
    for name in names:
        for infill in spec.infills:
            found |= {
                column(name, infill, part): f"{name} ({infill}): {text}" for part, text in PARTS.items()
            }
    return found


def estimates(spec: ShortcutSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Of each region: its reliance, judged, then the margin, the flips, and what it costs."""
    names = suspects(table)
    ps = _adjusted(spec, table, names)
    found = [
        item
        for name in names
        for item in _suspect(Suspected(spec, table, confidence, name), ps[name], len(names))
    ]
    return (*found, *_removal(spec, table, confidence), *_metadata(spec, table, confidence))


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

    def share(self, infill: str, part: str) -> Interval:
        """Interval of a share."""
        name = self.column(infill, part)
        return stats.share(
            self.table.values(name), confidence=self.confidence, clusters=self.table.clusters(name)
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


BROKEN = "the change by itself costs more right answers than the bound"


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


def _adjusted(spec: ShortcutSpec, table: Table, names: Sequence[str]) -> dict[str, float]:
    """Adjusted p by max-T over all regions and infills; a region's is the largest of its infills'."""
    keys = [(name, infill) for name in names for infill in spec.infills]
    frame = table.frame
    data = [
        (frame[column(name, infill, "same")] - frame[column(name, infill, "other")]).fillna(0.0)
        for name, infill in keys
    ]
    if not data:
        return {}
    ps = stats.max_t(np.stack(data, axis=1), clusters=table.clusters(UNTOUCHED))
    return {name: max(p for (own, _), p in zip(keys, ps, strict=True) if own == name) for name in names}


def _suspect(own: Suspected, p: float, tested: int) -> Iterator[Estimate]:
    ways: dict[str, Interval] = {infill: own.mean(infill, "same") for infill in own.spec.infills}
    edits: dict[str, Interval] = {infill: own.mean(infill, UNTOUCHED, "same") for infill in own.spec.infills}
    interval, weakest = _combined(ways, edits, own.spec.gate.effect_at_most)
    flips, margin = own.share(weakest, "flip"), _margin(own, weakest)
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
        words=WORDS,
        called="reliance",
        beside=(
            ("swapping it flips {} of answers", flips, True),
            ("moves the margin by {} logits", margin, False),
        ),
    )
    yield Estimate(
        name=f"{own.name}: flips",
        title=f"share of answers that differ between the two donors' {own.name}",
        interval=flips,
        column=own.column(weakest, "flip"),
    )
    yield Estimate(
        name=f"{own.name}: margin",
        title=f"shift of the label's margin by {own.name}, in logits",
        interval=margin,
        column=own.column(weakest, "margin"),
        low=None,
        high=None,
    )
    for infill, edit in edits.items():
        yield Estimate(
            name=f"{own.name}: cost of the change ({infill})",
            title="right answers that the change by itself costs: untouched minus same-class donor",
            interval=edit,
            column=own.column(infill, "same"),
            low=-1.0,
        )
    yield from _harm(own, weakest)


def _undefined(own: Suspected, infill: str) -> dict[str, int]:
    """Missing numbers by reason; that an image does not show the region is no failure to measure."""
    found = own.table.undefined(own.column(infill, "flip"))
    return {reason: count for reason, count in found.items() if reason != NO_REGION}


def _shown(own: Suspected, infill: str) -> int:
    return len(own.table.ids) - own.table.undefined(own.column(infill, "flip")).get(NO_REGION, 0)


def _margin(own: Suspected, infill: str) -> Interval:
    name = own.column(infill, "margin")
    return stats.bootstrap_mean(
        own.table.values(name), confidence=own.confidence, clusters=own.table.clusters(name)
    )


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
    groups = {
        str(label): part
        for label in sorted(frame["label"].dropna().unique())
        if len(part := own.table.where(frame["label"] == label).values(name)) >= FEWEST
    }
    if len(groups) < 2:  # noqa: PLR2004 - a worst one of one
        return None
    level = min(groups, key=lambda label: float(groups[label].mean()))
    confidence = 1 - (1 - own.confidence) / len(groups)
    return level, stats.share(groups[level], confidence=confidence), len(groups)


def _removal(spec: ShortcutSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    """How well the answers still tell the class with the object filled; its outline may tell it as well."""
    for infill in spec.infills:
        name = f"{REMOVED} {infill}"
        if name in table.columns:
            yield Estimate(
                name=f"{REMOVED}: AUC ({infill})",
                title="how often a class's margin is higher on its own images than on others, object filled",
                interval=stats.bootstrap_mean(
                    table.values(name), confidence=confidence, clusters=table.clusters(name)
                ),
                column=name,
                chance=0.5,
                chance_text="the class cannot be told without the object",
            )


def _metadata(spec: ShortcutSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    """Right answers by value of a metadata column: what goes together, not what is relied on."""
    for name in spec.metadata:
        key = f"{META}{name}"
        levels = table.profiles[key].iloc[:, 0] if key in table.profiles else None
        if levels is None:
            continue
        for level in sorted(levels.dropna().unique()):
            part = table.where(levels == level)
            yield Estimate(
                name=f"{name} = {level}: accuracy",
                title=f"right answers where {name} is {level}, images as they are",
                interval=stats.share(
                    part.values(UNTOUCHED), confidence=confidence, clusters=part.clusters(UNTOUCHED)
                ),
                column=UNTOUCHED,
                by=name,
                level=str(level),
            )
