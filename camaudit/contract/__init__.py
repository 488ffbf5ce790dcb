"""Contracts: what a map method, a metric, an attack … of anybody's has to keep, ready to be tested.

Each function makes the `Contract` of one member. In a test of one's own, with a test per clause::

    @pytest.mark.parametrize("clause", contract.of_map(METHOD), ids=str)
    def test_contract(clause):
        clause()

or, all of them at once, ``contract.of_map(METHOD).hold()``. camaudit's own members keep the same clauses.
The names load torch when they are first used, but for those of sources and kinds of check.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camaudit.contract.attacks import of_attack
    from camaudit.contract.clause import Clause, Contract
    from camaudit.contract.corruptions import of_corruption
    from camaudit.contract.kinds import of_kind
    from camaudit.contract.maps import of_map
    from camaudit.contract.metrics import of_metric
    from camaudit.contract.sources import of_source

__all__ = [
    "Clause",
    "Contract",
    "of_attack",
    "of_corruption",
    "of_kind",
    "of_map",
    "of_metric",
    "of_source",
]

_HOMES = {
    "Clause": "clause",
    "Contract": "clause",
    "of_attack": "attacks",
    "of_corruption": "corruptions",
    "of_kind": "kinds",
    "of_map": "maps",
    "of_metric": "metrics",
    "of_source": "sources",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'camaudit.contract' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"camaudit.contract.{_HOMES[name]}"), name)
