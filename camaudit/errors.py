"""The errors that camaudit raises on purpose: where, what was found, what is allowed, what to do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class CamauditError(Exception):
    """Something that the user can mend.

    `message` says what was found and what is allowed, `where` names the place (a file, a line, a
    sample, a layer) and `hint` what to do next.
    """

    def __init__(self, message: str, *, where: str | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.hint = hint

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        advice = f"\n  hint: {self.hint}" if self.hint else ""
        return f"{place}{self.message}{advice}"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One mistake in a spec, located: `line` and `column` count from 1."""

    message: str
    path: str
    file: str
    line: int
    column: int
    snippet: str = ""

    def __str__(self) -> str:
        place = f"{self.path}: " if self.path else ""
        text = f"{self.file}:{self.line}:{self.column}: {place}{self.message}"
        return f"{text}\n{self.snippet}" if self.snippet else text


class SpecError(CamauditError):
    """A spec that cannot be used; holds every mistake found, in the order of the file."""

    def __init__(
        self,
        message: str,
        *,
        where: str | None = None,
        hint: str | None = None,
        problems: Iterable[Problem] = (),
    ) -> None:
        super().__init__(message, where=where, hint=hint)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        if not self.problems:
            return super().__str__()
        return "\n".join(str(problem) for problem in self.problems)


def name_taken(name: str, file: object, other: object) -> SpecError:
    """The refusal of two audits of one name: their reports would overwrite each other."""
    return SpecError(
        f"the audit name {name!r} is taken by {other}",
        where=str(file),
        hint="give every audit a name of its own: reports are written to reports/<name>",
    )


class DataError(CamauditError):
    """Images, masks or labels that cannot be used."""


class ModelError(CamauditError):
    """A network, its weights, its preprocessing or its outputs that cannot be used."""


class MapError(CamauditError):
    """A map that cannot be computed: a layer, a target or a method that does not fit the network."""


class RegistryError(CamauditError):
    """A name that no table holds."""


class ResultError(CamauditError):
    """A result file that cannot be read."""


class BaselineError(CamauditError):
    """A baseline that cannot be read, compared or accepted."""


class CheckError(CamauditError):
    """A check that is an ERROR, or has no number, was asked for what it found."""
