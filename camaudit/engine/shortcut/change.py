"""The suspected regions in the images at hand, and the images changed in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from torch.nn import functional

from camaudit.data.pairing import OBJECT
from camaudit.engine.pixels import images
from camaudit.engine.shortcut.cells import free, hottest, hottest_beside
from camaudit.perturb.regions import swap_background, transplant

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from torch import Tensor

    from camaudit.data.stream import Loaded
    from camaudit.engine.shortcut.cells import Cells
    from camaudit.perturb.regions import Infill


@dataclass(frozen=True, kw_only=True)
class Suspect:
    """A region under suspicion.

    Where it lies is said by the data's masks of its name; by the object, whose `complement` it is; or on the
    grid of a map: one `place` [u, v] for all images, or each image's hottest place, from its `evidence`
    [u, v] by sample id. Places on a grid leave out what the object reaches; the hottest one `beside` the
    object is among the cells next to it, without the object's pixels and their neighbours.
    """

    name: str
    origin: Literal["named", "proposed"]
    why: str
    complement: bool = False
    place: Cells | None = None
    evidence: Mapping[str, np.ndarray] | None = None
    beside: bool = False
    notes: tuple[str, ...] = field(default=())

    @property
    def outlined(self) -> bool:
        """Whether masks of the data say where it lies: then it may hold the object, in part or as a whole."""
        return not self.complement and self.place is None and self.evidence is None

    def masks(self, loaded: Sequence[Loaded], size: tuple[int, int]) -> Tensor:
        """Bool [n, h, w], empty where an image does not show the region; the object's, for a complement."""
        return _stacked([self._mask(item) for item in loaded], size)

    def _mask(self, item: Loaded) -> np.ndarray:
        """At the size of the image, or of the map."""
        if self.place is not None:
            return self.place & free(item.masks[OBJECT], self.place.shape)
        if self.evidence is not None:
            evidence = self.evidence[item.sample.id]
            if self.beside:
                return hottest_beside(evidence, item.masks[OBJECT])
            return hottest(evidence, free(item.masks[OBJECT], evidence.shape))
        return item.masks[OBJECT if self.complement else self.name]

    def shown(self, masks: Tensor) -> Tensor:
        """Which images show the region; without an object there is no background to tell from it."""
        return masks.flatten(1).any(dim=1)

    def changed(
        self, recipients: Tensor, masks: Tensor, donors: Tensor, donor_masks: Tensor, how: Infill
    ) -> Tensor:
        """The recipients with the donors' version of the region."""
        if self.complement:
            return swap_background(recipients, masks, donors, donor_masks, how=how)
        return transplant(recipients, masks, donors, donor_masks, how=how)


def pixels(loaded: Sequence[Loaded], size: tuple[int, int], device: torch.device) -> Tensor:
    """Float32 [n, 3, h, w] in [0, 1]; donors of another size are resized (bilinear)."""
    made = []
    for item in loaded:
        one = images([item], device)
        if one.shape[-2:] != size:
            one = functional.interpolate(one, size=size, mode="bilinear", align_corners=False, antialias=True)
        made.append(one.clamp(0, 1))
    return torch.cat(made)


def objects(loaded: Sequence[Loaded], size: tuple[int, int]) -> Tensor:
    """Masks of the object, bool [n, h, w], empty where an image has none."""
    return _stacked([item.masks[OBJECT] for item in loaded], size)


def _stacked(masks: Iterable[np.ndarray], size: tuple[int, int]) -> Tensor:
    return torch.stack([_nearest(torch.from_numpy(np.ascontiguousarray(mask)), size) for mask in masks])


def _nearest(mask: Tensor, size: tuple[int, int]) -> Tensor:
    if mask.shape == size:
        return mask
    return functional.interpolate(mask[None, None].float(), size=size, mode="nearest-exact")[0, 0] > 0


@dataclass(frozen=True, slots=True)
class NoMask:
    """The mask of a region that an image does not show."""

    def read(self, height: int, width: int) -> np.ndarray:
        """Bool [height, width], all False."""
        return np.zeros((height, width), dtype=bool)
