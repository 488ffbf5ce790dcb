"""What a run kept of its samples: the table of all of them, or else the rows of its result; their maps."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from camaudit.errors import ResultError
from camaudit.integrity import sha256
from camaudit.result import AuditResult
from camaudit.scores import read_csv

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping
    from pathlib import Path

    import pandas as pd
    from numpy.typing import NDArray

    from camaudit.result import CheckResult, SampleRow

TABLE, MAPS = "samples.csv", "evidence/all_maps.npz"
NAN = float("nan")
NOT_KEPT = "not kept in this run"


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One sample of one check: what it is, what was answered, and the check's numbers (NaN with a reason)."""

    label: str | None
    predicted: str | None
    group: str | None = None
    sha256: str | None = None
    share: float = NAN
    """The mask's share of the picture."""
    values: Mapping[str, float] = field(default_factory=dict)
    why: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Kept:
    """The samples of one check on one side. `partial` says why these are not all of them."""

    samples: Mapping[str, Sample]
    partial: str = ""
    maps: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    no_maps: str = ""
    rows: Mapping[str, SampleRow] = field(default_factory=dict)
    target: str = ""
    """What its maps explain: ``label``, ``predicted`` …"""


@dataclass(frozen=True, kw_only=True)
class Run:
    """A report's folder with its result, read once."""

    folder: Path
    result: AuditResult

    @classmethod
    def read(cls, path: Path) -> Run:
        """The run of a report's folder, or of its result.json.

        Raises `ResultError` where there is no readable result; for a folder of reports it names those.
        """
        folder = path if path.is_dir() else path.parent
        file = folder / "result.json" if path.is_dir() else path
        inside = sorted(item.parent.name for item in path.glob("*/result.json")) if path.is_dir() else []
        if inside and not file.exists():
            raise ResultError(
                "holds no result.json but several reports" if len(inside) > 1 else "holds no result.json",
                where=str(path),
                hint=f"name one of them: {', '.join(str(path / name) for name in inside[:8])}",
            )
        return cls(folder=folder, result=AuditResult.read(file))

    def changed(self, name: str) -> str:
        """Why a file beside the result is not what the run wrote; empty where nothing speaks against it."""
        path = self.folder / name
        if not path.is_file():
            return f"{name} is missing"
        recorded = self.result.files.get(name)
        if recorded is not None and sha256(path) != recorded:
            return f"{name} is not the file that this run wrote"
        return ""

    def kept(self, check: CheckResult) -> Kept:
        """What is known of the samples of a check of this run."""
        rows = {row.id: row for row in check.rows}
        maps, no_maps = self._maps(check.id)
        samples, partial = self._samples(check, rows)
        return Kept(
            samples=samples,
            partial=partial,
            maps=maps,
            no_maps=no_maps,
            rows=rows,
            target=check.maps.get("target", ""),
        )

    def _samples(self, check: CheckResult, rows: Mapping[str, SampleRow]) -> tuple[dict[str, Sample], str]:
        frame, problem = self._table
        own = None if frame is None else frame[frame["check"] == check.id]
        if own is not None and not problem and own["id"].duplicated().any():
            problem = f"{TABLE} lists an id twice"
        if own is not None and not problem and len(own):
            return dict(_listed(own, list(check.columns))), ""
        if not rows:
            return {}, problem or "no sample was kept"
        known = {key: _of_row(row) for key, row in rows.items()}
        whole = check.population is not None and len(known) == check.population.used
        why = problem or f"{TABLE} has none of this check's samples"
        return known, "" if whole else f"{why}: only the {len(known)} that the report shows are known"

    @cached_property
    def _table(self) -> tuple[pd.DataFrame | None, str]:
        problem = self.changed(TABLE)
        if problem:
            return None, problem
        try:
            return read_csv(self.folder / TABLE), ""
        except ResultError as error:
            return None, f"{TABLE} {error.message}"

    @cached_property
    def _no_maps(self) -> str:
        return self.changed(MAPS)

    def _maps(self, check: str) -> tuple[dict[str, NDArray[np.float32]], str]:
        """All native-resolution maps of a check by id, and why there are none."""
        if self._no_maps:
            return {}, self._no_maps
        try:
            # Opened here, because NumPy leaves a damaged archive open.
            with (self.folder / MAPS).open("rb") as file, np.load(file, allow_pickle=False) as stored:
                if f"{check}/ids" not in stored:
                    return {}, "this check keeps no map"
                ids, shapes, values = (stored[f"{check}/{name}"] for name in ("ids", "shapes", "values"))
            ends = np.cumsum(shapes.prod(axis=1))
            cells = np.split(values.astype(np.float32), ends[:-1])
            found = {
                str(key): part.reshape(shape) for key, part, shape in zip(ids, cells, shapes, strict=True)
            }
        except Exception as error:  # noqa: BLE001 - a damaged archive raises a dozen types
            return {}, f"{MAPS} cannot be read: {error}"
        return found, ""


def _listed(frame: pd.DataFrame, columns: list[str]) -> Iterable[tuple[str, Sample]]:
    present = [name for name in columns if name in frame.columns]
    # The longest first: a name may begin with another one and a colon.
    names = "|".join(re.escape(name) for name in sorted(present, key=len, reverse=True))
    reason = re.compile(rf"(?:^|; )({names}): (.*?)(?=$|; (?:{names}): )", re.DOTALL)
    for row in frame.to_dict("records"):
        why = dict(reason.findall(row.get("undefined", ""))) if present else {}
        yield (
            row["id"],
            Sample(
                label=_text(row, "label"),
                predicted=_text(row, "predicted"),
                group=_text(row, "group"),
                sha256=_text(row, "sha256"),
                share=_number(row.get("object_share", "")),
                values={name: _number(row[name]) for name in present},
                why=why,
            ),
        )


def _of_row(row: SampleRow) -> Sample:
    return Sample(
        label=row.label,
        predicted=row.predicted,
        group=row.group,
        sha256=row.sha256,
        values=row.values,
        why=row.undefined,
    )


def _text(row: Mapping[Hashable, str], name: str) -> str | None:
    return row.get(name) or None


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return NAN
