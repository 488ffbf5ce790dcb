"""What a follow-up of changed images hands on: a table to estimate from, and what the report shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from camaudit.exhibits import Attacked

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camaudit.checks.perturbed_estimates import Cell
    from camaudit.engine.collect import Collector
    from camaudit.engine.files import Evidence
    from camaudit.engine.perturbed.shots import Shots
    from camaudit.scores import Table


@dataclass(frozen=True, kw_only=True)
class Perturbed:
    """The numbers of attacked or corrupted images, the rules that held, and pictures of some."""

    table: Table
    threat: Mapping[str, str]
    shots: tuple[Shots, ...]
    cells: tuple[Cell, ...] = ()
    transitions: Mapping[tuple[str, str], int] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def told(self, evidence: Evidence, _: Collector) -> dict[str, object]:
        """What the check's result says of it. Writes the pictures."""
        ordered = sorted(self.transitions.items(), key=lambda item: (-item[1], item[0]))
        return {
            "attacked": Attacked(
                threat=tuple(self.threat.items()),
                cells=self.cells,
                transitions=tuple((old, new, count) for (old, new), count in ordered),
                words=self.words,
                strikes=tuple(strike for shots in self.shots for strike in shots.written(evidence)),
            )
        }
