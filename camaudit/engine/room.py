"""Makes room for a run: nothing of an earlier one may pass for its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import ResultError
from camaudit.integrity import CANDIDATES

if TYPE_CHECKING:
    from pathlib import Path


def prepare(folder: Path) -> None:
    """Make room. Whatever happens from here on: what an earlier run found must not pass for this one's."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name in ("result.json", "index.html", "report.html", "samples.csv"):
            (folder / name).unlink(missing_ok=True)
        for path in [*(folder / CANDIDATES).glob("*.json"), *folder.glob("diff*/index.html")]:
            path.unlink()
    except OSError as failure:
        raise ResultError(
            f"the report cannot be written here: {failure.strerror}",
            where=str(folder),
            hint="name a folder for reports that can be written: --reports, in pytest --camaudit-reports",
        ) from failure


def fresh(folder: Path) -> Path:
    """An empty evidence folder: nothing of an earlier run may pass for this one's."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()
    return folder
