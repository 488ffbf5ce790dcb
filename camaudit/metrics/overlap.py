"""Overlap of a map m with a mask M: a = |M|/N is the mask's share of the image, E its share of the mass.

Every metric takes maps [n, h, w] (floating point) and masks [n, h, w] (bool) of one device and returns
float64 [n] with NaN where it is undefined; the value of a row depends on that row alone. Its twin
``…_undefined`` gives the reason, None exactly where there is a value; ``…_chance`` the value expected
of a map that knows nothing, NaN where the mask leaves the metric undefined. All raise `MapError` for
wrong shapes and types; those of mass also for negative values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.errors import MapError
from camaudit.metrics.ranking import ascending, midranks
from camaudit.metrics.regions import dilate
from camaudit.metrics.scoring import CONSTANT, Pair, Scored, pair

if TYPE_CHECKING:
    from torch import Tensor

TOLERANCE = 15
"""Tolerance of the pointing game in pixels, where the shorter side has 224; scaled with it elsewhere."""
TIE_TOLERANCE = 0.01
"""Ties across the mask's size are shared out where all ways to break them differ by no more than this."""

STRADDLING = "ties straddle the mask size"
TIED_PEAKS = "tied peaks"
NOTHING_INSIDE = "no mass inside"
NOTHING_OUTSIDE = "no mass outside"


def energy_inside(maps: Tensor, masks: Tensor) -> Tensor:
    """Share of the map's mass on the mask, E = Σ_M m / Σ m, in [0, 1]; higher is more on the object.

    Undefined for an empty mask and for an all-zero or non-finite map; changes under min-max scaling.
    Sources: H. Wang et al., "Score-CAM", 2020 (energy-based pointing game); L. Arras et al., "CLEVR-XAI",
    2022 (relevance mass accuracy).
    """
    return _energy_inside(maps, masks).values()


def energy_inside_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `energy_inside` is NaN, row by row."""
    return _energy_inside(maps, masks).reasons()


def kappa_mass(maps: Tensor, masks: Tensor) -> Tensor:
    """Mass on the mask beyond chance, (E − a)/(1 − a): 1 all inside, 0 as an even map, below 0 worse.

    Undefined as `energy_inside`, and for a mask that covers the whole image.
    """
    return _kappa_mass(maps, masks).values()


def kappa_mass_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `kappa_mass` is NaN, row by row."""
    return _kappa_mass(maps, masks).reasons()


def inside_outside(maps: Tensor, masks: Tensor) -> Tensor:
    """ln(mean of m inside M / mean of m outside): 0 where both are alike, log 3 where three times as much.

    Undefined as `kappa_mass`, and where no mass lies inside or none outside (the ratio is 0 or infinite).
    Source: R. Selvaraju et al., "Grad-CAM", 2017 (ratio of mean activation inside and outside).
    """
    return _inside_outside(maps, masks).values()


def inside_outside_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `inside_outside` is NaN, row by row."""
    return _inside_outside(maps, masks).reasons()


def iou(maps: Tensor, masks: Tensor, *, t: float) -> Tensor:
    """Intersection over union of {m ≥ t·max m} and M, in [0, 1]; t in (0, 1].

    Undefined as `energy_inside`. Raises `MapError` for a t outside (0, 1], which would choose all or nothing.
    Sources: B. Zhou et al., "CAM", 2016 (t = .20); R. Selvaraju et al., "Grad-CAM", 2017 (t = .15).
    """
    return _iou(maps, masks, t).values()


def iou_undefined(maps: Tensor, masks: Tensor, *, t: float) -> list[str | None]:
    """Why `iou` is NaN, row by row."""
    return _iou(maps, masks, t).reasons()


def rank_accuracy(maps: Tensor, masks: Tensor) -> Tensor:
    """Share of the |M| highest pixels that lie inside M, in [0, 1]; the map may be signed.

    Where equal pixels straddle rank |M|, the value is the mean over all ways to break the tie if these
    differ by at most 0.01 (resized maps repeat a few pixels along their borders), and undefined beyond
    (zeros of a rectified map). Undefined too for an empty mask and an all-zero or non-finite map.
    Source: L. Arras et al., "CLEVR-XAI", 2022 (relevance rank accuracy).
    """
    return _rank_accuracy(maps, masks).values()


def rank_accuracy_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `rank_accuracy` is NaN, row by row."""
    return _rank_accuracy(maps, masks).reasons()


def pixel_auc(maps: Tensor, masks: Tensor) -> Tensor:
    """ROC area of the map as a score for M: P(m inside > m outside) + ½ P(equal), in [0, 1]; may be signed.

    (R_M − |M|(|M| + 1)/2) / (|M| (N − |M|)) with the sum R_M of midranks inside. Undefined for a mask
    that is empty or covers the image, and for a map that is all-zero, constant or not finite.
    """
    return _pixel_auc(maps, masks).values()


def pixel_auc_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `pixel_auc` is NaN, row by row."""
    return _pixel_auc(maps, masks).reasons()


def pointing(maps: Tensor, masks: Tensor) -> Tensor:
    """1 where the map's peak lies within τ (Euclidean) of M, else 0; τ = 15 pixels at a shorter side of 224.

    Tied peaks that all hit or all miss count as one. Where they disagree, those within τ of their common
    centre (a map's border cell, repeated by the resize) are judged by that centre; farther apart, it is
    undefined, as it is for an empty mask and an all-zero or non-finite map: these are no hits. The map
    may be signed.
    Source: J. Zhang et al., "Top-down neural attention by excitation backprop", 2018, with its tolerance.
    """
    return _pointing(maps, masks).values()


def pointing_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why `pointing` is NaN, row by row."""
    return _pointing(maps, masks).reasons()


def _energy_inside(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=False)
    return Scored(numbers=lambda: _energy(given), faults=given.faults)


def _kappa_mass(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=False)
    return Scored(
        numbers=lambda: (_energy(given) - given.share) / (1 - given.share),
        faults={**given.faults, **given.full()},
    )


def _inside_outside(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=False)
    inside, outside = _masses(given)
    pixels_outside = given.masks.shape[1] - given.inside
    faults = {NOTHING_INSIDE: inside == 0, NOTHING_OUTSIDE: outside == 0}
    return Scored(
        numbers=((inside / given.inside) / (outside / pixels_outside)).log,
        faults={**given.faults, **given.full(), **faults},
    )


def _energy(given: Pair) -> Tensor:
    inside, outside = _masses(given)
    # The two sums, not the whole map's: a share of exactly 1 where nothing lies outside.
    return inside / (inside + outside)


def _masses(given: Pair) -> tuple[Tensor, Tensor]:
    mass = given.mass()
    return mass.masked_fill(~given.masks, 0.0).sum(dim=1), mass.masked_fill(given.masks, 0.0).sum(dim=1)


def _iou(maps: Tensor, masks: Tensor, t: float) -> Scored:
    if not 0 < t <= 1:
        raise MapError(f"iou@{t:g}: the threshold must lie above 0 and at most at 1")
    given = pair(maps, masks, signed=False)
    return Scored(
        numbers=lambda: _intersection_over_union(given.mass() >= t, given.masks), faults=given.faults
    )


def _intersection_over_union(first: Tensor, second: Tensor) -> Tensor:
    return (first & second).sum(dim=1).double() / (first | second).sum(dim=1)


def _rank_accuracy(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=True)
    size = given.masks.sum(dim=1).clamp(min=1)
    last = ascending(given.maps).gather(1, given.maps.shape[1] - size[:, None])
    above, tied = given.maps > last, given.maps == last
    open_places = size - above.sum(dim=1)
    ties, ties_inside = tied.sum(dim=1), (tied & given.masks).sum(dim=1)
    fewest = (open_places - (ties - ties_inside)).clamp(min=0)
    most = torch.minimum(open_places, ties_inside)
    expected = (above & given.masks).sum(dim=1) + open_places * ties_inside.double() / ties
    faults = {STRADDLING: most - fewest > TIE_TOLERANCE * size}
    return Scored(numbers=lambda: expected / size, faults={**given.faults, **faults})


def _pixel_auc(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=True)
    constant = {CONSTANT: (given.maps == given.maps[:, :1]).all(dim=1)}
    return Scored(numbers=lambda: _area(given), faults={**given.faults, **given.full(), **constant})


def _area(given: Pair) -> Tensor:
    inside, outside = given.inside, given.masks.shape[1] - given.inside
    ranks = midranks(given.maps).masked_fill(~given.masks, 0.0).sum(dim=1)
    return (ranks - inside * (inside + 1) / 2) / (inside * outside)


def _pointing(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=True)
    tolerance = tolerance_of(masks)
    peaks = (given.maps == given.maps.amax(dim=1, keepdim=True)).view_as(masks)
    hit, spread = _at_centre(peaks, masks, tolerance)
    several = peaks.flatten(1).sum(dim=1) > 1
    split = torch.zeros_like(several)
    if bool(several.any()):
        near = dilate(masks[several], tolerance)
        some, others = _any(peaks[several] & near), _any(peaks[several] & ~near)
        hit[several] = torch.where(some & others, hit[several], some)
        split[several] = some & others & (spread[several] > tolerance)
    return Scored(numbers=hit.double, faults={**given.faults, TIED_PEAKS: split})


def _at_centre(peaks: Tensor, masks: Tensor, tolerance: float) -> tuple[Tensor, Tensor]:
    """Whether the centre of the peaks is near the mask, and how far it is to the farthest peak."""
    y, x = (torch.arange(size, device=peaks.device, dtype=torch.float64) for size in peaks.shape[1:])
    count = peaks.flatten(1).sum(dim=1).double()
    centre_y = (peaks.sum(dim=2) * y).sum(dim=1) / count
    centre_x = (peaks.sum(dim=1) * x).sum(dim=1) / count
    square = (y - centre_y[:, None]).square()[:, :, None] + (x - centre_x[:, None]).square()[:, None, :]
    nearest = square.masked_fill(~masks, torch.inf).flatten(1).amin(dim=1)
    farthest = square.masked_fill(~peaks, 0.0).flatten(1).amax(dim=1)
    return nearest <= tolerance**2, farthest.sqrt()


def _any(pixels: Tensor) -> Tensor:
    return pixels.flatten(1).any(dim=1)


def tolerance_of(masks: Tensor) -> float:
    """The pointing game's tolerance in pixels of these masks."""
    return TOLERANCE * min(masks.shape[1:]) / 224
