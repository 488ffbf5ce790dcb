"""A summary in Markdown, for the page of a CI job: the worst first, cut where it would get too long."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.findings import deciding
from camaudit.report.words import printable
from camaudit.result import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from camaudit.result import AuditResult, CheckResult

SMALLEST = 1_000
"""Bytes below which not even the verdict and what was left out would fit."""
MARKS = {"PASS": "✅", "FAIL": "❌", "INCONCLUSIVE": "❔", "SKIP": "⏭️", "ERROR": "💥"}
LONGEST = 300
"""Letters of an answer in a table."""
_SPECIAL = re.compile(r"([\\`*_{}\[\]<>()#+!|~&])")


def summary(results: Sequence[AuditResult], *, max_bytes: int | None = None) -> str:
    """Markdown of several audits: a verdict and a table of all checks, at most `max_bytes` of UTF-8.

    Where all does not fit, whole lines are left out from the end, PASS before anything worse, and the text
    says how many. Names and answers are escaped: they stay text. Raises `ValueError` for no results and for
    fewer than 1,000 bytes.
    """
    if not results:
        raise ValueError("no results: an empty summary is never green")
    if max_bytes is not None and max_bytes < SMALLEST:
        raise ValueError(f"max_bytes: {max_bytes} is too little, {SMALLEST:,} is the least")
    checks = [(result, check) for result in results for check in result.checks]
    checks.sort(key=lambda pair: (not pair[1].blocks, -SEVERITY.index(pair[1].status)))
    head, rows = list(_head(results)), [_row(*pair) for pair in checks]
    shown = len(rows) if max_bytes is None else _fitting(head, rows, max_bytes)
    return _text(head, rows, shown)


def _head(results: Sequence[AuditResult]) -> Iterator[str]:
    bad = sum(check.blocks for result in results for check in result.checks)
    total = sum(len(result.checks) for result in results)
    failed = any(result.blocks for result in results)
    said = (
        f"{bad} of {numbers.count(total, 'check')} failed"
        if failed
        else f"{numbers.count(total, 'check')} passed"
    )
    yield f"## {MARKS['FAIL' if failed else 'PASS']} camaudit: {said}"
    for result in results:
        if result.not_run:
            left_out = numbers.count(len(result.not_run), "check")
            yield f"\n{escaped(result.name)}: partial run, {left_out} left out"
    yield ""
    yield "| | audit | check | result |"
    yield "| --- | --- | --- | --- |"


def _row(result: AuditResult, check: CheckResult) -> str:
    status = f"{MARKS[check.status]} {check.status}"
    return f"| {status} | {escaped(result.name)} | {escaped(check.id)} | {_found(check)} |"


def _found(check: CheckResult) -> str:
    """The deciding number with its interval and gate; the answer where there is none, or an ERROR."""
    finding = deciding(check)
    if finding is None or check.status in {"ERROR", "SKIP"}:
        answer = next(iter((check.answer or check.headline).splitlines()), "")
        return escaped(answer if len(answer) <= LONGEST else f"{answer[:LONGEST]}…")
    value, interval = numbers.estimate(finding.value, finding.lower, finding.upper, finding.bound)
    control = " (known-bad control)" if check.expect == "fail" else ""
    n = f"n={finding.n:,}"
    return escaped(" ".join(filter(None, [value, interval, finding.gate, n])) + control)


def escaped(text: str) -> str:
    """Text that Markdown and HTML leave alone, on one line."""
    return (
        _SPECIAL.sub(r"\\\1", " ".join(printable(text).split())).replace("\\<", "&lt;").replace("\\>", "&gt;")
    )


def _fitting(head: Sequence[str], rows: Sequence[str], most: int) -> int:
    """How many rows fit; the worst come first."""
    shown = len(rows)
    while shown and len(_text(head, rows, shown).encode()) > most:
        shown -= 1
    return shown


def _text(head: Sequence[str], rows: Sequence[str], shown: int) -> str:
    left = len(rows) - shown
    tail = [] if not left else ["", f"{numbers.count(left, 'more check')} did not fit: see the report."]
    return "\n".join([*head, *rows[:shown], *tail]) + "\n"
