"""The table of a shortcut check, from the answers to changed images: one row per changed image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from camaudit.checks.shortcut_columns import META, NO_REGION, REMOVED, SHIFT, UNTOUCHED, column
from camaudit.scores import FACTS, Table
from camaudit.stats import auc_values

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from camaudit.data.sample import Sample
    from camaudit.engine.shortcut.answers import Test
    from camaudit.engine.shortcut.roles import Roles
    from camaudit.engine.streaming import Walk


def table_of(test: Test, roles: Roles, samples: Mapping[str, Sample], walk: Walk) -> Table:
    """One row per changed image, the largest shift by any region in front."""
    ids = sorted(test.numbers[UNTOUCHED])
    details = [walk.collector.details[key] for key in ids]
    facts: dict[str, Any] = {
        "label": [item.label for item in details],
        "predicted": [item.predicted for item in details],
        "group": [item.group for item in details],
        "sha256": [item.sha256 for item in details],
        "map_status": [None] * len(ids),
        "object_share": [walk.collector.shares.get(key, float("nan")) for key in ids],
    }
    assert tuple(facts) == FACTS
    beyond, lacking = _beyond(test, roles, samples)
    numbers = {**test.numbers, **beyond}
    columns = {name: [own[key] for key in ids] for name, own in numbers.items()}
    shift = _largest_shift(test, ids)
    removed, unknown = _removed(test, samples, ids)
    columns |= removed
    frame = pd.DataFrame({**facts, SHIFT: shift, **columns}, index=pd.Index(ids, name="id"))
    missing = {key: NO_REGION for key, value in zip(ids, shift, strict=True) if value != value}  # noqa: PLR0124
    levels = {
        f"{META}{name}": pd.DataFrame(
            {name: [samples[key].metadata.get(name) for key in ids]}, index=frame.index
        )
        for name in test.spec.metadata
    }
    return Table(
        frame=frame,
        reasons={**test.reasons, **lacking, **unknown, SHIFT: missing},
        profiles=levels | _margins(test, samples, ids),
    )


def _beyond(
    test: Test, roles: Roles, samples: Mapping[str, Sample]
) -> tuple[dict[str, dict[str, float]], dict[str, dict[str, str]]]:
    """The columns ``beyond`` of every region and infill, and why there is no number."""
    pairs = {
        item.recipient: (samples[item.recipient].label, samples[item.other].label) for item in roles.triples
    }
    found, reasons = {}, {}
    for suspect in test.suspects:
        for infill in test.spec.infills:
            margin, cost = (test.numbers[column(suspect.name, infill, part)] for part in ("margin", "cost"))
            keys = list(margin)
            values = beyond_edits(
                np.array([margin[key] for key in keys]),
                np.array([cost[key] for key in keys]),
                own=np.array([pairs[key][0] for key in keys]),
                other=np.array([pairs[key][1] for key in keys]),
            )
            name = column(suspect.name, infill, "beyond")
            found[name] = dict(zip(keys, values.tolist(), strict=True))
            reasons[name] = test.reasons[column(suspect.name, infill, "margin")]
    return found, reasons


def beyond_edits(
    margin: NDArray[np.float64],
    cost: NDArray[np.float64],
    *,
    own: NDArray[np.int64],
    other: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Of each image its part in the mean of: margin shift − what the change by itself shifts, [n], in logits.

    `margin` is m(same) − m(other), `cost` m(untouched) − m(same), `own` and `other` the classes of the image
    and of its donor of another class. A seam or a fill that comes with class j's version of the region shifts
    the margins of class j's own images by −cost_j, and those of other images, which it makes look like j, the
    other way. So from the mean of `margin` are taken each image's own −cost and the mean −cost of its donor's
    class: mean(margin + cost) + Σ_j w_j · mean_j(cost), w_j the share of images with a donor of class j. As
    parts of images: margin + (1 + n_other(c)/n_own(c)) · cost, c the image's own class. Where the change
    lowers all margins alike, this is larger than the truth; so it may take back what `margin` shows, and
    shows nothing by itself. Of a class that no changed image has, nothing can be taken off. NaN in, NaN out.
    """
    known = ~np.isnan(margin + cost)
    ratio = np.zeros(len(margin))
    for label in np.unique(own[known]):
        mine = known & (own == label)
        ratio[mine] = (known & (other == label)).sum() / mine.sum()
    return np.asarray(np.where(known, margin + (1 + ratio) * cost, np.nan))


def _removed(
    test: Test, samples: Mapping[str, Sample], ids: Sequence[str]
) -> tuple[dict[str, list[float]], dict[str, dict[str, str]]]:
    """By infill, the AUC without the object as one value per image, and why there is none."""
    columns, reasons = {}, {}
    for infill, rows in test.removed.items():
        keys = sorted(rows)
        labels = [label for key in keys if (label := samples[key].label) is not None]
        values = auc_values(np.stack([rows[key] for key in keys]), labels) if keys else ()
        found = {key: float(value) for key, value in zip(keys, values, strict=True) if value == value}  # noqa: PLR0124
        name = f"{REMOVED} {infill}"
        columns[name] = [found.get(key, float("nan")) for key in ids]
        reasons[name] = {key: NO_REGION for key in ids if key not in found}
    return columns, reasons


def _margins(test: Test, samples: Mapping[str, Sample], ids: Sequence[str]) -> dict[str, pd.DataFrame]:
    """By infill, the margin of every class with the object filled, and the label: what the AUC is of."""
    found = {}
    for infill, rows in test.removed.items():
        own = pd.DataFrame.from_dict(rows, orient="index").reindex(pd.Index(ids))
        found[f"{REMOVED} {infill}"] = own.assign(
            label=np.array([samples[key].label for key in ids], np.float64)
        )
    return found


def _largest_shift(test: Test, ids: Sequence[str]) -> list[float]:
    """By image, the largest margin effect of any region, each at its weakest infill."""
    found = []
    for key in ids:
        effects = [
            min(
                (test.numbers[column(suspect.name, infill, "margin")][key] for infill in test.spec.infills),
                key=abs,
            )
            for suspect in test.suspects
        ]
        found.append(max((one for one in effects if one == one), default=float("nan")))  # noqa: PLR0124
    return found
