"""The numbers of all samples, from `samples.csv` beside the result; of those shown where that is gone."""

from __future__ import annotations

import csv
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from camaudit.integrity import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camaudit.result import AuditResult, CheckResult

FILE = "samples.csv"
NAN = float("nan")
_DEFUSED = ("'=", "'+", "'-", "'@", "'\t", "'\r")
"""How texts begin that the file keeps from being formulas, see `camaudit.scores.write_csv`."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """The samples of one check: labels and columns in one order, NaN where there is no number."""

    labels: Sequence[str | None] = ()
    columns: Mapping[str, Sequence[float]] = field(default_factory=dict)
    whole: bool = False
    """Whether these are all samples, and not only those that the report shows."""


def read(folder: Path, result: AuditResult) -> tuple[dict[str, Scores], str]:
    """Check id → its samples, and why they are only those shown, if so.

    A file that is not the one of this run is not drawn: its marks could contradict the estimates beside them.
    """
    shown = {check.id: _of_rows(check) for check in result.checks}
    if not any(check.paired or any(item.by == "class" for item in check.findings) for check in result.checks):
        return shown, ""  # nothing is drawn of them
    path = folder / FILE
    try:
        if sha256(path) != result.files.get(FILE):
            return shown, f"{FILE} is not the file of this run"
        return shown | _of_file(path, {check.id: check for check in result.checks}), ""
    except OSError as error:
        return shown, f"{FILE} cannot be read: {error.strerror}"
    except (ValueError, KeyError, csv.Error) as error:
        return shown, f"{FILE} cannot be read: {error}"


def _of_rows(check: CheckResult) -> Scores:
    return Scores(
        labels=tuple(row.label for row in check.rows),
        columns={name: tuple(row.values.get(name, NAN) for row in check.rows) for name in check.columns},
    )


def _of_file(path: Path, checks: Mapping[str, CheckResult]) -> dict[str, Scores]:
    labels: dict[str, list[str | None]] = {}
    columns: dict[str, dict[str, list[float]]] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for line in csv.DictReader(file):
            if None in line.values():
                raise ValueError("a line is cut short")
            key = _plain(line["check"])
            if key not in checks:
                continue
            labels.setdefault(key, []).append(_plain(line["label"]) or None)
            own = columns.setdefault(key, {name: [] for name in checks[key].columns})
            for name, values in own.items():
                values.append(float(line[name] or NAN))
    return {key: Scores(labels=tuple(labels[key]), columns=columns[key], whole=True) for key in labels}


def _plain(text: str) -> str:
    return text[1:] if text.startswith(_DEFUSED) else text
