"""Kinds of check that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

import random
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import pytest

from camaudit import contract, registry
from camaudit.spec.types import CheckSpec, Gate
from tests.contract.wrong import refused

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract import Contract


def kind_of(keys: dict[str, Any] | None = None, **changes: Any) -> Contract:
    kind = registry.find("check", "overlap")
    return contract.of_kind(replace(kind, **changes), keys or {"gate": {"at_least": 0.5}})


def estimate(spoil: Callable[..., Any]) -> Callable[..., Any]:
    """The estimates of `overlap`, spoilt: `spoil(estimates, table)`."""
    kind = registry.find("check", "overlap")
    return lambda spec, table, confidence: spoil(kind.estimate(spec, table, confidence), table)


def interval(item: Any, **changes: Any) -> Any:
    return replace(item, interval=replace(item.interval, **changes))


def loose() -> Any:
    """A spec that takes any gate."""

    class Loose(CheckSpec):
        kind: Literal["overlap"]
        metric: str = "energy_inside"
        """x"""
        mask: str = "object"
        """x"""
        also: tuple[str, ...] = ()
        """x"""
        gate: Gate
        per_class: None = None

    return Loose


def in_order(found: Any, table: Any) -> Any:
    return tuple(interval(item, value=float(table.frame[item.column].dropna().iloc[0])) for item in found)


def spoils_table(found: Any, table: Any) -> Any:
    table.frame["sha256"] = ""
    return found


@pytest.mark.parametrize(
    ("changes", "clause", "words"),
    [
        ({"follow_up": "x:y"}, "entry", "asks the engine for more than columns"),
        ({"name": "other"}, "entry", r"admits \('overlap',\), its name is 'other'"),
        ({"limits": ()}, "entry", "its limits are empty"),
        ({"question": lambda spec: " "}, "entry", "its question is empty"),
        ({"worst": lambda spec: "top"}, "entry", "the worst are at 'top'"),
        ({"columns": lambda spec, maps: {}}, "columns", "it asks for no column"),
        ({"columns": lambda spec, maps: {"x": 3}}, "columns", "that are no Column"),
        ({"titles": lambda spec: {}}, "titles", "columns without a title: energy_inside"),
        ({"estimate": estimate(lambda f, t: (3,))}, "estimates", r"estimates are \['int'\]"),
        (
            {"estimate": estimate(lambda f, t: f[1:])},
            "estimates",
            "nothing is gated: the check can never fail",
        ),
        ({"estimate": estimate(lambda f, t: f + f[:1])}, "estimates", "several estimates are called"),
        (
            {"estimate": estimate(lambda f, t: (replace(f[0], column="x"),))},
            "estimates",
            "column 'x', which is none",
        ),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=7),))},
            "estimates",
            "is 7, beyond its ends 0",
        ),
        (
            {"estimate": estimate(lambda f, t: (replace(f[0], undefined={}),))},
            "counts add up",
            "36 numbers and 0 undefined ones are not the 40 samples",
        ),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=1.0, n=40),))},
            "empty is never green",
            "without any number energy_inside is 1",
        ),
        ({"estimate": estimate(in_order)}, "any order", "with the samples in another order"),
        (
            {"estimate": estimate(lambda f, t: (interval(f[0], value=random.random()),))},
            "the same twice",
            "two estimates of one table differ",
        ),
        ({"estimate": estimate(spoils_table)}, "the same twice", "it changed the table in place"),
        (
            {"estimate": estimate(lambda f, t: (replace(f[0], gate=None),))},
            "gates that cannot fail",
            "no estimate has the gate of the spec, at least 0.5",
        ),
        ({"spec": loose()}, "gates that cannot fail", "a gate at_least: 0 can never fail and is taken"),
    ],
)
def test_wrong_kinds(changes: dict[str, Any], clause: str, words: str) -> None:
    refused(kind_of(**changes), clause, words)


def test_a_kind_that_loads_torch(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = [
        "import sys",
        'sys.modules.setdefault("torch", None)  # as good as loaded, and quicker',
        "from camaudit.checks.overlap import OverlapSpec",
        "class Heavy(OverlapSpec): pass",
    ]
    (tmp_path / "contract_heavy.py").write_text("\n".join(lines))
    monkeypatch.syspath_prepend(tmp_path)
    import contract_heavy  # type: ignore[import-not-found]

    refused(kind_of(spec=contract_heavy.Heavy), "no torch", "its module loads torch")


def test_a_spec_that_takes_anything() -> None:
    class Open(registry.find("check", "overlap").spec, frozen=False):  # type: ignore[misc]
        nameless: int = 0

    refused(kind_of(spec=Open), "frozen and strict", "keys without a description: nameless")

    class Mutable(registry.find("check", "overlap").spec, frozen=False):  # type: ignore[misc]
        pass

    refused(kind_of(spec=Mutable), "frozen and strict", "another value for 'id' has to be refused")

    class Loose(registry.find("check", "overlap").spec, extra="ignore"):  # type: ignore[misc]
        pass

    refused(kind_of(spec=Loose), "frozen and strict", "the key 'no_such_key' has to be refused")
