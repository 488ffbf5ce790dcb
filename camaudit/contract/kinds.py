"""What every kind of check keeps that asks for columns and makes estimates of them."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, replace
from math import isfinite, isnan
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
from pydantic import ValidationError

from camaudit import registry
from camaudit.checks.kind import Estimate, Kind
from camaudit.contract.clause import contract, is_a, name_of, require
from camaudit.contract.keys import require_described, require_strict
from camaudit.evidence import Column
from camaudit.scores import FACTS, Table
from camaudit.spec.types import CheckSpec, Gate, MapsSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from pydantic.fields import FieldInfo

    from camaudit.contract.clause import Contract

N = 40
LOST = 4
"""How many of the samples have no number."""
REASON = "all-zero map"
CONFIDENCE = 0.95
PLACES = 3


def table_of(columns: Mapping[str, Column], lost: int = LOST) -> Table:
    """Made-up numbers in the range of each column's metric; the first `lost` samples have none."""
    draws = np.random.default_rng(3)
    ids = [f"sample-{number}" for number in range(N)]
    names = np.array(["cat", "dog"] * (N // 2))
    facts = dict.fromkeys(FACTS)
    frame = pd.DataFrame({**facts}, index=ids, dtype=object)
    frame["label"], frame["predicted"] = names, np.where(np.arange(N) % PLACES == 0, names[::-1], names)
    frame["sha256"], frame["map_status"] = [f"{number:064x}" for number in range(N)], "ok"
    frame["object_share"] = draws.uniform(0.1, 0.6, N)
    for name, column in columns.items():
        frame[name] = _numbers(column, draws)
        frame.loc[ids[:lost], name] = float("nan")
    return Table(frame=frame, reasons={name: dict.fromkeys(ids[:lost], REASON) for name in columns})


def _numbers(column: Column, draws: np.random.Generator) -> np.ndarray:
    if column.profile:
        text = "columns of profiles cannot be made up: try it with a spec that asks for none"
        raise AssertionError(f"{column.metric}: {text}")
    if column.source == "sample":
        return draws.integers(1, PLACES, N).astype(np.float64)
    if column.metric == "status":
        return draws.integers(0, 2, N).astype(np.float64)
    if column.reveal is not None:
        return draws.uniform(0, 1, N)
    metric = registry.find("metric", column.metric.partition("@")[0])
    if metric.statistic == "share":
        return draws.integers(0, 2, N).astype(np.float64)
    return draws.uniform(max(metric.range[0], -1.0), min(metric.range[1], 1.0), N)


@dataclass(frozen=True, kw_only=True)
class _Case:
    kind: Kind
    keys: Mapping[str, Any]

    @property
    def spec(self) -> CheckSpec:
        """The check as a spec would have it."""
        return self.kind.spec(**{"id": "tried", "kind": self.kind.name, **self.keys})

    def table(self, lost: int = LOST) -> Table:
        """Made-up numbers, with what the kind derives of them."""
        return self.kind.derive(self.spec, table_of(self.kind.columns(self.spec, MapsSpec()), lost))

    def estimates(self, table: Table | None = None) -> tuple[Estimate, ...]:
        """What it makes of a table."""
        return tuple(self.kind.estimate(self.spec, self.table() if table is None else table, CONFIDENCE))

    def entry(self) -> None:
        is_a(self.kind, Kind)
        text = "asks the engine for more than columns, which is no extension point: see docs/architecture.md"
        require(not (self.kind.follow_up or self.kind.compares), f"it {text}")
        require(issubclass(self.kind.spec, CheckSpec), f"{self.kind.spec.__name__} is no CheckSpec")
        literal = get_args(self.kind.spec.model_fields["kind"].annotation)
        require(
            literal == (self.kind.name,),
            f"its spec's key kind admits {literal}, its name is {self.kind.name!r}",
        )
        require(self.kind.title, "its title is empty")
        require(self.kind.limits, "its limits are empty: say what a PASS does not mean")
        require(self.kind.question(self.spec).strip(), "its question is empty")
        worst = self.kind.worst(self.spec)
        require(worst in get_args(Literal["low", "high"]), f"the worst are at {worst!r}, allowed: low, high")

    def torch_free(self) -> None:
        code = f"import sys, {self.kind.spec.__module__}; print('torch' in sys.modules)"
        paths = os.pathsep.join(filter(None, sys.path))
        done = subprocess.run(  # noqa: S603 - the interpreter itself
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": paths},
        )
        require(done.returncode == 0, f"its module cannot be imported by itself: {done.stderr[-300:]}")
        loads = done.stdout.split()[-1] == "True"
        require(not loads, "its module loads torch: specs are read, and results judged again, without one")

    def strict(self) -> None:
        # Common keys are described where they are common.
        require_described(self.kind.spec, but={*CheckSpec.model_fields, "gate", "per_class"})
        require_strict(self.kind.spec, dict(self.spec))

    def columns(self) -> None:
        first, second = (self.kind.columns(self.spec, MapsSpec()) for _ in range(2))
        require(first, "it asks for no column")
        strangers = [name for name, column in first.items() if not isinstance(column, Column)]
        require(not strangers, f"columns that are no Column: {strangers}")
        require(first == second, "it asks for other columns the second time, and nothing could be merged")
        facts = sorted(set(first) & set(FACTS))
        require(not facts, f"columns are called as facts are: {', '.join(facts)}")

    def titles(self) -> None:
        missing = [name for name in self.table().columns if name not in self.kind.titles(self.spec)]
        require(not missing, f"columns without a title: {', '.join(missing)}")

    def numbers(self) -> None:
        table = self.table()
        found = self.estimates(table)
        strangers = [type(item).__name__ for item in found if not isinstance(item, Estimate)]
        require(not strangers, f"estimates are {strangers[:1]}, not Estimate")
        require(any(item.gate is not None for item in found), "nothing is gated: the check can never fail")
        names = [item.name for item in found]
        double = sorted({name for name in names if names.count(name) > 1})
        require(not double, f"several estimates are called {double[:1]}")
        for item in found:
            require(
                item.column in table.columns, f"{item.name} is of the column {item.column!r}, which is none"
            )
            require(item.title, f"{item.name} has no title")
            self._within(item)

    def _within(self, item: Estimate) -> None:
        value, low, high = item.interval.value, item.low, item.high
        below, above = low is not None and value < low, high is not None and value > high
        require(not (below or above), f"{item.name} is {value:g}, beyond its ends {low} and {high}")

    def counts(self) -> None:
        for item in self.estimates():
            if item.by is not None or item.gate is None:
                continue
            about = N if item.of is None else item.of
            counted, missing = item.interval.n, sum(item.undefined.values())
            text = f"{counted} numbers and {missing} undefined ones are not the {about} samples it is about"
            require(counted + missing == about, f"{item.name}: {text}: none is left out in silence")

    def nothing(self) -> None:
        for item in self.estimates(self.table(lost=N)):
            numberless = item.interval.n == 0 or isnan(item.interval.value)
            text = f"without any number {item.name} is {item.interval.value:g}"
            require(item.gate is None or numberless, f"{text}: empty is never green")

    def order(self) -> None:
        table = self.table()
        turned = replace(table, frame=table.frame.iloc[::-1])
        for one, other in zip(self.estimates(table), self.estimates(turned), strict=True):
            values = one.interval.value, other.interval.value
            same = bool(np.isclose(*values, rtol=1e-9, atol=1e-12, equal_nan=True))
            require(same, f"{one.name} is {values[0]:g}, and {values[1]:g} with the samples in another order")

    def twice(self) -> None:
        table = self.table()
        before = table.frame.copy(deep=True)
        first, second = self.estimates(table), self.estimates(table)
        same = [(item.name, str(item.interval)) for item in first] == [
            (item.name, str(item.interval)) for item in second
        ]
        require(same, "two estimates of one table differ: seed what is drawn")
        require(table.frame.equals(before), "it changed the table in place")

    def gates(self) -> None:
        gate: Gate | None = getattr(self.spec, "gate", None)
        if gate is None:
            raise AssertionError("the spec that it is tried with has no gate: give it one")
        gated = next((item for item in self.estimates() if item.gate == gate), None)
        if gated is None:
            raise AssertionError(f"no estimate has the gate of the spec, {gate.text()}")
        vacuous = {"at_least": gated.low, "at_most": gated.high}
        for key, bound in vacuous.items():
            if bound is None or not isfinite(bound):
                continue
            try:
                self.kind.spec(**{**dict(self.spec), "gate": {key: bound}})
            except ValidationError:
                continue
            raise AssertionError(f"a gate {key}: {bound:g} can never fail and is taken: use refuse_vacuous")


def _plain(field: FieldInfo) -> bool:
    return field.annotation is Gate or Gate in get_args(field.annotation)


def of_kind(kind: Kind, keys: Mapping[str, Any]) -> Contract:
    """What a kind of check keeps, tried on made-up numbers of 40 samples, 4 of which have none.

    `keys` are what a spec would say of such a check, without id and kind. Clauses: the entry; no torch; a
    frozen spec with documented keys that refuses others; plain columns; a title for each; estimates, one of
    them gated; counts that add up; no number where there is none; any order of the samples; the same twice,
    the table as it was; where the gate is a plain one, a bound that can never fail refused.
    """
    case = _Case(kind=kind, keys=keys)
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("no torch", case.torch_free),
        ("frozen and strict", case.strict),
        ("columns", case.columns),
        ("titles", case.titles),
        ("estimates", case.numbers),
        ("counts add up", case.counts),
        ("empty is never green", case.nothing),
        ("any order", case.order),
        ("the same twice", case.twice),
    ]
    if isinstance(kind, Kind) and "gate" in kind.spec.model_fields and _plain(kind.spec.model_fields["gate"]):
        clauses.append(("gates that cannot fail", case.gates))
    return contract(f"kind of check {name_of(kind)}", clauses)
