"""`camaudit schema`: the JSON schema of audit files."""

from __future__ import annotations

from pathlib import Path

import click

STALE = 1


@click.command()
@click.option(
    "--write",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write it to FILE.",
    metavar="FILE",
)
@click.option(
    "--check",
    is_flag=True,
    help="Write nothing; exit with 1 if FILE (or the package's own copy) is not current.",
)
@click.pass_context
def schema(context: click.Context, file: Path | None, check: bool) -> None:
    """Print the JSON schema of audit files, for editors.

    Editors with a YAML language server read the first line of a spec:

    \b
      # yaml-language-server: $schema=../camaudit/spec/audit.schema.json

    \b
      camaudit schema --write audit.schema.json
      camaudit schema --check
    """  # noqa: D301 - click reads the backspace
    from camaudit.spec.schema import FILE, text

    current = text()
    if check:
        place = file or FILE
        if not place.is_file() or place.read_text(encoding="utf-8") != current:
            click.echo(f"{place} is not current; write it again: camaudit schema --write {place}", err=True)
            context.exit(STALE)
        click.echo(f"{place} is current")
    elif file is None:
        click.echo(current, nl=False)
    else:
        file.write_text(current, encoding="utf-8")
        click.echo(f"wrote {file}")
