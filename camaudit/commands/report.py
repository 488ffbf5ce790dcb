"""`camaudit report` and `show`: pictures and pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from camaudit.errors import CamauditError

if TYPE_CHECKING:
    from camaudit.plan import Plan


@click.command()
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--single", is_flag=True, help="Also write report.html: one file, at most 10 MB, for e-mail.")
def report(*, folders: tuple[Path, ...], single: bool) -> None:
    """Render reports again from their result.json and evidence; no network is needed.

    \b
      camaudit report reports/digits
      camaudit report reports/digits --single
    """  # noqa: D301 - click reads the backspace
    from camaudit import report as room

    for folder in folders:
        page = room.write(folder, single=single)
        click.echo((page.with_name("report.html") if single else page).resolve().as_uri())


@click.command()
@click.argument("target", metavar="AUDIT::CHECK")
@click.argument("sample")
@click.option(
    "--output",
    type=click.Path(path_type=Path),
    help="PNG to write.  [default: SAMPLE.png in the current folder]",
)
@click.option("--device", default="cpu", show_default=True)
def show(target: str, sample: str, output: Path | None, device: str) -> None:
    """Draw one sample as a picture: the input, and its map at every layer.

    AUDIT::CHECK is an audit file and the id of one of its checks, as pytest prints it.

    \b
      camaudit show audits/digits.audit.yaml::on-the-strokes digit-0003
    """  # noqa: D301 - click reads the backspace
    from camaudit.engine.show import show as explain
    from camaudit.report.sheet import draw

    shown = explain(_plan(target), sample, device)
    path = output or Path(f"{_file_name(sample)}.png")
    draw(
        path,
        image=shown.loaded.pixels,
        masks=dict(shown.loaded.masks),
        maps=[(item.layer, item.raw, item.status) for item in shown.maps],
        title=f"{sample}: labelled {shown.label or 'nothing'}, predicted {shown.predicted}",
    )
    click.echo(path.resolve().as_uri())


def _plan(target: str) -> Plan:
    from camaudit import plan
    from camaudit.spec import read

    file, separator, check = target.partition("::")
    if not separator:
        raise CamauditError(
            f"{target!r} names no check", hint="write AUDIT::CHECK, e.g. audits/digits.audit.yaml::a-check"
        )
    return plan.make(read(Path(file)), {check})


def _file_name(sample: str) -> str:
    """Letters, digits, dot, dash and underscore of a sample's id: it must not leave the folder."""
    kept = "".join(letter if letter.isalnum() or letter in "-_" else "_" for letter in sample)
    return kept[:80] or "sample"
