"""A map as a record: the raw array, what it explains, and whether it says anything."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import isfinite
from typing import Literal

import torch
from torch import Tensor

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


def record(
    raw: Tensor, *, layer: str, method: str, target: Tensor, score: Tensor, relu: bool, connected: bool
) -> MapBatch:
    """Measure raw maps [n, u, v] and put them on record."""
    raw = raw.to(torch.float32)
    cells = raw.flatten(1)
    positive = cells.clamp(min=0)
    low, high = cells.aminmax(dim=1)
    return MapBatch(
        raw=raw,
        layer=layer,
        method=method,
        target=target,
        score=score.to(torch.float32),
        relu=relu,
        scale=torch.maximum(high, -low),
        positive_mass=positive.sum(1),
        negative_mass=(positive - cells).sum(1),
        status=_status(low, high, relu=relu, connected=connected),
    )


def _status(low: Tensor, high: Tensor, *, relu: bool, connected: bool) -> tuple[Status, ...]:
    """The status by the smallest and largest value of each map: NaN and infinities show in them."""
    # One transfer for all, and a handful of numbers on the host: on a GPU each transfer makes the host wait.
    ends = torch.stack([low, high]).T.tolist()
    broken: Status = "non-finite" if connected else "disconnected"
    return tuple(_one_status(*pair, relu=relu, broken=broken) for pair in ends)


def _one_status(low: float, high: float, *, relu: bool, broken: Status) -> Status:
    if not (isfinite(low) and isfinite(high)):
        return broken
    if relu:
        low, high = max(low, 0.0), max(high, 0.0)
    if low == high == 0:
        return "all-zero"
    return "constant" if high - low <= FLAT * max(abs(high), abs(low)) else "ok"
