"""The same images on both sides, subtracted one by one: after minus before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from math import inf, isfinite
from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.drift_estimates import EXACT, NOISE
from camaudit.comparison.kept import NAN, NOT_KEPT
from camaudit.comparison.record import Answers, Difference, Pairing

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from camaudit.comparison.kept import Kept, Sample
    from camaudit.comparison.record import Worse

ONLY_BEFORE, ONLY_AFTER = "only in the first", "only in the second"
UNPROVED = "no hash in both says that it is the same image"
CHUNK = 1 << 22
"""Cells of maps that are ranked at a time."""
MOST_CELLS = 200_000_000
"""Cells of maps beyond which only those of the worst images are compared."""


@dataclass(frozen=True, kw_only=True)
class Pairs:
    """The samples of one check on both sides.

    `same_data` says that the two runs used exactly the same ids, images and labels. `same_view` that both
    networks see a picture alike, so that masks and maps lie on the same pixels. `same_network` that both have
    the same fingerprint: weights, classes and preprocessing, but not code.
    """

    old: Kept
    new: Kept
    same_data: bool
    same_view: bool
    same_network: bool
    confidence: float = 0.95

    @cached_property
    def _reasons(self) -> dict[str, str]:
        """Why an id is not compared; empty for those that are."""
        found = {}
        for key in dict.fromkeys([*self.old.samples, *self.new.samples]):
            before, after = self.old.samples.get(key), self.new.samples.get(key)
            if before is None or after is None:
                found[key] = ONLY_AFTER if before is None else ONLY_BEFORE
            else:
                found[key] = self._unlike(before, after)
        return found

    def _unlike(self, before: Sample, after: Sample) -> str:
        if before.sha256 and after.sha256 and before.sha256 != after.sha256:
            return "another image of the same id"
        if before.label != after.label:
            return "another label"
        if not self.same_data and not (before.sha256 and after.sha256):
            return UNPROVED
        if self.same_view and abs(before.share - after.share) > 1e-6:  # noqa: PLR2004 - digits of the table
            return "another mask"
        return ""

    @cached_property
    def ids(self) -> list[str]:
        """The ids of the same images, sorted: an interval must not depend on the order of a file."""
        return sorted(key for key, why in self._reasons.items() if not why)

    @property
    def pairing(self) -> Pairing:
        """The counts."""
        return Pairing(
            before=len(self.old.samples),
            after=len(self.new.samples),
            paired=len(self.ids),
            left_out=dict(Counter(why for why in self._reasons.values() if why)),
            partial=tuple(dict.fromkeys(item.partial for item in (self.old, self.new) if item.partial)),
        )

    def deltas(self, column: str) -> dict[str, float]:
        """After minus before of every paired image; NaN where either has no number."""
        return {
            key: self.new.samples[key].values.get(column, NAN) - self.old.samples[key].values.get(column, NAN)
            for key in self.ids
        }

    def difference(
        self, column: str, title: str, *, worse: Worse, bounds: tuple[float, float] = (-inf, inf)
    ) -> Difference:
        """The mean of `deltas` with its interval."""
        deltas = self.deltas(column)
        undefined = Counter(
            self._undefined(key, column) for key, value in deltas.items() if not isfinite(value)
        )
        return self._mean(deltas, dict(undefined), column=column, title=title, worse=worse, bounds=bounds)

    def distance(self, distances: dict[str, tuple[float, str]]) -> Difference:
        """The mean of 1 − rank correlation of the two maps, with its interval."""
        values = {key: value for key, (value, _) in distances.items()}
        undefined = Counter(why for value, why in distances.values() if not isfinite(value))
        title = "1 − rank correlation of the two maps: 0 the same, 1 unrelated, 2 turned round"
        return self._mean(
            values, dict(undefined), column="map distance", title=title, worse="high", bounds=(0.0, 2.0)
        )

    def _mean(
        self,
        values: dict[str, float],
        undefined: dict[str, int],
        *,
        column: str,
        title: str,
        worse: Worse,
        bounds: tuple[float, float],
    ) -> Difference:
        known = {key: value for key, value in values.items() if isfinite(value)}
        numbers = np.array(list(known.values()), dtype=np.float64)
        still = bool(known) and float(np.abs(numbers).max()) <= NOISE
        exact = self.same_network and still
        if exact:
            low, mean, high = float(numbers.min()), float(numbers.mean()), float(numbers.max())
            interval = stats.Interval(
                value=mean, lower=low, upper=high, n=len(known), confidence=self.confidence, method=EXACT
            )
        else:
            # What a third party's number can be is not always what it says.
            inside = not known or (numbers.min() >= bounds[0] and numbers.max() <= bounds[1])
            interval = stats.bootstrap_mean(
                numbers,
                confidence=self.confidence,
                clusters=self._clusters(list(known)),
                bounds=bounds if inside else (-inf, inf),
            )
        return Difference(
            column=column,
            title=title,
            interval=interval,
            worse=worse,
            undefined=undefined,
            exact=exact,
            unexplained=self.same_network and bool(known) and not still,
        )

    def _clusters(self, ids: Sequence[str]) -> NDArray[np.str_] | None:
        """The group of each image, those without one by themselves; None where there are no groups."""
        groups = [self.new.samples[key].group or self.old.samples[key].group for key in ids]
        if not any(groups):
            return None
        return np.array([own or f"image {key}" for own, key in zip(groups, ids, strict=True)])

    def _undefined(self, key: str, column: str) -> str:
        before, after = (side.samples[key] for side in (self.old, self.new))
        lacking = {
            word: sample.why.get(column, "no reason was kept")
            for word, sample in (("before", before), ("after", after))
            if not isfinite(sample.values.get(column, NAN))
        }
        reasons = dict.fromkeys(lacking.values())
        if len(reasons) == 1:
            return f"no number {' and '.join(lacking)}: {next(iter(reasons))}"
        return ", ".join(f"no number {word}: {why}" for word, why in lacking.items())

    def died(self, column: str) -> tuple[str, ...]:
        """The paired images that had a number and have none any more."""
        return tuple(
            key
            for key in self.ids
            if isfinite(self.old.samples[key].values.get(column, NAN))
            and not isfinite(self.new.samples[key].values.get(column, NAN))
        )

    @property
    def answers(self) -> Answers | None:
        """What became of the answers; None where no paired image was answered by both."""
        both = [(self.old.samples[key], self.new.samples[key]) for key in self.ids]
        both = [(old, new) for old, new in both if old.predicted is not None and new.predicted is not None]
        if not both:
            return None
        labelled = [(old, new) for old, new in both if old.label is not None]
        lost = sum(old.predicted == old.label != new.predicted for old, new in labelled)
        won = sum(old.predicted != old.label == new.predicted for old, new in labelled)
        return Answers(
            n=len(both),
            changed=sum(old.predicted != new.predicted for old, new in both),
            labelled=len(labelled),
            lost=lost,
            won=won,
            p=stats.mcnemar(lost, won),
        )

    def distances(self, ids: Iterable[str]) -> dict[str, tuple[float, str]]:
        """1 − rank correlation of the two maps at their own resolution, or the reason why there is none."""
        found: dict[str, tuple[float, str]] = {}
        by_shape: dict[tuple[int, ...], list[str]] = {}
        for key in ids:
            before, after = self.old.maps.get(key), self.new.maps.get(key)
            if before is None or after is None:
                lacking = [word for word, own in (("before", before), ("after", after)) if own is None]
                found[key] = NAN, f"no map {' and '.join(lacking)}: {NOT_KEPT}"
            elif before.shape != after.shape:
                found[key] = NAN, "maps of unlike size"
            elif np.array_equal(before, after):
                found[key] = 0.0, ""  # also where both are empty: nothing has changed
            else:
                by_shape.setdefault(before.shape, []).append(key)
        for shape, keys in by_shape.items():
            step = max(1, CHUNK // int(np.prod(shape)))
            for start in range(0, len(keys), step):
                found |= self._ranked(keys[start : start + step])
        return found

    def _ranked(self, keys: list[str]) -> dict[str, tuple[float, str]]:
        stacked = [np.stack([side.maps[key].ravel() for key in keys]) for side in (self.old, self.new)]
        values = stats.rank_correlation(*stacked)
        return {
            key: (1 - float(value), "") if isfinite(value) else (NAN, "a map without an order of its cells")
            for key, value in zip(keys, values, strict=True)
        }

    @property
    def cells(self) -> int:
        """How many cells the maps of the paired images have."""
        return sum(self.new.maps[key].size for key in self.ids if key in self.new.maps)
