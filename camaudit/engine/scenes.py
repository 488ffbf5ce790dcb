"""A map of one of the predicted classes against all that the image is known to show."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.metrics.pointing import peak_share
from camaudit.targets import select

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.data.stream import Loaded
    from camaudit.evidence import Column

NO_SCENE = "the data does not say which classes the image shows"
SHOWN, ABSENT, UNKNOWN = 1.0, 0.0, -1.0


def scene_pointing(
    column: Column, loaded: Sequence[Loaded], maps: Tensor, logits: Tensor, *, control: bool
) -> tuple[np.ndarray, list[str | None]]:
    """State, hit and height of the peak, [n, 3], of maps [n, h, w] for the class of `column`'s target.

    State is 1 where the image shows the class, 0 where it is known not to (or where the crop left none of
    it), −1 where the data cannot tell. The hit is the share of the map's peaks within the pointing game's
    tolerance of the class's mask; 0 where it is not shown, and for a map of zeros, which points nowhere.
    A `control` never saw the network's maps: its height is the probability of the class, so that it may
    reject what the network itself holds for unlikely. Rows are NaN where there is no scene.
    """
    target = column.map.target
    indices = select(target, logits).tolist()  # type: ignore[arg-type] # one class per image: a Kth
    heights = maps.flatten(1).amax(dim=1)
    if control:
        rows = torch.arange(len(loaded), device=logits.device)
        heights = logits.double().softmax(dim=1)[rows, torch.tensor(indices, device=logits.device)]
    found = [
        (np.nan,) * 3 if item.sample.scene is None else (*_hit(item, index, one), height)
        for item, index, one, height in zip(loaded, indices, maps, heights.tolist(), strict=True)
    ]
    reasons = [NO_SCENE if item.sample.scene is None else None for item in loaded]
    return np.array(found, dtype=np.float64).reshape(len(loaded), 3), reasons


def _hit(item: Loaded, index: int, one: Tensor) -> tuple[float, float]:
    """State and hit of one map [h, w]."""
    assert item.sample.scene is not None
    if index not in item.sample.scene.known:
        return UNKNOWN, 0.0
    mask = item.scene.get(index)
    if mask is None or not mask.any():
        return ABSENT, 0.0
    if not bool(one.any()) or not bool(one.isfinite().all()):
        return SHOWN, 0.0
    return SHOWN, float(peak_share(one[None], torch.from_numpy(mask)[None].to(one.device))[0])
