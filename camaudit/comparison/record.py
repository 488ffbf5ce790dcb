"""What a comparison found, as plain data: `before` is always the first of the two, `after` the second."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isclose, isnan
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from camaudit.result import Finding, Status
    from camaudit.stats import Interval

Worse = Literal["low", "high"] | None
"""Which way a number gets worse; None where nothing says so."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """One fact that is not the same in both; None where a side does not have it."""

    term: str
    before: str | None
    after: str | None


@dataclass(frozen=True, kw_only=True)
class Part:
    """What changed in one part of the record (model, data, spec, environment), and what to know of it."""

    changes: tuple[Change, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Side:
    """One of the two: what it is called, where it lies, when it was made, what it came to."""

    word: str
    """``before`` and ``after``, or ``accepted`` and ``now``."""
    name: str
    place: str
    created: str = ""
    status: Status | None = None
    folder: Path | None = None
    """The folder of its report; None where it has none."""


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """One whole-check number of both sides, judged as each run judged it; None where a side has none."""

    name: str
    before: Finding | None
    after: Finding | None

    @property
    def gated(self) -> bool:
        """Whether either side has it gated."""
        return any(item is not None and item.status is not None for item in (self.before, self.after))

    @property
    def differs(self) -> bool:
        """Whether it is gated, and its number, its gate or what was said of it is not the same in both."""
        before, after = self.before, self.after
        if before is None or after is None:
            return self.gated
        judged_alike = (before.status, before.gate) == (after.status, after.gate)
        return self.gated and not (judged_alike and _alike(before.value, after.value))


@dataclass(frozen=True, kw_only=True)
class Difference:
    """Mean over the paired images of after minus before, with its interval.

    `undefined` counts paired images without this difference, by reason. `exact` says that both are of one
    network, whose numbers did not move: nothing was drawn that could have come out otherwise. `unexplained`
    says that they did move, though weights, classes and preprocessing are the same: something that is not
    recorded differs, such as the code.
    """

    column: str
    title: str
    interval: Interval
    worse: Worse = None
    undefined: dict[str, int] = field(default_factory=dict)
    exact: bool = False
    unexplained: bool = False


@dataclass(frozen=True, kw_only=True)
class Answers:
    """What became of the answers to the `n` paired images that both sides answered.

    `lost` were right and are wrong, `won` the other way round, among the `labelled`; `p` is McNemar's.
    """

    n: int
    changed: int
    labelled: int
    lost: int
    won: int
    p: float


@dataclass(frozen=True, kw_only=True)
class Pairing:
    """How many images each side has, how many are the same ones, and why the others were left out.

    `paired` and the counts of `left_out` add up to the ids of either side. `partial` says why only some
    images of a side are known; means are then not taken.
    """

    before: int
    after: int
    paired: int
    left_out: dict[str, int] = field(default_factory=dict)
    partial: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """One image on one side: its number, its answer, its map and where its picture lies, or why not."""

    value: float
    why: str = ""
    predicted: str | None = None
    score: float | None = None
    map: NDArray[np.float32] | None = None
    map_missing: str = ""
    explains: str = ""
    """The class that the map explains, where it is the label or the answer."""
    picture: tuple[Path, str] | None = None
    """The report's folder, and the file's name in it."""
    picture_missing: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Image:
    """One of the worst images: how far it dropped, and how far its map moved (1 − rank correlation)."""

    id: str
    label: str | None
    drop: float
    distance: float
    distance_why: str
    before: Shown
    after: Shown


@dataclass(frozen=True, kw_only=True)
class CheckComparison:
    """One check that both sides have.

    `incomparable` says why its numbers cannot be subtracted; there are then no `differences`. `statuses` are
    the verdicts of the two runs; None for what was accepted without one.
    """

    id: str
    title: str
    statuses: tuple[Status | None, Status | None]
    reasons: tuple[str, str] = ("", "")
    """What each run answered, where there is no number to show."""
    numbers: tuple[Numbers, ...] = ()
    levels: tuple[Numbers, ...] = ()
    """Gated numbers of single classes or sizes that are not the same in both."""
    changes: tuple[Change, ...] = ()
    """Settings of the check that are not the same: gates, parameters, layers."""
    incomparable: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    pairing: Pairing | None = None
    differences: tuple[Difference, ...] = ()
    """The number that ranks the samples first."""
    distance: Difference | None = None
    no_distance: str = ""
    """Why maps are not compared."""
    answers: Answers | None = None
    worse: Worse = None
    ranking: str = ""
    """What the images are ranked by, in words."""
    worst: tuple[Image, ...] = ()
    died: tuple[str, ...] = ()
    """Ids of images that had a number and have none any more."""

    @property
    def gated_differs(self) -> bool:
        """Whether a verdict, a gate or a gated number is not the same."""
        turned = self.statuses[0] != self.statuses[1]
        return turned or bool(self.levels) or any(item.differs for item in self.numbers)


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """Two runs of whatever audits, or a baseline and its candidate."""

    title: str
    before: Side
    after: Side
    checks: tuple[CheckComparison, ...]
    only_before: tuple[tuple[str, Status], ...] = ()
    only_after: tuple[tuple[str, Status], ...] = ()
    model: Part = field(default_factory=Part)
    data: Part = field(default_factory=Part)
    spec_lines: tuple[str, ...] = ()
    """A unified diff of the two texts."""
    environment: Part = field(default_factory=Part)
    notes: tuple[str, ...] = ()


def _alike(one: float, other: float) -> bool:
    """Whether two numbers are the same but for what threads and batches do to arithmetic."""
    return isclose(one, other, rel_tol=1e-6, abs_tol=1e-9) or (isnan(one) and isnan(other))
