"""The follow-up of an adversarial check: propose, verify, answer, compare the maps with those before."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit import registry
from camaudit.checks.perturbed import (
    CLEAN_RIGHT,
    NOISE,
    NOT_FINITE,
    OUTSIDE,
    QUERIES,
    ROBUST,
    SUCCESS,
    UNROUNDED,
    WRONG_BEFORE,
    map_titles,
)
from camaudit.checks.perturbed_estimates import HELD, TURNED, cells, moved_below, told_of
from camaudit.engine.collect import clean_map
from camaudit.engine.inputs import bound
from camaudit.engine.perturbed import likeness
from camaudit.engine.perturbed.followed import Perturbed
from camaudit.engine.perturbed.ledger import Ledger
from camaudit.engine.perturbed.likeness import Likeness
from camaudit.engine.perturbed.mapper import Changed, Mapper
from camaudit.engine.perturbed.proposal import propose
from camaudit.engine.perturbed.seeds import seeds
from camaudit.engine.perturbed.shots import Shot, Shots, uint8
from camaudit.engine.perturbed.subjects import class_index, class_name, excluded, loaded_batches, masks_of
from camaudit.engine.perturbed.threat import goal, of_attack
from camaudit.engine.pixels import images as pixels
from camaudit.errors import ModelError
from camaudit.exhibits import Strike
from camaudit.perturb.budget import Budget, distance
from camaudit.perturb.noise import matched_noise

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.checks.adversarial import AdversarialSpec
    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded
    from camaudit.engine.perturbed.proposal import Proposal
    from camaudit.engine.streaming import Walk
    from camaudit.perturb.member import Member, Perturbation
    from camaudit.plan import CheckPlan

OUTCOMES = (CLEAN_RIGHT, ROBUST, SUCCESS, UNROUNDED, QUERIES)
UNCOUNTED = "the attack asks the network past its door"
UNKNOWN = "the attack asks about some images of a batch, and not which"
EXAMPLES = 5
"""Broken rules told in full."""


def follow(check: CheckPlan, walk: Walk, drawn: Sequence[Sample], *, workers: int) -> Perturbed:
    """Attack every image that the network classifies correctly.

    Raises `ModelError` where the attack cannot be made as the spec says, or breaks its rules with every
    image; what the attack itself raises goes through.
    """
    spec: AdversarialSpec = check.spec  # type: ignore[assignment]
    member: Member = registry.find("attack", spec.attack.name)
    attack = examine(check, walk.classifier)
    target = class_index(spec.attack.target, walk.classifier)
    request = clean_map(check)
    assert request is not None
    raid = Raid(
        spec=spec,
        attack=attack,
        budget=_budget(spec),
        blind=member.access == "none",
        target=target,
        walk=walk,
        mapper=Mapper(walk=walk, request=request),
        ledger=Ledger(columns=[*map_titles(spec.mask, noise=True), *OUTCOMES]),
    )
    samples = [item for item in drawn if item.id in walk.collector.details]
    subjects = [item for item in samples if raid.takes(item)]
    for batch in loaded_batches(subjects, walk, spec.mask, workers=workers):
        raid.batch(batch)
        walk.tick(raid.done, len(subjects))
    raid.refuse_broken()
    table = raid.ledger.table(check, walk.collector, raid.settings)
    aim, attacked = goal(target, walk.classifier), f"{len(subjects)} of {len(samples)}"
    doubts = (f"{member.name}: {member.doubt}",) if member.doubt else ()
    return Perturbed(
        table=table,
        threat=of_attack(spec, member, goal=aim, attacked=attacked, queries=raid.queries()),
        cells=cells(table, moved_below(spec, table)),
        transitions=dict(raid.transitions),
        shots=(raid.shots,),
        words=told_of(moved_below(spec, table)),
        notes=(*doubts, *raid.broken[:EXAMPLES]),
    )


def examine(check: CheckPlan, network: Classifier) -> Perturbation:
    """The attack, ready to propose; nothing is run.

    Raises `ModelError` where it cannot keep such a budget, cannot aim, or does not take the parameters that
    the spec gives; `MapError` for a class that there is not.
    """
    spec: AdversarialSpec = check.spec  # type: ignore[assignment]
    member: Member = registry.find("attack", spec.attack.name)
    budget, where = _budget(spec), f"attack {member.name}"
    if budget.norm not in member.norms:
        allowed = ", ".join(member.norms) or "none: it keeps no budget"
        raise ModelError(f"it cannot keep a budget in {budget.norm}; its norms: {allowed}", where=where)
    if spec.attack.target is not None and not member.targeted:
        raise ModelError("it cannot aim at a class", where=where, hint='leave "target" out')
    class_index(spec.attack.target, network)
    return member.make(spec.attack.parameters, budget)


def _budget(spec: AdversarialSpec) -> Budget:
    return Budget(norm=spec.attack.norm, eps=spec.attack.eps)


@dataclass(frozen=True, kw_only=True)
class Struck(Changed):
    """Images as an attack made them."""

    network: Classifier
    made: Proposal


@dataclass(kw_only=True)
class Raid:
    """An attack on a sample of images, batch by batch."""

    spec: AdversarialSpec
    attack: Perturbation
    budget: Budget
    blind: bool
    """Whether the attack asks the network nothing."""
    target: int | None
    walk: Walk
    mapper: Mapper
    ledger: Ledger
    shots: Shots = field(default_factory=Shots)
    transitions: Counter[tuple[str, str]] = field(default_factory=Counter)
    settings: dict[str, float] = field(default_factory=dict)
    broken: list[str] = field(default_factory=list)
    """What was wrong with images that the attack made, in full."""
    asked: list[float] = field(default_factory=list)
    """Answers asked for about each image."""
    done: int = 0

    def takes(self, sample: Sample) -> bool:
        """Whether an image is attacked; where not, what is known of it is written down."""
        why = excluded(sample, self.walk, self.target)
        if why is None:
            return True
        key = sample.id
        self.ledger.blank([*map_titles(self.spec.mask, noise=True), SUCCESS, UNROUNDED, QUERIES], key, why)
        known = why in OUTSIDE
        self.ledger.note(CLEAN_RIGHT, key, float(why != WRONG_BEFORE), None if known else why)
        # An image that is wrong before is not robust; one that has the target's label was not tried.
        self.ledger.note(ROBUST, key, 0.0, None if why == WRONG_BEFORE else why)
        return False

    def batch(self, loaded: list[Loaded]) -> None:
        """Attack images of one size."""
        device = self.walk.classifier.device
        network = bound(self.walk.classifier, loaded)
        clean = pixels(loaded, device)
        ids = [item.sample.id for item in loaded]
        labels = torch.tensor([item.sample.label for item in loaded], device=device)
        made = propose(
            self.attack,
            network,
            clean,
            labels,
            seeds=seeds(self.spec.attack.seed, self.spec.attack.name, ids),
            budget=self.budget,
            targets=None if self.target is None else torch.full_like(labels, self.target),
        )
        with torch.inference_mode():
            proposed = network.logits(made.images).double()
        # All are initially correct: what was answered before is the label.
        after = self.mapper.after(network, clean, made.rounded, labels, labels)
        struck = Struck(loaded=loaded, network=network, clean=clean, labels=labels, made=made, after=after)
        self._answers(struck, proposed)
        self._maps(struck)
        self._keep(struck)
        self._count(struck)
        self.done += len(loaded)

    def queries(self) -> str:
        """How often the network was asked about an image, for the threat model: every rate belongs to it."""
        if np.isnan(self.asked).any():
            return f"not counted: {UNKNOWN}"
        if self.blind or not any(self.asked):
            return "none" if self.blind else f"not counted: {UNCOUNTED}"
        return f"median {np.median(self.asked):,.0f}, at most {max(self.asked):,.0f} for one image"

    def refuse_broken(self) -> None:
        """Raise `ModelError` where there is no image with which the attack kept its rules."""
        if self.done and len(self.broken) == self.done:
            raise ModelError(
                f"all {self.done} images that it made break its rules, and nothing can be concluded: "
                f"{self.broken[0]}",
                where=f"attack {self.spec.attack.name}",
            )

    def reached(self, logits: Tensor, labels: Tensor) -> Tensor:
        """Whether answers are what the attack wants, [n]."""
        answers = logits.argmax(1)
        return answers != labels if self.target is None else answers == self.target

    def _answers(self, own: Struck, proposed: Tensor) -> None:
        """Success as proposed and after rounding, and whether the answer is still right."""
        labels, logits = own.labels, own.after.logits
        answers, reasons = logits.argmax(1), own.made.reasons
        rows = {
            UNROUNDED: (self.reached(proposed, labels), proposed),
            SUCCESS: (self.reached(logits, labels), logits),
            ROBUST: (answers == labels, logits),
        }
        for column, (values, scores) in rows.items():
            finite = scores.isfinite().all(1).tolist()
            for key, value, fine, why in zip(own.ids, values.tolist(), finite, reasons, strict=True):
                self.ledger.note(column, key, float(value), why or (None if fine else NOT_FINITE))
        for key, fault, asked in zip(own.ids, own.made.faults, own.made.queries, strict=True):
            self.ledger.note(CLEAN_RIGHT, key, 1.0)
            why = UNKNOWN if np.isnan(asked) else None if asked or self.blind else UNCOUNTED
            self.ledger.note(QUERIES, key, asked, why)
            self.asked.append(asked)
            if fault is not None:
                self.broken.append(f"invalid: {key}: {fault}")
        finite = logits.isfinite().all(1).tolist()
        for label, answer, why, fine in zip(labels.tolist(), answers.tolist(), reasons, finite, strict=True):
            if answer != label and why is None and fine:
                self.transitions[class_name(label, own.network), class_name(answer, own.network)] += 1

    def _maps(self, own: Struck) -> None:
        """How far the maps moved, and how far under noise of the same size and shape."""
        clean, drawn = own.clean, f"noise for {self.spec.attack.name}"
        noisy = matched_noise(
            clean, own.made.rounded, self.budget.norm, seeds=seeds(self.spec.attack.seed, drawn, own.ids)
        )
        floor = self.mapper.after(own.network, clean, noisy, own.labels, own.labels)
        compared = Likeness(
            size=(clean.shape[2], clean.shape[3]),
            request=self.mapper.request,
            masks=masks_of(own.loaded, self.spec.mask, clean.device),
        )
        before = self.mapper.before(own.ids, clean.device)
        self.settings |= compared.settings(before)
        parts: likeness.Parts = {}
        for part, found in (("", own.after), (NOISE, floor)):
            for kept, numbers in likeness.both(compared, before, found).items():
                parts[kept, part] = likeness.without(numbers, own.made.reasons)
        likeness.note(self.ledger, own.ids, parts, self.spec.mask)

    def _keep(self, own: Struck) -> None:
        """Keep some images for the report."""
        turned = self.reached(own.after.logits, own.labels).tolist()
        for row, fault in enumerate(own.made.faults):
            if fault is None and self.shots.room(turned=turned[row]):
                self.shots.add(self._shot(own, row, turned=turned[row]), turned=turned[row])

    def _shot(self, own: Struck, row: int, *, turned: bool) -> Shot:
        key = own.ids[row]
        label, answer = (
            class_name(int(one[row]), own.network) for one in (own.labels, own.after.logits.argmax(1))
        )
        strike = Strike(
            sample=key,
            label=self.walk.collector.details[key].label,
            change=f"{self.spec.attack.name}, {self.budget.text}",
            outcome=TURNED if turned else HELD,
            before=label,
            after=answer,
        )
        return Shot(
            strike=strike,
            clean=uint8(own.clean[row]),
            changed=uint8(own.made.rounded[row]),
            maps=self.mapper.pictured(key, own.after, row, answer if answer != label else None),
        )

    def _count(self, own: Struck) -> None:
        """What the record says of the changes themselves."""
        clean, made = own.clean, own.made
        sound = torch.tensor([fault is None for fault in made.faults], device=clean.device)
        far = distance(clean, made.rounded, self.budget.norm)
        beyond = far > self.budget.eps * (1 + 1e-6) + 1e-6
        self._add("images attacked", len(clean))
        self._add("images with which the attack broke its rules", int((~sound).sum()))
        self._add("images that the attack left as they were", int(((far == 0) & sound).sum()))
        self._add("images that rounding to 8 bits takes beyond the budget", int((beyond & sound).sum()))
        largest = float(far[sound].max()) if bool(sound.any()) else 0.0
        name = f"largest distance after rounding, {self.budget.norm}"
        self.settings[name] = max(self.settings.get(name, 0.0), largest)

    def _add(self, name: str, count: int) -> None:
        self.settings[name] = self.settings.get(name, 0.0) + count
