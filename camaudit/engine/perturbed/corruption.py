"""The follow-up of a corruption check: every image under every corruption, its answer and its map."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch

from camaudit import registry
from camaudit.checks.corruption_estimates import (
    BROKEN,
    DROP,
    LOWEST,
    RIGHT,
    TURNED_BY,
    cells,
    own_titles,
    under,
)
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    ENERGY_AFTER,
    ENERGY_BEFORE,
    NO_LABEL,
    NOT_FINITE,
    WRONG_BEFORE,
    column,
    measures,
)
from camaudit.checks.perturbed_estimates import HELD, TURNED
from camaudit.engine.collect import clean_map
from camaudit.engine.inputs import bound
from camaudit.engine.perturbed import likeness
from camaudit.engine.perturbed.followed import Perturbed
from camaudit.engine.perturbed.ledger import NAN, Ledger
from camaudit.engine.perturbed.likeness import KEPT, Likeness
from camaudit.engine.perturbed.mapper import Changed, Mapper
from camaudit.engine.perturbed.proposal import propose
from camaudit.engine.perturbed.seeds import seeds
from camaudit.engine.perturbed.shots import Shot, Shots, uint8
from camaudit.engine.perturbed.subjects import class_name, loaded_batches, masks_of
from camaudit.engine.perturbed.threat import of_corruptions
from camaudit.engine.pixels import images as pixels
from camaudit.errors import ModelError
from camaudit.exhibits import Strike

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.checks.corruption import CorruptionItem, CorruptionSpec
    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded
    from camaudit.engine.perturbed.proposal import Proposal
    from camaudit.engine.streaming import Walk
    from camaudit.perturb.member import Member, Perturbation
    from camaudit.plan import CheckPlan

EXAMPLES = 5
TURNED_SHOWN, OTHERS_SHOWN = 3, 1
"""Images of each corruption that the report shows."""
NO_ANSWER = -1


def follow(check: CheckPlan, walk: Walk, drawn: Sequence[Sample], *, workers: int) -> Perturbed:
    """Corrupt every image in every way.

    Raises `ModelError` where a corruption cannot be made as the spec says, or spoils every image.
    """
    spec: CorruptionSpec = check.spec  # type: ignore[assignment]
    request = clean_map(check)
    assert request is not None
    weather = Weather(
        spec=spec,
        ways=examine(check, walk.classifier),
        walk=walk,
        mapper=Mapper(walk=walk, request=request),
        ledger=Ledger(columns=tuple(own_titles(spec))),
    )
    samples = [item for item in drawn if item.id in walk.collector.details]
    subjects = [item for item in samples if weather.takes(item)]
    for batch in loaded_batches(subjects, walk, spec.mask, workers=workers):
        weather.batch(batch)
        walk.tick(weather.done, len(subjects))
    weather.refuse_spoilt()
    table = weather.ledger.table(check, walk.collector, weather.grid)
    members = [_member(item) for item in spec.corruptions]
    doubts = dict.fromkeys(f"{member.name}: {member.doubt}" for member in members if member.doubt)
    return Perturbed(
        table=table,
        threat=of_corruptions(spec, f"{len(subjects)} of {len(samples)}"),
        cells=cells(spec, table),
        transitions=dict(weather.transitions),
        shots=tuple(weather.shots.values()),
        notes=(*doubts, *weather.spoilt[:EXAMPLES]),
    )


def examine(check: CheckPlan, _: Classifier) -> dict[str, Perturbation]:
    """The corruptions by what they are called, ready to be used.

    Raises `ModelError` for parameters that one does not take.
    """
    spec: CorruptionSpec = check.spec  # type: ignore[assignment]
    return {item.text: _member(item).make(item.parameters, None) for item in spec.corruptions}


def _member(item: CorruptionItem) -> Member:
    found: Member = registry.find("corruption", item.name)
    return found


@dataclass(frozen=True, kw_only=True)
class Scene(Changed):
    """Images under one corruption, with what was answered before."""

    name: str
    network: Classifier
    answers: Tensor
    made: Proposal


@dataclass(kw_only=True)
class Weather:
    """The corruptions of a check, over a sample of images, batch by batch."""

    spec: CorruptionSpec
    ways: dict[str, Perturbation]
    walk: Walk
    mapper: Mapper
    ledger: Ledger
    shots: dict[str, Shots] = field(default_factory=dict)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    grid: dict[str, float] = field(default_factory=dict)
    spoilt: list[str] = field(default_factory=list)
    """What was wrong with images that a corruption made, in full."""
    counted: Counter[str] = field(default_factory=Counter)
    """Spoilt images by corruption."""
    done: int = 0

    def takes(self, sample: Sample) -> bool:
        """Whether an image is used: not one without a finite answer, or without the map that is asked for."""
        why = None if self.walk.collector.details[sample.id].answer is not None else NOT_FINITE
        if why is None and sample.id not in self.walk.collector.maps[self.mapper.request]:
            why = NO_LABEL
        if why is not None:
            self.ledger.blank(self.ledger.columns, sample.id, why)
        return why is None

    def batch(self, loaded: list[Loaded]) -> None:
        """Corrupt images of one size in every way."""
        device, details = self.walk.classifier.device, self.walk.collector.details
        network, clean = bound(self.walk.classifier, loaded), pixels(loaded, device)
        ids = [item.sample.id for item in loaded]
        answers = torch.tensor([details[key].answer for key in ids], device=device)
        given = [NO_ANSWER if item.sample.label is None else item.sample.label for item in loaded]
        labels = torch.tensor(given, device=device)
        for key, label, answer in zip(ids, given, answers.tolist(), strict=True):
            self.ledger.note(CLEAN_RIGHT, key, float(label == answer), NO_LABEL if label < 0 else None)
        lowest: dict[str, list[float]] = {key: [] for key in ids}
        broken: dict[str, list[float]] = {key: [] for key in ids}
        for name, way in self.ways.items():
            own = seeds(self.spec.seed, name, ids)
            made = propose(way, network, clean, labels, seeds=own, budget=None)
            after = self.mapper.after(network, clean, made.rounded, answers, labels)
            scene = Scene(
                name=name,
                loaded=loaded,
                network=network,
                clean=clean,
                answers=answers,
                labels=labels,
                made=made,
                after=after,
            )
            for key, value in zip(ids, self._answers(scene), strict=True):
                broken[key].append(value)
            for key, value in zip(ids, self._maps(scene), strict=True):
                lowest[key].append(value)
            self._keep(scene)
        for key in ids:
            self._summed(key, lowest[key], broken[key])
        self.done += len(loaded)

    def refuse_spoilt(self) -> None:
        """Raise `ModelError` where a corruption spoils every image."""
        for name, count in self.counted.items():
            if count == self.done:
                raise ModelError(
                    f"all {count} images that it made are invalid: {self.spoilt[0]}",
                    where=f"corruption {name}",
                )

    def _answers(self, own: Scene) -> list[float]:
        """Right, turned and lost answers; returns whether each was turned, NaN where that cannot be told."""
        now, finite = own.after.logits.argmax(1), own.after.logits.isfinite().all(1)
        turned = []
        for row, key in enumerate(own.ids):
            fault = own.made.faults[row]
            if fault is not None:
                self.counted[own.name] += 1
                self.spoilt.append(f"invalid: {own.name}, {key}: {fault}")
            label = int(own.labels[row])
            why = own.made.reasons[row] or (None if finite[row] else NOT_FINITE)
            why = why or (NO_LABEL if label < 0 else None)
            before, after = label == int(own.answers[row]), label == int(now[row])
            self.ledger.note(under(own.name, RIGHT), key, float(after), why)
            self.ledger.note(under(own.name, DROP), key, float(before) - float(after), why)
            outside = why or (None if before else WRONG_BEFORE)
            self.ledger.note(under(own.name, TURNED_BY), key, float(not after), outside)
            turned.append(NAN if why else float(before and not after))
            if not why and before and not after:
                old, new = (class_name(index, own.network) for index in (label, int(now[row])))
                self.transitions[old, new] += 1
        return turned

    def _maps(self, own: Scene) -> list[float]:
        """How far the maps moved; returns the rank correlations."""
        compared = Likeness(
            size=(own.clean.shape[2], own.clean.shape[3]),
            request=self.mapper.request,
            masks=masks_of(own.loaded, self.spec.mask, own.clean.device),
        )
        before = self.mapper.before(own.ids, own.clean.device)
        self.grid |= compared.settings(before)
        both = likeness.both(compared, before, own.after)
        found = {kept: likeness.without(both[kept], own.made.reasons) for kept in KEPT}
        for kept, numbers in found.items():
            for measure in measures(self.spec.mask):
                values, reasons = numbers[measure.name]
                place = under(own.name, column(measure.name, kept))
                for key, value, why in zip(own.ids, values, reasons, strict=True):
                    self.ledger.note(place, key, value, why)
        if self.spec.mask is not None:
            for place, (values, reasons) in (
                (ENERGY_BEFORE, both["clean"][ENERGY_BEFORE]),
                (under(own.name, ENERGY_AFTER), found["clean"][ENERGY_AFTER]),
            ):
                for key, value, why in zip(own.ids, values, reasons, strict=True):
                    self.ledger.note(place, key, value, why)
        values, reasons = found["clean"]["spearman"]
        return [NAN if why else value for value, why in zip(values, reasons, strict=True)]

    def _summed(self, key: str, lowest: Sequence[float], broken: Sequence[float]) -> None:
        """Over all corruptions; a number that one of them lacks is lacking."""
        missing = "undefined under some corruption"
        lacks = any(value != value for value in lowest)  # noqa: PLR0124 - NaN
        self.ledger.note(LOWEST, key, NAN if lacks else min(lowest), missing if lacks else None)
        lacks = any(value != value for value in broken)  # noqa: PLR0124 - NaN
        self.ledger.note(BROKEN, key, NAN if lacks else max(broken), missing if lacks else None)

    def _keep(self, own: Scene) -> None:
        """Keep some images for the report."""
        shots = self.shots.setdefault(own.name, Shots(most=TURNED_SHOWN, few=OTHERS_SHOWN))
        now = own.after.logits.argmax(1)
        for row, fault in enumerate(own.made.faults):
            turned = int(own.answers[row]) == int(own.labels[row]) != int(now[row])
            if fault is None and shots.room(turned=turned):
                old, new = (class_name(int(one[row]), own.network) for one in (own.answers, now))
                strike = Strike(
                    sample=own.ids[row],
                    label=self.walk.collector.details[own.ids[row]].label,
                    change=own.name,
                    outcome=TURNED if turned else HELD,
                    before=old,
                    after=new,
                )
                shot = Shot(
                    strike=strike,
                    clean=uint8(own.clean[row]),
                    changed=uint8(own.made.rounded[row]),
                    maps=self.mapper.pictured(own.ids[row], own.after, row, new if new != old else None),
                )
                shots.add(shot, turned=turned)
