"""Two runs side by side for a person: terminal lines, and a page in a folder of its own."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import ResultError

if TYPE_CHECKING:
    from pathlib import Path

    from camaudit.comparison import Comparison

STATIC = ("style.css", "diff.css", "compare.css", "compare.js")


def write(comparison: Comparison, folder: Path) -> Path:
    """Write `index.html` with its styles, script and pictures into `folder`; return the page.

    No network is needed, and nothing of the two sides is touched. Raises `ResultError` where `folder` is that
    of a report: its page would be overwritten.
    """
    from camaudit.integrity import write_whole
    from camaudit.report import copy_static, html, plates
    from camaudit.report.diff import draw, view

    if (folder / "result.json").exists():
        raise ResultError(
            "is the folder of a report: the comparison would overwrite its page",
            where=str(folder),
            hint="name another folder with --output",
        )
    folder.mkdir(parents=True, exist_ok=True)
    draw.sweep(folder)
    plates.draw_scales(folder)
    sheets = [draw.draw(number, check, folder) for number, check in enumerate(comparison.checks)]
    page = view.page(comparison, sheets)
    copy_static(folder, STATIC)
    target = folder / "index.html"
    write_whole(target, html.fill("diff.html", page=page).encode("utf-8", errors="replace"))
    return target
