"""A baseline as a file: text, sorted, one line per sample, so that a pull request shows what changed."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any

from camaudit.baseline.packed import PackedMap
from camaudit.errors import BaselineError
from camaudit.integrity import write_whole

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

FORMAT = 1
"""1 — first."""
LEFT_OUT = {
    "id",
    "model",
    "data",
    "description",
    "gate",
    "per_class",
    "severity",
    "expect",
    "allow_undefined",
    "confidence",
    "sample",
    "maps",
}
"""Keys of a check that do not decide its scores, or that stand in the fingerprint in another form."""


@dataclass(frozen=True, kw_only=True)
class Fingerprint:
    """What a baseline was measured with. Two of the same `check`, `data` and `spec` can be compared."""

    audit: str
    check: str
    """The check whose scores these are."""
    column: str
    """The number that is compared, one per sample."""
    worse: str
    """``low`` or ``high``: which way this number gets worse."""
    weights: str
    """Of the network: its fingerprint, which covers weights, classes and preprocessing."""
    data: str
    """sha256 over the ids, images and labels of the samples."""
    spec: str
    """sha256 over what decides the scores: kind, metric, regions, maps, sample; not over gates and words."""
    layers: tuple[str, ...] = ()
    """The layers that maps were taken at; ``auto`` may pick another one in another network."""
    seed: int = 0
    versions: Mapping[str, str]

    def unlike(self, other: Fingerprint) -> list[str]:
        """Why scores with the two cannot be compared; empty where they can."""
        told = {
            "column": "another number",
            "worse": "a number that gets worse the other way",
            "data": "other samples, images or labels",
            "spec": "another spec of the check: its kind, metric, regions, maps or sample",
        }
        return [text for name, text in told.items() if getattr(self, name) != getattr(other, name)]


@dataclass(frozen=True, kw_only=True)
class Row:
    """One sample: its number (None with a `reason`), its answer, and its map (None where there is none)."""

    id: str
    value: float | None
    reason: str = ""
    label: str | None = None
    predicted: str | None = None
    map: PackedMap | None = None

    @property
    def line(self) -> str:
        """One line of JSON, without what is empty."""
        cells: dict[str, Any] = {
            "label": self.label,
            "predicted": self.predicted,
            "value": None if self.value is None else float(f"{self.value:.7g}"),
            "reason": self.reason or None,
            "map": None if self.map is None else self.map.text,
        }
        kept = {key: cell for key, cell in cells.items() if cell is not None}
        return f"{json.dumps(self.id, ensure_ascii=False)}: {json.dumps(kept, ensure_ascii=False)}"


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """The rows by id, and what they were measured with."""

    fingerprint: Fingerprint
    rows: Mapping[str, Row]

    @property
    def text(self) -> str:
        """The file: valid JSON, samples in order of id."""
        head = json.dumps({"format": FORMAT, **asdict(self.fingerprint)}, indent=1, ensure_ascii=False)
        lines = ",\n".join(self.rows[key].line for key in sorted(self.rows))
        return f'{head[:-2]},\n "samples": {{\n{lines}\n }}\n}}\n'

    def write(self, path: Path) -> None:
        """Write atomically: a reader sees the old file or the new one, never half of one."""
        write_whole(path, self.text.encode())

    @classmethod
    def read(cls, path: Path) -> Baseline:
        """Read a file. Raises `BaselineError` where it is missing, damaged, or of a later version."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise BaselineError(f"cannot be read: {error.strerror}", where=str(path)) from None
        except ValueError as error:
            raise BaselineError(f"is no baseline: {error}", where=str(path)) from None
        version = data.get("format") if isinstance(data, dict) else None
        if not isinstance(version, int) or version > FORMAT:
            raise BaselineError(
                f"has format {version!r}, this camaudit reads up to {FORMAT}",
                where=str(path),
                hint="install the camaudit that wrote it, or accept a new one",
            )
        try:
            return _baseline(data)
        except BaselineError as error:
            raise BaselineError(f"is damaged or was edited: {error.message}", where=str(path)) from None
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            problem = f"is damaged or was edited: {type(error).__name__}: {error}"
            raise BaselineError(problem, where=str(path), hint="restore it from version control") from None


def _baseline(data: Mapping[str, Any]) -> Baseline:
    names = {item.name for item in fields(Fingerprint)}
    facts = {name: data[name] for name in names}
    rows = {key: _row(key, cells) for key, cells in data["samples"].items()}
    return Baseline(fingerprint=Fingerprint(**{**facts, "layers": tuple(facts["layers"])}), rows=rows)


def _row(key: str, cells: Mapping[str, Any]) -> Row:
    value = cells.get("value")
    packed = cells.get("map")
    return Row(
        id=key,
        value=None if value is None else float(value),
        reason=cells.get("reason", ""),
        label=cells.get("label"),
        predicted=cells.get("predicted"),
        map=None if packed is None else PackedMap.read(packed),
    )
