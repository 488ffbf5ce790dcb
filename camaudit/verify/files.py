"""The files beside a result against the hashes that the result lists."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.integrity import sha256, written

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path


def file_faults(folder: Path, files: Mapping[str, str]) -> tuple[str, ...]:
    """Files that are changed, missing or not listed, by name. Pages and `img/` are drawn from these."""
    return tuple(_faults(folder, files))


def _faults(folder: Path, files: Mapping[str, str]) -> Iterator[str]:
    if not files:
        yield "result.json lists no files: nothing shows whether they are those of the run"
    home = folder.resolve()
    for name, hashed in files.items():
        path = folder / name
        if not path.resolve().is_relative_to(home):
            yield f"{name}: lies outside of the report's folder"
        elif not path.is_file():
            yield f"{name}: is missing"
        elif sha256(path) != hashed:
            yield f"{name}: is not the file that the run wrote (its sha256 is another)"
    for name in sorted(set(_there(folder)) - set(files)):
        yield f"{name}: is not among the files that the run wrote"


def _there(folder: Path) -> Mapping[str, str]:
    if (folder / "evidence").is_dir() and (folder / "samples.csv").is_file():
        return written(folder)
    return {}
