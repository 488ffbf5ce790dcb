"""The numbers of all samples, from `samples.csv` beside the result; of those shown where that is gone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from camaudit.errors import ResultError
from camaudit.integrity import sha256

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from camaudit.result import AuditResult, CheckResult

FILE = "samples.csv"
NAN = float("nan")


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
    except ResultError as error:
        return shown, f"{FILE} {error.message}"
    except (ValueError, KeyError) as error:
        return shown, f"{FILE} cannot be read: {error}"


def _of_rows(check: CheckResult) -> Scores:
    return Scores(
        labels=tuple(row.label for row in check.rows),
        columns={name: tuple(row.values.get(name, NAN) for row in check.rows) for name in check.columns},
    )


def _of_file(path: Path, checks: Mapping[str, CheckResult]) -> dict[str, Scores]:
    from camaudit.scores import read_csv  # pandas: only where something is drawn

    texts, found = read_csv(path), {}
    for key in checks.keys() & set(texts["check"]):
        rows = texts[texts["check"] == key]
        found[key] = Scores(
            labels=tuple(text or None for text in rows["label"]),
            columns={name: tuple(float(text or NAN) for text in rows[name]) for name in checks[key].columns},
            whole=True,
        )
    return found
