"""Class names, in the order of a network's outputs."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from camaudit.classifier.files import existing
from camaudit.errors import ModelError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

TORCHVISION = "torchvision:"
NAME, INDEX = "name", "index"


def read_names(written: str | Sequence[str] | None, base: Path) -> tuple[str, ...] | None:
    """Class names as a spec gives them: a list, a text file (one a line), a CSV file, or a known set.

    A CSV file needs a column `name`; a column `index` must count 0, 1, 2 …, for the order is that of
    the outputs. ``torchvision:imagenet`` are the 1,000 names that torchvision's networks come with.
    Raises `ModelError` for a file that is missing, empty, has blank names, or no such columns.
    """
    if written is None:
        return None
    if not isinstance(written, str):
        return _checked(list(written), "model.classes")
    if written.startswith(TORCHVISION):
        return _known(written.removeprefix(TORCHVISION))
    path = existing(written, base)
    try:
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as failure:
        raise ModelError(f"this is no UTF-8 text: {failure}", where=written) from failure
    lines = text.rstrip().splitlines()
    return _checked(_column(lines, written) if path.suffix.lower() == ".csv" else lines, written)


def _known(name: str) -> tuple[str, ...]:
    if name != "imagenet":
        raise ModelError(
            f"there are no class names {name!r}{did_you_mean(name, ['imagenet'])}",
            where="model.classes",
            hint=f'known is "{TORCHVISION}imagenet"; else name a file',
        )
    from torchvision.models import get_model_weights

    names: list[str] = get_model_weights("resnet18").DEFAULT.meta["categories"]
    return tuple(names)


def _column(lines: list[str], where: str) -> list[str]:
    reader = csv.DictReader(lines, strict=True)
    try:
        rows = list(reader)
    except csv.Error as failure:
        raise ModelError(f"this is no CSV: {failure}", where=where) from failure
    columns = reader.fieldnames or []
    if NAME not in columns:
        raise ModelError(
            f"the file has no column {NAME!r}{did_you_mean(NAME, columns)}",
            where=where,
            hint=f"its columns are: {', '.join(columns) or 'none'}",
        )
    for place, row in enumerate(rows):
        if INDEX in columns and row[INDEX] != str(place):
            raise ModelError(
                f"row {place} has index {row[INDEX]!r}: names stand in the order of the outputs, from 0",
                where=where,
            )
    return [row[NAME] or "" for row in rows]


def _checked(names: list[str], where: str) -> tuple[str, ...]:
    stripped = [name.strip() for name in names]
    if not any(stripped):
        raise ModelError("there are no class names", where=where)
    if "" in stripped:
        raise ModelError(
            f"class {stripped.index('')} has no name: a blank would shift all that follow", where=where
        )
    return tuple(stripped)
