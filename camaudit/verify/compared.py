"""Single samples as they were recorded beside what is measured now, number by number."""

from __future__ import annotations

from dataclasses import dataclass
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from camaudit.report.evidence import MissingError
from camaudit.verify.found import Line

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from numpy.typing import NDArray

    from camaudit.plan import CheckPlan
    from camaudit.result import SampleRow
    from camaudit.verify.recorded import Recorded

TEXTS = ("label", "predicted", "sha256", "map_status", "undefined")
SCORES = ("label_score", "predicted_score", "map_max")
NOTHING = "–"


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A check in a report, and in the run that measured some of its samples anew."""

    check: CheckPlan
    before: Recorded
    now: Recorded
    tolerance: float

    def lines(self, samples: Iterable[str], *, maps: bool = True) -> Iterator[Line]:
        """All numbers of these samples: in samples.csv, in what the report shows, and their `maps`."""
        recorded, again = self.before.part(self.check.id), self.now.part(self.check.id)
        results = [side.result_of(self.check.id) for side in (self.before, self.now)]
        columns = [*self.before.columns(self.check, results[0]), "object_share"]
        rows, rows_now = ({row.id: row for row in found.rows} for found in results)
        for key in samples:
            if key not in again.index:
                yield self._text(key, "sample", "measured", "could not be measured")
                continue
            for name in TEXTS:
                yield self._text(key, name, recorded[name][key], again[name][key])
            image = f"image {again['sha256'][key]}"
            yield self._group(key, recorded["group"][key], again["group"][key], image)
            for name in columns:
                now = again[name][key] if name in again.columns else ""
                yield self._number(key, name, _float(recorded[name][key]), _float(now))
            if maps:
                yield from self._raw(key)
            if key in rows and key in rows_now:
                yield from self._shown(key, rows[key], rows_now[key])

    def _group(self, key: str, mine: str, now: str, image: str) -> Line:
        """The group. That an image is there twice is not seen where the other one is not measured."""
        return self._text(key, "group", mine, mine if mine == image and not now else now)

    def maps(self) -> Iterator[Line]:
        """The raw maps of all samples of the run, also of those without a line in samples.csv."""
        for key in sorted({*self.before.maps(self.check.id), *self.now.maps(self.check.id)}):
            yield from self._raw(key)

    def _raw(self, key: str) -> Iterator[Line]:
        """The raw map that is kept of every sample."""
        mine, now = self.before.maps(self.check.id).get(key), self.now.maps(self.check.id).get(key)
        if mine is not None or now is not None:
            yield self._map(key, "map", mine, now)

    def _shown(self, key: str, row: SampleRow, now: SampleRow) -> Iterator[Line]:
        """What the report shows: scores, the picture and its masks to the bit, and its maps."""
        for name in SCORES:
            yield self._number(
                key, name.replace("_", " "), _value(getattr(row, name)), _value(getattr(now, name))
            )
        yield self._picture(key, "input picture", row.image, now.image)
        for name in sorted({*row.masks, *now.masks}):
            yield self._picture(key, f"mask {name}", row.masks.get(name), now.masks.get(name))
        named, named_now = ({item.name: item for item in side.maps} for side in (row, now))
        for name in sorted({*named, *named_now}):
            one, other = named.get(name), named_now.get(name)
            yield self._map(
                key,
                f"map {name}",
                self._kept(self.before, None if one is None else one.key),
                self._kept(self.now, None if other is None else other.key),
            )
        # The pages are drawn from this one, and not from the file of all maps.
        yield self._map(key, "map shown", self._kept(self.before, row.map), self._kept(self.now, now.map))

    @staticmethod
    def _kept(side: Recorded, key: str | None) -> NDArray[np.float32] | None:
        if key is None:
            return None
        try:
            return side.shown.map(key)
        except MissingError:
            return None

    def _number(self, key: str, what: str, mine: float, now: float) -> Line:
        difference = abs(mine - now) if isfinite(mine) and isfinite(now) else None
        same = isnan(mine) == isnan(now) and (
            difference is None or difference <= self.tolerance * max(1.0, abs(mine))
        )
        return Line(
            sample=key, what=what, recorded=_shown(mine), now=_shown(now), difference=difference, same=same
        )

    @staticmethod
    def _text(key: str, what: str, mine: str, now: str) -> Line:
        return Line(
            sample=key,
            what=what,
            recorded=mine or NOTHING,
            now=now or NOTHING,
            difference=None,
            same=mine == now,
        )

    def _map(self, key: str, what: str, mine: np.ndarray | None, now: np.ndarray | None) -> Line:
        """The largest difference of two maps, as a share of the largest value of both."""
        texts = [NOTHING if one is None else _described(one) for one in (mine, now)]
        if mine is None or now is None or mine.shape != now.shape:
            same, difference = mine is None and now is None, None
        else:
            top = max(float(np.abs(one).max(initial=0.0)) for one in (mine, now))
            difference = float(np.abs(mine.astype(np.float64) - now).max(initial=0.0)) / (top or 1.0)
            same = difference <= self.tolerance
        return Line(sample=key, what=what, recorded=texts[0], now=texts[1], difference=difference, same=same)

    def _picture(self, key: str, what: str, mine: str | None, now: str | None) -> Line:
        """Pixels that are not the same, as a share of all."""
        pixels = []
        for side, name in ((self.before, mine), (self.now, now)):
            try:
                pixels.append(None if name is None else np.asarray(side.shown.image(name)))
            except MissingError:
                pixels.append(None)
        one, other = pixels
        if one is None or other is None or one.shape != other.shape:
            same, difference = one is None and other is None, None
        else:
            difference = float((one != other).any(axis=-1).mean())
            same = difference == 0
        texts = [NOTHING if item is None else f"{item.shape[1]} × {item.shape[0]} px" for item in pixels]
        return Line(sample=key, what=what, recorded=texts[0], now=texts[1], difference=difference, same=same)


def _float(text: str) -> float:
    try:
        return float(text) if text else float("nan")
    except ValueError:
        return float("nan")


def _value(number: float | None) -> float:
    return float("nan") if number is None else number


def _shown(number: float) -> str:
    return NOTHING if isnan(number) else f"{number:.7g}"


def _described(raw: np.ndarray) -> str:
    return f"{raw.shape[0]} × {raw.shape[1]}, max {float(np.abs(raw).max(initial=0.0)):.4g}"
