"""`camaudit run`, `plan` and `check`: an audit from the command line, and what it would take."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from camaudit.plan import Plan
    from camaudit.result import AuditResult

FAILED = 1
NOTHING = 5

specs = click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path))
checks = click.option("--check", "only", multiple=True, help="Only the check of this id; may be given again.")
device = click.option(
    "--device", default="cpu", show_default=True, help="Where the networks run: cpu, cuda, cuda:1 …"
)


class NothingToRun(click.ClickException):
    """There is no audit: not a wrong command line, and never a success."""

    exit_code = NOTHING


def _plans(paths: tuple[Path, ...], only: tuple[str, ...]) -> list[Plan]:
    """Read all specs before anything runs; folders are searched for ``*.audit.yaml``."""
    from camaudit import plan
    from camaudit.errors import name_taken
    from camaudit.spec import read

    files = [
        file for path in paths for file in (sorted(path.rglob("*.audit.yaml")) if path.is_dir() else [path])
    ]
    if not files:
        raise NothingToRun("no *.audit.yaml found: an empty run is never green")
    plans = [plan.make(read(file), set(only) or None) for file in files]
    homes: dict[str, Path] = {}
    for item in plans:
        other = homes.setdefault(item.spec.name, item.spec.file)
        if other != item.spec.file:
            raise name_taken(item.spec.name, item.spec.file, other)
    return plans


@click.command()
@specs
@checks
@device
@click.option(
    "--reports",
    default=Path("reports"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the reports; each audit gets one of its own inside.",
)
@click.option(
    "--report",
    "form",
    default="folder",
    show_default=True,
    type=click.Choice(["folder", "single"]),
    help="single: also report.html in each folder, one file of at most 10 MB for e-mail.",
)
@click.option(
    "--workers",
    default=2,
    show_default=True,
    type=click.IntRange(min=0),
    help="Threads that decode images ahead of the network.",
)
@click.option(
    "--batch-size", default=16, show_default=True, type=click.IntRange(min=1), help="Images per forward."
)
@click.pass_context
def run(
    context: click.Context,
    *,
    specs: tuple[Path, ...],
    only: tuple[str, ...],
    device: str,
    reports: Path,
    form: str,
    workers: int,
    batch_size: int,
) -> None:
    """Run audits and write their reports.

    SPECS are audit files, or folders that hold some. Exits with 0 if all pass, 1 if a check fails,
    2 if a spec cannot be read, 5 if there is no audit.

    \b
      camaudit run audits
      camaudit run audits/digits.audit.yaml --check on-the-strokes
    """  # noqa: D301 - click reads the backspace
    from camaudit import report
    from camaudit.commands.progress import progress
    from camaudit.engine import Options
    from camaudit.engine import run as carry_out
    from camaudit.report import index, text

    results: list[tuple[AuditResult, Path]] = []
    for item in _plans(specs, only):
        folder = reports / item.spec.name
        with progress(item.spec.name) as tick:
            options = Options(device=device, workers=workers, batch_size=batch_size, progress=tick)
            result = carry_out(item, folder, options)
        results.append((result, report.write(folder, single=form == "single")))
    for result, page in results:
        for check in result.checks:
            if check.blocks:
                click.echo(text.failure(check, result, page), err=True)
    lost = index.after_run([(page.parent, result) for result, page in results], reports)
    for result, page in results:
        click.echo("\n".join(text.summary_lines(result)))
        click.echo(f"report: {page.resolve().as_uri()}")
        if form == "single":
            click.echo(f"one file: {page.with_name('report.html').resolve().as_uri()}")
    click.echo(lost or f"index: {(reports / 'index.html').resolve().as_uri()}", err=bool(lost))
    context.exit(FAILED if any(result.blocks for result, _ in results) else 0)


@click.command()
@specs
@checks
def plan(specs: tuple[Path, ...], only: tuple[str, ...]) -> None:
    """Print what a run would compute: passes, maps, numbers, forwards per image.

    \b
      camaudit plan audits/digits.audit.yaml
    """  # noqa: D301 - click reads the backspace
    for item in _plans(specs, only):
        click.echo(item.text())


@click.command()
@specs
@checks
@device
@click.pass_context
def check(context: click.Context, specs: tuple[Path, ...], only: tuple[str, ...], device: str) -> None:
    """Look at everything a run would need, without walking over the data.

    Reads the specs, loads the networks and their weights, lists the data with its pairing, and finds
    the layers by one forward on the first image. Exits with 2 if something will not do, 5 if there is
    no audit.

    \b
      camaudit check audits
    """  # noqa: D301 - click reads the backspace
    from camaudit.engine.preflight import examine

    mark = {"ok": "ok     ", "warning": "warning", "error": "ERROR  "}
    broken = False
    for item in _plans(specs, only):
        click.echo(f"{item.spec.file}")
        for note in examine(item, device):
            click.echo(f"  {mark[note.verdict]}  {note.what}: {note.text}")
            broken = broken or note.verdict == "error"
    context.exit(2 if broken else 0)
