"""Where the pages of `docs/` take their figures: between two marks, and a person writes around them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def fill(path: Path, start: str, end: str, text: str) -> None:
    """Put the text between the marks of a page. Raises `SystemExit` where it lacks one of them."""
    before, first, rest = path.read_text(encoding="utf-8").partition(start)
    _, last, after = rest.partition(end)
    if not (first and last):
        raise SystemExit(f"{path} has no place for the table: it lacks the marks {start} and {end}")
    path.write_text(f"{before}{start}\n\n{text}\n\n{end}{after}", encoding="utf-8")
