"""The table of scores: one row per sample, one column per number, a reason wherever a number is missing."""

from __future__ import annotations

import csv
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from camaudit.errors import ResultError
from camaudit.integrity import write_whole

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path

FACTS = ("label", "predicted", "group", "sha256", "map_status", "object_share")
"""What is known of every sample, whatever the check; `sha256` is that of its image file, so that two runs can
be held against each other, and `object_share` the mask's share of the image."""


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
            together[name] = together[name].map(defused)
    text = together.to_csv(index=False, float_format="%.9g", lineterminator="\n")
    write_whole(path, text.encode("utf-8"))


_FORMULA = {"=", "+", "-", "@", "\t", "\r"}
"""What a cell begins with that a spreadsheet would run."""


def defused(value: object) -> object:
    """The value as a cell: a text that would be a formula gets a leading apostrophe."""
    return f"'{value}" if isinstance(value, str) and value[:1] in _FORMULA else value


def read_csv(path: Path) -> pd.DataFrame:
    """The file that `write_csv` wrote, every cell a text, without the apostrophes before formulas.

    Raises `ResultError` where it is missing, no such table, has a line that is cut short (pandas would fill
    it up) or a column twice, or lacks the columns ``check`` and ``id``.
    """
    try:
        with path.open(encoding="utf-8", newline="") as file:
            head, *lines = list(csv.reader(file)) or [[]]
    except (OSError, ValueError, csv.Error) as error:
        raise ResultError(f"cannot be read: {error}", where=str(path)) from None
    for number, line in enumerate(lines, start=1):
        if len(line) != len(head):
            problem = f"cannot be read: row {number} has {len(line)} cells, and the first line {len(head)}"
            raise ResultError(problem, where=str(path))
    frame = pd.DataFrame(lines, columns=head, dtype=object)
    if not frame.columns.is_unique:
        raise ResultError("has a column twice", where=str(path), hint="run the audit again")
    lacking = {"check", "id"} - set(frame.columns)
    if lacking:
        raise ResultError(f"has no column {min(lacking)!r}", where=str(path), hint="run the audit again")
    return frame.map(lambda cell: cell[1:] if cell[:1] == "'" and cell[1:2] in _FORMULA else cell)


def samples_of(path: Path, check: str, columns: Sequence[str]) -> pd.DataFrame:
    """The samples of one check in the file that `write_csv` wrote, by id: FACTS, `columns`, `undefined`.

    Numbers have nine digits. What is missing is NaN, texts as well. Raises `ResultError` as `read_csv`.
    """
    texts = read_csv(path)
    texts = texts[texts["check"] == check].set_index("id")
    numbers = {*columns, "object_share"}
    frame = pd.DataFrame(index=texts.index)
    for name in dict.fromkeys((*FACTS, *columns, "undefined")):
        own = texts[name] if name in texts.columns else pd.Series("", index=texts.index)
        frame[name] = (
            pd.to_numeric(own.where(own != "")) if name in numbers else own.map(lambda cell: cell or None)
        )
    return frame
