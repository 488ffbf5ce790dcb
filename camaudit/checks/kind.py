"""What a kind of check is: the evidence it needs, and how columns of numbers become estimates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    import pandas as pd

    from camaudit.evidence import Column, MapRequest
    from camaudit.exhibits import Paired, Roc
    from camaudit.result import Control
    from camaudit.scores import Table
    from camaudit.spec.types import CheckSpec, Gate, MapsSpec
    from camaudit.stats import Interval
    from camaudit.verdict import Worth


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval, before it is judged. Without a gate it is only shown.

    `column` names the column that it comes from, `undefined` the samples without a number, by reason.
    `note` says why a number that could have been gated was not.
    """

    name: str
    title: str
    interval: Interval
    column: str
    gate: Gate | None = None
    severity: Literal["fail", "warn"] = "fail"
    by: str | None = None
    level: str | None = None
    low: float | None = 0.0
    high: float | None = 1.0
    chance: float | None = None
    chance_text: str = ""
    undefined: Mapping[str, int] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()
    note: str = ""
    of: int | None = None
    """How many samples it is about, where that is not all of them: undefined ones are a share of these."""
    p: float | None = None
    """Adjusted p of the effect being none, where one was tested: without it being small there is no FAIL."""
    tested: int = 1
    """Hypotheses that `p` was adjusted for."""
    worth: Worth = "pass"
    """What being on the good side of the gate comes to, see `verdict.judge`."""
    unproved: str = ""
    """Why it is not worth a PASS: the answer of a check in which nothing else is wrong."""
    words: Mapping[str, str] = field(default_factory=dict)
    """What a status is called here: ``FAIL`` → ``SHORTCUT``. The good side keeps its word (that of ``PASS``)
    where it is worth less."""
    called: str = ""
    """What the number is called where the verdict on it is told."""
    beside: tuple[tuple[str, Interval, bool], ...] = ()
    """Numbers told with the verdict: a text with a place ``{}``, the number, whether it is a percentage."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """A kind of check, as the table lists it. It never prints, plots or decides.

    `columns` maps names of this check's columns to what they hold, `titles` says what each one is. The
    first column of the table ranks the samples in the report; `worst` says at which end the worst are.
    """

    name: str
    title: str
    spec: type[CheckSpec]
    columns: Callable[[CheckSpec, MapsSpec], dict[str, Column]]
    estimate: Callable[[CheckSpec, Table, float], tuple[Estimate, ...]]
    question: Callable[[CheckSpec], str]
    limits: tuple[str, ...]
    titles: Callable[[CheckSpec], dict[str, str]]
    worst: Callable[[CheckSpec], Literal["low", "high"]]
    fit: Callable[[CheckSpec, Table], Mapping[str, float]] | None = None
    """Tunes numbers on samples that are not audited; the audited samples' table has them as `settings`."""
    derive: Callable[[CheckSpec, Table], Table] = lambda _, table: table
    """Puts columns made of others in front (an average over draws, say), before anything is estimated."""
    failures: Callable[[CheckSpec, Table], pd.Series] | None = None
    """Which samples are failures, where it is not their number that says so. The report shows these alone."""
    shows: str = ""
    """What `failures` picks, in words: ``misclassified images``."""
    follow_up: str = ""
    """``module:callable`` of the engine that measures what one walk over unchanged images cannot: it is given
    the walk when it has ended, and gives the table that is estimated from. Named, since it needs torch."""
    examine: str = ""
    """``module:callable`` of the engine that is given a check of the plan and its network before anything is
    measured, and raises where the follow-up cannot do what the spec asks."""
    compares: str = ""
    """``module:callable`` of the engine that holds the table of another check, named by ``of``, against a
    baseline, and gives the table that is estimated from."""
    together: str = ""
    """Why one sample's numbers rest on the other samples of the run; empty where they do not. Where some are
    measured anew, the walk is then over all, and the follow-up measures those of `Walk.part`."""
    costs: Callable[[CheckSpec], str] | None = None
    """What `follow_up` takes, in words, for the plan."""
    maps: Callable[[CheckSpec, Mapping[str, Column]], Mapping[str, MapRequest]] | None = None
    """Maps that the report shows side by side of every sample, by name, the main one first; they are among
    those that columns are made from. Without it: the first map of the network as it is."""
    paired: Callable[[CheckSpec, Table], tuple[Paired, ...]] = lambda _spec, _table: ()
    """Columns that hold a number before and after something; the report draws them as pairs."""
    rocs: Callable[[CheckSpec, Table], tuple[Roc, ...]] = lambda _spec, _table: ()
    """The curves behind estimates that are an AUC."""
