"""What docs/shortcuts.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from camaudit import plan
from camaudit.checks.shortcut import ShortcutSpec
from camaudit.engine import run
from camaudit.spec import read
from camaudit.spec.types import CheckSpec

PAGE = (Path(__file__).parents[2] / "docs/shortcuts.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def check(tmp_path, monkeypatch):
    """The example, run as the page says."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "docs/shortcuts.md", "exec"), {})
    Path("tags.audit.yaml").write_text(blocks("yaml")[-1], encoding="utf-8")
    (found,) = run(plan.make(read(Path("tags.audit.yaml"))), tmp_path / "reports").checks
    return found


def test_the_example_is_caught_and_every_number_is_on_the_page(check):
    assert check.status == "FAIL"
    assert "tag: SHORTCUT: swapping it flips 100 % [95, 100] of" in check.headline
    for item in check.findings:
        assert f"`{item.name.replace('(mean)', '(blur)')}`" in PAGE, item.name


def test_the_snippet_is_a_check_and_every_key_is_on_the_page():
    (snippet,) = yaml.safe_load(blocks("yaml")[0])
    assert ShortcutSpec.model_validate(snippet).discover
    for name in ShortcutSpec.model_fields.keys() - CheckSpec.model_fields.keys():
        assert f"`{name}`" in PAGE, name
