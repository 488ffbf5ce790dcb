"""The page over several audits and over runs in time."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from camaudit.errors import ResultError
from camaudit.integrity import write_whole
from camaudit.report import numbers, runs, words
from camaudit.report.findings import deciding
from camaudit.report.runs import RUNS, Run, run_of
from camaudit.report.trend import Trend, trends, when
from camaudit.result import SEVERITY, AuditResult

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

STATIC = ("style.css", "index.css")
NAME = "index.html"


@dataclass(frozen=True, kw_only=True)
class AuditView:
    """One audit: its last result, and its runs."""

    anchor: str
    name: str
    badge: words.Badge
    sentence: str
    remarks: tuple[str, ...]
    when: str
    facts: tuple[tuple[str, str], ...]
    link: str
    """Where its report is, relative to the page; empty where there is none."""
    stale: str
    """Why what is shown may not be so any more; empty where nothing is known against it."""
    trends: tuple[Trend, ...]
    runs: int


@dataclass(frozen=True, kw_only=True)
class IndexPage:
    """All audits, the worst first, and what could not be read."""

    audits: tuple[AuditView, ...]
    problems: tuple[str, ...]
    counts: tuple[tuple[words.Badge, int], ...]


@dataclass(frozen=True, kw_only=True)
class _Found:
    folder: Path
    result: AuditResult


def write(folders: Sequence[Path], output: Path) -> Path:
    """Write the page over the reports in these folders, with its style beside it; returns it.

    A folder is a report, or holds some. Several reports of one audit are its runs: the newest is shown.
    Results and lines that cannot be read are named on the page. Raises `ResultError` where there is nothing
    to show at all.
    """
    from camaudit import report
    from camaudit.report import html

    page = index_page(folders, output.parent)
    if not page.audits and not page.problems:
        raise ResultError(
            "there is no report here",
            where=", ".join(map(str, folders)),
            hint="run the audits first, or name their folder of reports",
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    report.copy_static(output.parent, STATIC)
    write_whole(output, html.fill("index.html", page=page).encode("utf-8", errors="replace"))
    return output


def after_run(results: Iterable[tuple[Path, AuditResult]], home: Path) -> str:
    """Add runs to the runs of their reports, and write the page over `home`. Returns what went wrong.

    An index is a convenience: whatever happens to it, it fails no run.
    """
    try:
        for folder, result in results:
            runs.append(folder, result)
        write([home], home / NAME)
    except Exception as error:  # noqa: BLE001 - see above
        return f"the index of {home} could not be written: {error}"
    return ""


def index_page(folders: Sequence[Path], home: Path) -> IndexPage:
    """What the page in the folder `home` shows of the reports in `folders`."""
    problems: list[str] = []
    found: dict[str, list[_Found]] = {}
    lines: dict[str, list[Run]] = {}
    for folder in _reports(folders, home, problems):
        kept, broken = runs.read(folder / RUNS)
        name = os.path.relpath(folder, home)
        problems += [f"{name}: {text}" for text in broken]
        for run in kept:
            lines.setdefault(run.audit, []).append(run)
        if not (folder / "result.json").exists():
            problems.append(f"{name}: has no result: its last run did not finish")
            continue
        try:
            result = AuditResult.read(folder / "result.json")
        except ResultError as error:
            problems.append(f"{name}: result.json {error.message}")
            continue
        found.setdefault(result.name, []).append(_Found(folder=folder, result=result))
        lines.setdefault(result.name, []).append(run_of(result))
    anchors = words.Anchors()
    views = [
        (SEVERITY.index(newest.result.status), _view(newest, lines[name], home, anchors))
        for name, reports in sorted(found.items())
        for newest in [max(reports, key=lambda item: item.result.created)]
    ]
    audits = tuple(view for _, view in sorted(views, key=lambda pair: -pair[0]))
    badges = {view.badge.word: view.badge for view in audits}
    counts = tuple((badge, sum(view.badge.word == word for view in audits)) for word, badge in badges.items())
    told = tuple(words.printable(text.replace("\n", " ")) for text in dict.fromkeys(problems))
    return IndexPage(audits=audits, problems=told, counts=counts)


def _reports(folders: Sequence[Path], home: Path, problems: list[str]) -> Iterator[Path]:
    """The report folders: those named, or one level below; each once."""
    seen: set[Path] = set()
    for folder in folders:
        below = sorted(item for item in folder.glob("*") if item.is_dir() and not item.name.startswith("."))
        places = [folder] if _is_report(folder) else [item for item in below if _is_report(item)]
        if not places:
            problems.append(f"{os.path.relpath(folder, home)}: holds no report")
        for place in places:
            if place.resolve() not in seen:
                seen.add(place.resolve())
                yield place


def _is_report(folder: Path) -> bool:
    return (folder / "result.json").exists() or (folder / RUNS).exists()


def _view(newest: _Found, lines: Sequence[Run], home: Path, anchors: words.Anchors) -> AuditView:
    result = newest.result
    said = words.verdict(result)
    # The last run stands in its own line and in the result; copies of a folder bring lines twice.
    every = list({_key(run): run for run in lines}.values())
    every.sort(key=lambda run: run.created)
    page = newest.folder / "index.html"
    return AuditView(
        anchor=anchors.take(result.name),
        name=words.printable(result.name),
        badge=said.badge,
        sentence=said.sentence,
        remarks=said.remarks,
        when=when(result.created),
        facts=tuple(_facts(result, len(every))),
        link=quote(Path(os.path.relpath(page, home)).as_posix()) if page.exists() else "",
        stale=_stale(newest, every),
        trends=trends(every),
        runs=len(every),
    )


def _key(run: Run) -> tuple[object, ...]:
    """What tells one run from another: its time and its numbers."""
    return (run.created, *((item.check, item.name, repr(item.value)) for item in run.numbers))


def _facts(result: AuditResult, count: int) -> Iterator[tuple[str, str]]:
    for check in sorted(result.checks, key=lambda item: -SEVERITY.index(item.status)):
        item = deciding(check)
        if item is None or check.status in {"ERROR", "SKIP"}:
            yield (
                words.printable(check.id),
                words.printable(f"{check.status}: {check.answer or check.headline}"),
            )
    for model in result.models:
        weights = model.weights_sha256 or model.fingerprint
        yield f"Network {words.printable(model.name)}", f"{weights[:16]}…"
    yield "Commit", words.printable(result.environment.get("git", "not recorded"))
    yield "Runs on record", numbers.count(count, "run")


def _stale(newest: _Found, every: Sequence[Run]) -> str:
    result = newest.result
    file = Path(result.spec_file)
    if every and every[-1].created > result.created:
        return f"a later run is on record ({when(every[-1].created)}), and its result is not here"
    try:
        if result.spec_file and file.is_file() and file.read_text("utf-8-sig") != result.spec_text:
            return f"{words.printable(result.spec_file)} has changed since this run"
    except (OSError, ValueError):
        return f"{words.printable(result.spec_file)} cannot be read"
    if not (newest.folder / "index.html").exists():
        return "its pages are missing: camaudit report writes them again"
    return ""
