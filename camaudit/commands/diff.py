"""`camaudit diff`: two runs, or a baseline and its candidate, in lines and on a page."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from camaudit.commands.baselines import reports, waiting
from camaudit.errors import CamauditError
from camaudit.integrity import sha256

if TYPE_CHECKING:
    from typing import Any

    from camaudit.commands.baselines import Waiting
    from camaudit.comparison import Comparison

WORST = 10


@click.command()
@click.argument("old", metavar="RUN_A|AUDIT[::CHECK]|OLD.json")
@click.argument("new", metavar="[RUN_B|NEW.json]", required=False, type=click.Path(path_type=Path))
@click.option("--worst", default=WORST, show_default=True, type=click.IntRange(min=0), help="Images to show.")
@reports
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the page.  [default: diff/ in the report of RUN_B, or diff-CHECK/ in that of AUDIT]",
)
@click.option("--page/--no-page", default=True, help="Whether to write the page.", show_default=True)
def diff(*, old: str, new: Path | None, worst: int, reports: Path, output: Path | None, page: bool) -> None:
    """Compare two runs, or a baseline with what the last run measured, image by image.

    Given two folders of reports (or their result.json), these runs are compared: verdicts, numbers, what
    changed in model, data, spec and environment, and the images that got worse by most, with the old and the
    new map on a page. Given an audit, its baselines are held against the last run's candidates; given two
    baselines, these. What cannot be compared is named. Exits with 0 whatever differs, with 1 where
    something cannot be read.

    \b
      camaudit diff before/digits reports/digits
      camaudit diff audits/dogs.audit.yaml::no-drift
      camaudit diff audits/baselines/dogs.json reports/dogs/baselines/no-drift.json
    """  # noqa: D301 - click reads the backspace
    if new is None:
        items = list(waiting(old, reports))
        for item in items:
            own = (output or item.home) / f"diff-{item.check.id}"
            folder = output if output is not None and len(items) == 1 else own
            _tell_accepted((item.target, item.candidate), worst, item, folder if page else None)
    elif _is_run(Path(old)) and _is_run(new):
        _tell_runs(Path(old), new, worst, output, page=page)
    elif _is_run(Path(old)) or _is_run(new):
        raise CamauditError(
            "one is a run and the other a baseline",
            where=f"{old}, {new}",
            hint="name two reports, or two baselines, or AUDIT::CHECK to hold a run against its baseline",
        )
    else:
        _tell_accepted((Path(old), new), worst, None, output if page else None)


def _is_run(path: Path) -> bool:
    """Whether a path is a report or its result; anything else is read as a baseline."""
    if path.is_dir():
        return True
    if not path.exists():
        # A report's folder has no suffix, and a baseline is a file of JSON.
        return path.suffix != ".json" or path.name == "result.json"
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return path.name == "result.json"  # what is wrong with it is said where it is read
    return isinstance(data, dict) and "format_version" in data


def _tell_runs(old: Path, new: Path, worst: int, output: Path | None, *, page: bool) -> None:
    from camaudit.comparison import Run, of_runs
    from camaudit.report.diff import text

    after = Run.read(new)
    found = of_runs(Run.read(old), after, worst)
    click.echo("\n".join(text.lines(found)))
    _write(found, (output or after.folder / "diff") if page else None)


def _tell_accepted(pair: tuple[Path, Path], worst: int, item: Waiting | None, folder: Path | None) -> None:
    """A baseline and its candidate in lines; with `folder` on a page as well."""
    from camaudit.baseline import Baseline
    from camaudit.commands.compared import told

    before, after = (Baseline.read(path) for path in pair)
    click.echo(f"{pair[0]} → {pair[1]}")
    click.echo("\n".join(f"  {line}" for line in told(before, after, worst)))
    if folder is None:
        return
    from camaudit.comparison import Run, of_baselines

    found = of_baselines(
        before,
        after,
        places=pair,
        most=worst,
        run=None if item is None else Run(folder=item.home, result=item.result),
        check=None if item is None else item.found,
        accepted=_accepted(pair[0]),
    )
    _write(found, folder)


def _accepted(baseline: Path) -> dict[str, Any] | None:
    """The line of the history that accepted this very file."""
    from camaudit.baseline import history

    own = sha256(baseline)
    return next((line for line in reversed(history(baseline)) if line.get("new_sha256") == own), None)


def _write(found: Comparison, folder: Path | None) -> None:
    from camaudit.report import diff as room

    if folder is not None:
        click.echo(f"page: {room.write(found, folder).resolve().as_uri()}")
