"""`camaudit verify`: is a report what its spec, network and data give?"""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import TYPE_CHECKING

import click

from camaudit.commands.run import FAILED, device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.spec.audit import AuditSpec
    from camaudit.verify import CheckFound, Line, Verification

SAMPLES = 5
SHOWN = 12
"""Lines of a check's table without --all: those that differ, then the largest differences."""


class Count(click.ParamType):  # type: ignore[type-arg] # generic in some versions of click only
    """A whole number of at least 1, or ``all``."""

    name = "N|all"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int | str:
        """The number, or ``all`` as it is."""
        text = str(value)
        if text == "all":
            return text
        if not text.isdecimal() or int(text) < 1:
            self.fail(f"{text!r} is neither a whole number of at least 1 nor 'all'", param, ctx)
        return int(text)


@click.command()
@click.argument("folder", metavar="REPORT_FOLDER", type=click.Path(path_type=Path))
@click.option(
    "--samples",
    default=SAMPLES,
    show_default=True,
    type=Count(),
    help="How many of each check to measure anew.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Which ones.  [default: drawn, and printed]")
@click.option(
    "--spec",
    "spec_file",
    type=click.Path(path_type=Path),
    help="The audit file.  [default: where the report says it is]",
)
@click.option("--check", "only", multiple=True, help="Only the check of this id; may be given again.")
@click.option("--all", "everything", is_flag=True, help="Print every number that was compared.")
@device
@click.pass_context
def verify(
    context: click.Context,
    *,
    folder: Path,
    samples: int | str,
    seed: int | None,
    spec_file: Path | None,
    only: tuple[str, ...],
    everything: bool,
    device: str,
) -> None:
    """Check a report: its files, its verdicts, and random samples, measured anew.

    Files are held against the hashes in result.json; spec, networks and images against what the report says
    they were; estimates are made again from samples.csv and judged again; and some samples are measured
    anew. Exits with 0 only if all of that could be done and nothing differs.

    \b
      camaudit verify reports/digits
      camaudit verify reports/digits --samples all --seed 7
    """  # noqa: D301 - click reads the backspace
    from camaudit.engine import Options
    from camaudit.verify import verify as look

    found = look(
        folder,
        _spec(folder, spec_file),
        seed=secrets.randbelow(2**32) if seed is None else seed,
        samples=None if isinstance(samples, str) else samples,
        only=only,
        options=Options(device=device),
    )
    click.echo("\n".join(_lines(found, everything=everything)))
    context.exit(0 if found.verdict == "VERIFIED" else FAILED)


def _spec(folder: Path, given: Path | None) -> AuditSpec:
    from camaudit.errors import SpecError
    from camaudit.result import AuditResult
    from camaudit.spec import read

    recorded = AuditResult.read(folder / "result.json").spec_file
    if given is None and not Path(recorded).is_file():
        raise SpecError(
            f"the spec of this report, {recorded or 'which it does not name'}, is not here",
            where=str(folder),
            hint="run this where the audit was run, or name the audit file with --spec",
        )
    return read(given or Path(recorded))


def _lines(found: Verification, *, everything: bool) -> Iterator[str]:
    from camaudit.report import numbers
    from camaudit.report.words import printable

    yield f"audit {printable(found.audit)}: seed {found.seed}, tolerance {found.tolerance:g}"
    yield "(absolute up to 1, a share of the recorded number beyond; of maps a share of their largest value)"
    yield from _part(f"files: {numbers.count(found.hashed, 'hash', 'hashes')} compared", found.files)
    yield from _part("identity: spec, networks, images and labels", found.identity)
    for check in found.checks:
        yield ""
        yield f"{printable(check.id)}: {check.verdict}{_measured(check)}"
        yield from (f"  DIFFERS: {printable(text)}" for text in check.faults)
        yield from (f"  not verifiable: {printable(text)}" for text in check.unverifiable)
        yield from (f"  {printable(text)}" for text in check.said)
        yield from _table(check, everything=everything)
    yield ""
    yield from (f"note: {printable(text)}" for text in found.remarks)
    measured = numbers.count(found.measured, "sample")
    yield f"{found.verdict}: {measured} measured anew in {numbers.count(len(found.checks), 'check')}"
    again = "" if found.verdict == "VERIFIED" else ", and look at what differs first"
    yield f"again: the same command with --seed {found.seed}{again}"


def _part(title: str, faults: tuple[str, ...]) -> Iterator[str]:
    from camaudit.report.words import printable

    yield f"{title}: {'DIFFERS' if faults else 'as recorded'}"
    yield from (f"  {printable(text)}" for text in faults)


def _measured(check: CheckFound) -> str:
    if not check.samples:
        return ", no sample was measured anew"
    bad = sum(not line.same for line in check.lines)
    return f", {len(check.samples)} samples, {len(check.lines)} values, {bad} differ"


def _table(check: CheckFound, *, everything: bool) -> Iterator[str]:
    from camaudit.commands.listing import aligned
    from camaudit.report.words import printable

    ordered = sorted(
        check.lines, key=lambda line: (line.same, line.difference is None, -(line.difference or 0.0))
    )
    shown = ordered if everything else ordered[: max(SHOWN, sum(not line.same for line in ordered))]
    if not shown:
        return
    rows = [("SAMPLE", "NUMBER", "RECORDED", "NOW", "DIFFERENCE")]
    rows += [
        (printable(line.sample), line.what, printable(line.recorded), printable(line.now), _difference(line))
        for line in shown
    ]
    yield from (f"  {text}" for text in aligned(rows))
    if len(shown) < len(ordered):
        yield f"  {len(ordered) - len(shown)} more, none of which differs; --all prints them"


def _difference(line: Line) -> str:
    text = "–" if line.difference is None else f"{line.difference:.2g}"
    return text if line.same else f"{text}  DIFFERS"
