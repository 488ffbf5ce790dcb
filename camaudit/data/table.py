"""CSV, TSV and JSON lines as rows of text."""

from __future__ import annotations

import csv
import json
from io import StringIO
from typing import TYPE_CHECKING, Any

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

Row = tuple[int, dict[str, str] | str]
"""The line, and its cells by column, or what is wrong with it."""


def read_table(file: Path) -> tuple[list[str], Iterator[Row]]:
    """Column names and rows, all cells as text.

    A single row that does not fit is handed on as what is wrong with it. Raises `DataError` where the
    file as a whole cannot be read.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except OSError as failure:
        hint = "paths are relative to the spec's folder" if isinstance(failure, FileNotFoundError) else None
        raise DataError(failure.strerror or str(failure), where=str(file), hint=hint) from failure
    except UnicodeDecodeError as failure:
        raise DataError(
            f"the file is not UTF-8: {failure}", where=str(file), hint="save it as UTF-8"
        ) from failure
    if file.suffix.lower() in {".jsonl", ".ndjson"}:
        return _read_json_lines(text, str(file))
    if file.suffix.lower() not in {".csv", ".tsv"}:
        raise DataError(f"a manifest is .csv, .tsv or .jsonl, not {file.suffix!r}", where=str(file))
    return _read_csv(text, "\t" if file.suffix.lower() == ".tsv" else ",", str(file))


def _read_csv(text: str, delimiter: str, where: str) -> tuple[list[str], Iterator[Row]]:
    reader = csv.reader(StringIO(text, newline=""), delimiter=delimiter, strict=True)
    try:
        header = [name.strip() for name in next(reader, [])]
    except csv.Error as failure:
        raise DataError(f"this is no CSV: {failure}", where=f"{where}:1") from failure
    if not any(header):
        raise DataError("the file is empty", where=where, hint="an audit of nothing is never green")
    twice = sorted({name for name in header if header.count(name) > 1})
    if twice:
        raise DataError(f"the column {twice[0]!r} stands there twice", where=f"{where}:1")
    return header, _csv_rows(reader, header, where)


def _csv_rows(reader: Any, header: list[str], where: str) -> Iterator[Row]:
    while True:
        try:
            cells = next(reader, None)
        except csv.Error as failure:
            raise DataError(f"this is no CSV: {failure}", where=f"{where}:{reader.line_num}") from failure
        if cells is None:
            return
        if not cells:
            continue
        if len(cells) != len(header):
            yield (
                reader.line_num,
                f"{where}:{reader.line_num}: {len(cells)} cells under {len(header)} columns",
            )
        else:
            yield reader.line_num, dict(zip(header, cells, strict=True))


def _read_json_lines(text: str, where: str) -> tuple[list[str], Iterator[Row]]:
    rows = [
        _json_row(number, line, where)
        for number, line in enumerate(text.split("\n"), start=1)
        if line.strip()
    ]
    header = list(dict.fromkeys(key for _, cells in rows if isinstance(cells, dict) for key in cells))
    if rows and not header:
        raise DataError("not one line is a JSON object", where=f"{where}:{rows[0][0]}", hint=str(rows[0][1]))
    complete = (
        (line, cells if isinstance(cells, str) else {**dict.fromkeys(header, ""), **cells})
        for line, cells in rows
    )
    return header or ["image"], complete


def _json_row(number: int, line: str, where: str) -> Row:
    try:
        value = json.loads(line)
    except ValueError as failure:
        return number, f"{where}:{number}: this is no JSON: {failure}"
    if not isinstance(value, dict):
        return number, f"{where}:{number}: a JSON object is needed, not {type(value).__name__}"
    return number, {key: _text(item) for key, item in value.items()}


def _text(item: object) -> str:
    if item is None:
        return ""
    return item if isinstance(item, str) else json.dumps(item, ensure_ascii=False)
