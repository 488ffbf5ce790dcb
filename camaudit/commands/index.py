"""`camaudit index`: one page over several audits, and over runs in time."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    default=Path("reports/index.html"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="The page to write; its style lies beside it.",
)
def index(*, folders: tuple[Path, ...], output: Path) -> None:
    """Write a page over several audits and over runs in time; no network is needed.

    FOLDERS are reports, or folders that hold some: the reports of today, or those kept of several runs.
    Results that cannot be read are named on the page. Exits with 0 whatever the verdicts are: the runs have
    told them; with 1 where there is no report.

    \b
      camaudit index reports
      camaudit index kept/2031-05-* --output kept/index.html
    """  # noqa: D301 - click reads the backspace
    from camaudit.report.index import write

    click.echo(write(folders, output).resolve().as_uri())
