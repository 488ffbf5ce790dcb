"""Whether maps are evidence at all: those that do not change when the network's head is drawn anew are not.

Source: J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018; the bound is the sanity check's.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.engine.reasons import reason
from camaudit.evidence import Condition
from camaudit.metrics.similarity import spearman

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from camaudit.data.stream import Loaded
    from camaudit.engine.collect import MapDetail
    from camaudit.engine.streaming import Walk
    from camaudit.evidence import MapRequest

IMAGES = 30
"""Images whose maps are made again."""
SEEDS = 3
ALIKE = 0.5
"""Mean rank correlation above which maps do not show the network."""


def unchanged(walk: Walk, request: MapRequest, loaded: Sequence[Loaded]) -> tuple[str, str]:
    """Why maps of these images are no evidence, empty where they are; and a note where that cannot be asked.

    Takes `SEEDS` maps more for each of them; `IMAGES` are enough.
    """
    own, alike = walk.collector.maps.get(request, {}), []
    try:
        for seed in range(SEEDS):
            drawn = replace(request, condition=Condition(stage="head", seed=seed))
            alike.append(_alike(own, walk.again(loaded, drawn)))
    except Exception as error:  # noqa: BLE001 - a network may raise anything; maps then propose as they are
        return "", f"whether maps change with the network's head could not be asked: {reason(error)}"
    found = np.concatenate(alike)
    if not len(found) or found.mean() <= ALIKE:
        return "", ""
    return (
        "they stay what they are when the network's head is drawn anew (rank correlation "
        f"{found.mean():.2f}, {ALIKE:g} is the most)"
    ), ""


def _alike(own: Mapping[str, MapDetail], drawn: Mapping[str, MapDetail]) -> np.ndarray:
    """Rank correlations of maps by id; those that became or were flat are none."""
    pairs = [
        (torch.from_numpy(own[key].raw)[None], torch.from_numpy(item.raw)[None])
        for key, item in drawn.items()
        if key in own and own[key].raw.shape == item.raw.shape
    ]
    values = np.array([float(spearman(*pair)[0]) for pair in pairs])
    return np.asarray(values[~np.isnan(values)])
