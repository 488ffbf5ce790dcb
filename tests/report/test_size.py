"""What a report weighs, where it writes, and how it prints."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from camaudit import report
from tests.report import fixture

if TYPE_CHECKING:
    from pathlib import Path

    from camaudit.result import AuditResult

LARGEST = 1_900_000
"""Bytes of the page of 2,000 samples. The aim is 1.5 million: 750 a sample, where it is 930 now."""


def many(folder: Path, samples: int) -> AuditResult:
    """A check that shows many samples; the pictures of sixteen stand for all."""
    rows = fixture.evidence(folder, 16, side=32)
    shown = tuple(replace(rows[number % 16], id=f"img_{number:05d}") for number in range(samples))
    result = fixture.audit((fixture.check(rows=shown),))
    result.write(folder / "result.json")
    return result


def test_what_2000_samples_would_weigh(tmp_path: Path) -> None:
    sizes = {}
    for count in (0, 100):
        many(tmp_path, count)
        page = report.write(tmp_path).read_text(encoding="utf-8")
        assert page.count("<h4>") == count
        sizes[count] = len(page.encode())
    assert sizes[0] + 20 * (sizes[100] - sizes[0]) <= LARGEST


@pytest.mark.parametrize("name", fixture.HOSTILE)
def test_hostile_names_never_leave_the_folder(tmp_path: Path, name: str) -> None:
    home = tmp_path / "reports/audit"
    rows = tuple(
        replace(row, id=name, label=name, predicted=name, group=name, file=name, map_name=name)
        for row in fixture.evidence(home, 2, side=16)
    )
    lost = replace(rows[0], image=name, masks={name: name}, map=name)
    levels = fixture.finding(by="class", level=name)
    check = fixture.check(id=name, title=name, rows=(*rows, lost), findings=(fixture.finding(), levels))
    fixture.audit((check,), name=name).write(home / "result.json")
    report.write(home)
    files = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    static = "|".join(map(re.escape, report.STATIC))
    own = rf"reports/audit/(index\.html|{static}|result\.json|img/[\w-]+\.webp|evidence/[\w.-]+)"
    assert {file for file in files if not re.fullmatch(own, file)} == set()


@pytest.mark.slow
@pytest.mark.browser
def test_it_prints_on_as_many_pages_as_it_has_to_say(browser: Any, tmp_path: Path) -> None:
    fixture.rich(tmp_path, samples=14, side=32)
    page = browser.new_page()
    page.goto(report.write(tmp_path).as_uri())
    paper = page.pdf(format="A4")
    page.close()
    sheets = len(re.findall(rb"/Type\s*/Page\b", paper))
    # Six checks with their tables, charts and samples, the record and the sign-off.
    assert 6 <= sheets <= 40, sheets
