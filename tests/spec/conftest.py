"""Small tables of members, so that the reader is tested apart from what the product ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path  # noqa: TC003 - used at run time by the fixture
from types import SimpleNamespace
from typing import Literal

import pytest
from pydantic import model_validator

import camaudit.checks
import camaudit.data
import camaudit.maps
import camaudit.metrics
from camaudit.errors import Problem, SpecError
from camaudit.spec import read_text
from camaudit.spec.audit import audit_type
from camaudit.spec.base import Number, SourceSpec, StrictModel
from camaudit.spec.types import CheckSpec, Gate, GatedMetric, refuse_vacuous


class ManifestSource(SourceSpec):
    """Samples listed in a file."""

    manifest: str
    """The file."""
    mask: str | None = None


class FolderSource(SourceSpec):
    """Samples in a folder."""

    folder: str


class OverlapSpec(CheckSpec):
    """Is attention on the object?"""

    kind: Literal["overlap"]
    metric: GatedMetric = "energy_inside"
    gate: Gate
    per_class: Gate | None = None

    @model_validator(mode="after")
    def _decides(self) -> OverlapSpec:
        for gate in (self.gate, self.per_class):
            if gate is not None:
                refuse_vacuous(gate, self.metric, 0.0, 1.0)
        return self


class Attack(StrictModel):
    eps: Number
    norm: Literal["linf", "l2"] = "linf"


class AttackedSpec(CheckSpec):
    """A kind without a gate."""

    kind: Literal["attacked"]
    attack: Attack


@dataclass(frozen=True)
class Member:
    name: str
    parameter: str | None = None
    evidence: bool = True
    at: str = "layer"


@pytest.fixture
def tables(monkeypatch):
    """Two kinds of check, two sources, two metrics, two methods."""
    kinds = {"overlap": SimpleNamespace(spec=OverlapSpec), "attacked": SimpleNamespace(spec=AttackedSpec)}
    monkeypatch.setattr(camaudit.checks, "CHECKS", kinds)
    monkeypatch.setattr(camaudit.data, "SOURCES", {"manifest": ManifestSource, "folder": FolderSource})
    metrics = {"energy_inside": Member("energy_inside"), "iou": Member("iou", parameter="threshold")}
    monkeypatch.setattr(camaudit.metrics, "METRICS", metrics)
    methods = {"gradcam": Member("gradcam"), "guided": Member("guided", evidence=False)}
    monkeypatch.setattr(camaudit.maps, "METHODS", methods)
    audit_type.cache_clear()
    yield
    audit_type.cache_clear()


@pytest.fixture
def write(tmp_path, monkeypatch):
    """Writes a spec; the working folder is its own, so that messages name the bare file."""
    monkeypatch.chdir(tmp_path)

    def _write(text: str | bytes, name: str = "dogs.audit.yaml") -> Path:
        path = tmp_path / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    return _write


@pytest.fixture
def told():
    """The mistakes in a text as ``line «what the carets stand under» path: message``."""

    def _told(text: str) -> list[str]:
        with pytest.raises(SpecError, match=":") as caught:
            read_text(text, "a.yaml")
        return [_shown(problem) for problem in caught.value.problems]

    return _told


def _shown(problem: Problem) -> str:
    line, carets = problem.snippet.splitlines()
    start, end = carets.index("^"), len(carets)
    return f"{problem.line} «{line[start:end]}» {problem.path}: {problem.message}"
