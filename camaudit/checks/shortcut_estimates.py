"""From the answers to changed images to reliance, flips and harm. Torch-free.

`shortcut_columns` says what stands in the table, `shortcut_suspect` what is estimated of one region.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.shortcut_columns import REMOVED, UNTOUCHED, column, suspects
from camaudit.checks.shortcut_metadata import by_metadata
from camaudit.checks.shortcut_suspect import Suspected, of_suspect
from camaudit.exhibits import Paired, Roc

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.scores import Table


def estimates(spec: ShortcutSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Of each region: its reliance, judged, then the margin, the flips, and what it costs."""
    names = suspects(table)
    ps = _adjusted(spec, table, names)
    found = [
        item
        for name in names
        for item in of_suspect(Suspected(spec, table, confidence, name), ps[name], len(names))
    ]
    columns = [item for name in spec.metadata for item in by_metadata(name, table, confidence)]
    return (*found, *_removal(spec, table, confidence), *columns)


def pairs(spec: ShortcutSpec, table: Table) -> tuple[Paired, ...]:
    """Of each region, the label's margin with the region of its own class and with that of another."""
    (infill, *_) = spec.infills
    return tuple(
        Paired(
            title=f"{name}: margin of the label, in logits",
            before=column(name, infill, "margin_same"),
            after=column(name, infill, "margin_other"),
            names=("region of its own class", "region of another class"),
        )
        for name in suspects(table)
    )


def rocs(spec: ShortcutSpec, table: Table) -> tuple[Roc, ...]:
    """How the classes are told with the object filled, threshold by threshold."""
    found = []
    for infill in spec.infills:
        profile = table.profiles.get(f"{REMOVED} {infill}")
        known = None if profile is None else profile.dropna()
        if known is not None and len(known):
            scores = known.drop(columns="label").to_numpy(dtype=np.float64)
            points = stats.roc_points(scores, known["label"].astype(int).to_list())
            if len(points):
                found.append(
                    Roc(
                        finding=_removal_name(infill),
                        points=tuple((round(float(x), 5), round(float(y), 5)) for x, y in points),
                    )
                )
    return tuple(found)


def _removal_name(infill: str) -> str:
    return f"{REMOVED}: AUC ({infill})"


def _adjusted(spec: ShortcutSpec, table: Table, names: Sequence[str]) -> dict[str, float]:
    """Adjusted p by max-T over all regions and infills; a region's is the largest of its infills'.

    Two tests have to agree: of right answers between the donors, and of the margin beyond what the change by
    itself shifts. A seam that only one class's images get shows in the first, and not in the second. Where
    they point in opposite directions, nothing is shown: p is 1.
    """
    keys = [(name, infill) for name in names for infill in spec.infills]
    if not keys:
        return {}
    frame = table.frame
    right = [frame[column(*key, "same")] - frame[column(*key, "other")] for key in keys]
    beyond = [frame[column(*key, "beyond")] for key in keys]
    both = [np.stack([one.fillna(0.0) for one in data], axis=1) for data in (right, beyond)]
    clusters = table.clusters(UNTOUCHED)
    first, second = (stats.max_t(data, clusters=clusters) for data in both)
    agree = np.sign(both[0].sum(axis=0)) == np.sign(both[1].sum(axis=0))
    ps = [max(pair) if same else 1.0 for *pair, same in zip(first, second, agree, strict=True)]
    return {name: max(p for (own, _), p in zip(keys, ps, strict=True) if own == name) for name in names}


def _removal(spec: ShortcutSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    """How well the answers still tell the class with the object filled; its outline may tell it as well."""
    for infill in spec.infills:
        name = f"{REMOVED} {infill}"
        if name in table.columns:
            yield Estimate(
                name=_removal_name(infill),
                title="how often a class's margin is higher on its own images than on others, object filled",
                interval=stats.bootstrap_mean(
                    table.values(name), confidence=confidence, clusters=table.clusters(name)
                ),
                column=name,
                chance=0.5,
                chance_text="the class cannot be told without the object",
            )
