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
    from collections.abc import Callable

    import pytest

    from camaudit.result import AuditResult, CheckResult
    from camaudit.spec.audit import AuditSpec

PARTS = ".parts"
QUIET_SECONDS = 10.0
"""Progress lines come no more often than this, so that they do not fight pytest's own output."""


@dataclass(kw_only=True)
class Desk:
    """The results of a session, by audit."""

    config: pytest.Config
    setting: Callable[[str], str]
    specs: dict[str, AuditSpec] = field(default_factory=dict)
    results: dict[tuple[str, str], AuditResult] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)
    finished: dict[str, AuditResult] = field(default_factory=dict)
    lost: str = ""
    """Why there is no index."""
    _spoke: float = 0.0

    def register(self, spec: AuditSpec) -> None:
        """Refuse two specs of one name: their reports would overwrite each other."""
        other = self.specs.setdefault(spec.name, spec)
        if other.file != spec.file:
            raise name_taken(spec.name, spec.file, other.file)

    def check(self, spec: AuditSpec, check_id: str, selected: list[str]) -> CheckResult:
        """The result of one check; runs what has to be run for it, once."""
        wanted = [check_id] if self._scattered else selected
        key = (spec.name, check_id if self._scattered else "")
        if key not in self.results:
            self.results[key] = self._run(spec, wanted)
        return next(item for item in self.results[key].checks if item.id == check_id)

    def failure(self, spec: AuditSpec, found: CheckResult) -> str:
        """What the reader of a failed test is told."""
        from camaudit.report import text

        result = next(
            item for (name, _), item in self.results.items() if name == spec.name and found in item.checks
        )
        return text.failure(found, result, self._shown(self._folder(spec.name) / "index.html"))

    def _run(self, spec: AuditSpec, wanted: list[str]) -> AuditResult:
        from camaudit import plan
        from camaudit.engine import Options, run

        folder = self._folder(spec.name)
        if self._worker:
            folder = folder / PARTS / f"{self._worker}-{len(self.parts)}"
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
        if self._worker:
            self.parts.append(str(folder))
        return result

    def close(self) -> None:
        """Write reports, or hand the parts to the controller."""
        if self._worker:
            self.config.workeroutput["camaudit_parts"] = self.parts  # type: ignore[attr-defined]
            return
        if self.taken:
            self._put_together()
        else:
            self.finished = {name: result for (name, _), result in self.results.items()}
        from camaudit import report

        for name in self.finished:
            report.write(self._folder(name), single=self._single)
        if self.finished:
            from camaudit.report import index

            found = [(self._folder(name), result) for name, result in self.finished.items()]
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
            terminal.write_line(f"report: {(self._folder(name) / 'index.html').resolve().as_uri()}")
            if self._single:
                terminal.write_line(f"one file: {(self._folder(name) / 'report.html').resolve().as_uri()}")
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

    def _folder(self, name: str) -> Path:
        return self._home / name

    def _shown(self, path: Path) -> str:
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
