"""The table of scores: one row per sample, one column per number, a reason wherever a number is missing."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

FACTS = ("label", "predicted", "group", "map_status", "object_share")
"""What is known of every sample, whatever the check; `object_share` is the mask's share of the image."""


@dataclass(frozen=True, kw_only=True)
class Table:
    """The samples of one check: `frame` is indexed by sample id and holds FACTS and the check's columns.

    `reasons[column][id]` says why a number is NaN; a NaN without a reason is refused. `profiles` hold several
    numbers per sample, from which a check derives columns. `settings` are numbers found on the way that
    belong into the record, such as thresholds tuned on other samples.
    """

    frame: pd.DataFrame
    reasons: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    profiles: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    settings: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.columns:
            nameless = set(self.frame.index[self.frame[name].isna()]) - set(self.reasons.get(name, {}))
            if nameless:
                raise AssertionError(f"column {name}: NaN without a reason for {sorted(nameless)[:3]}")

    @property
    def columns(self) -> list[str]:
        """The check's own columns."""
        return [name for name in self.frame.columns if name not in FACTS]

    @property
    def ids(self) -> list[str]:
        """Sample ids, in order."""
        return list(self.frame.index)

    def values(self, column: str) -> np.ndarray:
        """The defined numbers of a column."""
        return self.frame[column].dropna().to_numpy(dtype=np.float64)

    def clusters(self, column: str) -> np.ndarray | None:
        """The group of each defined number, or None where the data has no groups."""
        return self.groups(self.frame[column].notna())

    def groups(self, rows: Iterable[bool]) -> np.ndarray | None:
        """The group of each row that `rows` marks, or None where none of these has one."""
        groups = self.frame.loc[np.asarray(rows, dtype=bool), "group"]
        if groups.isna().all():
            return None
        # A sample without a group is a group of its own.
        own = groups.where(groups.notna(), pd.Series(groups.index, index=groups.index))
        names: np.ndarray = own.to_numpy(dtype=str)
        return names

    def undefined(self, column: str) -> dict[str, int]:
        """How many numbers are missing, by reason."""
        present = set(self.frame.index)
        return dict(Counter(why for key, why in self.reasons.get(column, {}).items() if key in present))

    def first(self, columns: Mapping[str, pd.Series], reasons: Mapping[str, Mapping[str, str]]) -> Table:
        """The same with further columns in front of the check's own."""
        own = self.frame[self.columns]
        frame = pd.concat([self.frame[list(FACTS)], pd.DataFrame(dict(columns)), own], axis=1)
        return replace(self, frame=frame, reasons={**self.reasons, **reasons})

    def where(self, keep: Iterable[bool]) -> Table:
        """The rows that `keep` marks."""
        rows = np.asarray(list(keep), dtype=bool)
        profiles = {name: profile[rows] for name, profile in self.profiles.items()}
        return replace(self, frame=self.frame[rows], profiles=profiles)


def size_quartile(share: pd.Series) -> pd.Series:
    """Quartile of object size, named with its range: ``Q1 smallest, 1-4 %``; NaN where there is no object.

    Fewer distinct sizes than quartiles give fewer levels: equal sizes are never split.
    """
    known = share[share > 0]
    if known.nunique() < 2:  # noqa: PLR2004 - one size has no quartiles
        return pd.Series(np.nan, index=share.index, dtype=object)
    cut = pd.qcut(known, 4, duplicates="drop")
    names = {
        interval: f"Q{number}{_end(number, len(cut.cat.categories))}, {_percent(known[cut == interval])}"
        for number, interval in enumerate(cut.cat.categories, start=1)
    }
    return cut.map(names).astype(object).reindex(share.index)


def _end(number: int, last: int) -> str:
    return " smallest" if number == 1 else " largest" if number == last else ""


def _percent(shares: pd.Series) -> str:
    return f"{100 * shares.min():.1f}-{100 * shares.max():.1f} % of the image"


def write_csv(tables: Mapping[str, Table], path: Path) -> None:
    """All samples of all checks: one line per check and sample, missing numbers empty, with the reason.

    A cell that a spreadsheet would run as a formula is kept from it by a leading apostrophe.
    """
    frames = []
    for check, table in tables.items():
        why = pd.Series("", index=table.frame.index, dtype=object)
        for name in table.columns:
            for key, reason in table.reasons.get(name, {}).items():
                if key in why.index:
                    why[key] = f"{why[key]}; {name}: {reason}" if why[key] else f"{name}: {reason}"
        frame = table.frame.assign(undefined=why).rename_axis("id").reset_index()
        frame.insert(0, "check", check)
        frames.append(frame)
    together = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=["check", "id"])
    for name in together.columns:
        if not pd.api.types.is_numeric_dtype(together[name]):
            together[name] = together[name].map(_defuse)
    temporary = path.with_name(path.name + ".tmp")
    together.to_csv(temporary, index=False, float_format="%.9g", lineterminator="\n")
    temporary.replace(path)


def read_csv(path: Path, check: str, columns: Sequence[str]) -> pd.DataFrame:
    """The samples of one check as `write_csv` wrote them, by id: FACTS, its `columns`, and `undefined`.

    Numbers have nine digits. What is missing is NaN, texts as well.
    """
    texts = pd.read_csv(path, dtype=str, keep_default_na=False)
    texts = texts[texts["check"] == check].set_index("id")
    texts.index = texts.index.map(_as_it_was)
    numbers = {*columns, "object_share"}
    frame = pd.DataFrame(index=texts.index)
    for name in dict.fromkeys((*FACTS, *columns, "undefined")):
        own = texts[name] if name in texts.columns else pd.Series("", index=texts.index)
        frame[name] = pd.to_numeric(own.where(own != "")) if name in numbers else own.map(_as_it_was)
    return frame


def _as_it_was(value: str) -> str | None:
    """The reverse of `_defuse`; an empty text is none."""
    return (value[1:] if value[:1] == "'" and value[1:] != _defuse(value[1:]) else value) or None


def _defuse(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in {"=", "+", "-", "@", "\t", "\r"} else value
