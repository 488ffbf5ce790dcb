"""When unusable samples make a check an error: beyond the share that the spec allows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from camaudit.data.sample import Listing
    from camaudit.data.stream import Lost


def none_usable(listing: Listing, data: str) -> DataError | None:
    """Why there is nothing to draw from, whatever the spec allows, or None."""
    if listing.samples:
        return None
    return DataError(
        f"none of {listing.found} samples can be used{_why(listing, ())}",
        where=f"data.{data}",
        hint="an audit of nothing is never green",
    )


def refuse_empty(listing: Listing, data: str) -> None:
    """Raise `DataError` where there is nothing to draw from."""
    problem = none_usable(listing, data)
    if problem is not None:
        raise problem


def too_many_lost(
    listing: Listing, lost: Sequence[Lost], drawn: int, allowed: float, data: str
) -> DataError | None:
    """Why a data set's unusable and broken samples make its checks an error, or None.

    The share allowed holds for the whole listing and for the samples drawn from it. The message counts
    the reasons, each with an example.
    """
    broken = len(listing.unusable) + len(lost)
    for count, of, what in ((broken, listing.found, "samples"), (len(lost), drawn, "drawn samples")):
        if count > allowed * of:
            return DataError(
                f"{count} of {of} {what} cannot be used{_why(listing, lost)}",
                where=f"data.{data}",
                hint=f"mend them, or allow it in the spec: data.{data}.allow_unusable: {count / of:.4f}",
            )
    return None


def _why(listing: Listing, lost: Sequence[Lost]) -> str:
    """The reasons with their counts, each with its first sample."""
    found: dict[str, list[str]] = {}
    for item in listing.unusable:
        found.setdefault(item.reason, []).append(f"{item.id}: {item.detail}")
    for gone in lost:
        found.setdefault(gone.reason, []).append(f"{gone.sample.id}: {gone.detail}")
    parts = (f"{len(told)} × {reason}, e.g. {told[0].removesuffix(': ')}" for reason, told in found.items())
    return f": {'; '.join(parts)}" if found else ""


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
