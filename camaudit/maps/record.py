"""A map as a record: the raw array, what it explains, and whether it says anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING, Literal

import torch
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Iterator

Status = Literal["ok", "all-zero", "constant", "non-finite", "disconnected"]

FLAT = 1e-6
"""Of a map's scale: differences below it are rounding of float32, and no cell stands out."""


@dataclass(frozen=True, kw_only=True)
class MapBatch:
    """Maps of n images by one method.

    `raw` [n, u, v] float32 is signed, at the layer's resolution, before every finishing step.
    `target` [n] int64 is the class explained (-1 where a contrast, a counterfactual or a function is),
    `score` [n] its logit, or the number that is explained. `scale` is max |raw|,
    `positive_mass` and `negative_mass` are the sums of its positive and (as a positive number)
    negative values. `relu` is whether positive evidence alone is judged; `status` refers to that:

    - ``all-zero``: nothing is left (the masses tell whether the network had only counter-evidence);
    - ``constant``: the same everywhere up to rounding, and not zero;
    - ``non-finite``: NaN or infinite values in `raw`;
    - ``disconnected``: no gradient reaches the layer from the logits; `raw` is NaN;
    - ``ok``: anything else.
    """

    raw: Tensor
    layer: str
    method: str
    target: Tensor
    score: Tensor
    relu: bool
    scale: Tensor
    positive_mass: Tensor
    negative_mass: Tensor
    status: tuple[Status, ...]

    def __len__(self) -> int:
        return len(self.raw)

    def cpu(self) -> MapBatch:
        """The same in main memory."""
        return replace(
            self,
            raw=self.raw.cpu(),
            target=self.target.cpu(),
            score=self.score.cpu(),
            scale=self.scale.cpu(),
            positive_mass=self.positive_mass.cpu(),
            negative_mass=self.negative_mass.cpu(),
        )


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Raw maps [n, u, v] and what is known of them before they are measured; see `MapBatch`.

    `connected` is False where no gradient reaches the layer from what is explained.
    """

    raw: Tensor
    layer: str
    method: str
    target: Tensor
    score: Tensor
    relu: bool
    connected: bool


def record(*drafts: Draft) -> tuple[MapBatch, ...]:
    """Measure maps and put them on record, in their order; those of one shape are measured together.

    Ten targets and three methods are thirty batches of maps: measured one by one, on a small network, they
    would take a fifth of the forward that they all come from.
    """
    groups: dict[tuple[torch.Size, torch.device], list[int]] = {}
    for number, draft in enumerate(drafts):
        groups.setdefault((draft.raw.shape, draft.raw.device), []).append(number)
    found: dict[int, MapBatch] = {}
    for numbers in groups.values():
        found.update(zip(numbers, _measured([drafts[number] for number in numbers]), strict=True))
    return tuple(found[number] for number in range(len(drafts)))


def _measured(drafts: list[Draft]) -> Iterator[MapBatch]:
    """Maps of one shape [n, u, v] on record."""
    n = len(drafts[0].raw)
    raw = torch.cat([draft.raw.to(torch.float32) for draft in drafts])
    cells = raw.flatten(1)
    positive = cells.clamp(min=0)
    low, high = cells.aminmax(dim=1)
    # One transfer for all, and a handful of numbers on the host: on a GPU each transfer makes the host wait.
    ends = torch.stack([low, high]).T.tolist()
    numbers = [
        part.reshape(len(drafts), n, *part.shape[1:])
        for part in (raw, torch.maximum(high, -low), positive.sum(1), (positive - cells).sum(1))
    ]
    for place, (draft, own, scale, up, down) in enumerate(zip(drafts, *numbers, strict=True)):
        yield MapBatch(
            raw=own,
            layer=draft.layer,
            method=draft.method,
            target=draft.target,
            score=draft.score.to(torch.float32),
            relu=draft.relu,
            scale=scale,
            positive_mass=up,
            negative_mass=down,
            status=_status(ends[place * n : (place + 1) * n], relu=draft.relu, connected=draft.connected),
        )


def _status(ends: list[list[float]], *, relu: bool, connected: bool) -> tuple[Status, ...]:
    """The status by the smallest and largest value of each map: NaN and infinities show in them."""
    broken: Status = "non-finite" if connected else "disconnected"
    return tuple(_one_status(low, high, relu=relu, broken=broken) for low, high in ends)


def _one_status(low: float, high: float, *, relu: bool, broken: Status) -> Status:
    if not (isfinite(low) and isfinite(high)):
        return broken
    if relu:
        low, high = max(low, 0.0), max(high, 0.0)
    if low == high == 0:
        return "all-zero"
    return "constant" if high - low <= FLAT * max(abs(high), abs(low)) else "ok"
