"""Right answers by a metadata column: what goes together with errors, images as they are. Torch-free.

A column of the data is a hypothesis that no image can be changed for: a camera or a hospital is in no pixels
that could be carried over. So it is shown with its gap and its worst group, and judged by nothing.
"""

from __future__ import annotations

from math import comb
from typing import TYPE_CHECKING

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.shortcut_columns import META, UNTOUCHED, gap_of, group_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from camaudit.scores import Table
    from camaudit.stats import Interval

FEWEST = 5
"""Images below which a value, or a class at a value, is not looked at for being the best or the worst."""
TOO_FEW = f"fewer than two to compare that have {FEWEST} images"


def by_metadata(name: str, table: Table, confidence: float) -> Iterator[Estimate]:
    """Right answers by value of the column, the gap between the best and the worst, and the worst group."""
    key = f"{META}{name}"
    if key not in table.profiles:
        return
    levels = table.profiles[key].iloc[:, 0]
    parts = {str(level): table.where(levels == level) for level in sorted(levels.dropna().unique())}
    for level, part in parts.items():
        yield Estimate(
            name=f"{name} = {level}: accuracy",
            title=f"right answers where {name} is {level}, images as they are",
            interval=_share(part, confidence),
            column=UNTOUCHED,
            by=name,
            level=level,
        )
    yield _gap(name, parts, confidence)
    yield _worst_group(name, parts, confidence)


def _gap(name: str, parts: Mapping[str, Table], confidence: float) -> Estimate:
    """Best minus worst value; the interval holds for all pairs of values at once (Bonferroni)."""
    compared = {level: part for level, part in parts.items() if len(part.values(UNTOUCHED)) >= FEWEST}
    title = f"right answers by {name}, best value minus worst"
    if len(compared) < 2:  # noqa: PLR2004 - a gap between one and nothing
        return _unknown(gap_of(name), title, -1.0)
    means = {level: float(part.values(UNTOUCHED).mean()) for level, part in compared.items()}
    best, worst = max(means, key=means.__getitem__), min(means, key=means.__getitem__)
    if best == worst:
        best, worst = list(means)[:2]
    each = 1 - (1 - confidence) / comb(len(means), 2)
    return Estimate(
        name=gap_of(name),
        title=f"{title}: {best} minus {worst}, of {len(means)} values with {FEWEST} images or more (its "
        f"interval allows for having been picked); {name} goes together with it, no image was changed",
        interval=stats.share_difference(_share(compared[best], each), _share(compared[worst], each)),
        column=UNTOUCHED,
        low=-1.0,
    )


def _worst_group(name: str, parts: Mapping[str, Table], confidence: float) -> Estimate:
    """The class at a value with the fewest right answers; its interval holds for all groups (Bonferroni)."""
    groups = {
        (str(label), level): group
        for level, part in parts.items()
        for label in sorted(part.frame["label"].dropna().unique())
        if len((group := part.where(part.frame["label"] == label)).values(UNTOUCHED)) >= FEWEST
    }
    title = f"right answers in the worst group of class and {name}"
    if len(groups) < 2:  # noqa: PLR2004 - a worst one of one
        return _unknown(group_of(name), title, 0.0)
    label, level = min(groups, key=lambda group: float(groups[group].values(UNTOUCHED).mean()))
    return Estimate(
        name=group_of(name),
        title=f"{title}: class {label} where {name} is {level}, of {len(groups)} groups with {FEWEST} images "
        "or more (its interval allows for having been picked), images as they are",
        interval=_share(groups[label, level], 1 - (1 - confidence) / len(groups)),
        column=UNTOUCHED,
    )


def _unknown(name: str, title: str, low: float) -> Estimate:
    return Estimate(
        name=name, title=f"{title}: {TOO_FEW}", interval=stats.share([]), column=UNTOUCHED, low=low
    )


def _share(part: Table, confidence: float) -> Interval:
    return stats.share(part.values(UNTOUCHED), confidence=confidence, clusters=part.clusters(UNTOUCHED))
