"""What a pytest session knows of its audits: runs them once, keeps the results, writes the reports.

Under xdist each worker writes parts, and the controller puts the parts of one audit together. Where all
items of a file go to one worker (`--dist loadfile`) an audit is one part; where they may not, every
check is a part of its own, which costs more forwards and changes no number.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camaudit.errors import name_taken

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pytest

    from camaudit.result import AuditResult, CheckResult
    from camaudit.spec.audit import AuditSpec

PARTS = ".parts"
FIRST, AGAIN = "0-first", "1-again"
"""The parts of an audit of which more checks were asked for later."""
QUIET_SECONDS = 10.0
"""Progress lines come no more often than this, so that they do not fight pytest's own output."""


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run found, and where it was written."""

    result: AuditResult
    folder: Path


@dataclass(kw_only=True)
class Desk:
    """The results of a session, by audit."""

    config: pytest.Config
    setting: Callable[[str], str]
    specs: dict[str, AuditSpec] = field(default_factory=dict)
    runs: dict[str, list[Run]] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    finished: dict[str, AuditResult] = field(default_factory=dict)
    lost: str = ""
    """Why there is no index."""
    _read: dict[Path, AuditSpec] = field(default_factory=dict)
    _spoke: float = 0.0

    def read(self, path: Path, *, register: bool = True) -> AuditSpec:
        """The spec in a file, read once. Raises `SpecError` for mistakes, and for a name that is taken."""
        from camaudit.spec import read

        if path.resolve() not in self._read:
            self._read[path.resolve()] = read(path)
        spec = self._read[path.resolve()]
        if register:
            self.register(spec)
        return spec

    def register(self, spec: AuditSpec) -> None:
        """Refuse two specs of one name: their reports would overwrite each other."""
        other = self.specs.setdefault(spec.name, spec)
        if other.file != spec.file:
            raise name_taken(spec.name, spec.file, other.file)

    def check(self, spec: AuditSpec, check_id: str, selected: list[str]) -> CheckResult:
        """The result of one check; runs what has to be run for it, once."""
        if self._holder(spec.name, check_id) is None:
            self.ensure(spec, [check_id] if self._scattered else selected)
        return self._found(spec.name, check_id)

    def ensure(self, spec: AuditSpec, wanted: Sequence[str]) -> None:
        """Run what this session has not run of the checks. Raises `SpecError` for unknown ones, or none."""
        missing = [check_id for check_id in wanted if self._holder(spec.name, check_id) is None]
        if missing or not wanted:
            self._run(spec, missing)

    def holding(self, audit: str, check_id: str) -> tuple[AuditResult, Path]:
        """The result that holds a check that was run, and the folder that it was written to."""
        held = self._holder(audit, check_id)
        assert held is not None
        return held.result, held.folder

    def beyond(self, spec: AuditSpec) -> list[str]:
        """What a complete run says beside the checks of the spec: baselines that none of them names."""
        known = {check.id for check in spec.checks}
        return [item.id for run in self.runs[spec.name] for item in run.result.checks if item.id not in known]

    def _holder(self, audit: str, check_id: str) -> Run | None:
        held = (run for run in self.runs.get(audit, ()) for item in run.result.checks if item.id == check_id)
        return next(held, None)

    def _found(self, audit: str, check_id: str) -> CheckResult:
        return next(item for item in self.holding(audit, check_id)[0].checks if item.id == check_id)

    def failure(self, spec: AuditSpec, found: CheckResult) -> str:
        """What the reader of a failed test is told."""
        from camaudit.report import text

        result, _ = self.holding(spec.name, found.id)
        return text.failure(found, result, self.shown(self.folder(spec.name) / "index.html"))

    def _run(self, spec: AuditSpec, wanted: Sequence[str]) -> None:
        from camaudit import plan
        from camaudit.engine import Options, run

        home, runs = self.folder(spec.name), self.runs.setdefault(spec.name, [])
        folder = home
        if self._worker:
            folder = home / PARTS / f"{self._worker}-{len(self.parts)}"
        elif runs:
            folder = home / PARTS / AGAIN
        result = run(
            plan.make(spec, wanted),
            folder,
            Options(
                device=self.setting("device"),
                workers=int(self.setting("workers")),
                batch_size=int(self.setting("batch_size")),
                threads=self._threads,
                progress=lambda label, done, total: self._progress(f"{spec.name}: {label}", done, total),
            ),
        )
        runs.append(Run(result=result, folder=folder))
        if self._worker:
            self.parts.append(str(folder))
        elif folder != home:
            runs[:] = [Run(result=_joined(home, folder), folder=home)]

    def close(self) -> None:
        """Write reports, or hand the parts to the controller."""
        if self._worker:
            self.config.workeroutput["camaudit_parts"] = self.parts  # type: ignore[attr-defined]
            return
        if self.taken:
            self._put_together()
        else:
            self.finished = {name: runs[0].result for name, runs in self.runs.items() if runs}
        from camaudit import report

        for name in self.finished:
            report.write(self.folder(name), single=self._single)
        if self.finished:
            from camaudit.report import index

            found = [(self.folder(name), result) for name, result in self.finished.items()]
            self.lost = index.after_run(found, self._home)

    def take(self, parts: list[str]) -> None:
        """Take over a worker's parts."""
        self.taken += parts

    def _put_together(self) -> None:
        from camaudit.merge import merge

        by_audit: dict[Path, list[Path]] = {}
        for part in sorted(map(Path, self.taken)):
            by_audit.setdefault(part.parent.parent, []).append(part)
        for folder, parts in by_audit.items():
            self.finished[folder.name] = merge(parts, folder)
            shutil.rmtree(folder / PARTS)

    def summarise(self, terminal: Any) -> None:
        """The camaudit block at the end of pytest's output."""
        if not self.finished:
            return
        from camaudit.report import text

        terminal.section("camaudit", sep="=")
        for name, result in self.finished.items():
            for line in text.summary_lines(result):
                terminal.write_line(line)
            terminal.write_line(f"report: {(self.folder(name) / 'index.html').resolve().as_uri()}")
            if self._single:
                terminal.write_line(f"one file: {(self.folder(name) / 'report.html').resolve().as_uri()}")
        terminal.write_line(self.lost or f"index: {(self._home / 'index.html').resolve().as_uri()}")

    @property
    def _single(self) -> bool:
        return self.setting("report") == "single"

    @property
    def _worker(self) -> str:
        return os.environ.get("PYTEST_XDIST_WORKER", "") if hasattr(self.config, "workerinput") else ""

    @property
    def _scattered(self) -> bool:
        """Whether xdist may send checks of one file to different workers."""
        # xdist sets a worker's own `dist` to "no"; the controller's comes with its input.
        return bool(self._worker) and self.config.workerinput.get("camaudit_dist") != "loadfile"  # type: ignore[attr-defined]

    @property
    def _threads(self) -> int | None:
        count = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")) if self._worker else 1
        return max(1, (os.cpu_count() or 1) // count) if count > 1 else None

    @property
    def _home(self) -> Path:
        return self.config.rootpath / self.setting("reports")

    def folder(self, name: str) -> Path:
        """Where the report of an audit lies."""
        return self._home / name

    def shown(self, path: Path) -> str:
        """A path as a reader is told it: relative to the rootdir where it lies below."""
        try:
            return path.relative_to(self.config.rootpath).as_posix()
        except ValueError:
            return str(path)

    def _progress(self, label: str, done: int, total: int) -> None:
        terminal = self.config.pluginmanager.get_plugin("terminalreporter")
        now = time.monotonic()
        self._spoke = self._spoke or now
        if terminal is None or now - self._spoke < QUIET_SECONDS:
            return
        self._spoke = now
        terminal.write_line(f"  {label}: {done} of {total} images")


def _joined(home: Path, again: Path) -> AuditResult:
    """One report of two: what lies in `home`, and further checks that were run into a part below it."""
    from camaudit.integrity import CANDIDATES
    from camaudit.merge import merge

    first = again.with_name(FIRST)
    first.mkdir()
    for name in ("result.json", "samples.csv", "evidence", CANDIDATES):
        if (home / name).exists():
            (home / name).rename(first / name)
    result = merge([first, again], home)
    shutil.rmtree(again.parent)
    return result
