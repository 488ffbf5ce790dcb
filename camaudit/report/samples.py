"""What the report shows of single samples: pictures, numbers, label, prediction. Failing ones come first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.plates import maps_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.report.plates import Plate, Sheet
    from camaudit.report.words import Anchors
    from camaudit.result import CheckResult, Finding, SampleRow

_MOST_VALUES = 7

_CAPTIONS = {"input": "Input", "map": "Map over input", "outline": "Mask outline", "raw": "Raw map"}


@dataclass(frozen=True, kw_only=True)
class PictureView:
    """One picture with its caption; `missing` says why there is none."""

    kind: str
    file: str | None
    caption: str
    missing: str
    reach: int | None = None
    """Under a raw map: how far up the common scale its largest value lies, in percent."""
    name: str = ""
    """Which map it is of, where there are several."""


@dataclass(frozen=True, kw_only=True)
class ValueView:
    """One number of a sample; `why` says why it is undefined."""

    title: str
    text: str
    why: str


@dataclass(frozen=True, kw_only=True)
class SampleView:
    """One sample, ready to show."""

    anchor: str
    id: str
    failing: bool
    label: str
    predicted: str
    wrong: bool
    pictures: tuple[PictureView, ...]
    values: tuple[ValueView, ...]
    notes: tuple[str, ...]
    file: str
    sha256: str
    classes: str = ""
    """What its row is in the page: falling short, with several maps side by side."""


@dataclass(frozen=True, kw_only=True)
class ScaleView:
    """The colour scale of one check."""

    top: str
    negative: bool
    text: str


def sample_views(
    check: CheckResult, sheet: Sheet, anchors: Anchors, main: Finding | None
) -> tuple[SampleView, ...]:
    """The samples of a check, failing ones first, otherwise in the order of the result."""
    ranking = next(iter(check.columns), "")
    # Numbers of the ranking column keep their side of the gate when they are rounded.
    bound = main.bound if main is not None and main.column == ranking else None
    top = sheet.scale.top if sheet.scale else 0.0
    pairs = sorted(zip(check.rows, sheet.plates, strict=True), key=lambda pair: not pair[0].failing)
    return tuple(
        _sample(row, plate, check=check, anchors=anchors, bound=bound, top=top) for row, plate in pairs
    )


def scale_view(sheet: Sheet) -> ScaleView | None:
    """The colour scale in words; None where no map is shown."""
    scale = sheet.scale
    if scale is None:
        return None
    top = numbers.plain(scale.top)
    text = f"One scale for all {scale.maps} maps shown." if scale.maps > 1 else "One map is shown."
    if scale.top == 0:
        text += " Every map shown is zero everywhere."
    if scale.clipped:
        beyond = f"{scale.clipped} reaches" if scale.clipped == 1 else f"{scale.clipped} reach"
        text += (
            " It ends at the 95th percentile of the maps' largest values: "
            f"{beyond} beyond, up to {numbers.plain(scale.largest)}."
        )
    if scale.negative:
        text += " Grey cells of raw maps are evidence against the class; overlays show evidence for it only."
    return ScaleView(top=top, negative=scale.negative, text=text)


def _sample(
    row: SampleRow, plate: Plate, *, check: CheckResult, anchors: Anchors, bound: float | None, top: float
) -> SampleView:
    return SampleView(
        anchor=anchors.take(check.id, row.id),
        id=row.id,
        failing=row.failing,
        label=_scored(row.label, row.label_score),
        predicted=_scored(row.predicted, row.predicted_score),
        wrong=row.label is not None and row.predicted is not None and row.label != row.predicted,
        pictures=tuple(
            PictureView(
                kind=item.kind,
                file=item.file,
                caption=f"{_CAPTIONS[item.kind]}, {item.name}" if item.name else _CAPTIONS[item.kind],
                missing=item.missing,
                reach=_reach(plate, item.name, top) if item.kind == "raw" and item.file else None,
                name=item.name,
            )
            for item in plate.pictures
        ),
        values=tuple(_values(check, row, bound)),
        notes=tuple(_notes(row, plate)),
        file="/".join((row.file or "").replace("\\", "/").rsplit("/", 2)[-2:]),
        sha256=row.sha256 or "",
        classes=" ".join(_classes(row)),
    )


def _classes(row: SampleRow) -> Iterable[str]:
    if row.failing:
        yield "failing"
    if row.maps:
        yield f"maps-{1 + len(row.maps)}"


def _reach(plate: Plate, name: str, top: float) -> int | None:
    peak = next((item.peak for item in plate.maps if item.name == name), None)
    if peak is None:
        return None
    return round(100 * min(peak / top, 1.0)) if top > 0 else 0


def _scored(name: str | None, score: float | None) -> str:
    if name is None:
        return ""
    return name if score is None else f"{name} (logit {numbers.plain(score)})"


def _values(check: CheckResult, row: SampleRow, bound: float | None) -> Iterable[ValueView]:
    shown = _shown_columns(check)
    for index, (name, short) in enumerate(shown.items()):
        if name in row.values or name in row.undefined:
            value = row.values.get(name, float("nan"))
            text = numbers.sample(value, bound if index == 0 else None)
            yield ValueView(title=short, text=text, why=row.undefined.get(name, ""))


def _shown_columns(check: CheckResult) -> dict[str, str]:
    """Columns worth their room, with short names: the ranking one, its controls, then others estimated."""
    ranking = next(iter(check.columns), "")
    estimated = {item.column for item in check.findings}
    controls = {
        name: _short(name.removeprefix(f"{ranking}."), title)
        for name, title in check.columns.items()
        if name.startswith(f"{ranking}.")
    }
    others = {name: name for name in check.columns if name in estimated}
    wanted = {ranking: ranking, **controls, **others} if ranking else {}
    return {name: short.replace("_", " ") for name, short in list(wanted.items())[:_MOST_VALUES]}


def _short(name: str, title: str) -> str:
    """A mere number says nothing: the last words of its title do, as in ``head randomised, draw 0``."""
    return title.rpartition(", ")[2] if name.isdigit() else name


def _notes(row: SampleRow, plate: Plate) -> Iterable[str]:
    for item in plate.maps:
        name = f" {item.name}," if item.name else ""
        yield f"map{name} {item.grid[0]} × {item.grid[1]}, largest {numbers.plain(item.peak)}"
    for one in maps_of(row):
        if one.status != "ok":
            yield f"map status{f' {one.text}' if one.text else ''}: {one.status}"
    if row.group is not None:
        yield f"group {row.group}"
