"""What a number is held against, as the result lists it. Torch-free."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.result import Control

if TYPE_CHECKING:
    from camaudit.scores import Table
    from camaudit.stats import Interval


def control(name: str, title: str, interval: Interval, table: Table, column: str) -> Control:
    """The control `name` with its `interval`, and for how many samples its `column` holds no number."""
    missing = sum(table.undefined(column).values())
    return Control(
        name=name,
        title=title,
        value=interval.value,
        lower=interval.lower,
        upper=interval.upper,
        n=interval.n,
        note=f"undefined for {missing}" if missing else "",
    )
