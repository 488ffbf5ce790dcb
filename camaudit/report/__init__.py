"""What a person reads: terminal lines, and a folder of pages that opens anywhere without a server."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from camaudit.report.plates import Picture, Sheet
    from camaudit.result import AuditResult

STATIC = ("style.css", "compare.css", "viewer.css", "report.js", "compare.js", "viewer.js")


def write(folder: Path) -> Path:
    """Write `index.html`, its style and script, and the pictures from `folder`/result.json; return the page.

    Nothing is computed anew and no network is needed. Evidence that is missing or damaged is named in
    the report and costs nothing else of it. Raises `ResultError` where there is no readable result.
    """
    from dataclasses import replace

    from camaudit.report import evidence, html, plates, scores, strikes, view
    from camaudit.result import AuditResult

    result = AuditResult.read(folder / "result.json")
    rows = [row for check in result.checks for row in check.rows]
    keys = [item.key for row in rows for item in plates.maps_of(row) if item.key is not None]
    attacked = [check.attacked.strikes for check in result.checks if check.attacked is not None]
    keys += [item.key for own in attacked for one in own for item in one.maps if item.key is not None]
    found = evidence.read(folder, keys)
    plates.draw_scales(folder)
    drawn: dict[tuple[object, ...], Picture] = {}
    sheets = [
        plates.draw(number, check.rows, found, folder, drawn) for number, check in enumerate(result.checks)
    ]
    for number, check in enumerate(result.checks):
        drawn_strikes, scale = strikes.draw(number, check.attacked, found, folder)
        sheets[number] = replace(sheets[number], strikes=drawn_strikes, strike_scale=scale)
    plates.sweep(folder, sheets)
    table, no_table = scores.read(folder, result)
    problems = (*_problems(result, sheets, found.problem), *([no_table] if no_table else []))
    page = view.page(result, sheets, table, problems)
    _copy_static(folder)
    target = folder / "index.html"
    temporary = folder / "index.html.tmp"
    temporary.write_bytes(html.render(page).encode("utf-8", errors="replace"))
    temporary.replace(target)
    return target


def _copy_static(folder: Path) -> None:
    from importlib.resources import files

    for name in STATIC:
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
