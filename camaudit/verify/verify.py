"""Puts the parts of a verification in order: files, identity, judgement, single samples."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit import assessment, registry
from camaudit import plan as planning
from camaudit.baseline.unused import LEFT_BEHIND, left_behind, told
from camaudit.errors import CamauditError, ResultError
from camaudit.verify.compared import Pair
from camaudit.verify.files import file_faults
from camaudit.verify.found import TOLERANCE, CheckFound, Verification
from camaudit.verify.identity import data_faults, network_faults, spec_faults
from camaudit.verify.judged import audit_faults, judged
from camaudit.verify.recorded import DATA, Recorded
from camaudit.verify.whole import found_faults, parameter_faults, table_faults

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping, Sequence

    from camaudit.engine import Options
    from camaudit.engine.again import Again, Measured
    from camaudit.engine.part import Part
    from camaudit.plan import CheckPlan, Plan
    from camaudit.result import CheckResult
    from camaudit.spec.audit import AuditSpec
    from camaudit.verify.found import Line


def verify(
    folder: Path,
    spec: AuditSpec,
    *,
    seed: int,
    samples: int | None = 5,
    only: Collection[str] = (),
    tolerance: float = TOLERANCE,
    options: Options | None = None,
) -> Verification:
    """Check the report in `folder` against its spec, networks and data, and measure samples anew.

    `samples` of each check are drawn by a hash of `seed` and their ids, the same ones for checks that share
    them; None takes all. `only` are ids of checks, all
    if empty. Raises `ResultError` where the report cannot be read at all, or has no such check.
    """
    recorded = Recorded.read(folder)
    known = [check.id for check in recorded.result.checks]
    for name in only:
        if name not in known:
            near = registry.did_you_mean(name, known)
            raise ResultError(f"the report has no check {name!r}{near}", where=str(folder))
    job = _Job(recorded=recorded, spec=spec, seed=seed, samples=samples, only=only, tolerance=tolerance)
    with tempfile.TemporaryDirectory(prefix="camaudit-verify-") as made:
        return job.run(Path(made), options)


@dataclass(kw_only=True)
class _Job:
    """One verification under way."""

    recorded: Recorded
    spec: AuditSpec
    seed: int
    samples: int | None
    only: Collection[str]
    tolerance: float
    identity: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)
    found: dict[str, CheckFound] = field(default_factory=dict)
    _open: set[str] = field(default_factory=set)
    """Checks whose estimates samples.csv alone does not give."""

    def run(self, scratch: Path, options: Options | None) -> Verification:
        result = self.recorded.result
        self.identity += spec_faults(result, self.spec)
        same_spec = self.spec.source == result.spec_text
        if same_spec:
            self.identity += audit_faults(result, self.spec)
            self._checks(scratch, options)
        if result.not_run:
            self.remarks.append(f"the report is of a partial run: {', '.join(result.not_run)} left out")
        exhibits = [item.id for item in result.checks if item.attacked is not None or item.hypotheses]
        if exhibits:
            self.remarks.append(f"the examples of changed images in {', '.join(exhibits)} are not made again")
        left = [item.id for item in result.checks if self.only and item.id not in self.only]
        if left:
            self.remarks.append(f"not looked at: {', '.join(left)}")
        why = "" if same_spec else "nothing was measured: the spec is another"
        checks = [
            self.found.get(item.id) or CheckFound(id=item.id, unverifiable=(why or "is not in the spec",))
            for item in result.checks
            if item.id not in left
        ]
        return Verification(
            audit=result.name,
            seed=self.seed,
            tolerance=self.tolerance,
            files=file_faults(self.recorded.folder, result.files),
            hashed=len(result.files),
            identity=tuple(dict.fromkeys(self.identity)),
            remarks=tuple(self.remarks),
            checks=tuple(checks),
        )

    def _checks(self, scratch: Path, options: Options | None) -> None:
        ids = [check.id for check in self.recorded.result.checks if check.id in self._wanted]
        if LEFT_BEHIND in self._wanted:
            self.found[LEFT_BEHIND] = self._left_behind()
        if not ids:
            return
        whole = planning.make(self.spec, ids)
        for check in whole.checks:
            self.found[check.id] = self._judged(check)
        self._measure(whole, scratch, options)

    @property
    def _wanted(self) -> dict[str, CheckResult]:
        """The checks to look at: of the spec, or what a complete run says of its baselines."""
        known = {check.id for check in self.spec.checks} | {LEFT_BEHIND}
        return {
            item.id: item
            for item in self.recorded.result.checks
            if item.id in known and (not self.only or item.id in self.only)
        }

    def _judged(self, check: CheckPlan) -> CheckFound:
        try:
            said = judged(check, self._wanted[check.id], self.recorded)
        except ResultError as error:
            return CheckFound(id=check.id, faults=(str(error),))
        if said.unverifiable:
            self._open.add(check.id)
        return CheckFound(id=check.id, faults=said.faults, unverifiable=said.unverifiable)

    def _left_behind(self) -> CheckFound:
        """Baselines without a check: there is nothing to measure."""
        lost = left_behind(self.spec)
        mine = self._wanted[LEFT_BEHIND]
        right = assessment.left_behind(told(lost), spec_file=self.recorded.result.spec_file)
        faults = () if lost and mine == right else ("what is said of baselines is not so now",)
        return CheckFound(id=LEFT_BEHIND, faults=faults)

    def _measure(self, whole: Plan, scratch: Path, options: Options | None) -> None:
        """Networks and data first; then the samples drawn of every check."""
        from camaudit.engine import Options
        from camaudit.engine.again import Again

        drawn = dict(self._draws(whole))
        ids = [name for name, keys in drawn.items() if keys]
        plan = planning.make(self.spec, ids) if ids else whole
        again = Again(plan, scratch, options or Options(), self._part(plan, drawn))
        networks = {model.name: model for model in self.recorded.result.models}
        for name, model in networks.items():
            self.identity += network_faults(model, again.network(name))
        for check in whole.checks:
            if check.model not in networks and self._wanted[check.id].findings:
                self.identity.append(f"network {check.model}: the report says nothing of its identity")
            self._data(check, again)
        if ids:
            measured = again.measure(ids)
            now = Recorded.read(scratch)
            for check in plan.checks:
                self._compare(check, drawn[check.id], now, measured)

    def _draws(self, whole: Plan) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The samples to measure, by check; none of a check that has none."""
        for check in whole.checks:
            keys = self._ids(check.id)
            if not keys:
                self._cannot(check.id, "no number of any sample was recorded")
            yield (
                check.id,
                tuple(keys if self.samples is None else sorted(keys, key=self._rank)[: self.samples]),
            )

    def _part(self, plan: Plan, drawn: Mapping[str, tuple[str, ...]]) -> Part | None:
        """What is measured, and what was recorded of checks whose samples rest on each other."""
        from camaudit.engine.part import Kept, Part

        if self.samples is None:
            return None
        recorded = {}
        for check in (one for item in plan.checks for one in (item, item.of) if one is not None):
            found = self._all.get(check.id)
            if found is not None and _rests_on_others(check):
                try:
                    maps = self.recorded.maps(check.id)
                    recorded[check.id] = Kept(table=self.recorded.table(check, found), maps=maps)
                except ResultError:
                    continue  # said by the judgement
        return Part(ids=frozenset(key for keys in drawn.values() for key in keys), recorded=recorded)

    @property
    def _all(self) -> dict[str, CheckResult]:
        return {item.id: item for item in self.recorded.result.checks}

    def _rank(self, key: str) -> str:
        return sha256(f"verify\0{self.seed}\0{key}".encode()).hexdigest()

    def _ids(self, check: str) -> list[str]:
        try:
            return list(self.recorded.part(check).index)
        except ResultError:
            return []  # said by the judgement

    def _cannot(self, check: str, why: str) -> None:
        found = self.found[check]
        self.found[check] = replace(found, unverifiable=(*found.unverifiable, why))

    def _data(self, check: CheckPlan, again: Again) -> None:
        """The images of all of a check's samples, by their hashes."""
        found, keys = self._wanted[check.id], self._ids(check.id)
        if found.population is None or not keys:
            return
        try:
            images = again.images(check, keys)
        except Exception as error:  # noqa: BLE001 - a user's data source may raise anything
            self.identity.append(f"data {check.data}: cannot be listed: {error}")
            return
        self.identity += data_faults(found, images, self.recorded.part(check.id))

    def _compare(self, check: CheckPlan, keys: tuple[str, ...], now: Recorded, measured: Measured) -> None:
        problem = measured.problems.get(check.id)
        if problem is not None:
            self._cannot(check.id, f"its samples could not be measured anew: {problem}")
            return
        pair = Pair(check=check, before=self.recorded, now=now, tolerance=self.tolerance)
        try:
            self._all_again(check, now, measured)
            others = [key for key in self._ids(check.id) if key not in set(keys)]
            lines = [*pair.lines(keys), *self._others(check, pair, others)]
        except CamauditError as error:
            self._differs(check.id, str(error))
            return
        self.found[check.id] = replace(
            self.found[check.id],
            samples=keys,
            lines=tuple(dict.fromkeys(lines)),
            said=self._said(check, keys, others),
        )

    def _said(self, check: CheckPlan, keys: Sequence[str], others: Sequence[str]) -> tuple[str, ...]:
        """What was not looked at, in words."""
        if not others:
            return ()
        n, rest = len(keys) + len(others), len(others)
        found = self.found[check.id]
        follow = "" if found.faults or found.unverifiable else "; estimates follow from samples.csv"
        words = [f"{len(keys)} of {n} samples were measured anew{follow}"]
        if check.together:
            words.append(
                f"{check.together}: all were walked over and given their parts anew; what the other {rest} "
                "answer to changed images is as recorded"
            )
        elif _rests_on_others(check):
            words.append(
                f"all {n} were held against the baseline anew, the other {rest} by their recorded scores, "
                "answers and maps"
            )
        return tuple(words)

    def _others(self, check: CheckPlan, pair: Pair, others: Sequence[str]) -> Iterator[Line]:
        """What differs of samples that were not drawn, where their rows were made again all the same."""
        if _rests_on_others(check):
            yield from (line for line in pair.lines(others, maps=False) if not line.same)
        if check.together:
            yield from (line for line in pair.maps() if not line.same)

    def _all_again(self, check: CheckPlan, now: Recorded, measured: Measured) -> None:
        """What can be said where all samples were measured, or stood in for those that were not."""
        walked = self.samples is None or bool(check.together)
        if not walked and not _rests_on_others(check):
            return
        mine, right = self._all[check.id], now.result_of(check.id)
        faults = [*table_faults(check, self.recorded, now)]
        if walked:
            faults += found_faults(mine, right, self.tolerance)
        else:
            faults += parameter_faults(mine, right, self.tolerance, without=(DATA,))
        self._differs(check.id, *faults)
        if check.id in self._open and not faults:
            said = judged(check, mine, self.recorded, measured.tables[check.id], self.tolerance)
            found = self.found[check.id]
            self.found[check.id] = replace(found, faults=said.faults, unverifiable=said.unverifiable)

    def _differs(self, check: str, *faults: str) -> None:
        found = self.found[check]
        self.found[check] = replace(found, faults=(*found.faults, *faults))


def _rests_on_others(check: CheckPlan) -> bool:
    """Whether what was recorded of other samples stands in where some are measured anew."""
    return bool(check.together or registry.find("check", check.kind).compares)
