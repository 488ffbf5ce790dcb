"""What the result says of the regions that were tested, with the pictures written to the evidence."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING

from camaudit.exhibits import Hypothesis, Pair, Version

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.engine.collect import Collector
    from camaudit.engine.files import Evidence
    from camaudit.engine.shortcut.answers import Shot
    from camaudit.engine.shortcut.follow import Followed

COLUMN = (
    "a metadata column named in the spec. It may go together with errors; no image was changed for it, so "
    "whether answers rely on it was not tested"
)


def hypotheses(followed: Followed, evidence: Evidence, collector: Collector) -> tuple[Hypothesis, ...]:
    """One record per region, in the order in which they were tested, then one per metadata column.

    Writes the pictures of its pairs.
    """
    numbers = (number for number in count() if not (evidence.folder / f"pair-{number:05d}.png").exists())
    regions = tuple(
        Hypothesis(
            name=suspect.name,
            origin=suspect.origin,
            why=suspect.why,
            notes=suspect.notes,
            pairs=tuple(
                Pair(
                    sample=key,
                    label=collector.details[key].label,
                    versions=tuple(_version(shot, evidence, numbers) for shot in shots),
                )
                for key, shots in followed.shots.get(suspect.name, {}).items()
            ),
        )
        for suspect in followed.suspected
    )
    return (*regions, *(Hypothesis(name=name, origin="metadata", why=COLUMN) for name in followed.columns))


def _version(shot: Shot, evidence: Evidence, numbers: Iterator[int]) -> Version:
    name = f"pair-{next(numbers):05d}.png"
    return Version(
        role=shot.role, image=evidence.save(shot.pixels, name), answer=shot.answer, donor=shot.donor
    )
