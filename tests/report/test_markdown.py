"""The summary for the page of a CI job: the worst first, text stays text, and it fits."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camaudit.report.markdown import escaped, summary
from camaudit.result import AuditResult, CheckResult, Finding


def check(name, status="PASS", **changes):
    finding = Finding(
        name="energy_inside",
        title="share",
        value=0.71,
        lower=0.69,
        upper=0.73,
        confidence=0.95,
        n=300,
        interval="bootstrap",
        column="energy_inside",
        status=status,
        gate="at least 0.6",
        bound=0.6,
        direction="at_least",
    )
    own = {
        "id": name,
        "kind": "overlap",
        "title": "t",
        "status": status,
        "outcome": status,
        "headline": "h",
        "question": "q",
        "rule": "r",
        "answer": "why",
        "findings": (finding,),
        "blocks": status not in {"PASS", "SKIP"},
    }
    return CheckResult(**{**own, **changes})


def audit(*checks, **changes):
    return AuditResult(**{"name": "dogs", "checks": checks, **changes})


def test_one_line_per_check_the_worst_first():
    text = summary([audit(check("fine"), check("bad", "FAIL")), audit(check("broken", "ERROR"), name="cats")])
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert [row.split(" | ")[2] for row in rows] == ["broken", "bad", "fine"]
    assert "camaudit: 2 of 3 checks failed" in text
    assert r"0.71 \[0.69, 0.73\] at least 0.6 n=300" in text


def test_all_green_says_so():
    assert "camaudit: 1 check passed" in summary([audit(check("fine"))])


def test_a_partial_run_is_told():
    assert "partial run, 2 checks left out" in summary([audit(check("fine"), not_run=("a", "b"))])


def test_nothing_is_never_green():
    with pytest.raises(ValueError, match="never green"):
        summary([])
    assert "0 of 0 checks failed" in summary([audit()])


@pytest.mark.parametrize(
    "name", ["<script>alert(1)</script>", "a|b", "[x](http://y)", "`code`", "line\nbreak", "![i](u)", "&lt;"]
)
def test_names_stay_text(name):
    text = summary([audit(replace(check("id"), answer=name, findings=(), status="ERROR"))])
    (row,) = [line for line in text.splitlines() if "ERROR" in line]
    assert "<" not in row.replace("&lt;", "")
    unescaped = row.replace("\\|", "")
    assert unescaped.count("|") == 5
    assert "](" not in row


def test_what_does_not_fit_is_left_out_from_the_end_and_counted():
    checks = [check(f"check-{number:03}") for number in range(200)] + [check("bad", "FAIL")]
    text = summary([audit(*checks)], max_bytes=2000)
    assert len(text.encode()) <= 2000
    assert "| bad |" in text
    rows = sum(line.startswith(("| ✅", "| ❌")) for line in text.splitlines())
    assert f"{201 - rows} more checks did not fit" in text


def test_too_few_bytes_are_refused():
    with pytest.raises(ValueError, match="1,000 is the least"):
        summary([audit(check("fine"))], max_bytes=10)


def test_a_long_answer_is_cut():
    text = summary([audit(replace(check("id"), answer="x" * 5000, findings=(), status="ERROR"))])
    assert "x" * 300 + "…" in text
    assert "x" * 301 not in text


def test_escaping_leaves_words_alone():
    assert escaped("energy inside 0.5") == "energy inside 0.5"
