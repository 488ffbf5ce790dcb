"""`camaudit summary`: what runs found, in Markdown for the page of a CI job."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--markdown", is_flag=True, help="Markdown instead of the terminal's lines.")
@click.option(
    "--max-bytes", type=click.IntRange(min=1000), help="At most so many bytes of Markdown, the worst first."
)
def summary(*, folders: tuple[Path, ...], markdown: bool, max_bytes: int | None) -> None:
    """Print what runs found, from their result.json; no network is needed.

    FOLDERS are reports, or folders that hold some. Exits with 0 whatever the verdicts are: the run has told
    them; with 1 where a result cannot be read or there is none.

    \b
      camaudit summary reports --markdown --max-bytes 65000 >> "$GITHUB_STEP_SUMMARY"
    """  # noqa: D301 - click reads the backspace
    from camaudit.errors import ResultError
    from camaudit.report import markdown as page
    from camaudit.report import text
    from camaudit.result import AuditResult

    files = [
        file
        for folder in folders
        for file in (
            [folder / "result.json"]
            if (folder / "result.json").exists()
            else sorted(folder.glob("*/result.json"))
        )
    ]
    if not files:
        raise ResultError(
            "there is no result.json here",
            where=", ".join(map(str, folders)),
            hint="run the audits first, or name their folder of reports",
        )
    results = [AuditResult.read(file) for file in files]
    if markdown:
        click.echo(page.summary(results, max_bytes=max_bytes), nl=False)
        return
    for result in results:
        click.echo("\n".join([f"{result.name}: {result.status}", *text.summary_lines(result)]))
