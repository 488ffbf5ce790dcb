"""What a contract says of a member whose clauses are broken."""

from __future__ import annotations

from typing import NoReturn

import pytest

from camaudit import contract as room
from camaudit.contract.clause import contract, name_of, refuses, require
from camaudit.errors import ModelError


def kept() -> None:
    pass


def broken() -> None:
    require([], "there is none")


def raising() -> NoReturn:
    raise KeyError("no such thing")


def test_all_that_is_broken_is_told_at_once() -> None:
    made = contract("metric m", [("entry", kept), ("one", broken), ("two", kept), ("three", raising)])
    with pytest.raises(AssertionError) as found:
        made.hold()
    assert str(found.value).splitlines() == [
        "metric m: 2 of 4 clauses broken",
        "  metric m: one: there is none",
        "  metric m: three: it raised KeyError: 'no such thing'",
    ]


def test_what_is_kept_is_told_in_no_words() -> None:
    contract("metric m", [("entry", kept), ("one", kept)]).hold()


def test_where_the_entry_is_broken_it_is_told_alone() -> None:
    made = contract("metric m", [("entry", broken), ("one", broken)])
    with pytest.raises(AssertionError, match=r"^metric m: entry: there is none$"):
        made.hold()


def test_clauses_are_callable_by_their_names() -> None:
    made = contract("metric m", [("entry", kept), ("one", broken)])
    assert [str(clause) for clause in made] == ["entry", "one"]
    with pytest.raises(AssertionError, match=r"^metric m: one: there is none$"):
        made.clauses[1]()


def test_what_a_member_raises_is_the_cause() -> None:
    (clause,) = contract("metric m", [("entry", raising)])
    with pytest.raises(AssertionError) as found:
        clause()
    assert isinstance(found.value.__cause__, KeyError)


def test_a_refusal_of_another_kind_is_none() -> None:
    with pytest.raises(AssertionError, match="x has to be refused with a ModelError, it raised KeyError"):
        refuses(raising, ModelError, "x")
    with pytest.raises(AssertionError, match="x has to be refused with a ModelError, and was taken"):
        refuses(kept, ModelError, "x")
    refuses(raising, KeyError, "x")


@pytest.mark.parametrize("function", [room.of_map, room.of_metric, room.of_attack, room.of_corruption])
def test_what_is_no_member_is_told_alone(function) -> None:
    with pytest.raises(AssertionError, match=r"of type str: entry: it is a str, not a \w+$"):
        function("gradcam").hold()


def test_a_member_without_a_name_is_called_by_its_type() -> None:
    assert name_of(3) == "of type int"


def test_an_unknown_name_is_no_attribute() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'of_everything'"):
        room.of_everything  # noqa: B018
