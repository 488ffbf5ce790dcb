"""When unusable samples make a check an error: beyond the share that the spec allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.data.sample import Listing


def too_many_lost(listing: Listing, lost: int, drawn: int, allowed: float, data: str) -> DataError | None:
    """Why a data set's unusable and broken samples make its checks an error, or None.

    The share allowed holds for the whole listing and for the samples drawn from it.
    """
    broken = len(listing.unusable) + lost
    for count, of, what in ((broken, listing.found, "samples"), (lost, drawn, "drawn samples")):
        if count > allowed * of:
            return DataError(
                f"{count} of {of} {what} cannot be used",
                where=f"data.{data}",
                hint=f"mend them, or allow it in the spec: data.{data}.allow_unusable: {count / of:.4f}",
            )
    return None


def missing_region(listing: Listing, regions: Iterable[str], allowed: float, data: str) -> DataError | None:
    """Why a check that needs these regions cannot be carried out on a data set, or None."""
    for region in regions:
        without = sum(region not in sample.masks for sample in listing.samples)
        if without > allowed * listing.found:
            known = sorted({name for sample in listing.samples for name in sample.masks})
            return DataError(
                f"{without} of {len(listing.samples)} samples have no mask for region {region!r}",
                where=f"data.{data}",
                hint=f"regions in the data: {', '.join(known) or 'none; give the data set masks'}",
            )
    return None
