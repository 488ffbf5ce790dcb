"""What the report shows of attacked images: rules, four cells, changed answers, pictures before and after."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from camaudit.report import numbers, pictures, words
from camaudit.report.evidence import MissingError
from camaudit.report.plates import Picture, written
from camaudit.report.samples import ScaleView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from camaudit.exhibits import Attacked, NamedMap, Strike
    from camaudit.report.evidence import Evidence
    from camaudit.report.pictures import Scale
    from camaudit.report.plates import Sheet
    from camaudit.result import CheckResult

TIMES = 10
"""By how much the difference of two pictures is enlarged."""
GREY = 128
MOST_TRANSITIONS = 20

Pictures = tuple[tuple[Picture, ...], ...]


@dataclass(frozen=True, kw_only=True)
class CellView:
    """One row of the four cells."""

    outcome: str
    moved: str
    still: str
    without: str


@dataclass(frozen=True, kw_only=True)
class StrikeView:
    """One image before and after, ready to show."""

    anchor: str
    sample: str
    label: str
    change: str
    outcome: str
    before: str
    after: str
    turned: bool
    note: str
    pictures: tuple[Picture, ...]


@dataclass(frozen=True, kw_only=True)
class AttackedView:
    """What was done to the images of a check and what came of it."""

    threat: tuple[tuple[str, str], ...]
    words: tuple[str, ...]
    cells: tuple[CellView, ...]
    transitions: tuple[tuple[str, str, str], ...]
    more_transitions: int
    strikes: tuple[StrikeView, ...]
    scale: ScaleView | None


def draw(
    check: int, attacked: Attacked | None, evidence: Evidence, folder: Path
) -> tuple[Pictures, Scale | None]:
    """Draw the images of the check of that number into `folder`/img, their maps on one scale."""
    strikes = attacked.strikes if attacked is not None else ()
    raws = [
        raw for strike in strikes for item in strike.maps if (raw := _raw_or_none(item, evidence)) is not None
    ]
    scale = pictures.scale_of(raws)
    drawn = []
    for index, strike in enumerate(strikes):
        table = _Table(strike=strike, evidence=evidence, top=scale.top if scale is not None else 0.0)
        drawn.append(
            tuple(
                written(blank, make, folder, f"img/{check}-{index}-s{place}.webp")
                for place, (blank, make) in enumerate(table.wanted())
            )
        )
    return tuple(drawn), scale


def view(check: CheckResult, sheet: Sheet, anchors: words.Anchors) -> AttackedView | None:
    """The view of a check's attacked images; None where it has none."""
    attacked = check.attacked
    if attacked is None:
        return None
    moves = attacked.transitions
    return AttackedView(
        threat=attacked.threat,
        words=attacked.words,
        cells=tuple(
            CellView(outcome=outcome, moved=f"{moved:,}", still=f"{still:,}", without=f"{without:,}")
            for outcome, moved, still, without in attacked.cells
        ),
        transitions=tuple((old, new, f"{count:,}") for old, new, count in moves[:MOST_TRANSITIONS]),
        more_transitions=max(0, len(moves) - MOST_TRANSITIONS),
        strikes=tuple(
            _strike(strike, drawn, anchors.take(check.id, strike.sample, "changed"))
            for strike, drawn in zip(attacked.strikes, sheet.strikes, strict=True)
        ),
        scale=_scale(sheet),
    )


def _strike(strike: Strike, drawn: tuple[Picture, ...], anchor: str) -> StrikeView:
    return StrikeView(
        anchor=anchor,
        sample=words.printable(strike.sample),
        label="" if strike.label is None else words.printable(strike.label),
        change=words.printable(strike.change),
        outcome=strike.outcome,
        before="" if strike.before is None else words.printable(strike.before),
        after="" if strike.after is None else words.printable(strike.after),
        turned=strike.before != strike.after,
        note=words.printable(strike.note),
        pictures=drawn,
    )


def _scale(sheet: Sheet) -> ScaleView | None:
    """The colours of their maps; overlays show evidence for a class only."""
    if sheet.strike_scale is None:
        return None
    text = "One scale for all maps of these images, before and after alike."
    return ScaleView(top=numbers.plain(sheet.strike_scale.top), negative=False, text=text)


@dataclass(frozen=True, kw_only=True)
class _Table:
    """One image on the drawing table. Its pictures raise `MissingError` where evidence is missing."""

    strike: Strike
    evidence: Evidence
    top: float

    def wanted(self) -> Iterator[tuple[Picture, Callable[[], Image.Image]]]:
        """The pictures in order: as it was, changed, the difference, and every map over its own picture."""
        yield Picture(kind="before", name="as it was"), partial(self.shown, self.strike.image)
        yield Picture(kind="changed", name="changed"), partial(self.shown, self.strike.changed)
        yield Picture(kind="difference", name=f"difference × {TIMES}"), self.difference
        for item in self.strike.maps:
            under = self.strike.image if item.name == "before" else self.strike.changed
            yield Picture(kind="map", name=f"map {item.text}"), partial(self.overlay, item, under)

    def picture(self, name: str | None) -> Image.Image:
        if name is None:
            raise MissingError("the picture was not kept")
        return self.evidence.image(name)

    def shown(self, name: str | None) -> Image.Image:
        return _enlarged(self.picture(name))

    def difference(self) -> Image.Image:
        """Grey where nothing changed, brighter and darker by ten times what did."""
        before, after = (
            np.asarray(self.picture(name), dtype=np.int32)
            for name in (self.strike.image, self.strike.changed)
        )
        if before.shape != after.shape:
            raise MissingError("the two pictures are of different sizes")
        enlarged = np.clip(GREY + TIMES * (after - before), 0, 255).astype(np.uint8)
        return _enlarged(Image.fromarray(enlarged))

    def overlay(self, item: NamedMap, under: str | None) -> Image.Image:
        if item.key is None:
            raise MissingError("no map" if item.status == "ok" else f"no map: {item.status}")
        return pictures.overlay(self.shown(under), self.evidence.map(item.key), self.top)


def _enlarged(image: Image.Image) -> Image.Image:
    size = pictures.display_size(*image.size)
    larger = size[0] > image.width
    return image.resize(size, Image.Resampling.NEAREST if larger else Image.Resampling.LANCZOS)


def _raw_or_none(item: NamedMap, evidence: Evidence) -> NDArray[np.float32] | None:
    if item.key is None:
        return None
    try:
        return evidence.map(item.key)
    except MissingError:
        return None
