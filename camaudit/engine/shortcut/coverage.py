"""How much of the object a named region covers: one that holds it hands it over when it is carried."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import median
from typing import TYPE_CHECKING

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

LARGEST = 0.5
"""Share of the object's pixels that a named region may cover, as the median over images that show both."""
ALMOST_ALL = 0.9
"""Share of the image that a region may cover where nobody says where the object is."""
HANDS_OVER = "carrying it over hands over the object as well"
HINT = (
    "narrow its masks to the cue; a cue that lies everywhere, such as tint or blur, has no region and stays "
    'a blind spot; for all but the object, name "background"'
)


@dataclass(kw_only=True)
class Coverage:
    """By named region: shares of the object and of the image that it covers, in the images that show it."""

    of_object: dict[str, list[float]] = field(default_factory=dict)
    of_image: dict[str, list[float]] = field(default_factory=dict)

    def add(self, name: str, masks: Tensor, objects: Tensor) -> None:
        """Note masks of a region, bool [n, h, w], beside those of the object, empty where it has none."""
        regions, things = masks.flatten(1), objects.flatten(1)
        both = (regions & things).sum(dim=1).tolist()
        sizes, covered = things.sum(dim=1).tolist(), regions.sum(dim=1).tolist()
        ofs, ins = self.of_object.setdefault(name, []), self.of_image.setdefault(name, [])
        for shared, size, own in zip(both, sizes, covered, strict=True):
            if own:
                ins.append(own / regions.shape[1])
                if size:
                    ofs.append(shared / size)

    def refuse(self) -> None:
        """Raise `DataError` for regions that hold the object, all of them at once."""
        found = list(self._problems())
        if found:
            raise DataError("; ".join(found), hint=HINT)

    def _problems(self) -> Iterator[str]:
        for name, shares in self.of_object.items():
            if shares and median(shares) > LARGEST:
                yield (
                    f"region {name!r} covers {100 * median(shares):.0f} % of the object (median of "
                    f"{len(shares)} images that show both; {100 * LARGEST:.0f} % is the most): {HANDS_OVER}"
                )
            elif not shares and median(self.of_image[name] or [0.0]) > ALMOST_ALL:
                yield (
                    f"region {name!r} covers {100 * median(self.of_image[name]):.0f} % of the image "
                    f"(median), and no image has a mask of the object: {HANDS_OVER}, wherever that is"
                )

    def notes(self) -> Iterator[str]:
        """What could not be verified."""
        for name, shares in self.of_object.items():
            shown = len(self.of_image[name])
            if shown and not shares:
                yield (
                    f"whether region {name!r} holds the object could not be verified: no image has a mask "
                    "of the object"
                )
            elif len(shares) < shown:
                yield (
                    f"that region {name!r} does not hold the object was verified on {len(shares)} of the "
                    f"{shown} images that show it: the others have no mask of the object"
                )

    def settings(self) -> dict[str, float]:
        """The median shares, for the record."""
        return {
            f"{name}: share of the object that it covers": median(shares)
            for name, shares in self.of_object.items()
            if shares
        }
