"""What the engine asks of a follow-up, the part of a check that measures when the walk has ended."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from camaudit import registry

if TYPE_CHECKING:
    from camaudit.classifier import Classifier
    from camaudit.engine.collect import Collector
    from camaudit.engine.files import Evidence
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table


class Followed(Protocol):
    """What came of it: the table that is estimated from, and what the reader has to be warned of."""

    @property
    def table(self) -> Table:
        """One row per image."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Warnings."""

    def told(self, evidence: Evidence, collector: Collector) -> dict[str, object]:
        """Fields of the check's result that show it. Writes pictures and maps to the evidence."""


def refused(check: CheckPlan, network: Classifier) -> Exception | None:
    """Why the follow-up of a check cannot do what its spec asks, or None; nothing is measured."""
    named = registry.find("check", check.kind).examine
    try:
        if named:
            registry.load(named)(check, network)
    except Exception as error:  # noqa: BLE001 - an attack by a third party may raise anything
        return error
    return None
