"""How maps go together with metadata: where evidence off the object gathers, and what clusters share.

Seen on the images that propose, without p-values: it says what to suspect, and proves nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from camaudit.stats import cramers_v

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.engine.shortcut.cells import Floats

FEWEST = 5
"""Images below which the evidence of a value is not compared with that of others."""
Values = tuple["str | None", ...]
"""A metadata column of the images that propose, in their order."""


@dataclass(frozen=True, kw_only=True)
class Association:
    """How a cluster of maps goes together with a column, within the cluster's class."""

    column: str
    v: float
    """Cramér's V, in the cluster or not by value; NaN where the class has fewer than two values."""
    text: str
    """The value that is most over-represented in the cluster, with its counts."""


def off_by(column: str, values: Values, share: Floats) -> str:
    """By value of a column, how much of the evidence lies off the object: the most and the least."""
    known = np.array(["" if value is None else value for value in values], dtype=object)
    means = {
        value: (float(share[known == value].mean()), int((known == value).sum()))
        for value in sorted({value for value in values if value is not None})
        if (known == value).sum() >= FEWEST
    }
    if len(means) < 2:  # noqa: PLR2004 - nothing to compare
        return f"by {column} it was not compared: {len(means)} of its values have {FEWEST} images"
    most, least = max(means, key=lambda value: means[value][0]), min(means, key=lambda value: means[value][0])
    return (
        f"by {column} most where it is {_mean(most, *means[most])}, least where {_mean(least, *means[least])}"
    )


def _mean(value: str, share: float, n: int) -> str:
    return f"{value}, {share:.0f} % (n = {n})"


def association(column: str, values: Values, members: Sequence[int], others: Sequence[int]) -> Association:
    """How being in a cluster goes together with a column; `members` and `others` are a class's images.

    Images without a value are left out and counted.
    """
    inside, outside = ([values[row] for row in rows] for rows in (members, others))
    levels = sorted({value for value in (*inside, *outside) if value is not None})
    counts = np.array([[side.count(level) for level in levels] for side in (inside, outside)]).reshape(2, -1)
    totals = counts.sum(axis=1)
    if len(levels) < 2 or not totals.all():  # noqa: PLR2004 - one value goes with nothing
        return Association(column=column, v=float("nan"), text=f"{column} does not vary in that class")
    shares = counts / totals[:, None]
    top = int((shares[0] - shares[1]).argmax())
    missing = len(inside) + len(outside) - int(totals.sum())
    v = cramers_v(counts)
    text = (
        f"{column} is {levels[top]} in {counts[0, top]} of {totals[0]} of them and in {counts[1, top]} of "
        f"{totals[1]} others of the class (Cramér's V {v:.2f}"
        f"{f', {missing} without a value left out' if missing else ''})"
    )
    return Association(column=column, v=v, text=text)
