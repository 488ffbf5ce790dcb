"""The follow-up of a one-pixel check: search, verify, compare maps with noise and with a control."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.checks.one_pixel import CONTROLS, CORNERS
from camaudit.checks.one_pixel_estimates import (
    OBJECT,
    OBJECT_CHANCE,
    PEAK,
    PEAK_CHANCE,
    cells,
    found_by,
    own_titles,
)
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    DECIDED,
    INVALID,
    NO_FLIP,
    NOISE,
    NOT_FINITE,
    OUTSIDE,
    QUERIES,
    ROBUST,
    SUCCESS,
    WRONG_BEFORE,
    column,
    map_titles,
    measures,
)
from camaudit.checks.perturbed_estimates import CONTROL, OFF_CONTROL, TURNED, moved_below, told_of
from camaudit.engine.collect import clean_map
from camaudit.engine.perturbed import likeness
from camaudit.engine.perturbed.followed import Perturbed
from camaudit.engine.perturbed.ledger import Ledger
from camaudit.engine.perturbed.likeness import Likeness
from camaudit.engine.perturbed.mapper import Changed, Mapper
from camaudit.engine.perturbed.places import to_object, to_peak
from camaudit.engine.perturbed.search import control, hunt
from camaudit.engine.perturbed.seeds import seeds
from camaudit.engine.perturbed.shots import Shot, Shots, uint8
from camaudit.engine.perturbed.subjects import class_index, class_name, excluded, loaded_batches, masks_of
from camaudit.engine.perturbed.threat import ANY_TARGET, goal, of_pixels
from camaudit.engine.pixels import images as pixels
from camaudit.errors import DataError
from camaudit.exhibits import Strike
from camaudit.perturb.budget import Budget, violations
from camaudit.perturb.noise import matched_noise
from camaudit.perturb.one_pixel import paint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.checks.one_pixel import OnePixelSpec
    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded
    from camaudit.engine.perturbed.mapper import After
    from camaudit.engine.perturbed.search import Hunted
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan

TOGETHER = 64
"""Images whose searches go on together."""
NAME = "one_pixel"
NO_CONTROL = "no control: the colour turns the answer wherever it was tried"
NOT_REPEATED = "invalid: the answer of the search did not repeat"


def follow(check: CheckPlan, walk: Walk, drawn: Sequence[Sample], *, workers: int) -> Perturbed:
    """Search every image that the network classifies correctly.

    Raises `DataError` for a network that takes more than the image.
    """
    spec: OnePixelSpec = check.spec  # type: ignore[assignment]
    if any(item.inputs for item in drawn):
        raise DataError(
            "one_pixel searches images alone, and these samples bring inputs beside them",
            hint="ask with a check of kind adversarial or corruption",
        )
    request = clean_map(check)
    assert request is not None
    titles = {**map_titles(spec.mask, noise=True), **own_titles(spec)}
    search = Hunt(
        spec=spec,
        target=examine(check, walk.classifier),
        walk=walk,
        mapper=Mapper(walk=walk, request=request),
        ledger=Ledger(columns=tuple(titles)),
    )
    samples = [item for item in drawn if item.id in walk.collector.details]
    subjects = [item for item in samples if search.takes(item)]
    for batch in loaded_batches(subjects, walk, spec.mask, workers=workers, size=TOGETHER):
        search.batch(batch)
        walk.tick(search.done, len(subjects))
    table = search.ledger.table(check, walk.collector, search.grid)
    return Perturbed(
        table=table,
        threat=of_pixels(
            spec,
            goal=ANY_TARGET if spec.attack.any_target else goal(search.target, walk.classifier),
            attacked=f"{len(subjects)} of {len(samples)}",
            queries=search.queries(),
        ),
        cells=cells(spec, table),
        transitions=dict(search.transitions),
        shots=(search.shots,),
        words=(*search.words(), *told_of(moved_below(spec, table))),
    )


def examine(check: CheckPlan, network: Classifier) -> int | None:
    """The index of the class that is aimed at, if one is. Raises `MapError` for one that there is not."""
    spec: OnePixelSpec = check.spec  # type: ignore[assignment]
    return class_index(spec.attack.target, network)


@dataclass(frozen=True, kw_only=True)
class Found(Changed):
    """Images that pixels turn, with their controls."""

    hunted: Sequence[Hunted]
    changed: Tensor
    controls: Sequence[Tensor | None]


@dataclass(kw_only=True)
class Hunt:
    """A search through a sample of images, batch by batch."""

    spec: OnePixelSpec
    target: int | None
    walk: Walk
    mapper: Mapper
    ledger: Ledger
    shots: Shots = field(default_factory=Shots)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    asked: dict[str, list[int]] = field(default_factory=dict)
    """By search, the candidates of every image that it was given."""
    turning: list[int] = field(default_factory=list)
    """Candidates asked about in each image that was turned."""
    exhausted: Counter[int] = field(default_factory=Counter)
    """By number of corner candidates, the images in which all of them were asked and none turned it."""
    grid: dict[str, float] = field(default_factory=dict)
    done: int = 0

    @property
    def goals(self) -> tuple[int, ...] | None:
        """The classes that are aimed at; None where any wrong answer will do."""
        if self.spec.attack.any_target:
            return tuple(range(self.walk.classifier.outputs))
        return None if self.target is None else (self.target,)

    def takes(self, sample: Sample) -> bool:
        """Whether an image is searched; where not, what is known of it is written down."""
        why = excluded(sample, self.walk, self.target)
        if why is None:
            return True
        key, known = sample.id, why in OUTSIDE
        self.ledger.blank(
            [name for name in self.ledger.columns if name not in {CLEAN_RIGHT, ROBUST}], key, why
        )
        self.ledger.note(CLEAN_RIGHT, key, float(why != WRONG_BEFORE), None if known else why)
        self.ledger.note(ROBUST, key, 0.0, None if why == WRONG_BEFORE else why)
        return False

    def batch(self, loaded: list[Loaded]) -> None:
        """Search images of one size, and look at what was found."""
        network = self.walk.classifier
        clean = pixels(loaded, network.device)
        labels = torch.tensor([item.sample.label for item in loaded], device=network.device)
        own = seeds(self.spec.attack.seed, NAME, [item.sample.id for item in loaded])
        hunted = hunt(self.spec.attack, network, clean, labels, goals=self.goals, seeds=own)
        for row, (item, one) in enumerate(zip(loaded, hunted, strict=True)):
            self._note(item.sample.id, one, clean[row])
        rows = [row for row, one in enumerate(hunted) if one.candidate is not None]
        for start in range(0, len(rows), self.walk.batch_size):
            part = rows[start : start + self.walk.batch_size]
            self._turned(
                self._found(
                    [loaded[row] for row in part], clean[part], labels[part], [hunted[row] for row in part]
                )
            )
        self.done += len(loaded)

    def _note(self, key: str, one: Hunted, clean: Tensor) -> None:
        """Queries of one image, and its outcome unless a pixel was found: that is verified first."""
        attack = self.spec.attack
        self.ledger.note(CLEAN_RIGHT, key, 1.0)
        self.ledger.note(QUERIES, key, float(sum(one.queries.values())))
        for name in attack.searches:
            given = name in one.queries
            self.ledger.note(found_by(name), key, float(one.by == name), None if given else DECIDED)
            if given:
                self.asked.setdefault(name, []).append(one.queries[name])
        if one.candidate is not None:
            return
        self.ledger.note(SUCCESS, key, 0.0)
        self.ledger.note(ROBUST, key, 1.0)
        outcomes = {CLEAN_RIGHT, QUERIES, SUCCESS, ROBUST, *map(found_by, attack.searches)}
        self.ledger.blank([name for name in self.ledger.columns if name not in outcomes], key, NO_FLIP)
        corners = CORNERS * clean.shape[1] * clean.shape[2]
        if one.queries.get("sweep") == corners:
            self.exhausted[corners] += 1

    def _found(
        self, loaded: Sequence[Loaded], clean: Tensor, labels: Tensor, hunted: Sequence[Hunted]
    ) -> Found:
        """Images of which a search found pixels, changed, with the network's answers and their controls."""
        network, ids = self.walk.classifier, [item.sample.id for item in loaded]
        candidates = [one.candidate for one in hunted if one.candidate is not None]
        changed = paint(clean, np.stack(candidates))
        own = seeds(self.spec.attack.seed, "control of one_pixel", ids)
        controls = [
            control(network, clean[row : row + 1], candidate, int(labels[row]), tries=CONTROLS, seed=own[row])
            for row, candidate in enumerate(candidates)
        ]
        after = self.mapper.after(network, clean, changed, labels, labels)
        return Found(
            loaded=loaded,
            clean=clean,
            labels=labels,
            hunted=hunted,
            changed=changed,
            after=after,
            controls=controls,
        )

    def _turned(self, own: Found) -> None:
        """Verify what was found, and compare the maps."""
        faults = self._verified(own)
        self._maps(own, faults)
        for row, fault in enumerate(faults):
            self._places(own.loaded[row], own.hunted[row].places(own.loaded[row].pixels.shape[:2]), fault)
            if fault is None:
                self.turning.append(sum(own.hunted[row].queries.values()))
                if self.shots.room(turned=True):
                    self.shots.add(self._shot(own, row), turned=True)

    def _verified(self, own: Found) -> list[str | None]:
        """Why what the search found does not count: a budget that was not kept, an answer that is another."""
        labels, answers = own.labels, own.after.logits.argmax(1)
        reached = (answers != labels) if self.target is None else (answers == self.target)
        finite = own.after.logits.isfinite().all(1)
        broken = violations(own.clean, own.changed, Budget(norm="l0", eps=self.spec.attack.pixels))
        faults: list[str | None] = []
        for row, (key, fault) in enumerate(zip(own.ids, broken, strict=True)):
            why = None if fault is None else f"{INVALID}{fault}"
            why = why or (None if finite[row] else NOT_FINITE) or (None if reached[row] else NOT_REPEATED)
            self.ledger.note(SUCCESS, key, 1.0, why)
            self.ledger.note(ROBUST, key, float(answers[row] == labels[row]), why)
            if why is None and answers[row] != labels[row]:
                old, new = (class_name(int(one[row]), self.walk.classifier) for one in (labels, answers))
                self.transitions[old, new] += 1
            faults.append(why)
        return faults

    def _maps(self, own: Found, faults: Sequence[str | None]) -> None:
        """How far the maps moved; under a random colour at the same pixel; under the control."""
        clean, attack = own.clean, self.spec.attack
        drawn = seeds(attack.seed, "noise for one_pixel", own.ids)
        noisy = matched_noise(clean, own.changed, "l0", seeds=drawn)
        elsewhere = [clean[row : row + 1] if one is None else one for row, one in enumerate(own.controls)]
        floor, calm = (self._after(own, images) for images in (noisy, torch.cat(elsewhere)))
        compared = Likeness(
            size=(clean.shape[2], clean.shape[3]),
            request=self.mapper.request,
            masks=masks_of(own.loaded, self.spec.mask, clean.device),
        )
        before = self.mapper.before(own.ids, clean.device)
        self.grid |= compared.settings(before)
        parts: likeness.Parts = {}
        for part, found in (("", own.after), (NOISE, floor)):
            for kept, numbers in likeness.both(compared, before, found).items():
                parts[kept, part] = likeness.without(numbers, faults)
        missing = [
            why or (NO_CONTROL if one is None else None)
            for why, one in zip(faults, own.controls, strict=True)
        ]
        calmly = likeness.without(compared.of(before, calm.kept.raw, positive=calm.kept.relu), missing)
        likeness.note(self.ledger, own.ids, parts, self.spec.mask)
        for measure in measures(self.spec.mask):
            (mine, whys), (values, reasons) = parts["clean", ""][measure.name], calmly[measure.name]
            for row, key in enumerate(own.ids):
                self.ledger.note(column(measure.name, "clean", CONTROL), key, values[row], reasons[row])
                difference, why = mine[row] - values[row], whys[row] or reasons[row]
                self.ledger.note(column(measure.name, "clean", OFF_CONTROL), key, difference, why)

    def _after(self, own: Found, images: Tensor) -> After:
        return self.mapper.after(self.walk.classifier, own.clean, images, own.labels, own.labels)

    def _places(self, item: Loaded, places: np.ndarray, fault: str | None) -> None:
        """Where the pixels lie."""
        key, size = item.sample.id, (item.pixels.shape[0], item.pixels.shape[1])
        centres = places + 0.5
        raw = self.walk.collector.maps[self.mapper.request][key].raw
        value, chance, why = to_peak(raw, centres, size)
        self.ledger.note(PEAK, key, value, fault or why)
        self.ledger.note(PEAK_CHANCE, key, chance, fault or why)
        if self.spec.mask is not None:
            value, chance, why = to_object(item.masks[self.spec.mask], centres)
            self.ledger.note(OBJECT, key, value, fault or why)
            self.ledger.note(OBJECT_CHANCE, key, chance, fault or why)

    def _shot(self, own: Found, row: int) -> Shot:
        """What the report shows of one image."""
        network, key, one = self.walk.classifier, own.ids[row], own.hunted[row]
        label, answer = (
            class_name(int(answers[row]), network) for answers in (own.labels, own.after.logits.argmax(1))
        )
        strike = Strike(
            sample=key,
            label=self.walk.collector.details[key].label,
            change=one.text,
            outcome=TURNED,
            before=label,
            after=answer,
            note=f"found by {one.by} after {sum(one.queries.values()):,} candidates",
        )
        return Shot(
            strike=strike,
            clean=uint8(own.clean[row]),
            changed=uint8(own.changed[row]),
            maps=self.mapper.pictured(key, own.after, row, answer if answer != label else None),
        )

    def queries(self) -> dict[str, str]:
        """How many candidates were asked about, for the threat model: every rate belongs to them."""
        found = {
            f"candidates, {name}": f"median {np.median(counts):,.0f}, at most {max(counts):,}, "
            f"in {len(counts)} images"
            for name, counts in self.asked.items()
        }
        if self.turning:
            found["candidates to a success"] = f"median {np.median(self.turning):,.0f}"
        return found

    def words(self) -> list[str]:
        """What an exhausted sweep allows to say, and no more."""
        to = "" if self.target is None else f" to {class_name(self.target, self.walk.classifier)}"
        return [
            f"In {count} of {self.done} images no corner-colour one-pixel flip{to} exists "
            f"({corners:,} of {corners:,} checked). Colours inside the cube were not tried."
            for corners, count in sorted(self.exhausted.items())
        ]
