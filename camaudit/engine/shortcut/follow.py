"""The follow-up of a shortcut check: casts the roles, changes images, and writes down the answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit.checks.shortcut_columns import BACKGROUND, IMAGES
from camaudit.data.pairing import OBJECT, fields_of, find_mask
from camaudit.data.sample_error import SampleError
from camaudit.data.stream import Lost, stream
from camaudit.engine.collect import clean_map
from camaudit.engine.shortcut.answers import Test
from camaudit.engine.shortcut.change import NoMask, Suspect
from camaudit.engine.shortcut.propose import background, propose
from camaudit.engine.shortcut.record import hypotheses
from camaudit.engine.shortcut.roles import Member, Roles, cast
from camaudit.engine.shortcut.table import table_of
from camaudit.engine.shortcut.validity import validity
from camaudit.errors import DataError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded
    from camaudit.engine.collect import Collector
    from camaudit.engine.files import Evidence
    from camaudit.engine.shortcut.answers import Shot, Three
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan
    from camaudit.scores import Table

PROPOSING = 0.25
"""Share of the images that are looked at where maps propose; none of them is tested."""
FEWEST = 10
"""Triples below which nothing is tested."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What a follow-up found: the `table` that is estimated from, what was `suspected`, and pictures.

    `shots` has, by region, for some recipients their pictures before and after.
    """

    table: Table
    suspected: tuple[Suspect, ...]
    shots: Mapping[str, Mapping[str, tuple[Shot, ...]]]
    columns: tuple[str, ...] = ()
    """Metadata columns under suspicion: nothing was changed for them."""
    notes: tuple[str, ...] = ()

    def told(self, evidence: Evidence, collector: Collector) -> dict[str, object]:
        """What the check's result says of the regions. Writes the pictures."""
        return {"hypotheses": hypotheses(self, evidence, collector)}


def follow(check: CheckPlan, walk: Walk, drawn: Sequence[Sample], *, workers: int) -> Followed:
    """Test every suspected region on images that did not propose it.

    Raises `DataError` where a region is unknown or holds the object, or where too few images have a label and
    donors.
    """
    spec: ShortcutSpec = check.spec  # type: ignore[assignment]
    samples = {
        item.id: _with_regions(item, spec, walk.base) for item in drawn if item.id in walk.collector.details
    }
    _refuse_unknown(spec, list(drawn))
    members, left_out = _members(samples, walk)
    roles = cast(
        members, seed=check.sample.seed, proposing=PROPOSING if spec.discover else 0.0, most=spec.pairs
    )
    if len(roles.triples) < FEWEST:
        raise DataError(
            f"{len(roles.triples)} images can be changed, and {FEWEST} are the fewest: each takes a donor of "
            f"its class and one of another, and of {len(drawn)} samples {len(members)} have a label",
            hint="draw more samples, of two classes at least",
        )
    suspected, notes, figures = _named(spec), tuple[str, ...](), dict[str, float]()
    if spec.discover:
        found, notes, figures = _proposed(check, walk, [samples[key] for key in roles.proposing], workers)
        suspected = _together(suspected, found)
    kept = walk.kept(check.id)
    test = Test(spec=spec, walk=walk, suspects=suspected, kept=kept)
    test.run(_triples(roles, samples, spec, walk, workers), len(roles.triples))
    test.coverage.refuse()
    settings = {
        "images without a label or a finite answer": float(left_out),
        **_counts(test, roles),
        **figures,
    }
    return Followed(
        table=replace(table_of(test, roles, samples, walk), settings=settings),
        suspected=suspected,
        shots=test.shots,
        columns=spec.metadata,
        notes=(*notes, *test.coverage.notes()),
    )


def _counts(test: Test, roles: Roles) -> dict[str, float]:
    return {
        "images changed": float(len(roles.triples)),
        "images that proposed": float(len(roles.proposing)),
        **{name: float(count) for name, count in test.lacking.items() if count},
        **test.coverage.settings(),
    }


def _with_regions(sample: Sample, spec: ShortcutSpec, base: Path) -> Sample:
    """The sample with a mask for each region named, and of the object, an empty one where it has none."""
    masks = dict(sample.masks)
    if isinstance(spec.regions, dict):
        for name, pattern in spec.regions.items():
            if not isinstance(sample.image, Path):
                raise DataError(
                    f"region {name!r} is named by a pattern, and sample {sample.id!r} has no image file",
                    hint="give the data set masks of that region, and name the region alone",
                )
            fields = fields_of(sample.image, sample_id=sample.id, label=sample.label_name)
            try:
                found = find_mask(pattern, fields, base)
            except SampleError as refusal:
                raise DataError(
                    f"region {name!r}: {refusal.detail}", where=f"sample {sample.id}"
                ) from refusal
            if found is not None:
                masks[name] = found
    return replace(sample, masks={**dict.fromkeys([*spec.regions, OBJECT], NoMask()), **masks})


def _refuse_unknown(spec: ShortcutSpec, drawn: Sequence[Sample]) -> None:
    """A region or a column that no sample has was misspelt; or a region's pattern finds nothing."""
    columns = {name for sample in drawn for name in sample.metadata}
    for name in spec.metadata:
        if name not in columns:
            raise DataError(
                f"no sample has a metadata column {name!r}{did_you_mean(name, columns)}",
                hint=f"columns in the data: {', '.join(sorted(columns)) or 'none'}",
            )
    known = {name for sample in drawn for name in sample.masks}
    if isinstance(spec.regions, dict):
        return
    for name in spec.regions:
        if name not in known and name != BACKGROUND:
            raise DataError(
                f"no sample has a mask for region {name!r}{did_you_mean(name, known)}",
                hint=f"regions in the data: {', '.join(sorted(known)) or 'none'}",
            )


def _members(samples: Mapping[str, Sample], walk: Walk) -> tuple[list[Member], int]:
    """Who can have a role: whoever has a label and whose answer is finite."""
    found = []
    for key, sample in samples.items():
        detail = walk.collector.details[key]
        if sample.label is not None and detail.predicted is not None:
            found.append(Member(id=key, label=sample.label, group=sample.group, content=detail.sha256 or key))
    return found, len(samples) - len(found)


def _named(spec: ShortcutSpec) -> tuple[Suspect, ...]:
    return tuple(
        Suspect(
            name=name,
            origin="named",
            why="named in the spec: all but the object" if name == BACKGROUND else "named in the spec",
            complement=name == BACKGROUND,
        )
        for name in spec.regions
    )


def _together(named: Sequence[Suspect], found: Sequence[Suspect]) -> tuple[Suspect, ...]:
    """What is named, then what maps propose; what is both is named, with what maps say of it as a note."""
    said = {item.name: f"Maps: {item.why}" for item in found}
    names = {item.name for item in named}
    both = [replace(item, notes=(said[item.name],)) if item.name in said else item for item in named]
    return (*both, *(item for item in found if item.name not in names))


def _proposed(
    check: CheckPlan, walk: Walk, looked_at: Sequence[Sample], workers: int
) -> tuple[tuple[Suspect, ...], tuple[str, ...], dict[str, float]]:
    """What the maps of the images that are not tested propose, notes, and how far these maps are evidence."""
    request = clean_map(check)
    assert request is not None
    objects: dict[str, np.ndarray] = {}
    few: list[Loaded] = []
    loaded = stream(looked_at, walk.classifier.preprocess.geometry, regions=(OBJECT,), workers=workers)
    for number, item in enumerate(loaded):
        if not isinstance(item, Lost):
            objects[item.sample.id] = item.masks[OBJECT]
            # From end to end: ids are in order, and often go by class.
            few += [item] if number % ceil(len(looked_at) / IMAGES) == 0 else []
    asked = validity(walk, request, few, check.confidence)
    if asked.why_not:
        return (background(""),), (f"maps propose nothing: {asked.why_not}", *asked.notes), {**asked.settings}
    spec: ShortcutSpec = check.spec  # type: ignore[assignment]
    labels = {item.id: item.label for item in looked_at if item.label is not None}
    found, notes = propose(
        walk.collector.maps.get(request, {}),
        objects,
        labels,
        seed=check.sample.seed,
        classes=walk.classifier.classes,
        metadata={
            name: {item.id: item.metadata[name] for item in looked_at if name in item.metadata}
            for name in spec.metadata
        },
    )
    return found, (*notes, *asked.notes), {**asked.settings}


def _triples(
    roles: Roles, samples: Mapping[str, Sample], spec: ShortcutSpec, walk: Walk, workers: int
) -> Iterator[list[Three]]:
    """Recipients with their donors, loaded, in batches of one size of recipient."""
    order = [samples[key] for item in roles.triples for key in (item.recipient, item.same, item.other)]
    # The object's masks are always looked at: a named region may hold the object.
    regions = [OBJECT, *(name for name in spec.regions if name != BACKGROUND)]
    loaded = stream(order, walk.classifier.preprocess.geometry, regions=regions, workers=workers)
    waiting: dict[tuple[int, ...], list[Three]] = {}
    for recipient, same, other in zip(loaded, loaded, loaded, strict=True):
        three = (recipient, same, other)
        lost = next((item for item in three if isinstance(item, Lost)), None)
        if lost is not None:
            raise DataError(f"{lost.reason}: {lost.detail}", where=f"sample {lost.sample.id}")
        group = waiting.setdefault(recipient.pixels.shape, [])  # type: ignore[union-attr]
        group.append(three)  # type: ignore[arg-type]
        if len(group) == walk.batch_size:
            yield group
            waiting[recipient.pixels.shape] = []  # type: ignore[union-attr]
    yield from (group for group in waiting.values() if group)
