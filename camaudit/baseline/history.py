"""Accepting a candidate: a deliberate act, written down in ``HISTORY.jsonl`` beside the baseline."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from camaudit.baseline.record import Baseline
from camaudit.errors import BaselineError
from camaudit.integrity import sha256, write_whole

if TYPE_CHECKING:
    from pathlib import Path

HISTORY = "HISTORY.jsonl"
LIKE_YES = {"1", "true", "yes", "on"}


def accept(candidate: Path, target: Path, *, by: str, reason: str, verdict: str = "") -> dict[str, Any]:
    """Make a candidate the baseline `target`, and add a line to the history; the line is returned.

    `verdict` is what the run said of the candidate. The history is written first: a baseline without its
    line cannot be, a line without its baseline is seen by its hash. Raises `BaselineError` under ``CI``, for
    an empty `by` or `reason`, for a candidate that cannot be read, and where nothing would change.
    """
    refuse_in_ci()
    for name, text in (("by", by), ("reason", reason)):
        if not text.strip():
            raise BaselineError(f"{name} is empty", hint="say who accepts this, and why")
    new = Baseline.read(candidate)
    old = target if target.exists() else None
    if old is not None and old.read_bytes() == candidate.read_bytes():
        raise BaselineError("the candidate is the baseline already", where=str(target))
    line = {
        "when": datetime.now(UTC).isoformat(timespec="seconds"),
        "by": by,
        "reason": reason,
        "baseline": target.name,
        "audit": new.fingerprint.audit,
        "check": new.fingerprint.check,
        "samples": len(new.rows),
        "old_sha256": None if old is None else sha256(old),
        "new_sha256": sha256(candidate),
        "old_weights": None if old is None else _weights(old),
        "new_weights": new.fingerprint.weights,
        "verdict": verdict,
    }
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / HISTORY).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
    # To the byte: its hash is in the line.
    write_whole(target, candidate.read_bytes())
    return line


def history(target: Path) -> list[dict[str, Any]]:
    """The lines about one baseline, oldest first. Raises `BaselineError` for a line that is no JSON."""
    path = target.parent / HISTORY
    if not path.exists():
        return []
    found = []
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            found.append(json.loads(text))
        except ValueError as error:
            raise BaselineError(f"is no JSON: {error}", where=f"{path}:{number}") from None
    return [line for line in found if line.get("baseline") == target.name]


def refuse_in_ci() -> None:
    """Raise `BaselineError` under ``CI``: a machine must not accept what a person has to look at."""
    if os.environ.get("CI", "").strip().lower() in LIKE_YES:
        raise BaselineError(
            "CI is set: baselines are accepted by a person, not by CI",
            hint="run the audit and `camaudit accept` on your own machine, and commit the baseline",
        )


def _weights(path: Path) -> str | None:
    try:
        return Baseline.read(path).fingerprint.weights
    except BaselineError:
        # What is replaced may be damaged; that is a reason to replace it.
        return None
