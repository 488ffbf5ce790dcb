"""The accepted map beside this one, in the rows that the report shows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from camaudit.exhibits import NamedMap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.baseline import Baseline, Row
    from camaudit.engine.files import Evidence
    from camaudit.result import SampleRow


def beside(rows: Iterable[SampleRow], accepted: Baseline, evidence: Evidence) -> tuple[SampleRow, ...]:
    """The rows, each with the map that the baseline holds of its sample, on one scale with its own."""
    return tuple(_with(row, accepted.rows[row.id], evidence) for row in rows)


def _with(row: SampleRow, before: Row, evidence: Evidence) -> SampleRow:
    if before.map is None:
        return row
    values = before.map.values.astype(np.float32)
    largest = float(np.maximum(values, 0).max())
    shown = NamedMap(
        name="accepted",
        explains=before.predicted,
        key=evidence.keep_map(values),
        status="ok" if values.any() else "all-zero",
        largest=largest,
    )
    now = NamedMap(name="now", explains=row.predicted)
    return replace(row, map_name=now.text, maps=(shown, *row.maps))
