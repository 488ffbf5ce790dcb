"""Numbers by column and image as they come in, each missing one with its reason."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from camaudit.scores import Table

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from camaudit.engine.collect import Collector
    from camaudit.plan import CheckPlan

NAN = float("nan")


@dataclass(kw_only=True)
class Ledger:
    """What is known of each image; `columns` stand in this order in the table."""

    columns: Sequence[str]
    _numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    _reasons: dict[str, dict[str, str]] = field(default_factory=dict)

    def note(self, column: str, key: str, value: float, reason: str | None = None) -> None:
        """A number, or why there is none. A number that is not finite is none."""
        assert column in self.columns, column
        bad = reason is not None or not abs(value) < float("inf")
        self._numbers.setdefault(column, {})[key] = NAN if bad else float(value)
        if bad:
            self._reasons.setdefault(column, {})[key] = reason or "undefined"

    def blank(self, columns: Iterable[str], key: str, reason: str) -> None:
        """No number in any of these columns, for one reason."""
        for column in columns:
            self.note(column, key, NAN, reason)

    def table(self, check: CheckPlan, collector: Collector, settings: Mapping[str, float]) -> Table:
        """One row per image that the walk could use, whether or not it was changed."""
        ids = sorted(collector.details)
        own = {
            column: [self._numbers.get(column, {}).get(key, NAN) for key in ids] for column in self.columns
        }
        frame = pd.DataFrame({**collector.facts(check, ids), **own}, index=pd.Index(ids, name="id"))
        reasons = {column: self._reasons.get(column, {}) for column in self.columns}
        return Table(frame=frame, reasons=reasons, settings=dict(settings))
