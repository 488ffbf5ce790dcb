"""Thresholds are tuned on samples that are not audited: the split, the walk over it, what it refuses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from camaudit import registry
from camaudit.engine.collect import Collector
from camaudit.errors import DataError
from camaudit.spec.types import SampleSpec

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from camaudit.data.sample import Listing, Sample
    from camaudit.engine.streaming import Walk
    from camaudit.plan import CheckPlan


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """What was measured on the samples set aside, and the `listing` that is left to be audited."""

    listing: Listing
    collector: Collector
    allow_lost: float

    def settings(self, check: CheckPlan, audited: Collector) -> Mapping[str, float]:
        """What the check tunes. Raises `DataError` where an image is in both, or too few can be used."""
        shared = _hashes(self.collector) & _hashes(audited)
        if shared:
            raise DataError(
                f"{len(shared)} images are both in the calibration and among the audited",
                hint="thresholds tuned on audited images flatter them: remove copies, or put images that "
                "belong together into one `group`",
            )
        lost, used = len(self.collector.lost), len(self.collector.details)
        if not used or lost > self.allow_lost * (lost + used):
            raise DataError(f"{lost} of {lost + used} calibration samples cannot be used")
        failure = self.collector.failure(check)
        if failure is not None:
            raise failure
        found: Mapping[str, float] = registry.find("check", check.kind).fit(
            check.spec, self.collector.table(check)
        )
        return {"calibration samples": float(used), **found}


def calibrate(
    walk: Walk, listing: Listing, other: Listing | None, *, allow: float, workers: int
) -> Calibration:
    """Draw the calibration samples, from `other` or from the listing itself, and walk over them.

    What is left of the listing shares no sample, no image file and no group with them. Raises `DataError`
    where nothing would be left, or where fewer samples are there than are to be set aside.
    """
    wanted = walk.work.calibration
    assert wanted is not None
    source = listing if other is None else other
    if wanted.n is not None and wanted.n > len(source.samples):
        raise DataError(f"{wanted.n} calibration samples are wanted, and there are {len(source.samples)}")
    aside = replace(
        walk,
        work=replace(walk.work, sample=SampleSpec(n=wanted.n, seed=wanted.seed)),
        part=None,
        collector=Collector(),
        tick=lambda _done, _total: None,
    )
    drawn = aside.run(source, workers)
    left = replace(listing, samples=tuple(_apart(listing.samples, drawn, same_data=other is None)))
    if not left.samples:
        raise DataError(
            f"the calibration takes all of {len(listing.samples)} samples: none is left to be audited",
            hint="lower `calibration.n`, or name another data set by `calibration.data`",
        )
    return Calibration(listing=left, collector=aside.collector, allow_lost=allow)


def _apart(samples: Sequence[Sample], drawn: Sequence[Sample], *, same_data: bool) -> Iterable[Sample]:
    """Samples that have nothing in common with the drawn ones. Ids and groups are names of one data set."""
    ids = {sample.id for sample in drawn} if same_data else set()
    groups = {sample.group for sample in drawn if sample.group is not None} if same_data else set()
    images = {sample.image for sample in drawn}
    return (
        sample
        for sample in samples
        if sample.id not in ids and sample.group not in groups and sample.image not in images
    )


def _hashes(collector: Collector) -> set[str]:
    return {detail.sha256 for detail in collector.details.values() if detail.sha256 is not None}
