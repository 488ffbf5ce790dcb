"""Runs a plan: loads networks, lists data, walks the passes, judges, writes the result and its evidence."""

from __future__ import annotations

import hashlib
import time
import warnings
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from camaudit import assessment, registry
from camaudit.baseline.unused import left_behind, told
from camaudit.classifier import load
from camaudit.engine.allocation import pages_kept
from camaudit.engine.calibrate import calibrate
from camaudit.engine.drift import beside
from camaudit.engine.environment import environment
from camaudit.engine.files import Evidence
from camaudit.engine.follow_up import refused
from camaudit.engine.reasons import reason
from camaudit.engine.room import fresh, prepare
from camaudit.engine.streaming import Walk
from camaudit.engine.usable import missing_region, refuse_empty, too_many_lost
from camaudit.errors import CamauditError
from camaudit.integrity import written
from camaudit.plan import MAIN, model_key
from camaudit.result import AuditResult, ModelRecord
from camaudit.scores import Table, write_csv
from camaudit.trust import with_trust

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Listing, Sample
    from camaudit.engine.calibrate import Calibration
    from camaudit.engine.drift import Compared
    from camaudit.engine.follow_up import Followed
    from camaudit.engine.part import Part
    from camaudit.maps.layers import Chosen
    from camaudit.plan import CheckPlan, Pass, Plan
    from camaudit.result import CheckResult
    from camaudit.spec.audit import AuditSpec


def _silent(_label: str, _done: int, _total: int) -> None:
    pass


@dataclass(frozen=True, kw_only=True)
class Options:
    """How a run is carried out; nothing here may change a verdict."""

    device: str = "cpu"
    workers: int = 2
    """Threads that decode images ahead of the network."""
    batch_size: int = 16
    threads: int | None = None
    """Threads of the network's arithmetic; torch's own default if None."""
    progress: Callable[[str, int, int], None] = _silent
    """Called with a label, samples done and samples in all."""

    def __post_init__(self) -> None:
        """Refuse numbers that would hold all images at once, or none."""
        for name, least in (("batch_size", 1), ("workers", 0)):
            if getattr(self, name) < least:
                raise CamauditError(f"must be at least {least}, got {getattr(self, name)}", where=name)


def run(plan: Plan, folder: Path, options: Options | None = None) -> AuditResult:
    """Run a plan and write `result.json`, `samples.csv` and `evidence/` into `folder`.

    A network, a data set or a map that breaks makes the checks that need it an ERROR with the reason;
    everything else goes on. Only `KeyboardInterrupt` and its like end the run.
    """
    options = options or Options()
    if options.threads is not None:
        torch.set_num_threads(options.threads)
    prepare(folder)
    session = Session(plan=plan, folder=folder, options=options)
    with pages_kept():
        result = session.run()
    result.write(folder / "result.json")
    return result


@dataclass(kw_only=True)
class Session:
    """One run under way: what has been loaded, and what has been found so far."""

    plan: Plan
    folder: Path
    options: Options
    part: Part | None = None
    """The samples to measure, all if None. A result of some is no result of the audit."""
    networks: dict[str, Classifier] = field(default_factory=dict)
    tables: dict[str, Table] = field(default_factory=dict)
    results: dict[str, CheckResult] = field(default_factory=dict)
    followed: dict[str, Followed] = field(default_factory=dict)
    compared: dict[str, Compared] = field(default_factory=dict)
    layers: dict[str, dict[str, str]] = field(default_factory=dict)
    timings: dict[str, float] = field(default_factory=dict)

    def run(self) -> AuditResult:
        """Walk all passes and put the result together."""
        started, created = time.perf_counter(), datetime.now(UTC)
        evidence = Evidence(folder=fresh(self.folder / "evidence"), base=self.plan.spec.base)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("default")
            for number, work in enumerate(self.plan.passes):
                with _timed(self.timings, f"{work.model} on {work.data}"):
                    self._pass(work, evidence, prefix=f"p{number}")
        evidence.close()
        write_csv(self.tables, self.folder / "samples.csv")
        return self._result(created, time.perf_counter() - started, tuple(_texts(caught)))

    @property
    def _spec_file(self) -> str:
        return _relative(self.plan.spec.file)

    def _pass(self, work: Pass, evidence: Evidence, prefix: str) -> None:
        try:
            network = self.network(work.model)
            listing = self._listing(work, network)
            refuse_empty(listing, work.data)
            work = self._possible(work, listing, network)
            walk = Walk(
                work=work,
                classifier=network,
                batch_size=self.options.batch_size,
                base=self.plan.spec.base,
                part=self.part,
                whole=any(check.together for check in work.checks),
                tick=lambda done, total: self.options.progress(f"{work.model} on {work.data}", done, total),
            )
            if work.calibration is not None and work.checks:
                walk.tuned = self._calibration(walk, listing)
                listing = walk.tuned.listing
            drawn = walk.run(listing, self.options.workers) if work.checks else ()
        except Exception as error:  # noqa: BLE001 - whatever a user's code raises becomes this pass's ERROR
            for check in work.checks:
                self._fail(check, error)
            return
        self.layers.setdefault(work.model, {}).update(
            {item.name: "; ".join([item.why, *item.notes]) for item in walk.layers.values()}
        )
        # Those that compare come last: what they compare has been measured then.
        for check in sorted(work.checks, key=lambda item: item.of is not None):
            self._assess(check, work, walk, listing, drawn)
        try:
            self._write(work, walk, drawn, evidence, prefix)
        except Exception as error:  # noqa: BLE001 - numbers must not be lost for want of a picture
            warnings.warn(f"evidence of {work.data} is incomplete: {reason(error)}", stacklevel=1)

    def _possible(self, work: Pass, listing: Listing, network: Classifier) -> Pass:
        """The pass without the checks that cannot be carried out; those become an ERROR at once."""
        allowed = self.plan.spec.data[work.data].allow_unusable
        possible = []
        for check in work.checks:
            regions = [column.region for column in check.columns.values() if column.region is not None]
            problem = missing_region(listing, dict.fromkeys(regions), allowed, work.data) or refused(
                check, network
            )
            if problem is None:
                possible.append(check)
            else:
                self._fail(check, problem)
        return replace(work, checks=tuple(possible))

    def _assess(
        self, check: CheckPlan, work: Pass, walk: Walk, listing: Listing, drawn: tuple[Sample, ...]
    ) -> None:
        population = walk.collector.population(work, listing, len(drawn))
        requests = [request for column in check.columns.values() for request in column.maps]
        used = {(request.layer, request.layout) for request in requests}
        layers = [chosen for (name, _, layout), chosen in walk.layers.items() if (name, layout) in used]
        notes = [f"layer {chosen.name}: {note}" for chosen in layers for note in chosen.warnings]
        notes += walk.collector.copies()
        allowed = self.plan.spec.data[work.data].allow_unusable
        problem = walk.collector.failure(check) or too_many_lost(
            listing, walk.collector.lost, len(drawn), allowed, work.data
        )
        if problem is None and not walk.collector.details:
            problem = CamauditError(
                "no sample was left to measure: empty is never green", where=f"data.{work.data}"
            )
        try:
            table = None
            if walk.collector.failure(check) is None:
                table, told = self._compared(check, walk, drawn)
                self.tables[check.id] = table
                notes += told
            if problem is None and table is not None:
                self.results[check.id] = assessment.assess(
                    check,
                    table,
                    population,
                    spec_file=self._spec_file,
                    warnings=notes,
                    layers=_described(layers),
                )
                return
        except Exception as error:  # noqa: BLE001 - a check by a third party may raise anything
            problem = error
        self._fail(
            check, problem or CamauditError("nothing was measured"), population=population, notes=notes
        )

    def _compared(
        self, check: CheckPlan, walk: Walk, drawn: tuple[Sample, ...]
    ) -> tuple[Table, tuple[str, ...]]:
        """The numbers of a check, held against a baseline where its kind does that, and notes on them."""
        if check.of is None:
            table = self._table(check, walk, drawn)
            return table, self.followed[check.id].notes if check.id in self.followed else ()
        source = self.tables.get(check.of.id)
        compare = registry.load(registry.find("check", check.kind).compares)
        found = compare(
            check,
            walk,
            self._table(check.of, walk, drawn) if source is None else source,
            audit=self.plan.spec.name,
            folder=self.folder,
            spec_file=self._spec_file,
            base=self.plan.spec.base,
        )
        self.compared[check.id] = found
        return found.table, found.notes

    def _table(self, check: CheckPlan, walk: Walk, drawn: tuple[Sample, ...]) -> Table:
        follow_up = registry.find("check", check.kind).follow_up
        if follow_up:
            self.followed[check.id] = registry.load(follow_up)(
                check, walk, drawn, workers=self.options.workers
            )
            return self.followed[check.id].table
        table = walk.collector.table(check)
        if walk.tuned is not None:
            table = replace(table, settings=walk.tuned.settings(check, walk.collector))
        derived: Table = registry.find("check", check.kind).derive(check.spec, table)
        return derived

    def _calibration(self, walk: Walk, listing: Listing) -> Calibration:
        """Walk over the samples that thresholds are tuned on; they are audited by no check of this pass."""
        wanted = walk.work.calibration
        assert wanted is not None
        name = wanted.data or walk.work.data
        other = None
        if wanted.data is not None:
            other = self._listing(replace(walk.work, data=wanted.data), walk.classifier)
        allow = self.plan.spec.data[name].allow_unusable
        return calibrate(walk, listing, other, allow=allow, workers=self.options.workers)

    def _fail(self, check: CheckPlan, error: Exception, **rest: object) -> None:
        notes = rest.pop("notes", [])
        self.results[check.id] = assessment.failed(
            check,
            reason(error),
            spec_file=self._spec_file,
            warnings=notes,  # type: ignore[arg-type]
            **rest,  # type: ignore[arg-type]
        )

    def _write(
        self, work: Pass, walk: Walk, drawn: tuple[Sample, ...], evidence: Evidence, prefix: str
    ) -> None:
        """Write pictures and maps of the samples that the report shows, whatever the status of the check."""
        tables = {check.id: self._measured(check) for check in work.checks if check.id in self.tables}
        shown = {
            check.id: assessment.shown_ids(check, tables[check.id])
            for check in work.checks
            if check.id in tables and len(tables[check.id].frame)
        }
        wanted = {key for rows in shown.values() for key, _ in rows}
        samples = [sample for sample in drawn if sample.id in wanted]
        # Outlines of all regions that these samples have, not only of those that a number was asked for.
        regions = [
            name
            for name in (samples[0].masks if samples else ())
            if all(name in item.masks for item in samples)
        ]
        pictures = evidence.draw(samples, walk.classifier.preprocess.geometry, regions, prefix)
        for check in work.checks:
            if check.id in shown:
                rows = evidence.rows(check, self.tables[check.id], walk.collector, shown[check.id], pictures)
                if check.id in self.compared:
                    rows = beside(rows, self.compared[check.id].accepted, evidence)
                self.results[check.id] = replace(self.results[check.id], rows=rows)
                if check.id in self.followed:
                    told = self.followed[check.id].told(evidence, walk.collector)
                    self.results[check.id] = replace(self.results[check.id], **told)  # type: ignore[arg-type]
                evidence.keep_maps(check, walk.collector)

    def _measured(self, check: CheckPlan) -> Table:
        """The rows of a check's table that this run measured."""
        table = self.tables[check.id]
        return table if self.part is None else table.where(key in self.part.ids for key in table.ids)

    def network(self, name: str) -> Classifier:
        """A network of the audit, loaded once. Raises whatever loading it raises."""
        if name not in self.networks:
            spec = self.plan.spec
            chosen = spec.model if name == MAIN else spec.models[name]
            self.networks[name] = load(chosen, spec.base, name=model_key(name), device=self.options.device)
        return self.networks[name]

    def _listing(self, work: Pass, network: Classifier) -> Listing:
        return self.plan.spec.data[work.data].listing(self.plan.spec.base, network.classes)

    def _result(self, created: datetime, duration: float, notes: tuple[str, ...]) -> AuditResult:
        spec: AuditSpec = self.plan.spec
        checks = with_trust([self.results[check.id] for check in self.plan.checks])
        if not self.plan.not_run and (lost := left_behind(spec)):
            checks = (*checks, assessment.left_behind(told(lost), spec_file=self._spec_file))
        return AuditResult(
            name=spec.name,
            description=spec.description,
            spec_file=self._spec_file,
            spec_text=spec.source,
            spec_sha256=hashlib.sha256(spec.source.encode()).hexdigest(),
            created=created.isoformat(timespec="seconds"),
            duration=duration,
            checks=checks,
            not_run=self.plan.not_run,
            models=tuple(self.record(name, network) for name, network in self.networks.items()),
            environment=environment(spec.base, self.options.device),
            warnings=notes,
            timings=self.timings,
            comparisons=sum(bool(item.gate) for check in checks for item in check.findings),
            files=written(self.folder),
        )

    def record(self, name: str, network: Classifier) -> ModelRecord:
        """What a result says of a network's identity."""
        identity = network.identity
        return ModelRecord(
            name=name,
            factory=identity.factory,
            classes=identity.classes,
            parameters=identity.parameters,
            weights=identity.weights,
            weights_sha256=identity.weights_sha256,
            fingerprint=identity.fingerprint,
            preprocess=network.preprocess.text(),
            layers=self.layers.get(name, {}),
        )


def _described(layers: Sequence[Chosen]) -> dict[str, str]:
    """What the record says of the layers that were looked at."""
    return {
        f"layer {chosen.name}": "; ".join([chosen.why, f"map of {_grid(chosen.shape)}", *chosen.notes])
        for chosen in layers
    }


def _grid(shape: tuple[int, ...]) -> str:
    return " × ".join(map(str, shape[2:]))


def _relative(path: Path) -> str:
    try:
        return path.resolve().relative_to(Path.cwd()).as_posix()
    except ValueError:
        return str(path)


def _texts(caught: list[warnings.WarningMessage]) -> list[str]:
    return list(dict.fromkeys(f"{item.category.__name__}: {item.message}" for item in caught))


class _timed:  # noqa: N801 - reads as a verb where it is used
    """Adds the seconds of a block to a table."""

    def __init__(self, table: dict[str, float], name: str) -> None:
        self.table, self.name = table, name

    def __enter__(self) -> None:
        self.started = time.perf_counter()

    def __exit__(self, *_: object) -> None:
        self.table[self.name] = self.table.get(self.name, 0.0) + time.perf_counter() - self.started
