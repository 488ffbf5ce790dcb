"""Runs in time: a line in `runs.jsonl` for each, beside the result of the last one, which it outlives."""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from math import isfinite
from typing import TYPE_CHECKING, Any

import yaml

from camaudit.report.words import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from camaudit.result import AuditResult, CheckResult, Finding, Status

RUNS = "runs.jsonl"
FORMAT = 1
"""1 — first."""
_JUDGED = {"id", "description", "gate", "per_class", "severity", "expect", "allow_undefined"}
"""Keys of a check that change what is said of a number, and not the number."""
NAN = float("nan")


@dataclass(frozen=True, kw_only=True)
class Gated:
    """One gated number of one run. NaN where there was none."""

    check: str
    name: str
    title: str
    value: float
    lower: float
    upper: float
    n: int
    gate: str
    bound: float
    direction: str
    status: Status
    by: str | None = None
    setup: str = ""
    """sha256 over what decides the number: the check without its gates, maps, sample, data set. Numbers of
    another setup are not compared."""
    expect: str = "pass"
    """``fail`` for a known-bad control."""
    data: str = ""
    """sha256 of the images and labels."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What is kept of a run."""

    audit: str
    created: str
    word: str
    """``PASS``, ``FAIL``, ``PARTIAL`` …"""
    tone: str
    partial: bool
    blocks: bool
    git: str
    weights: dict[str, str]
    """Network → sha256 of its weights file, or its fingerprint."""
    numbers: tuple[Gated, ...]
    format: int = FORMAT

    @property
    def line(self) -> str:
        """One line of JSON, NaN as null."""
        data = asdict(self)
        data["numbers"] = [
            {
                key: None if isinstance(cell, float) and not isfinite(cell) else cell
                for key, cell in item.items()
            }
            for item in data["numbers"]
        ]
        return json.dumps(data, ensure_ascii=False, allow_nan=False)


def run_of(result: AuditResult) -> Run:
    """What of a result is kept."""
    said = verdict(result)
    return Run(
        audit=result.name,
        created=result.created,
        word=said.badge.word,
        tone=said.badge.tone,
        partial=bool(result.not_run),
        blocks=result.blocks,
        git=result.environment.get("git", ""),
        weights={model.name: model.weights_sha256 or model.fingerprint for model in result.models},
        numbers=tuple(
            _gated(check, item, setup)
            for check in result.checks
            for setup in [_setup(result.spec_text, check)]
            for item in check.findings
            if item.status is not None
        ),
    )


def append(folder: Path, result: AuditResult) -> None:
    """Add a run to the report's `runs.jsonl`, in one write; a line torn before it is closed off."""
    path = folder / RUNS
    torn = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    line = ("\n" if torn else "") + run_of(result).line + "\n"
    place = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        os.write(place, line.encode())
    finally:
        os.close(place)


def read(path: Path) -> tuple[list[Run], list[str]]:
    """The runs of a file, oldest first, and which lines cannot be read; none where there is no file."""
    found, problems = [], []
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split("\n") if path.exists() else []
    except OSError as error:
        return [], [f"{path.name} cannot be read: {error.strerror}"]
    for number, text in enumerate(lines, start=1):
        if not text.strip():
            continue
        try:
            found.append(_run(json.loads(text)))
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            problems.append(f"line {number} of {path.name} is skipped: {type(error).__name__}: {error}")
    return found, problems


def _gated(check: CheckResult, item: Finding, setup: str) -> Gated:
    assert item.status is not None
    return Gated(
        check=check.id,
        name=item.name,
        title=item.title,
        value=item.value,
        lower=item.lower,
        upper=item.upper,
        n=item.n,
        gate=item.gate,
        bound=NAN if item.bound is None else item.bound,
        direction=item.direction or "",
        status=item.status,
        by=item.by,
        expect=check.expect,
        setup=setup,
        data=check.population.sha256 if check.population is not None else "",
    )


def _setup(spec_text: str, check: CheckResult) -> str:
    """What decides the numbers of a check, hashed; of the whole text where it cannot be taken apart."""
    try:
        parts: Any = list(_deciding(yaml.safe_load(spec_text), check.id))
    except (yaml.YAMLError, AttributeError, KeyError, TypeError, StopIteration):
        parts = spec_text
    return sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()


def _deciding(spec: dict[str, Any], name: str) -> Iterator[Any]:
    check = {item["id"]: item for item in spec["checks"]}[name]
    yield {key: cell for key, cell in check.items() if key not in _JUDGED}
    yield from (spec.get(key) for key in ("maps", "defaults"))
    yield spec["data"].get(check["data"]) if "data" in check else spec["data"]
    if "of" in check:
        yield from _deciding(spec, check["of"])


def _run(data: Any) -> Run:
    version = data["format"]
    if not isinstance(version, int) or version > FORMAT:
        raise ValueError(f"has format {version!r}, this camaudit reads up to {FORMAT}")
    blank = {"value", "lower", "upper", "bound"}
    numbers = tuple(
        Gated(**{**item, **{key: NAN for key in blank if item[key] is None}}) for item in data["numbers"]
    )
    own = {item.name for item in fields(Run)}
    run = Run(**{key: cell for key, cell in data.items() if key in own and key != "numbers"}, numbers=numbers)
    for item in numbers:
        # Whatever is drawn has to be a number: an edited line must not break the page.
        _refuse_unlike(item, float, *blank)
        _refuse_unlike(item, str, "check", "name", "title", "gate", "status", "expect")
    _refuse_unlike(run, str, "audit", "created", "word", "tone", "git")
    _refuse_unlike(run, dict, "weights")
    return run


def _refuse_unlike(item: object, kind: type, *names: str) -> None:
    for name in names:
        cell = getattr(item, name)
        if not isinstance(cell, kind) and not (kind is float and isinstance(cell, int)):
            raise TypeError(f"{name} is {cell!r}")
