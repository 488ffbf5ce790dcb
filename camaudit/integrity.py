"""sha256 of files: a report says what it was made of, so that anybody can check that nothing was changed."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path


CANDIDATES = "baselines"
"""The folder of a report that candidates for baselines lie in."""


def sha256(path: Path) -> str:
    """The hash of one file, read in pieces."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def write_whole(path: Path, data: bytes) -> None:
    """Write atomically: a reader sees the old file or the new one, never half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(path.name + ".tmp")
    temporary.write_bytes(data)
    temporary.replace(path)


def hashes(folder: Path, names: Iterable[str]) -> dict[str, str]:
    """sha256 of files below `folder`, by relative name, sorted."""
    return {name: sha256(folder / name) for name in sorted(names)}


def written(folder: Path) -> dict[str, str]:
    """The hashes of what a run leaves beside its result: the table of scores and the evidence."""
    evidence = (f"evidence/{path.name}" for path in (folder / "evidence").iterdir() if path.is_file())
    candidates = (f"{CANDIDATES}/{path.name}" for path in (folder / CANDIDATES).glob("*.json"))
    return hashes(folder, ["samples.csv", *evidence, *candidates])
