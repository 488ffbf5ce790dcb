"""The tutorial, from its first line to its last: every file, change and command, and what they print."""

from __future__ import annotations

import pytest

from tests.docs.pages import blocks
from tests.docs.tutorial import alike, carry_out, commands, missing

PAGE = "tutorial.md"


def test_everything_on_the_page_is_a_file_a_change_or_a_command():
    for block in blocks(PAGE):
        assert block.title or block.language == "console", block.text
    shown = [
        command
        for block in blocks(PAGE)
        if block.language == "console"
        for command, _ in commands(block.text)
    ]
    assert {"init", "check", "run", "accept"} <= {line.split()[1] for line in shown}
    assert "pytest audits" in shown


@pytest.mark.parametrize(
    ("line", "other"),
    [
        (" FAIL  on-the-shape  0.41 [0.40, 0.42]", " FAIL  on-the-shape    0.4 [0.39, 0.43]"),
        ("2 classes, 56270b000637", "2 classes, abcdef01234a"),
        ("=== 3 passed in 9.01s ===", "======= 3 passed in 12s ======="),
    ],
)
def test_numbers_and_widths_may_differ(line, other):
    assert alike(line) == alike(other)


def test_verdicts_may_not_differ():
    assert alike(" FAIL  on-the-shape  0.41") != alike(" PASS  on-the-shape  0.41")


@pytest.mark.slow
def test_the_page_is_so(tmp_path):
    ran = carry_out(PAGE, tmp_path)
    wrong = {item.command: (missing(item), item.printed) for item in ran if missing(item)}
    assert not wrong
    # A line that says nothing of its exit code has to succeed.
    assert [item.command for item in ran if item.code] == []
    assert (tmp_path / "reports/shapes/index.html").is_file()
    assert (tmp_path / "summary.md").read_text(encoding="utf-8").strip()
