"""What localisation curves are made of: the levels that a map is cut at, and areas under curves of counts.

NumPy alone, so that a saved run can be judged again without torch.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

BOX_LEVELS: tuple[float, ...] = tuple(step / 100 for step in range(1, 101))
"""Thresholds that boxes are drawn at, as shares of the map's peak."""
PIXEL_LEVELS: tuple[float, ...] = (0.0, *BOX_LEVELS)
"""Thresholds of the precision–recall curve, as shares of the map's peak; at 0 every pixel is marked."""


def average_precision(counts: Floats) -> Floats:
    """Area under pixel precision and recall; counts [..., 2·L] of `pixel_counts`, pooled or not, → [...].

    PxAP = Σ_l P(τ_l) · (R(τ_l) − R(τ_{l+1})), τ falling from 1 to 0 and R = 0 above it, with
    P = inside / (inside + outside), R = inside / |M|; in [0, 1]. Counts are added up over images before
    (pixels are pooled), or not, for the image's own area. NaN where no pixel lies on the mask.
    Source: J. Choe et al., "Evaluating weakly supervised object localization methods right", 2020, eq. 5-6.
    """
    inside, outside = np.split(np.asarray(counts, dtype=np.float64), 2, axis=-1)
    total = inside[..., :1]
    marked = inside + outside
    precision = np.divide(inside, marked, out=np.zeros_like(inside), where=marked > 0)
    gained = inside - np.concatenate([inside[..., 1:], np.zeros_like(total)], axis=-1)
    area = (precision * gained).sum(axis=-1)
    pixels = total[..., 0]
    share: Floats = np.divide(area, pixels, out=np.full_like(area, np.nan), where=pixels > 0)
    return share


def best_level(ious: Floats, at_least: float) -> float:
    """The threshold at which most images have IoU ≥ `at_least`: the middle one of the best.

    `ious` is [n, L], the best IoU of each image at each of `BOX_LEVELS`. Raises `ValueError` without images.
    """
    if not len(ious):
        raise ValueError("a threshold cannot be tuned on no images")
    hits = (ious >= at_least).sum(axis=0)
    best = np.flatnonzero(hits == hits.max())
    return BOX_LEVELS[int(best[(len(best) - 1) // 2])]
