"""What a person reads: terminal lines, and a folder of pages that opens anywhere without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camaudit.report.plates import Picture, Sheet
    from camaudit.result import AuditResult

STATIC = ("style.css", "compare.css", "viewer.css", "report.js", "compare.js", "viewer.js")


def write(folder: Path, *, single: bool = False) -> Path:
    """Write `index.html`, its style and script, and the pictures from `folder`/result.json; return the page.

    `single` writes `report.html` beside it, one file of at most 10 MB that needs no other; without it an
    older one is removed. Nothing is computed anew and no network is needed. Evidence that is missing or
    damaged is named in the report and costs nothing else of it. Raises `ResultError` where there is no
    readable result.
    """
    from camaudit.integrity import write_whole
    from camaudit.report import html, scores, view
    from camaudit.report import single as one_file
    from camaudit.result import AuditResult

    result = AuditResult.read(folder / "result.json")
    sheets, problems = drawn(folder, result)
    table, no_table = scores.read(folder, result)
    problems = (*problems, *([no_table] if no_table else []))
    page = view.page(result, sheets, table, problems)
    copy_static(folder, STATIC)
    target = folder / "index.html"
    write_whole(target, html.render(page).encode("utf-8", errors="replace"))
    if single:
        write_whole(folder / one_file.NAME, one_file.single(result, sheets, problems, folder, scores=table))
    else:
        (folder / one_file.NAME).unlink(missing_ok=True)
    return target


def drawn(folder: Path, result: AuditResult) -> tuple[list[Sheet], tuple[str, ...]]:
    """Draw all pictures of a result into `folder`/img: what was drawn of each check, and what was not."""
    from dataclasses import replace

    from camaudit.report import evidence, plates, strikes

    rows = [row for check in result.checks for row in check.rows]
    keys = [item.key for row in rows for item in plates.maps_of(row) if item.key is not None]
    attacked = [check.attacked.strikes for check in result.checks if check.attacked is not None]
    keys += [item.key for own in attacked for one in own for item in one.maps if item.key is not None]
    found = evidence.read(folder, keys)
    plates.draw_scales(folder)
    made: dict[tuple[object, ...], Picture] = {}
    sheets = [
        plates.draw(number, check.rows, found, folder, made) for number, check in enumerate(result.checks)
    ]
    for number, check in enumerate(result.checks):
        struck, scale = strikes.draw(number, check.attacked, found, folder)
        sheets[number] = replace(sheets[number], strikes=struck, strike_scale=scale)
    plates.sweep(folder, sheets)
    return sheets, tuple(_problems(result, sheets, found.problem))


def copy_static(folder: Path, names: Sequence[str]) -> None:
    """Put style sheets and scripts beside a page."""
    from importlib.resources import files

    for name in names:
        (folder / name).write_bytes((files(__name__) / "static" / name).read_bytes())


def _problems(result: AuditResult, sheets: Sequence[Sheet], no_maps: str) -> list[str]:
    """Pictures that could not be drawn although the result names their evidence, counted by reason."""
    problems = [f"no map could be drawn: {no_maps}"] if no_maps and _names_maps(result) else []
    for check, sheet in zip(result.checks, sheets, strict=True):
        reasons: dict[str, int] = {}
        for plate in sheet.plates:
            for why in {
                f"{item.kind}{' ' * bool(item.name)}{item.name}: {item.missing}"
                for item in plate.pictures
                if item.missing
            }:
                reasons[why] = reasons.get(why, 0) + 1
        for drawn in sheet.strikes:
            for why in {f"{item.name}: {item.missing}" for item in drawn if item.missing}:
                reasons[why] = reasons.get(why, 0) + 1
        problems += [
            f"{check.id}: pictures of {number} samples missing: {why}" for why, number in reasons.items()
        ]
    return problems


def _names_maps(result: AuditResult) -> bool:
    return any(row.map is not None for check in result.checks for row in check.rows)
