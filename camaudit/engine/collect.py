"""Gathers what a pass measures, sample by sample, into the tables of its checks."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from camaudit import registry
from camaudit.result import Population
from camaudit.scores import FACTS, Table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.data.sample import Listing
    from camaudit.data.stream import Loaded, Lost
    from camaudit.evidence import Column, MapRequest
    from camaudit.plan import CheckPlan, Pass

EXAMPLES = 5


@dataclass(frozen=True, kw_only=True)
class Detail:
    """What the report shows of a sample beside its numbers."""

    label: str | None
    predicted: str | None
    answer: int | None
    """The index of the class that was predicted."""
    label_score: float | None
    predicted_score: float | None
    group: str | None
    file: str | None
    sha256: str | None


@dataclass(frozen=True, kw_only=True)
class MapDetail:
    """One native-resolution map, kept; `raw` is signed and float32."""

    raw: np.ndarray
    status: str
    scale: float


@dataclass(kw_only=True)
class Collector:
    """Grows by a few hundred bytes a sample: numbers, reasons and native-resolution maps, never pixels."""

    details: dict[str, Detail] = field(default_factory=dict)
    numbers: dict[Column, dict[str, float]] = field(default_factory=dict)
    profiles: dict[Column, dict[str, np.ndarray]] = field(default_factory=dict)
    reasons: dict[Column, dict[str, str]] = field(default_factory=dict)
    maps: dict[MapRequest, dict[str, MapDetail]] = field(default_factory=dict)
    shares: dict[str, float] = field(default_factory=dict)
    lost: list[Lost] = field(default_factory=list)
    failures: dict[MapRequest, Exception] = field(default_factory=dict)
    broken: dict[Column, Exception] = field(default_factory=dict)

    def add_numbers(
        self, column: Column, batch: Sequence[Loaded], values: np.ndarray, reasons: Sequence[str | None]
    ) -> None:
        """Store one number per sample, or a profile; a missing one with its reason."""
        if column.profile:
            self._add_profiles(column, batch, values, reasons)
            return
        numbers = self.numbers.setdefault(column, {})
        missing = self.reasons.setdefault(column, {})
        for loaded, value, reason in zip(batch, values, reasons, strict=True):
            numbers[loaded.sample.id] = float(value)
            if not np.isfinite(value):
                numbers[loaded.sample.id] = float("nan")
                missing[loaded.sample.id] = reason or "undefined"

    def _add_profiles(
        self, column: Column, batch: Sequence[Loaded], values: np.ndarray, reasons: Sequence[str | None]
    ) -> None:
        rows = self.profiles.setdefault(column, {})
        missing = self.reasons.setdefault(column, {})
        for loaded, row, reason in zip(batch, values, reasons, strict=True):
            rows[loaded.sample.id] = row
            if not np.isfinite(row).all():
                rows[loaded.sample.id] = np.full_like(row, np.nan)
                missing[loaded.sample.id] = reason or "undefined"

    def add_share(self, batch: Sequence[Loaded], region: str) -> None:
        """Store the share of the image that the region covers."""
        for loaded in batch:
            self.shares[loaded.sample.id] = float(loaded.masks[region].mean())

    def failure(self, check: CheckPlan) -> Exception | None:
        """Why a check has no numbers, if one of its maps could not be made."""
        requests = [request for column in check.columns.values() for request in column.maps]
        broken = [self.broken[column] for column in check.columns.values() if column in self.broken]
        return next(
            (self.failures[request] for request in requests if request in self.failures), None
        ) or next(iter(broken), None)

    def table(self, check: CheckPlan) -> Table:
        """The numbers of one check."""
        # Batches of several picture sizes come out of order, and an interval must not depend on that.
        ids = sorted(self.details)
        facts = self.facts(check, ids)
        columns = {
            name: [self.numbers[column][key] for key in ids]
            for name, column in check.columns.items()
            if not column.profile
        }
        profiles = {
            name: pd.DataFrame.from_dict(self.profiles[column], orient="index").loc[ids]
            for name, column in check.columns.items()
            if column.profile
        }
        reasons = {name: self.reasons.get(column, {}) for name, column in check.columns.items()}
        frame = pd.DataFrame({**facts, **columns}, index=pd.Index(ids, name="id"))
        return Table(frame=frame, reasons=reasons, profiles=profiles)

    def facts(self, check: CheckPlan, ids: list[str]) -> dict[str, Any]:
        """The columns `scores.FACTS` of these samples."""
        shown = clean_map(check)
        statuses = self.maps.get(shown, {}) if shown else {}
        facts: dict[str, Any] = {
            "label": [self.details[key].label for key in ids],
            "predicted": [self.details[key].predicted for key in ids],
            "group": self._groups(ids),
            "sha256": [self.details[key].sha256 for key in ids],
            "map_status": [statuses[key].status if key in statuses else None for key in ids],
            "object_share": [self.shares.get(key, float("nan")) for key in ids],
        }
        assert tuple(facts) == FACTS
        return facts

    def copies(self) -> list[str]:
        """A warning where one image stands for several samples: they are not independent."""
        extra = sum(count - 1 for count in self._same_image().values())
        if not extra:
            return []
        return [f"{extra} samples show an image that another sample shows too; they count as one group"]

    def _same_image(self) -> Counter[str]:
        return Counter(detail.sha256 for detail in self.details.values() if detail.sha256)

    def _groups(self, ids: list[str]) -> list[str | None]:
        """The group of each sample; copies of one image without a group are one."""
        same = self._same_image()
        details = [self.details[key] for key in ids]
        return [
            item.group or (f"image {item.sha256}" if item.sha256 and same[item.sha256] > 1 else None)
            for item in details
        ]

    def population(self, work: Pass, listing: Listing, drawn: int) -> Population:
        """Counts that add up."""
        return Population(
            data=work.data,
            found=listing.found,
            unusable=listing.reasons,
            unusable_examples=tuple(_line(item) for item in listing.unusable[:EXAMPLES]),
            drawn=drawn,
            used=len(self.details),
            lost=dict(Counter(item.reason for item in self.lost)),
            lost_examples=tuple(
                f"{item.sample.id}: {item.detail or item.reason}" for item in self.lost[:EXAMPLES]
            ),
            seed=work.sample.seed,
            by=work.sample.by,
            sha256=self._identity(),
        )

    def _identity(self) -> str:
        lines = sorted(f"{key} {detail.sha256} {detail.label}" for key, detail in self.details.items())
        return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def shown_maps(check: CheckPlan) -> dict[str, MapRequest]:
    """The maps that the report shows of a check's samples, by name, the main one first."""
    maps = registry.find("check", check.kind).maps
    if maps is not None:
        return dict(maps(check.spec, check.columns))
    first = clean_map(check)
    return {} if first is None else {"": first}


def clean_map(check: CheckPlan) -> MapRequest | None:
    """The map that the report shows for a check: its first one of the network as it is."""
    requests = [request for column in check.columns.values() for request in column.maps]
    return next((request for request in requests if request.condition.stage is None), None)


def _line(item: Any) -> str:
    return f"{item.id}: {item.detail or item.reason}"
