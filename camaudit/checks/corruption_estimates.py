"""From corrupted images to accuracy and to how far their maps moved, corruption by corruption. Torch-free.

The table has one row per image, and of each corruption: ``right``, ``turned`` (right before and wrong now; of
images that were wrong before, nothing), ``drop`` (right before minus right now), and the measures of its map.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from camaudit import stats
from camaudit.checks.kind import Estimate
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    ENERGY_AFTER,
    ENERGY_BEFORE,
    MEASURES,
    column,
    energies,
    energy_pair,
    measures,
)
from camaudit.checks.perturbed_estimates import (
    HELD,
    TURNED,
    Cell,
    average,
    count,
    mean,
    share,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.checks.corruption import CorruptionSpec
    from camaudit.checks.perturbed import Kept
    from camaudit.exhibits import Paired
    from camaudit.scores import Table

LOWEST, BROKEN = "lowest map_spearman", "turned by any"
BY = "corruption"
RIGHT, TURNED_BY, DROP = "right", "turned", "drop"
OF: dict[Kept, str] = {"clean": "map of the same target", "new": "map of the new answer"}


def under(corruption: str, part: str) -> str:
    """Where a number under a corruption stands."""
    return f"{corruption}: {part}"


def own_titles(spec: CorruptionSpec) -> dict[str, str]:
    """What each column is."""
    found = {
        LOWEST: "lowest rank correlation with the map before, under any of the corruptions",
        BROKEN: "right before, and turned by some corruption",
        CLEAN_RIGHT: "right before",
    }
    for item in spec.corruptions:
        parts = {
            RIGHT: "right",
            TURNED_BY: "right before and wrong now",
            DROP: "right before minus right now",
            **{
                column(measure.name, kept): f"{measure.title}, {of}"
                for measure in measures(spec.mask)
                for kept, of in OF.items()
            },
        }
        if spec.mask is not None:
            parts[ENERGY_AFTER] = energies()[ENERGY_AFTER]
        found |= {under(item.text, part): f"{item.text}: {text}" for part, text in parts.items()}
    if spec.mask is not None:
        found[ENERGY_BEFORE] = energies()[ENERGY_BEFORE]
    return found


def pairs(spec: CorruptionSpec, _table: Table) -> tuple[Paired, ...]:
    """The mass on the object before and under each corruption; none without a mask."""
    names = [item.text for item in spec.corruptions] if spec.mask is not None else []
    return tuple(energy_pair(under(name, ENERGY_AFTER), f"{name}: ") for name in names)


def estimates(spec: CorruptionSpec, table: Table, confidence: float) -> tuple[Estimate, ...]:
    """Of each corruption: accuracy, what it costs, and what the maps did. A gate holds for each of them."""
    found = [share("clean accuracy", CLEAN_RIGHT, "labelled images right before", table, confidence)]
    for item in spec.corruptions:
        found += _of(spec, item.text, table, confidence)
    return (*found, *_maps(spec, table, confidence))


def _of(spec: CorruptionSpec, name: str, table: Table, confidence: float) -> Iterator[Estimate]:
    key = under(name, RIGHT)
    title = f"labelled images right under {name}"
    yield share(under(name, "accuracy"), key, title, table, confidence, gate=spec.gate.accuracy)
    yield _drop(spec, name, table, confidence)
    yield from _gated_maps(spec, name, table, confidence)
    yield from _cells(spec, name, table, confidence)


def _gated_maps(spec: CorruptionSpec, name: str, table: Table, confidence: float) -> Iterator[Estimate]:
    for measure, gate in spec.gate.of_maps().items():
        item = MEASURES[measure]
        title = f"{name}: {item.title}, {OF[gate.target]}"
        key = under(name, column(measure, gate.target))
        yield mean(item, key, table, confidence, gate=gate, title=title)


def _maps(spec: CorruptionSpec, table: Table, confidence: float) -> Iterator[Estimate]:
    """By measure, what the maps did under each corruption; flipped and unflipped apart."""
    for measure in measures(spec.mask):
        group = under(spec.corruptions[0].text, column(measure.name, "clean"))
        for item in spec.corruptions:
            turned = table.frame[under(item.text, TURNED_BY)]
            for level, kept, rows in (
                ("same target", "clean", table),
                ("new answer", "new", table),
                (TURNED, "clean", table.where(turned == 1)),
                (HELD, "clean", table.where(turned == 0)),
            ):
                key = under(item.text, column(measure.name, kept))  # type: ignore[arg-type]
                if rows.ids:
                    found = mean(measure, key, rows, confidence, title=measure.title)
                    name = f"{key} [{level}]"
                    yield replace(found, name=name, column=group, by=BY, level=f"{item.text}, {level}")


def _drop(spec: CorruptionSpec, name: str, table: Table, confidence: float) -> Estimate:
    key = under(name, DROP)
    title = f"right answers that {name} costs: right before minus right after"
    return replace(
        average(key, title, table, confidence, (-1.0, 1.0)),
        name=under(name, "accuracy_drop"),
        gate=spec.gate.accuracy_drop,
    )


def cells(spec: CorruptionSpec, table: Table) -> tuple[Cell, ...]:
    """Of each corruption: flipped or not, by map moved or not. Without a threshold nothing is counted."""
    if spec.moved_below is None:
        return ()
    found = []
    for item in spec.corruptions:
        turned = table.frame[under(item.text, TURNED_BY)]
        values = table.frame[under(item.text, column("spearman", "clean"))]
        found += [
            (f"{item.text}: {level}", *count(values[turned == value], spec.moved_below))
            for value, level in ((1.0, TURNED), (0.0, HELD))
        ]
    return tuple(found)


def _cells(spec: CorruptionSpec, name: str, table: Table, confidence: float) -> Iterator[Estimate]:
    if spec.moved_below is None:
        return
    key, turned = under(name, column("spearman", "clean")), table.frame[under(name, TURNED_BY)]
    for value, level in ((1.0, TURNED), (0.0, HELD)):
        rows = table.where((turned == value) & table.frame[key].notna())
        moved = [float(one < spec.moved_below) for one in rows.values(key)]
        yield Estimate(
            name=under(name, f"cell [{level}, map moved]"),
            title=f"{name}: share of maps that moved (rank correlation below {spec.moved_below:.3g})",
            interval=stats.share(moved, confidence=confidence, clusters=rows.clusters(key)),
            column=key,
            by="outcome and map",
            level=f"{level}: {int(sum(moved))} of {len(moved)} moved",
        )
