"""What a report, a summary and a JUnit file look like to the letter, but for what may differ from run to run.

A change that is meant is taken over by running this file with CAMAUDIT_UPDATE_GOLD=1: the tests then write
and fail, so that nobody mistakes them for tests that passed. In CI that is refused. Read the diff afterwards.
"""

from __future__ import annotations

import os
import re
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from camaudit import report
from camaudit.report import markdown
from tests.report import fixture
from tests.small_audit import overlap, write

if TYPE_CHECKING:
    from camaudit.result import AuditResult

GOLD = Path(__file__).parent / "gold"
UPDATE = "CAMAUDIT_UPDATE_GOLD"

# Loaded before pytester takes stock of the modules: a second `import torch` in one process fails.
for _heavy in ("camaudit.engine", "camaudit.report.html", "camaudit.spec.audit", "scipy.stats"):
    import_module(_heavy)

SCRUBS = (
    (r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?", "TIME"),
    (r"\b[0-9a-f]{64}\b", "HASH"),
    (r"\bcamaudit \d+\.\d+[\w.]*", "camaudit VERSION"),
    (r'(?<= time=")[\d.]+(?=")', "SECONDS"),
    (r'(?<= hostname=")[^"]+(?=")', "HOST"),
)
"""Times, hashes, versions and hosts, and what stands in the gold file for them."""


def scrubbed(text: str, home: Path) -> str:
    """The text without what differs from run to run."""
    text = text.replace(str(home), "HOME")
    for pattern, stands_for in SCRUBS:
        text = re.sub(pattern, stands_for, text)
    return text


def compare(name: str, text: str) -> None:
    """Hold a text against its gold file, or take it over where that was asked for."""
    gold = GOLD / name
    if os.environ.get(UPDATE):
        if os.environ.get("CI"):
            pytest.fail(f"{UPDATE} is refused in CI: a machine must not accept what a person has to read")
        gold.write_text(text, encoding="utf-8")
        pytest.fail(f"{gold} was written; read its diff, and run again without {UPDATE}")
    assert text == gold.read_text(encoding="utf-8"), f"if this is meant: {UPDATE}=1 pytest {__file__}"


def small(folder: Path) -> AuditResult:
    """A check of each verdict, two samples, no big tables."""
    rows = fixture.evidence(folder, 2, side=16)
    fails = replace(fixture.failing(rows[:1]), findings=fixture.failing().findings[:3])
    checks = (fixture.check(rows=rows[1:]), fails, fixture.error(), fixture.skip())
    result = fixture.audit(checks, not_run=("under-pgd",), warnings=("UserWarning: a module is used twice",))
    result.write(folder / "result.json")
    return result


def test_the_page(tmp_path: Path) -> None:
    small(tmp_path)
    compare("report.html", scrubbed(report.write(tmp_path).read_text(encoding="utf-8"), tmp_path))


def test_the_summary(tmp_path: Path) -> None:
    compare("summary.md", scrubbed(markdown.summary([small(tmp_path)]), tmp_path))


def test_junit(pytester: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    write(pytester.path / "audits", overlap(), overlap("upside-down", gate={"at_most": 0.1}))
    (pytester.path / "test_it.py").write_text(
        "def test_python(camaudit_audit):\n"
        "    camaudit_audit('squares').check('on-the-square').assert_passes()\n",
        encoding="utf-8",
    )
    pytester.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist\n")
    outcome = pytester.runpytest_inprocess("audits", "test_it.py", "--junitxml=out.xml")
    outcome.assert_outcomes(passed=2, failed=1)
    text = (pytester.path / "out.xml").read_text(encoding="utf-8").replace("><", ">\n<")
    compare("junit.xml", scrubbed(text, pytester.path) + "\n")


def test_scrubs_leave_nothing_of_a_run(tmp_path: Path) -> None:
    text = f'{tmp_path}/x 2031-05-04T10:20:30+00:00 {"3f" * 32} camaudit 0.1.0 a time="0.123" hostname="box"'
    expected = 'HOME/x TIME HASH camaudit VERSION a time="SECONDS" hostname="HOST"'
    assert scrubbed(text, tmp_path) == expected


def test_taking_over_is_refused_in_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(UPDATE, "1")
    monkeypatch.setenv("CI", "true")
    before = (GOLD / "summary.md").read_bytes()
    with pytest.raises(pytest.fail.Exception, match="refused in CI"):
        compare("summary.md", "something else")
    assert (GOLD / "summary.md").read_bytes() == before
