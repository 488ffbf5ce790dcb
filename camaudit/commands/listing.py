"""`camaudit list`: the members of the tables, one line each."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import click

from camaudit import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

PARTS = ("checks", "metrics", "maps", "data", "attacks", "corruptions")


@click.command(name="list")
@click.argument(
    "parts", nargs=-1, type=click.Choice(PARTS), metavar="[maps|metrics|checks|data|attacks|corruptions]..."
)
def list_members(parts: tuple[str, ...]) -> None:
    """List what a spec may name: maps, metrics, checks, data sources, attacks, corruptions.

    \b
      camaudit list metrics
    """  # noqa: D301 - click reads the backspace
    chosen = [part for part in PARTS if part in (parts or PARTS)]
    for number, part in enumerate(chosen):
        head, rows = TABLES[part]()
        click.echo("" if number else None, nl=bool(number))
        click.echo(f"{part}:")
        for line in aligned([head, *rows]):
            click.echo(f"  {line}")


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows of cells as lines with columns under each other; nothing is cut."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]


Rows = tuple[tuple[str, ...], list[tuple[str, ...]]]


def _checks() -> Rows:
    return ("KIND", "TITLE", "WHAT IT ASKS"), [
        (name, member.title, _first_line(member.spec)) for name, member in _members("check")
    ]


def _metrics() -> Rows:
    rows: list[tuple[str, ...]] = []
    for name, member in _members("metric"):
        written = f"{name}@{member.parameter.upper()}" if member.parameter else name
        low, high = (f"{end:g}" for end in member.range)
        rows.append((written, f"{low} to {high}", member.better, member.title, member.chance_text))
    return ("NAME", "RANGE", "BETTER", "WHAT IT IS", "CHANCE LEVEL"), rows


def _maps() -> Rows:
    rows: list[tuple[str, ...]] = []
    for name, member in _members("map"):
        rows.append(
            (name, "may be gated" if member.evidence else "pictures only", member.title, member.source)
        )
    return ("METHOD", "USE", "WHAT IT IS", "SOURCE"), rows


def _sources() -> Rows:
    return ("KEY", "WHAT IT READS"), [(name, _first_line(member)) for name, member in _members("data")]


def _attacks() -> Rows:
    rows: list[tuple[str, ...]] = []
    for name, member in _members("attack"):
        goals = "class or any other" if member.targeted else "any other class"
        rows.append((name, ", ".join(member.norms) or "–", member.access, goals, member.doubt or "–"))
    return ("NAME", "BUDGET IN", "USES", "AIMS AT", "DOUBT"), rows


def _corruptions() -> Rows:
    return ("NAME", "PARAMETER"), [(name, "severity, 1 to 5") for name, _ in _members("corruption")]


TABLES: dict[str, Callable[[], Rows]] = {
    "checks": _checks,
    "metrics": _metrics,
    "maps": _maps,
    "data": _sources,
    "attacks": _attacks,
    "corruptions": _corruptions,
}
"""Part → its head and its rows, one per member."""


def _members(table: str) -> Iterable[tuple[str, Any]]:
    return ((name, registry.find(table, name)) for name in registry.names(table))


def _first_line(member: Any) -> str:
    return (inspect.getdoc(member) or "").partition("\n")[0]
