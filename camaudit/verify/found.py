"""What verifying a report finds: plain data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

TOLERANCE = 1e-4
"""By how much a number may differ: absolute up to 1, a share of the recorded number beyond."""

Verdict = Literal["VERIFIED", "DIFFERS", "NOT VERIFIABLE"]
_ORDER: tuple[Verdict, ...] = ("VERIFIED", "NOT VERIFIABLE", "DIFFERS")


@dataclass(frozen=True, kw_only=True)
class Line:
    """One recorded number, or answer, of one sample beside what it is now."""

    sample: str
    what: str
    recorded: str
    now: str
    difference: float | None
    """None where there is nothing to subtract."""
    same: bool


@dataclass(frozen=True, kw_only=True)
class CheckFound:
    """What came of one check."""

    id: str
    faults: tuple[str, ...] = ()
    """What differs, besides single numbers."""
    unverifiable: tuple[str, ...] = ()
    """What could not be looked at, and why."""
    samples: tuple[str, ...] = ()
    """The samples measured anew."""
    lines: tuple[Line, ...] = ()
    said: tuple[str, ...] = ()
    """What was measured, and what was not; it changes no verdict."""

    @property
    def verdict(self) -> Verdict:
        """DIFFERS where anything does; VERIFIED only where all could be looked at."""
        if self.faults or any(not line.same for line in self.lines):
            return "DIFFERS"
        return "NOT VERIFIABLE" if self.unverifiable else "VERIFIED"


@dataclass(frozen=True, kw_only=True)
class Verification:
    """What came of a whole report."""

    audit: str
    seed: int
    tolerance: float
    files: tuple[str, ...]
    """What is wrong with the files beside the result."""
    hashed: int
    """How many files the result lists."""
    identity: tuple[str, ...]
    """What of spec, networks and data is not what the report says."""
    remarks: tuple[str, ...]
    """What else a reader has to know; it changes no verdict."""
    checks: tuple[CheckFound, ...]

    @property
    def measured(self) -> int:
        """How many samples were measured anew, counted once for each check."""
        return sum(len(check.samples) for check in self.checks)

    @property
    def verdict(self) -> Verdict:
        """The worst of all parts; NOT VERIFIABLE where no sample was measured anew."""
        if self.files or self.identity:
            return "DIFFERS"
        verdicts: list[Verdict] = [check.verdict for check in self.checks]
        worst: Verdict = max(verdicts, key=_ORDER.index, default="NOT VERIFIABLE")
        return "NOT VERIFIABLE" if worst == "VERIFIED" and not self.measured else worst
