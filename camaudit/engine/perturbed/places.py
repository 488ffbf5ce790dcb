"""How far pixels lie from the peak of a map, and from the object."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]


def to_peak(
    raw: NDArray[np.float32], pixels: Floats, size: tuple[int, int]
) -> tuple[float, float, str | None]:
    """Distance of the nearest of `pixels` [k, 2] to a map's peak, that of any pixel, and why there is none.

    Between centres, in pixels of an image of `size`; the peak is the centre of the map's highest cell. A map
    without one highest cell has no peak.
    """
    if not np.isfinite(raw).all():
        return np.nan, np.nan, "non-finite map"
    peaks = np.argwhere(raw == raw.max())
    if raw.max() <= 0 or len(peaks) > 1:
        return np.nan, np.nan, "no single peak"
    peak = (peaks[0] + 0.5) * np.array(size) / np.array(raw.shape)
    everywhere = np.argwhere(np.ones(size, dtype=bool)).astype(np.float64) + 0.5
    return float(_distance(pixels, peak).min()), float(_distance(everywhere, peak).mean()), None


def to_object(mask: NDArray[np.bool_], pixels: Floats) -> tuple[float, float, str | None]:
    """Distance of the nearest of `pixels` to the object, 0 inside; that of any pixel; why there is none."""
    if not mask.any():
        return np.nan, np.nan, "empty mask"
    from scipy.ndimage import distance_transform_edt

    distances = distance_transform_edt(~mask)
    rows, columns = np.floor(pixels).astype(int).T
    return float(distances[rows, columns].min()), float(distances.mean()), None


def _distance(places: Floats, peak: Floats) -> Floats:
    found: Floats = np.hypot(*(places - peak).T).astype(np.float64)
    return found
