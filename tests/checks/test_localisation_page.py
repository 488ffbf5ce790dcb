"""What docs/localisation.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from camaudit import plan
from camaudit.checks.localisation import FIGURES, LocalisationSpec
from camaudit.engine import run
from camaudit.metrics.localisation import BOX_LEVELS, PIXEL_LEVELS
from camaudit.report import write as write_report
from camaudit.spec import read

PAGE = (Path(__file__).parents[2] / "docs/localisation.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def result(tmp_path, monkeypatch):
    """The example, run as the page says."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "docs/localisation.md", "exec"), {})
    Path("discs.audit.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    found = run(plan.make(read(Path("discs.audit.yaml"))), tmp_path / "reports")
    return {check.id: check for check in found.checks}


def test_the_example_passes_and_is_as_described(result, tmp_path):
    first, second = result["finds-the-disc"], result["best-boxes"]
    assert (first.status, second.status) == ("PASS", "PASS")
    assert first.parameters["samples with boxes of their own"] == "60"
    found = {item.name: item for item in first.findings}
    assert 0.5 < found["box_iou"].value < 1
    assert second.population.used == 40
    assert float(second.parameters["threshold at IoU 0.7"]) > 0.15
    page = write_report(tmp_path / "reports").read_text(encoding="utf-8")
    for words in ("finds-the-disc", "threshold at IoU 0.7", "centre box", "top-1 localisation error"):
        assert words in page


def test_the_snippets_are_checks():
    snippets = [yaml.safe_load(block)[0] for block in blocks("yaml")[:-1]]
    assert [item["id"] for item in snippets] == ["finds-the-disc", "best-boxes", "points-and-rejects"]
    assert all(LocalisationSpec.model_validate(item) for item in snippets)


def test_every_number_and_key_is_on_the_page():
    own = LocalisationSpec.model_fields.keys() - {"id", "kind", "model", "data", "sample", "confidence"}
    for name in {*FIGURES, *own} - {"description", "severity", "expect", "maps", "mask"}:
        assert f"`{name}" in PAGE or f"{name}:" in PAGE, name
    assert (BOX_LEVELS[0], BOX_LEVELS[-1], PIXEL_LEVELS[0], PIXEL_LEVELS[-1]) == (0.01, 1.0, 0.0, 1.0)
