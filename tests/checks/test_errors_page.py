"""What docs/errors.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from camaudit import plan
from camaudit.checks.errors import ErrorsGates, ErrorsSpec
from camaudit.engine import run
from camaudit.spec import read

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "errors.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """The example, run as the page says."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "docs/errors.md", "exec"), {})
    Path("lures.audit.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    (found,) = run(plan.make(read(Path("lures.audit.yaml"))), tmp_path / "reports").checks
    return found


def test_the_example_passes_and_is_as_described(check):
    assert check.status == "PASS"
    found = {item.name: item for item in check.findings}
    assert found["error_rate"].value == pytest.approx(1 / 3)
    assert found["cell [label on, predicted off]"].level.endswith("20 of 20")


def test_every_number_is_on_the_page(check):
    for name in {item.name.partition(" [")[0] for item in check.findings}:
        assert f"`{name}" in PAGE, name


def test_the_snippet_is_a_check_and_every_key_is_on_the_page():
    (snippet,) = yaml.safe_load(blocks("yaml")[0])
    assert ErrorsSpec.model_validate(snippet).gate.on_object is not None
    for name in {"compare", "metric", "mask", "on_object", "allow_none", *ErrorsGates.model_fields}:
        assert f"`{name}`" in PAGE, name


def test_pictures_of_the_page_are_there():
    for file in re.findall(r"!\[[^]]*\]\(([^)]*)\)", PAGE):
        assert (DOCS / file).is_file()
