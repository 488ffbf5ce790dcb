"""What every kind of check keeps that asks for columns alone; the others have tests of their own."""

from __future__ import annotations

import pytest

from camaudit import registry
from camaudit.checks import CHECKS
from camaudit.contract import of_kind

KEYS = {
    "overlap": (
        {"gate": {"at_least": 0.5}},
        {"metric": "pointing", "also": ("iou@0.5",), "gate": {"at_most": 0.5}},
    ),
    "localisation": ({"gate": {"at_least": 0.5}},),
    "errors": ({"gate": {"error_rate": {"at_most": 0.5}}},),
    "sanity": ({},),
}
CASES = [(name, keys) for name, cases in KEYS.items() for keys in cases]


def test_every_kind_that_asks_for_columns_alone_is_tested():
    kinds = {name: registry.find("check", name) for name in CHECKS}
    assert set(KEYS) == {name for name, kind in kinds.items() if not (kind.follow_up or kind.compares)}


@pytest.mark.parametrize(
    "clause",
    [
        pytest.param(clause, id=f"{name}-{clause}-{number}")
        for number, (name, keys) in enumerate(CASES)
        for clause in of_kind(registry.find("check", name), keys)
    ],
)
def test_contract(clause):
    clause()


@pytest.mark.parametrize("name", sorted(set(CHECKS) - set(KEYS)))
def test_a_kind_that_asks_the_engine_for_more_is_no_extension(name):
    entry, *_ = of_kind(registry.find("check", name), {})
    with pytest.raises(AssertionError, match="asks the engine for more than columns"):
        entry()
