"""The files that a network is made of, as a spec names them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import DataError, ModelError
from camaudit.paths import resolve

if TYPE_CHECKING:
    from pathlib import Path


def existing(text: str, base: Path) -> Path:
    """The file that a spec names. Raises `ModelError` where there is none."""
    try:
        path = resolve(text, base)
    except DataError as failure:
        raise ModelError(failure.message, where=failure.where, hint=failure.hint) from failure
    if not path.is_file():
        found = "a folder" if path.is_dir() else "no such file"
        raise ModelError(
            f"{path} is {found}" if path.is_dir() else f"there is no file {path}",
            where=text,
            hint=f"paths are relative to the spec's folder {base}",
        )
    return path
