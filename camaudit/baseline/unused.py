"""Baselines that no check names: left behind by a renamed or removed check, they guard nothing."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from camaudit.spec.audit import AuditSpec

LEFT_BEHIND = "(baselines)"
"""What a complete run says of baselines that no check names; no check can have this id."""
FOLDER = "baselines"
"""Where baselines lie beside a spec unless its checks say otherwise."""


def left_behind(spec: AuditSpec) -> tuple[Path, ...]:
    """The baselines beside a spec that were made for it and that none of its checks names."""
    used = [spec.base / name for check in spec.checks for name in getattr(check, "baselines", ())]
    return unused(spec.name, [spec.base / FOLDER, *(path.parent for path in used)], used)


def told(paths: Iterable[Path]) -> str:
    """What a reader is told of them."""
    listed = ", ".join(path.name for path in paths)
    return (
        f"no check names {listed}: a baseline without a check guards nothing. Name it in a check, or "
        "remove it with camaudit prune"
    )


def unused(audit: str, folders: Iterable[Path], used: Iterable[Path]) -> tuple[Path, ...]:
    """The baselines of `audit` in the folders that are not among `used`, sorted.

    Whose a file is, it says itself; files that are no baselines, or another audit's, are nobody's business.
    """
    known = {path.resolve() for path in used}
    found = {
        path
        for folder in {item.resolve() for item in folders}
        if folder.is_dir()
        for path in folder.glob("*.json")
        if path.resolve() not in known and _audit(path) == audit
    }
    return tuple(sorted(found))


def _audit(path: Path) -> str | None:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return data.get("audit") if isinstance(data, dict) and "samples" in data else None
