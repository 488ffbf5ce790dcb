"""Reports that somebody changed, with the hashes that a forger would not forget."""

from __future__ import annotations

import csv
import io
import json
from typing import TYPE_CHECKING, Any

from camaudit.integrity import sha256

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


def edit(report: Path, change: Callable[[Any], object]) -> None:
    """Change the plain data of the result file."""
    path = report / "result.json"
    data = json.loads(path.read_text(encoding="utf-8"))
    change(data)
    path.write_text(json.dumps(data), encoding="utf-8")


def rehash(report: Path, name: str) -> None:
    """Put the hash of a file that was changed into the result."""
    edit(report, lambda data: data["files"].update({name: sha256(report / name)}))


def edit_csv(report: Path, change: Callable[[list[dict[str, str]]], object]) -> None:
    """Change the rows of samples.csv."""
    path = report / "samples.csv"
    rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8"))))
    change(rows)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    rehash(report, "samples.csv")
