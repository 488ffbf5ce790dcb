"""What a run left, read for comparison: the result, the table of scores, pictures and maps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from camaudit import registry
from camaudit.errors import ResultError
from camaudit.report import evidence
from camaudit.result import AuditResult
from camaudit.scores import FACTS, Table, read_csv

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from camaudit.plan import CheckPlan
    from camaudit.report.evidence import Evidence
    from camaudit.result import CheckResult

ALL_MAPS = "evidence/all_maps.npz"
DATA = "sha256 of the data used"
"""A parameter that looks like a number now and then."""


class NotKeptError(Exception):
    """An estimate is made of something that samples.csv does not hold."""


class _NotKept(Mapping[str, pd.DataFrame]):
    """Profiles that were measured and not kept: whoever asks for them cannot go on."""

    def __getitem__(self, key: str) -> pd.DataFrame:
        raise NotKeptError(f"samples.csv does not hold “{key}”, several numbers of each sample")

    def __contains__(self, key: object) -> bool:
        raise NotKeptError(f"samples.csv does not hold “{key}”, several numbers of each sample")

    def __iter__(self) -> Iterator[str]:
        return iter(())

    def __len__(self) -> int:
        return 0


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """One report folder."""

    folder: Path
    result: AuditResult
    scores: pd.DataFrame
    _kept: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Recorded:
        """Raises `ResultError` where result or table cannot be read."""
        result = AuditResult.read(folder / "result.json")
        return cls(folder=folder, result=result, scores=read_csv(folder / "samples.csv"))

    def result_of(self, check: str) -> CheckResult:
        """What the result says of a check that it has."""
        return next(item for item in self.result.checks if item.id == check)

    def part(self, check: str) -> pd.DataFrame:
        """The cells of one check, by sample id. Raises `ResultError` where an id stands there twice."""
        frame = self.scores[self.scores["check"] == check].set_index("id")
        twice = frame.index[frame.index.duplicated()]
        if len(twice):
            raise ResultError(f"has sample {twice[0]!r} of {check} twice", where=str(self._csv))
        return frame

    def columns(self, check: CheckPlan, found: CheckResult | None) -> list[str]:
        """The check's own columns: as recorded, or as its kind names them where it became an ERROR."""
        names = found.columns if found is not None and found.columns else _titles(check)
        return [name for name in names if name in self.scores.columns]

    def table(self, check: CheckPlan, found: CheckResult) -> Table:
        """The table that a check's estimates are made of. Raises `ResultError` where it holds no numbers."""
        part, columns = self.part(check.id), self.columns(check, found)
        lacking = sorted(set(found.columns) - set(columns))
        if lacking:
            raise ResultError(f"has no column {lacking[0]!r}", where=str(self._csv))
        try:
            numbers = {name: part[name].map(_float) for name in (*columns, "object_share")}
        except (ValueError, KeyError) as error:
            raise ResultError(f"{check.id}: {error}", where=str(self._csv)) from None
        texts = {name: part[name].where(part[name] != "", None) for name in FACTS if name != "object_share"}
        facts = {name: numbers.pop(name) if name in numbers else texts[name] for name in FACTS}
        reasons: dict[str, dict[str, str]] = {name: {} for name in columns}
        for key, text in part["undefined"].items():
            for name, why in told(text, columns).items():
                reasons[name][str(key)] = why
        for name, cells in numbers.items():
            bare = [key for key in cells.index[cells.isna()] if key not in reasons[name]]
            if bare:
                problem = f"{check.id}: {name} of {bare[0]!r} is empty without a reason"
                raise ResultError(problem, where=str(self._csv))
        return Table(
            frame=pd.DataFrame({**facts, **numbers}, index=part.index),
            reasons=reasons,
            profiles=_NotKept() if _has_profiles(check) else {},
            settings=_numbers(found.parameters, set(type(check.spec).model_fields) | {DATA}),
        )

    def maps(self, check: str) -> Mapping[str, np.ndarray]:
        """The raw map of every sample of a check, by id; empty where it has none.

        Raises `ResultError` where the file cannot be read or does not fit itself.
        """
        if check not in self._kept:
            self._kept[check] = self._read_maps(check)
        return self._kept[check]

    def _read_maps(self, check: str) -> dict[str, np.ndarray]:
        path = self.folder / ALL_MAPS
        try:
            with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if f"{check}/ids" not in stored:
                    return {}
                ids, shapes, values = (stored[f"{check}/{name}"] for name in ("ids", "shapes", "values"))
            ends = np.cumsum(shapes.prod(axis=1))
            cut = np.split(values, ends[:-1])
            return {str(key): part.reshape(shape) for key, part, shape in zip(ids, cut, shapes, strict=True)}
        except Exception as error:  # noqa: BLE001 - a damaged archive raises a dozen types
            raise ResultError(f"cannot be read: {error}", where=str(path)) from None

    @cached_property
    def shown(self) -> Evidence:
        """Pictures, masks and maps of the samples that the report shows."""
        rows = [row for check in self.result.checks for row in check.rows]
        keys = {row.map for row in rows} | {item.key for row in rows for item in row.maps}
        return evidence.read(self.folder, sorted(key for key in keys if key is not None))

    @property
    def _csv(self) -> Path:
        return self.folder / "samples.csv"


def told(text: str, columns: list[str]) -> dict[str, str]:
    """The reasons in a cell ``column: reason; column: reason``, by column; a reason may hold a semicolon."""
    found: dict[str, str] = {}
    last = ""
    for part in text.split("; ") if text else ():
        name = next((one for one in columns if part.startswith(f"{one}: ") and one not in found), "")
        if name:
            last = name
            found[name] = part[len(name) + 2 :]
        elif last:
            found[last] += f"; {part}"
    return found


def _titles(check: CheckPlan) -> dict[str, str]:
    titles: dict[str, str] = registry.find("check", check.kind).titles(check.spec)
    return titles


def _has_profiles(check: CheckPlan) -> bool:
    """Whether the run's table held more than samples.csv does."""
    several = len(getattr(check.spec, "baselines", ())) > 1
    return (
        several or bool(getattr(check.spec, "metadata", ())) or any(c.profile for c in check.columns.values())
    )


def _numbers(parameters: Mapping[str, str], without: set[str]) -> dict[str, float]:
    """The numbers among a check's parameters that the run found, and the spec did not bring."""
    found = {}
    for name, text in parameters.items():
        try:
            if name not in without:
                found[name] = float(text)
        except ValueError:
            continue
    return found


def _float(text: str) -> float:
    return float(text) if text else float("nan")
