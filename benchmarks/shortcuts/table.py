"""The scored zoo as a table of networks, and the figures of every detector on it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats

from . import figures
from .audit import CHECKS, DETECTORS, REFUSED
from .cues import CUES
from .grid import HELD_OUT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from camaudit.stats import Interval

    from .audit import Answer, Answers
    from .grid import Entry
    from .training import Truth

ALPHA = 0.05


@dataclass(frozen=True, kw_only=True)
class Scored:
    """A network of the zoo, what it relies on, and what every detector says of it."""

    entry: Entry
    truth: Truth
    answers: Answers

    @property
    def held_out(self) -> bool:
        """Whether its cue is one of those that are scored."""
        return self.entry.world.cue in HELD_OUT


@dataclass(frozen=True, kw_only=True)
class Zoo:
    """Networks, all of them or some."""

    networks: tuple[Scored, ...]

    def where(self, keep: Callable[[Scored], bool]) -> Zoo:
        """Some of the networks."""
        return Zoo(networks=tuple(item for item in self.networks if keep(item)))

    @property
    def decided(self) -> Zoo:
        """Those whose truth is positive or negative."""
        return self.where(lambda item: item.truth.kind != "between")

    @property
    def guilty(self) -> NDArray[np.bool_]:
        """Which rely on their cue."""
        return np.asarray([item.truth.kind == "positive" for item in self.networks], dtype=bool)

    @property
    def reliance(self) -> NDArray[np.float64]:
        """The true reliance of each."""
        return np.asarray([item.truth.reliance for item in self.networks])

    @property
    def cues(self) -> list[str]:
        """The cue of each."""
        return [item.entry.world.cue for item in self.networks]

    def answers(self, detector: str) -> list[Answer]:
        """What a detector says of each."""
        return [item.answers[detector] for item in self.networks]

    def scores(self, detector: str) -> NDArray[np.float64]:
        """A detector's scores."""
        return np.asarray([answer.score for answer in self.answers(detector)])


@dataclass(frozen=True, kw_only=True)
class Row:
    """A detector's figures. Alarms are at the threshold that the other cues fixed.

    `caught_located` and `false_located` leave the diffuse cue out of what fixes it: such a cue has no region
    of its own, and declaring the whole picture hands over the object as well.
    """

    detector: str
    auroc: Interval
    on_object: Interval
    off_object: Interval
    caught: Interval
    false: Interval
    caught_located: Interval
    false_located: Interval
    correlation: float


def rows(zoo: Zoo, detectors: Sequence[str] = DETECTORS) -> list[Row]:
    """Every detector on the held-out cues; thresholds from the innocent networks of the other cues."""
    tuned = zoo.decided.where(lambda item: not item.held_out)
    held = zoo.decided.where(lambda item: item.held_out)
    made = []
    for name in detectors:
        caught, false = _alarms(name, tuned, held)
        caught_located, false_located = _alarms(name, tuned.where(_located), held)
        every, on_object, off_object = aurocs(held, name)
        made.append(
            Row(
                detector=name,
                auroc=every,
                on_object=on_object,
                off_object=off_object,
                caught=caught,
                false=false,
                caught_located=caught_located,
                false_located=false_located,
                correlation=figures.rank_correlation(
                    zoo.where(lambda item: item.held_out).scores(name),
                    zoo.where(lambda item: item.held_out).reliance,
                ),
            )
        )
    return made


def aurocs(zoo: Zoo, detector: str) -> tuple[Interval, Interval, Interval]:
    """AUROC on decided networks: of all cues, of those on the object, and of those off it. No threshold."""
    parts = [
        zoo.where(lambda item, places=places: CUES[item.entry.world.cue].place in places)  # type: ignore[misc]
        for places in (("on", "off", "diffuse"), ("on",), ("off",))
    ]
    every, on_object, off_object = (
        figures.auroc_interval(part.scores(detector), part.guilty, part.cues) for part in parts
    )
    return every, on_object, off_object


def _alarms(detector: str, tuned: Zoo, held: Zoo) -> tuple[Interval, Interval]:
    """Shares of the guilty and of the innocent of `held` above the threshold of `tuned`."""
    cut = figures.threshold(tuned.scores(detector)[~tuned.guilty])
    alarms = (held.scores(detector) > cut).astype(float)
    return stats.share(alarms[held.guilty]), stats.share(alarms[~held.guilty])


def _located(item: Scored) -> bool:
    return CUES[item.entry.world.cue].place != "diffuse"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What a check says by itself, without any threshold of ours: of the innocent, and of the guilty.

    `significant` is the share of the innocent with p ≤ .05, the actual rate of false positives at that α;
    `accused` the share of them that it calls a shortcut, `cleared` the share of the guilty that it bounds:
    the false all clear. `refused` counts those, innocent and guilty, whose region it does not carry, since it
    holds the object: neither accused nor cleared.
    """

    detector: str
    significant: Interval
    accused: Interval
    convicted: Interval
    cleared: Interval
    refused: tuple[int, int]


def calibration(zoo: Zoo, *, diffuse: bool = True) -> list[Calibration]:
    """Each check on all decided networks, or on those whose cue is not `diffuse`: nothing of it is tuned."""
    decided = zoo.decided if diffuse else zoo.decided.where(_located)
    guilty = decided.guilty

    def share(flags: list[bool], chosen: NDArray[np.bool_]) -> Interval:
        return stats.share(np.asarray(flags, dtype=float)[chosen])

    def refused(name: str, chosen: NDArray[np.bool_]) -> int:
        return int(np.asarray([answer.verdict == REFUSED for answer in decided.answers(name)])[chosen].sum())

    return [
        Calibration(
            detector=name,
            significant=share([answer.p <= ALPHA for answer in decided.answers(name)], ~guilty),
            accused=share([answer.verdict == "FAIL" for answer in decided.answers(name)], ~guilty),
            convicted=share([answer.verdict == "FAIL" for answer in decided.answers(name)], guilty),
            cleared=share([answer.verdict == "PASS" for answer in decided.answers(name)], guilty),
            refused=(refused(name, ~guilty), refused(name, guilty)),
        )
        for name in CHECKS
    ]


def by_cue(zoo: Zoo, detectors: Sequence[str] = DETECTORS) -> dict[str, dict[str, float]]:
    """AUROC of each detector within each cue."""
    parts = {cue: zoo.decided.where(lambda item, cue=cue: item.entry.world.cue == cue) for cue in CUES}  # type: ignore[misc]
    return {
        cue: {name: figures.auroc(part.scores(name), part.guilty) for name in detectors}
        for cue, part in parts.items()
    }


def by_kind(zoo: Zoo, detectors: Sequence[str] = DETECTORS) -> dict[str, tuple[int, int, dict[str, int]]]:
    """Of each kind of network: how many are decided, how many of them rely, and how many raise each alarm.

    The thresholds are those without the diffuse cue.
    """
    tuned = zoo.decided.where(lambda item: not item.held_out and _located(item))
    cuts = {name: figures.threshold(tuned.scores(name)[~tuned.guilty]) for name in detectors}
    held = zoo.decided.where(lambda item: item.held_out)
    found = {}
    for kind in dict.fromkeys(item.entry.kind for item in held.networks):
        part = held.where(lambda item, kind=kind: item.entry.kind == kind)  # type: ignore[misc]
        alarms = {name: int((part.scores(name) > cuts[name]).sum()) for name in detectors}
        found[kind] = len(part.networks), int(part.guilty.sum()), alarms
    return found
