"""What tests of the contracts share: a place that table entries can name, and what being refused means."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    from camaudit.contract import Contract

HERE = "tests.contract.wrong"
_PLANTED: dict[str, Callable[..., Any]] = {}


def planted(*given: Any, **keys: Any) -> Any:
    """What `plant` put here last; entries of tables name functions by their place."""
    return _PLANTED["function"](*given, **keys)


def plant(function: Callable[..., Any]) -> str:
    """Put a function where a table's entry can name it; the name."""
    _PLANTED["function"] = function
    return f"{HERE}:planted"


def refused(made: Contract, clause: str, words: str) -> None:
    """That clause is broken with these words, which name the member and the clause."""
    (own,) = (item for item in made if str(item) == clause)
    with pytest.raises(AssertionError, match=words) as found:
        own()
    assert str(found.value).startswith(f"{made.member}: {clause}: ")
