"""What the network answers to images with a region of another image, batch by batch."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

import numpy as np
import torch

from camaudit.checks.shortcut_columns import NO_REGION, PARTS, UNTOUCHED, column
from camaudit.engine.shortcut.change import objects, pixels
from camaudit.engine.shortcut.coverage import Coverage
from camaudit.perturb.regions import fill

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from camaudit.checks.shortcut import ShortcutSpec
    from camaudit.data.stream import Loaded
    from camaudit.engine.part import Kept
    from camaudit.engine.shortcut.change import Suspect
    from camaudit.engine.streaming import Walk
    from camaudit.scores import Table

PAIRS = 6
"""Pairs of pictures kept of each region."""
NOT_FINITE = "the network's answer is not finite"
NOT_RECORDED = "the run recorded none"
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


class Asked(NamedTuple):
    """Images that are changed: with their donors, the pictures of the three, labels, logits as they are."""

    batch: list[Three]
    pictures: list[Tensor]
    labels: Tensor
    untouched: Tensor


@dataclass(kw_only=True)
class Test:
    """Answers to changed images as they come in: numbers by column and sample, and some pictures."""

    spec: ShortcutSpec
    walk: Walk
    suspects: tuple[Suspect, ...]
    kept: Kept | None = None
    """What a finished run recorded, where only some images are changed anew."""
    numbers: dict[str, dict[str, float]] = field(default_factory=dict)
    reasons: dict[str, dict[str, str]] = field(default_factory=dict)
    shots: dict[str, dict[str, tuple[Shot, ...]]] = field(default_factory=dict)
    lacking: dict[str, int] = field(default_factory=dict)
    coverage: Coverage = field(default_factory=Coverage)
    removed: dict[str, dict[str, np.ndarray]] = field(default_factory=dict)
    """By infill and sample, the margin of every class with the object filled."""

    def run(self, batches: Iterable[list[Three]], total: int) -> None:
        """Test all batches; of images that are not measured anew, look at regions and objects as well."""
        done = 0
        for batch in batches:
            self._batch(batch)
            done += len(batch)
            self.walk.tick(done, total)

    def _batch(self, batch: list[Three]) -> None:
        """What the regions of a batch hold, and the answers to the images of it that are measured."""
        sides = tuple(zip(*batch, strict=True))
        size, device = batch[0][0].pixels.shape[:2], self.walk.classifier.device
        pictures = [pixels(items, size, device) for items in sides]
        rows = [row for row, three in enumerate(batch) if self._is_measured(three[0].sample.id)]
        asked = self._asked([batch[row] for row in rows], [one[rows] for one in pictures]) if rows else None
        for suspect in self.suspects:
            masks = [suspect.masks(items, size).to(device) for items in sides]
            self._count_lacking(suspect, masks[1:])
            if suspect.outlined:
                for held, items in zip(masks, sides, strict=True):
                    self.coverage.add(suspect.name, held, objects(items, size).to(device))
            if suspect.complement:
                self._remove(sides[0], pictures[0], masks[0], suspect.shown(masks[0]))
            if asked is not None:
                self._change(suspect, asked, [one[rows] for one in masks])

    def _is_measured(self, key: str) -> bool:
        """Whether an image is changed anew; otherwise what was recorded of it stands in."""
        part = self.walk.part
        if self.kept is None or part is None or key in part.ids:
            return True
        self._stand_in(key, self.kept.table)
        return False

    def _stand_in(self, key: str, table: Table) -> None:
        for name in (UNTOUCHED, *_columns(self.suspects, self.spec)):
            there = name in table.columns and key in table.frame.index
            value = float(table.frame[name][key]) if there else float("nan")
            self.numbers.setdefault(name, {})[key] = value
            reasons = self.reasons.setdefault(name, {})
            if np.isnan(value):
                reasons[key] = table.reasons.get(name, {}).get(key, NOT_RECORDED)

    def _asked(self, batch: list[Three], pictures: list[Tensor]) -> Asked:
        """The images that are changed, with the answers to them as they are."""
        recipients = [three[0] for three in batch]
        labels = torch.tensor([item.sample.label for item in recipients], device=pictures[0].device)
        untouched = self._logits(pictures[0])
        self._note(UNTOUCHED, recipients, _right(untouched, labels), untouched)
        return Asked(batch, pictures, labels, untouched)

    def _change(self, suspect: Suspect, asked: Asked, masks: Sequence[Tensor]) -> None:
        """Answers to images with the region of each donor, in each way."""
        batch, pictures, labels, untouched = asked
        recipients, shown = [three[0] for three in batch], suspect.shown(masks[0])
        for infill in self.spec.infills:
            changed = [
                suspect.changed(pictures[0], masks[0], pictures[side], masks[side], infill) for side in (1, 2)
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


def _columns(suspects: Iterable[Suspect], spec: ShortcutSpec) -> list[str]:
    """The columns of what an image has alone, of every region and infill."""
    parts = [name for name in PARTS if name != "beyond"]
    return [column(item.name, how, part) for item in suspects for how in spec.infills for part in parts]


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
