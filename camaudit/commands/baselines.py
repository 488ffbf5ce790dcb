"""`camaudit accept` and `prune`: what a person does with baselines; a run never touches them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from camaudit.errors import BaselineError, SpecError
from camaudit.integrity import CANDIDATES, sha256
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.checks.drift import DriftSpec
    from camaudit.result import AuditResult, CheckResult
    from camaudit.spec.audit import AuditSpec

reports = click.option(
    "--reports",
    default=Path("reports"),
    show_default=True,
    type=click.Path(path_type=Path),
    help="Folder of the reports, as for the run.",
)


@dataclass(frozen=True, kw_only=True)
class Waiting:
    """A drift check with the candidate that the last run left for it."""

    spec: AuditSpec
    check: DriftSpec
    candidate: Path
    result: AuditResult
    home: Path
    """The folder of the last run's report."""

    @property
    def target(self) -> Path:
        """The baseline that is compared with."""
        return self.spec.base / self.check.baselines[0]

    @property
    def found(self) -> CheckResult:
        """What the run said."""
        return next(item for item in self.result.checks if item.id == self.check.id)


def waiting(target: str, folder: Path) -> Iterator[Waiting]:
    """The drift checks that ``AUDIT`` or ``AUDIT::CHECK`` names, each with the last run's candidate."""
    from camaudit.result import AuditResult
    from camaudit.spec import read

    file, _, wanted = target.partition("::")
    spec = read(Path(file))
    checks = [check for check in spec.checks if check.kind == "drift"]
    ids = [check.id for check in checks]
    if not checks or (wanted and wanted not in ids):
        problem = (
            f"there is no drift check {wanted!r}{did_you_mean(wanted, ids)}"
            if wanted
            else "has no drift check"
        )
        raise SpecError(problem, where=file, hint=f"its drift checks are: {', '.join(ids) or 'none'}")
    home = folder / spec.name
    result = AuditResult.read(home / "result.json")
    if result.spec_text != spec.source:
        raise BaselineError(
            "the spec has changed since the last run", where=file, hint=f"camaudit run {file}, then again"
        )
    for check in checks:
        if wanted in {"", check.id}:
            yield Waiting(
                spec=spec,
                check=check,  # type: ignore[arg-type]
                candidate=_candidate(home, check.id, result),
                result=result,
                home=home,
            )


def _candidate(home: Path, check: str, result: AuditResult) -> Path:
    """The candidate of a check, if it is the one that the last run wrote."""
    name = f"{CANDIDATES}/{check}.json"
    path = home / name
    if name not in result.files or not path.exists():
        raise BaselineError(
            f"the last run left no candidate for {check!r}",
            where=str(home),
            hint="it did not run that check, or could not measure: see the report, and run it again",
        )
    if sha256(path) != result.files[name]:
        raise BaselineError("is not the file that the last run wrote", where=str(path), hint="run it again")
    return path


@click.command()
@click.argument("target", metavar="AUDIT[::CHECK]")
@click.option("--by", required=True, help="Who accepts it.")
@click.option("--reason", required=True, help="Why the change is right.")
@click.option("--as", "name", help="Which of several baselines it becomes.  [default: the first]")
@reports
def accept(*, target: str, by: str, reason: str, name: str | None, reports: Path) -> None:
    """Make what the last run measured the baseline, and write down who and why.

    Look at the report and at `camaudit diff` first. A line is added to HISTORY.jsonl beside the baseline;
    both belong into version control. Refused where CI is set.

    \b
      camaudit accept audits/dogs.audit.yaml::no-drift --by "A. Person" --reason "retrained on 2,000 more"
    """  # noqa: D301 - click reads the backspace
    from camaudit import baseline
    from camaudit.baseline.history import refuse_in_ci

    refuse_in_ci()
    for item in waiting(target, reports):
        place = item.spec.base / _named(item.check, name)
        if place.exists() and place.read_bytes() == item.candidate.read_bytes():
            click.echo(f"{item.check.id}: {place} is that already")
            continue
        line = baseline.accept(item.candidate, place, by=by, reason=reason, verdict=item.found.headline)
        click.echo(f"{item.check.id}: wrote {place} ({line['samples']} samples), accepted by {by}: {reason}")


def _named(check: DriftSpec, name: str | None) -> str:
    if name is None:
        return check.baselines[0]
    if name not in check.baselines:
        raise BaselineError(
            f"{check.id} has no baseline {name!r}{did_you_mean(name, check.baselines)}",
            hint=f"its baselines are: {', '.join(check.baselines)}",
        )
    return name


@click.command()
@click.argument("specs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--yes", is_flag=True, help="Delete them; without it they are only listed.")
@reports
def prune(*, specs: tuple[Path, ...], yes: bool, reports: Path) -> None:
    """Delete baselines that no check names, after a complete run without a failure.

    What a partial or failed run did not look at may still be needed, so it is left alone.

    \b
      camaudit prune audits/dogs.audit.yaml --yes
    """  # noqa: D301 - click reads the backspace
    from camaudit.baseline.unused import LEFT_BEHIND, left_behind
    from camaudit.result import AuditResult
    from camaudit.spec import read

    for file in specs:
        spec = read(file)
        found = left_behind(spec)
        if not found:
            click.echo(f"{file}: every baseline is named by a check")
            continue
        result = AuditResult.read(reports / spec.name / "result.json")
        failed = [item.id for item in result.checks if item.blocks and item.id != LEFT_BEHIND]
        if result.not_run or failed or result.spec_text != spec.source:
            why = (
                f"left out {', '.join(result.not_run)}"
                if result.not_run
                else f"failed in {', '.join(failed)}"
                if failed
                else "was of another version of the spec"
            )
            raise BaselineError(
                f"the last run {why}: nothing is deleted",
                where=str(file),
                hint=f"camaudit run {file} without --check, and mend what fails",
            )
        for path in found:
            if yes:
                path.unlink()
            click.echo(f"{'deleted' if yes else 'unused, deleted with --yes'}: {path}")
