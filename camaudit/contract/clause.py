"""A contract: the clauses that a member keeps, each of which says in words how it was broken."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence


@dataclass(frozen=True, kw_only=True)
class Clause:
    """One promise of a member. Calling it tries the member and raises `AssertionError` where it is broken.

    The message names the member, the clause, and what was found. What the member itself raises, where it
    must not, breaks the clause as well and is the error's cause.
    """

    member: str
    name: str
    test: Callable[[], None]

    def __call__(self) -> None:
        """Try the member."""
        try:
            self.test()
        except AssertionError as broken:
            raise AssertionError(f"{self.member}: {self.name}: {broken}") from broken.__cause__
        except Exception as failure:
            text = f"it raised {type(failure).__name__}: {failure}"
            raise AssertionError(f"{self.member}: {self.name}: {text}") from failure

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, kw_only=True)
class Contract:
    """The clauses of one member, its entry first: iterate over them for a test each, or `hold` them all."""

    member: str
    clauses: tuple[Clause, ...]

    def __iter__(self) -> Iterator[Clause]:
        return iter(self.clauses)

    def hold(self) -> None:
        """Try all clauses. Raises one `AssertionError` that tells of every broken one.

        Where the entry is broken, that alone is told: what is no member at all breaks everything.
        """
        self.clauses[0]()
        broken = [text for clause in self.clauses if (text := _broken(clause))]
        if broken:
            number = f"{len(broken)} of {len(self.clauses)} clauses broken"
            raise AssertionError("\n".join([f"{self.member}: {number}", *(f"  {text}" for text in broken)]))


def _broken(clause: Clause) -> str:
    try:
        clause()
    except AssertionError as error:
        return str(error)
    return ""


def contract(member: str, clauses: Sequence[tuple[str, Callable[[], None]]]) -> Contract:
    """The contract of clauses given as name and test."""
    made = tuple(Clause(member=member, name=name, test=test) for name, test in clauses)
    return Contract(member=member, clauses=made)


def require(kept: Any, broken: str) -> None:
    """Raise `AssertionError` with the words for what is broken unless it is kept; ``-O`` changes nothing."""
    if not kept:
        raise AssertionError(broken)


def name_of(member: Any) -> str:
    """What a member calls itself, or what it is where it has no name."""
    name = getattr(member, "name", None)
    return name if isinstance(name, str) and name else f"of type {type(member).__name__}"


def is_a(member: Any, kind: type) -> None:
    """Require a member of that type: what else an entry point names, nobody can use."""
    require(isinstance(member, kind), f"it is a {type(member).__name__}, not a {kind.__name__}")


def refuses(call: Callable[[], Any], error: type[Exception], what: str) -> None:
    """Require that a call raises that error."""
    try:
        call()
    except error:
        return
    except Exception as other:
        text = f"it raised {type(other).__name__}: {other}"
        raise AssertionError(f"{what} has to be refused with a {error.__name__}, {text}") from other
    raise AssertionError(f"{what} has to be refused with a {error.__name__}, and was taken")
