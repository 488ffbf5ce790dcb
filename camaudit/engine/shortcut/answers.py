"""What the network answers to images with a region of another image, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import torch

from camaudit.checks.shortcut_columns import NO_REGION, UNTOUCHED, column
from camaudit.engine.shortcut.change import objects, pixels
from camaudit.engine.shortcut.coverage import Coverage
from camaudit.perturb.regions import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.data.stream import Loaded
    from camaudit.engine.shortcut.change import Suspect
    from camaudit.engine.streaming import Walk

PAIRS = 6
"""Pairs of pictures kept of each region."""
NOT_FINITE = "the network's answer is not finite"
Role = Literal["before", "control", "after"]
ROLES: tuple[Role, ...] = get_args(Role)
Three = tuple["Loaded", "Loaded", "Loaded"]
"""A recipient, its donor of the same class, and its donor of another."""


class Shot(NamedTuple):
    """One picture of a pair: uint8 [h, w, 3], the class answered, and who gave the region."""

    role: Role
    pixels: np.ndarray
    answer: str | None
    donor: str | None


@dataclass(kw_only=True)
class Test:
    """Answers to changed images as they come in: numbers by column and sample, and some pictures."""

    spec: ShortcutSpec
    walk: Walk
    suspects: tuple[Suspect, ...]
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    shots: dict[str, dict[str, tuple[Shot, ...]]] = field(default_factory=dict)
    lacking: dict[str, int] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    removed: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """By infill and sample, the margin of every class with the object filled."""

    def run(self, batches: Iterable[list[Three]], total: int) -> None:
        """Test all batches."""
        done = 0
        for batch in batches:
            self._batch(batch)
            done += len(batch)
            self.walk.tick(done, total)

    def _batch(self, batch: list[Three]) -> None:
        """Answers to the untouched images, and to those with each region of each donor, in each way."""
        sides = tuple(zip(*batch, strict=True))
        recipients, (height, width) = sides[0], batch[0][0].pixels.shape[:2]
        device = self.walk.classifier.device
        pictures = [pixels(items, (height, width), device) for items in sides]
        labels = torch.tensor([item.sample.label for item in recipients], device=device)
        untouched = self._logits(pictures[0])
        self._note(UNTOUCHED, recipients, _right(untouched, labels), untouched)
        for suspect in self.suspects:
            masks = [suspect.masks(items, (height, width)).to(device) for items in sides]
            shown = suspect.shown(masks[0])
            self._count_lacking(suspect, masks[1:])
            if suspect.outlined:
                for held, items in zip(masks, sides, strict=True):
                    self.coverage.add(suspect.name, held, objects(items, (height, width)).to(device))
            if suspect.complement:
                self._remove(recipients, pictures[0], masks[0], shown)
            for infill in self.spec.infills:
                changed = [
                    suspect.changed(pictures[0], masks[0], pictures[side], masks[side], infill)
                    for side in (1, 2)
                ]
                answers = [self._logits(one) for one in changed]
                every = torch.cat([untouched, *answers], dim=1)
                for part, found in _compared(untouched, answers[0], answers[1], labels).items():
                    self._note(column(suspect.name, infill, part), recipients, found, every, shown)
                if infill == self.spec.infills[0]:
                    self._keep(suspect, batch, [pictures[0], *changed], [untouched, *answers], shown)

    def _remove(self, recipients: Sequence[Loaded], images: Tensor, objects: Tensor, shown: Tensor) -> None:
        """What the network says of the images without their objects."""
        for infill in self.spec.infills:
            logits = self._logits(fill(images, objects, infill))
            classes = torch.arange(logits.shape[1], device=logits.device)
            own = torch.stack([margin(logits, label.expand(len(logits))) for label in classes], dim=1)
            rows = self.removed.setdefault(infill, {})
            for item, row, there in zip(recipients, own.cpu().numpy(), shown.tolist(), strict=True):
                if there and np.isfinite(row).all():
                    rows[item.sample.id] = row

    def _count_lacking(self, suspect: Suspect, masks: Sequence[Tensor]) -> None:
        for role, held in zip(("same", "another"), masks, strict=True):
            key = f"{suspect.name}: donors of {role} class without it"
            self.lacking[key] = self.lacking.get(key, 0) + int((~suspect.shown(held)).sum())

    def _note(
        self,
        name: str,
        recipients: Sequence[Loaded],
        values: Tensor,
        logits: Tensor,
        shown: Tensor | None = None,
    ) -> None:
        """Numbers of one column, or why there are none."""
        finite = logits.isfinite().all(dim=1).tolist()
        seen = [True] * len(recipients) if shown is None else shown.tolist()
        numbers, reasons = self.numbers.setdefault(name, {}), self.reasons.setdefault(name, {})
        for item, value, fine, there in zip(recipients, values.tolist(), finite, seen, strict=True):
            key = item.sample.id
            numbers[key] = value if fine and there else float("nan")
            if not there or not fine:
                reasons[key] = NOT_FINITE if there else NO_REGION

    def _keep(
        self,
        suspect: Suspect,
        batch: Sequence[Three],
        pictures: Sequence[Tensor],
        logits: Sequence[Tensor],
        shown: Tensor,
    ) -> None:
        """Keep pictures of the first pairs, and rather of those whose answer turns."""
        kept = self.shots.setdefault(suspect.name, {})
        turned = logits[1].argmax(1) != logits[2].argmax(1)
        for row in torch.argsort(turned.int(), descending=True, stable=True).tolist():
            if len(kept) >= PAIRS or not shown[row]:
                continue
            recipient, same, other = (item.sample.id for item in batch[row])
            kept[recipient] = tuple(
                Shot(role, _uint8(one[row]), self._class(own[row]), donor)
                for role, one, own, donor in zip(ROLES, pictures, logits, (None, same, other), strict=True)
            )

    def _class(self, logits: Tensor) -> str | None:
        if not bool(logits.isfinite().all()):
            return None
        index, names = int(logits.argmax()), self.walk.classifier.classes
        return names[index] if names is not None and index < len(names) else str(index)

    def _logits(self, images: Tensor) -> Tensor:
        with torch.inference_mode():
            return self.walk.classifier.logits(images).double()


def _compared(untouched: Tensor, same: Tensor, other: Tensor, labels: Tensor) -> dict[str, Tensor]:
    """Those of `shortcut_columns.PARTS` that an image has alone, from logits without and with a change."""
    return {
        "same": _right(same, labels),
        "other": _right(other, labels),
        "margin": margin(same, labels) - margin(other, labels),
        "cost": margin(untouched, labels) - margin(same, labels),
        "flip": (same.argmax(1) != other.argmax(1)).double(),
        "margin_same": margin(same, labels),
        "margin_other": margin(other, labels),
    }


def margin(logits: Tensor, labels: Tensor) -> Tensor:
    """The label's logit minus the largest other one, [n]."""
    own = logits.gather(1, labels[:, None])[:, 0]
    others = logits.scatter(1, labels[:, None], -torch.inf).amax(dim=1)
    return own - others


def _right(logits: Tensor, labels: Tensor) -> Tensor:
    return (logits.argmax(1) == labels).double()


def _uint8(image: Tensor) -> np.ndarray:
    return (image.permute(1, 2, 0) * 255).round().to(torch.uint8).cpu().numpy()
