"""Measures some samples of a finished run anew, and says what networks and images there are now."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camaudit.data.decode import read_image
from camaudit.engine.reasons import reason
from camaudit.engine.room import prepare
from camaudit.engine.run import Options, Session
from camaudit.engine.streaming import class_name

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping
    from pathlib import Path

    from camaudit.engine.part import Part
    from camaudit.plan import CheckPlan, Plan
    from camaudit.result import ModelRecord
    from camaudit.scores import Table


@dataclass(frozen=True, kw_only=True)
class Image:
    """What the data says of a sample now: the hash of its image, and its label; or why there is none."""

    sha256: str = ""
    label: str | None = None
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """What was measured anew, by check: the table; or why there is none."""

    tables: Mapping[str, Table]
    problems: Mapping[str, str]


class Again:
    """One plan, its networks loaded once."""

    def __init__(self, plan: Plan, folder: Path, options: Options, part: Part | None) -> None:
        """`part` are the samples to measure, all of them if None; `folder` is where to."""
        if part is not None:
            plan = _apart(plan)
        self._session = Session(plan=plan, folder=folder, options=options, part=part)

    def network(self, name: str) -> ModelRecord | str:
        """The identity of a network as it is now, or why it cannot be loaded."""
        try:
            return self._session.record(name, self._session.network(name))
        except Exception as error:  # noqa: BLE001 - a user's factory may raise anything, and it is told
            return reason(error)

    def images(self, check: CheckPlan, ids: Iterable[str]) -> Mapping[str, Image]:
        """The images and labels of samples of a check's data, by id. Raises what listing the data raises."""
        network = self._session.networks.get(check.model)
        classes = None if network is None else network.classes
        spec = self._session.plan.spec
        listing = spec.data[check.data].listing(spec.base, classes)
        samples = {sample.id: sample for sample in listing.samples}
        found = {}
        for key in ids:
            sample = samples.get(key)
            if sample is None:
                found[key] = Image(problem="the data has no such usable sample now")
                continue
            name = sample.label_name if sample.label_name is not None else class_name(sample.label, classes)
            try:
                found[key] = Image(sha256=read_image(sample.image).sha256, label=name)
            except Exception as error:  # noqa: BLE001 - an image of a third party may raise anything
                found[key] = Image(label=name, problem=reason(error))
        return found

    def measure(self, checks: Collection[str]) -> Measured:
        """Run the plan, and leave what a run leaves in the folder.

        What is estimated from some samples is of no use: only the numbers of single samples are.
        """
        prepare(self._session.folder)
        result = self._session.run()
        result.write(self._session.folder / "result.json")
        tables = {name: table for name, table in self._session.tables.items() if name in checks}
        problems = {
            item.id: item.answer for item in result.checks if item.id in checks and item.id not in tables
        }
        return Measured(tables=tables, problems=problems)


def _apart(plan: Plan) -> Plan:
    """Checks that take a walk over all samples do not make others of their pass walk over all as well."""
    passes = []
    for work in plan.passes:
        for whole in (False, True):
            members = tuple(check for check in work.checks if bool(check.together) is whole)
            if members:
                passes.append(replace(work, checks=members))
    return replace(plan, passes=tuple(passes))
