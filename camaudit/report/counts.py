"""How many samples there were at each step, from found to used, with every loss by its reason."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from camaudit.result import Finding, Population


@dataclass(frozen=True, kw_only=True)
class Step:
    """One line of the table of counts; `kind` is total or loss."""

    kind: str
    text: str
    number: str
    note: str = ""


def population_steps(population: Population | None, finding: Finding | None) -> tuple[Step, ...]:
    """From found to the numbers that `finding` is made of; empty where no data was read."""
    return tuple(_steps(population, finding)) if population is not None else ()


def sum_problem(population: Population | None) -> str:
    """What does not add up; empty where everything does."""
    if population is None:
        return ""
    usable = population.found - sum(population.unusable.values())
    lost = sum(population.lost.values())
    problems = []
    if population.drawn > usable:
        problems.append(f"{population.drawn:,} drawn of {usable:,} usable")
    if population.used + lost != population.drawn:
        problems.append(f"{population.used:,} used and {lost:,} lost of {population.drawn:,} drawn")
    return f"These counts do not add up: {'; '.join(problems)}." if problems else ""


def _steps(population: Population, finding: Finding | None) -> Iterable[Step]:
    usable = population.found - sum(population.unusable.values())
    yield Step(
        kind="total", text="found", number=f"{population.found:,}", note=f"listed in “{population.data}”"
    )
    yield from _losses("unusable", population.unusable)
    yield Step(kind="total", text="usable", number=f"{usable:,}")
    if population.drawn != usable:
        how = f"seed {population.seed}" + (f", stratified by {population.by}" if population.by else "")
        yield Step(
            kind="loss", text="not drawn", number=f"−{usable - population.drawn:,}", note=f"sampled, {how}"
        )
    yield Step(kind="total", text="drawn", number=f"{population.drawn:,}")
    yield from _losses("lost while read or run", population.lost)
    yield Step(kind="total", text="used", number=f"{population.used:,}")
    if finding is not None:
        yield from _defined(population, finding)


def _defined(population: Population, finding: Finding) -> Iterable[Step]:
    yield from _losses("undefined", finding.undefined)
    rest = population.used - sum(finding.undefined.values()) - finding.n
    if rest:
        sign = "−" if rest > 0 else "+"
        yield Step(kind="loss", text="not part of this number", number=f"{sign}{abs(rest):,}")
    yield Step(kind="total", text="in the estimate", number=f"{finding.n:,}", note=finding.title)


def _losses(what: str, reasons: Mapping[str, int]) -> Iterable[Step]:
    for reason, number in reasons.items():
        if number:
            yield Step(kind="loss", text=what, number=f"−{number:,}", note=reason)
