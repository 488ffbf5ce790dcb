"""Names to members: the literal tables beside the built-in members, plus entry points.

Tables hold ``"module:attribute"`` texts, so that reading a table loads nothing heavy.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from importlib import import_module
from typing import TYPE_CHECKING, Any

from camaudit.errors import RegistryError

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, kw_only=True)
class Table:
    """Where the members of one kind are listed: a literal dict in `module`, and an entry-point `group`."""

    kind: str
    module: str
    attribute: str
    group: str
    parameters: bool = False
    """Whether a member's name may be followed by @ and a number."""


TABLES = {
    "map": Table(kind="map method", module="camaudit.maps", attribute="METHODS", group="camaudit.maps"),
    "metric": Table(
        kind="metric",
        module="camaudit.metrics",
        attribute="METRICS",
        group="camaudit.metrics",
        parameters=True,
    ),
    "check": Table(kind="check", module="camaudit.checks", attribute="CHECKS", group="camaudit.checks"),
    "data": Table(kind="data source", module="camaudit.data", attribute="SOURCES", group="camaudit.data"),
    "attack": Table(
        kind="attack", module="camaudit.perturb.attacks", attribute="ATTACKS", group="camaudit.attacks"
    ),
    "corruption": Table(
        kind="corruption",
        module="camaudit.perturb.corruptions",
        attribute="CORRUPTIONS",
        group="camaudit.corruptions",
    ),
}


def names(table: str) -> tuple[str, ...]:
    """All names of a table, built-in members first, third parties' after them in order of name."""
    built_in = tuple(_literal(table))
    return built_in + tuple(sorted(name for name in _third_parties(table) if name not in built_in))


def find(table: str, name: str) -> Any:
    """The member of that name. Raises `RegistryError` with a suggestion where there is none."""
    literal = _literal(table)
    if name in literal:
        member = literal[name]
        return load(member) if isinstance(member, str) else member
    third_parties = _third_parties(table)
    if name in third_parties:
        return third_parties[name].load()
    kind = TABLES[table].kind
    raise RegistryError(
        f"there is no {kind} {name!r}{did_you_mean(name, names(table))}",
        hint=f"the {kind}s are: {', '.join(names(table))}",
    )


def load(reference: str) -> Any:
    """The object that ``"module:attribute"`` names."""
    module, _, attribute = reference.partition(":")
    return getattr(import_module(module), attribute)


def did_you_mean(name: str, allowed: Iterable[str]) -> str:
    """A suggestion to append to an error: ``, did you mean "mask"?``, or nothing where nothing is near."""
    near = nearest(name, allowed)
    return f', did you mean "{near}"?' if near else ""


def nearest(name: str, allowed: Iterable[str]) -> str | None:
    """The allowed name that was probably meant, whatever its case; None where nothing is near."""
    names = {option.lower(): option for option in allowed}
    swapped = [option for option in names if sorted(option) == sorted(name.lower())]
    if swapped:
        return names[swapped[0]]
    near = get_close_matches(name.lower(), list(names), n=1, cutoff=0.5)
    return names[near[0]] if near else None


def _literal(table: str) -> dict[str, Any]:
    home = TABLES[table]
    members: dict[str, Any] = getattr(import_module(home.module), home.attribute)
    return members


def _third_parties(table: str) -> dict[str, Any]:
    from importlib.metadata import entry_points

    return {entry.name: entry for entry in entry_points(group=TABLES[table].group)}
