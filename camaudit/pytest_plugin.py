"""The pytest plugin: every check of a ``*.audit.yaml`` is a test item. Imports nothing heavy until one runs.

`AuditFile` collects, `CheckItem` runs, `Desk` holds what a session has found and writes the reports.
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable, Iterator
    from pathlib import Path

    from camaudit.fixtures import AuditFixture, MapFixture, Witness
    from camaudit.plugin_desk import Desk
    from camaudit.result import CheckResult
    from camaudit.spec.audit import AuditSpec
    from camaudit.spec.types import CheckSpec

SUFFIX = ".audit.yaml"

SETTINGS = {
    "device": ("cpu", "where the networks run: cpu, cuda, cuda:1 … (default: cpu)"),
    "workers": ("2", "threads that decode images ahead of the network (default: 2)"),
    "batch_size": ("16", "images per forward (default: 16)"),
    "reports": ("reports", "folder of the reports, relative to the rootdir (default: reports)"),
    "report": ("folder", "folder, or single: also report.html, one file for e-mail (default: folder)"),
}
"""Settings that decide how a run is carried out; none of them may change a verdict."""


class AuditWarning(pytest.PytestWarning):
    """What a check that passes has to say all the same, such as a class below a gate that only warns.

    A category of its own, so that a suite with ``filterwarnings = error`` can let it be a warning.
    """


LEAST = {"workers": 0, "batch_size": 1}
"""Settings that are whole numbers, and the least that will do."""
CHOICES = {"report": ("folder", "single")}
"""Settings that are one of a few words."""


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("camaudit", "camaudit: audits of image classifiers")
    for name, (_, text) in SETTINGS.items():
        group.addoption(
            f"--camaudit-{name.replace('_', '-')}", dest=f"camaudit_{name}", default=None, help=text
        )
        parser.addini(f"camaudit_{name}", text)


def setting(config: pytest.Config, name: str) -> str:
    """Command line, then environment, then ini file, then the built-in default."""
    given = config.getoption(f"camaudit_{name}")
    return (
        given
        or os.environ.get(f"CAMAUDIT_{name.upper()}")
        or config.getini(f"camaudit_{name}")
        or SETTINGS[name][0]
    )


def refuse_bad_settings(config: pytest.Config) -> None:
    """Raise `pytest.UsageError` for a number that is none or too small, and for an unknown word."""
    for name, least in LEAST.items():
        given = setting(config, name)
        if not given.strip().isdecimal() or int(given) < least:
            raise pytest.UsageError(
                f"camaudit_{name}: a whole number of at least {least} is needed, got {given!r}"
            )
    for name, words in CHOICES.items():
        if (given := setting(config, name)) not in words:
            raise pytest.UsageError(f"camaudit_{name}: one of {', '.join(words)} is needed, got {given!r}")


def pytest_configure(config: pytest.Config) -> None:
    refuse_bad_settings(config)
    config.addinivalue_line("markers", "audit: a check of an audit spec (*.audit.yaml)")


def register_marks(config: pytest.Config, marks: Iterable[str]) -> None:
    """Make marks of a spec known to pytest, which refuses unknown ones under ``--strict-markers``."""
    known = {line.partition(":")[0].partition("(")[0].strip() for line in config.getini("markers")}
    for mark in marks:
        if mark not in known:
            config.addinivalue_line("markers", f"{mark}: put on its checks by an audit spec")


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    if file_path.name.endswith(SUFFIX):
        return AuditFile.from_parent(parent, path=file_path)
    return None


DESK = pytest.StashKey["Desk"]()


def desk(config: pytest.Config) -> Desk:
    """The session's desk, made when the first audit is collected."""
    if DESK not in config.stash:
        from camaudit.plugin_desk import Desk

        config.stash[DESK] = Desk(config=config, setting=lambda name: setting(config, name))
    return config.stash[DESK]


class AuditFile(pytest.File):
    """A spec; its checks are its items."""

    spec: AuditSpec

    def collect(self) -> Iterator[pytest.Item]:
        self.spec = desk(self.config).read(self.path)
        register_marks(self.config, self.spec.marks)
        for check in self.spec.checks:
            yield CheckItem.from_parent(self, name=check.id, check=check)
        from camaudit.baseline.unused import LEFT_BEHIND, left_behind, told

        lost = left_behind(self.spec)
        if lost:
            yield LeftBehind.from_parent(self, name=LEFT_BEHIND, reason=told(lost))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> Any:  # type: ignore[override]
        # Collectors are asked without a style.
        from camaudit.errors import CamauditError

        if isinstance(excinfo.value, CamauditError):
            return str(excinfo.value)
        return super().repr_failure(excinfo)


class CheckFailed(pytest.fail.Exception):  # type: ignore[name-defined,misc] # pytest types it as a value
    """A check that does not pass; its message is what the reader is told."""


class CheckItem(pytest.Item):
    """One check. The first item of a file that runs carries out the whole audit for all of them."""

    def __init__(self, *, check: CheckSpec, **rest: Any) -> None:
        super().__init__(**rest)
        self.check = check
        for mark in ("audit", *self.spec.marks):
            self.add_marker(mark)

    @property
    def spec(self) -> AuditSpec:
        """The spec that the check stands in."""
        assert isinstance(self.parent, AuditFile)
        return self.parent.spec

    def runtest(self) -> None:
        found = desk(self.config).check(self.spec, self.check.id, self._selected())
        self._record(found)
        if found.status == "SKIP":
            pytest.skip(found.answer)
        if found.blocks:
            raise CheckFailed(desk(self.config).failure(self.spec, found), pytrace=False)
        for note in found.warnings:
            self.warn(AuditWarning(f"{found.id}: {note}"))

    def _selected(self) -> list[str]:
        """The ids of this file's checks that this session runs (after `-k` and `-m`)."""
        return [
            item.check.id
            for item in self.session.items
            if isinstance(item, CheckItem) and item.parent is self.parent
        ]

    def _record(self, found: CheckResult) -> None:
        from camaudit.fixtures import properties

        self.user_properties.extend(properties(found, "camaudit"))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        from camaudit.errors import CamauditError

        if isinstance(excinfo.value, CamauditError):
            return str(excinfo.value)
        shown = super().repr_failure(excinfo, style)
        if isinstance(excinfo.value, CheckFailed):
            crash = getattr(shown, "reprcrash", None)
            if crash is not None:
                # Summary and JUnit show this message: the first line stands alone, at the check's place.
                crash.message = str(excinfo.value.msg).splitlines()[0]
                crash.path, crash.lineno = str(self.path), self.spec.line_of(self.check.id)
        return shown

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, self.spec.line_of(self.check.id) - 1, f"{self.spec.name}: {self.check.id}"


class LeftBehind(pytest.Item):
    """Baselines beside a spec that none of its checks names: an item that always fails."""

    def __init__(self, *, reason: str, **rest: Any) -> None:
        super().__init__(**rest)
        self.reason = reason
        self.add_marker("audit")

    def runtest(self) -> None:
        raise CheckFailed(f"{self.name}: ERROR: {self.reason}", pytrace=False)

    def reportinfo(self) -> tuple[Path, int, str]:
        return self.path, 0, self.name


WITNESS = pytest.StashKey["Witness"]()


@pytest.fixture(scope="session")
def camaudit_audit(request: pytest.FixtureRequest) -> AuditFixture:
    """Runs audits by name or path, once each, and gives their checks to be asserted.

    Example: ``assert camaudit_audit("dogs").check("on-the-dog").passed``
    """
    from camaudit.fixtures import AuditFixture

    config = request.config
    return AuditFixture(
        desk=desk(config),
        witness=config.stash[WITNESS],
        root=config.rootpath,
        prune=tuple(config.getini("norecursedirs")),
    )


@pytest.fixture(scope="session")
def attention_map(request: pytest.FixtureRequest, camaudit_audit: AuditFixture) -> MapFixture:
    """Gives the map of one image, of an audit's network or any torch module.

    Example: ``assert attention_map("dogs", Path("rex.jpg"), mask=Path("rex.png")).overlap() > 0.6``
    """
    from camaudit.fixtures import MapFixture

    return MapFixture(audits=camaudit_audit, device=setting(request.config, "device"))


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, bool | None, bool | None]:
    """Tell the fixtures which test is running."""
    from camaudit.fixtures import Witness

    witness = item.config.stash.setdefault(WITNESS, Witness())
    witness.begin(item)
    found = yield
    witness.begin(None)
    return found


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show what the checks that a failed test asked for have to say."""
    report = yield
    witness: Witness | None = item.config.stash.get(WITNESS, None)
    if report.failed and witness is not None:
        report.sections += [("camaudit", text) for text in witness.notes]
    return report


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    if DESK in config.stash:
        config.stash[DESK].summarise(terminalreporter)


@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    if DESK in session.config.stash:
        session.config.stash[DESK].close()


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell an xdist worker how items are handed out."""
    node.workerinput["camaudit_dist"] = node.config.getoption("dist")


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """Take over the results of an xdist worker."""
    parts = getattr(node, "workeroutput", {}).get("camaudit_parts", [])
    if parts:
        desk(node.config).take(parts)
