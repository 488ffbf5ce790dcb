"""Terminal lines: one per check, and the text of a failure whose first line stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.report import numbers
from camaudit.report.findings import deciding, near_controls, worst_level
from camaudit.report.words import Anchors, printable, shortfalls
from camaudit.result import SEVERITY

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from camaudit.result import AuditResult, CheckResult, Finding

_SHOWN = 3


def summary_lines(result: AuditResult, *, header: bool = False, width: int = 42) -> list[str]:
    """The block at the end of a run: one line per check, worst first, then what was left out.

    `header` puts the line ``==== camaudit ====`` before it, for where nobody else draws one.
    """
    lines = [" camaudit ".center(width, "=")] if header else []
    checks = sorted(result.checks, key=lambda check: -SEVERITY.index(check.status))
    room = max((len(printable(check.id)) for check in checks), default=0)
    word = max((len(check.status) for check in checks), default=0)
    for check in checks:
        name = printable(check.id).ljust(room)
        lines.append(f" {check.status.ljust(word)}  {name}  {printable(_detail(check))}".rstrip())
    if not result.checks:
        lines.append(" ERROR  no check was run")
    lines += [f" maps of {', '.join(ids)} are {text}" for text, ids in _trusts(checks).items()]
    if result.not_run:
        left_out = numbers.count(len(result.not_run), "check")
        lines.append(f" partial run: {left_out} left out: {', '.join(map(printable, result.not_run))}")
    return lines


def failure(check: CheckResult, result: AuditResult, report_path: Path | str) -> str:
    """What went wrong, where, and what to do; the first line is all that a summary shows."""
    place = f"{result.spec_file}:{check.line}" if result.spec_file else result.name
    first, *rest = (check.headline or check.answer or check.status).strip().splitlines()
    body = (*rest, *_body(check, report_path))
    return "\n".join(
        printable(line) for line in (f"{place}: {first}", *(f"  {line.strip()}" for line in body if line))
    )


def line(finding: Finding) -> str:
    """``0.71 [0.69, 0.73]  at least 0.60   (centre prior 0.34, shuffled mask 0.29)``."""
    value, interval = numbers.estimate(finding.value, finding.lower, finding.upper, finding.bound)
    level = f"{finding.level}: " if finding.level is not None else ""
    ground = [f"{item.name.replace('_', ' ')} {numbers.plain(item.value)}" for item in finding.controls]
    if finding.chance is not None:
        ground.append(f"chance {numbers.plain(finding.chance)}")
    beside = f"   ({', '.join(ground)})" if ground else ""
    return f"{level}{' '.join(filter(None, [value, interval]))}  {finding.gate}".rstrip() + beside


def _trusts(checks: Iterable[CheckResult]) -> dict[str, list[str]]:
    """What is said of maps, once, with the checks that it is said of."""
    found: dict[str, list[str]] = {}
    for check in checks:
        if check.trust is not None:
            found.setdefault(printable(check.trust.text), []).append(printable(check.id))
    return found


def _detail(check: CheckResult) -> str:
    finding = deciding(check)
    known_bad = _known_bad(check)
    short = shortfalls(check)
    warns = f"   {numbers.count(len(short), 'warning')}" if short else ""
    if finding is None or check.status in {"ERROR", "SKIP"}:
        return next(iter((check.answer or check.headline).splitlines()), "") + (
            f"   {known_bad}" if known_bad else ""
        )
    caution = "   no clearer than its controls" if near_controls(check) else ""
    return line(finding) + (f"   {known_bad}" if known_bad else "") + caution + warns


def _known_bad(check: CheckResult) -> str:
    if check.expect != "fail":
        return ""
    return (
        "known-bad control: failed, as it must"
        if check.outcome == "FAIL"
        else "known-bad control: did not fail"
    )


def _body(check: CheckResult, report_path: Path | str) -> Iterable[str]:
    if check.status == "ERROR":
        yield from () if check.answer in check.headline else check.answer.splitlines()
        yield "This is no finding about the network: the check could not be carried out or cannot be trusted."
    yield _known_bad(check)
    yield _numbers(check)
    yield _population(check)
    yield f"these maps are {check.trust.text}" if check.trust is not None else ""
    yield _link(check, report_path)
    yield from (f"warning: {warning}" for warning in check.warnings[:_SHOWN])
    if len(check.warnings) > _SHOWN:
        yield f"{len(check.warnings) - _SHOWN} more warnings in the report"
    yield f"again: {check.command}" if check.command else ""


def _numbers(check: CheckResult) -> str:
    finding = deciding(check)
    if finding is None:
        return ""
    needed = f"   about {finding.n_needed:,} samples would settle it" if finding.n_needed else ""
    return f"{finding.title}: {line(finding)}{needed}"


def _population(check: CheckResult) -> str:
    if check.population is None:
        return ""
    worst = worst_level(check)
    beside = f"   worst {worst.by}: {worst.level} (n={worst.n:,})" if worst else ""
    return check.population.sentence + beside


def _link(check: CheckResult, report_path: Path | str) -> str:
    failing = sorted(check.rows, key=lambda row: not row.failing)
    worst = ", ".join(row.id for row in failing[:_SHOWN])
    anchor = Anchors().take(check.id)
    return f"{report_path}#{anchor}" + (f"   worst: {worst}" if worst else "")
