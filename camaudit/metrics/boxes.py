"""Boxes around what a map marks, against the boxes of the object.

Reference boxes are float [n, k, 4]: left, top, right, bottom in pixels of the map, right and bottom
exclusive; rows of NaN fill up. A map's own boxes are tight boxes around connected pixels of {m ≥ t·max m},
8-connected as OpenCV's contours are, which the released code of CAM and of the WSOL evaluation draws its
boxes from. Components are found image by image with SciPy on the CPU: labelling is a scan with
look-back that torch has no batched form of, and takes well below a millisecond at 224 × 224.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.errors import MapError
from camaudit.metrics.localisation import BOX_LEVELS, PIXEL_LEVELS
from camaudit.metrics.scoring import ALL_ZERO, NON_FINITE, Scored, by_peak, flatten, pair

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray
    from torch import Tensor

    Bools = NDArray[np.bool_]
    Floats = NDArray[np.float64]

NO_BOX = "no box"
_CORNERS = 4


def box_iou(maps: Tensor, boxes: Tensor, *, t: float) -> Tensor:
    """Best IoU of the map's box with any of `boxes`; float64 [n] in [0, 1], higher is better; t in (0, 1].

    The map's box is the tight one around the largest component (most pixels, the first on ties) of
    {m ≥ t·max m}. Undefined (NaN) without a box and for an all-zero or non-finite map. Raises `MapError`
    for wrong shapes, negative values and a t outside (0, 1].
    Sources: R. Selvaraju et al., "Grad-CAM", 2017, section 4.1 (t = .15, the single largest segment);
    B. Zhou et al., "CAM", 2016 (t = .20).
    """
    return _rows(_box_iou(maps, boxes, t))[:, 0]


def box_iou_undefined(maps: Tensor, boxes: Tensor, *, t: float) -> list[str | None]:
    """Why `box_iou` is NaN, row by row."""
    return _box_iou(maps, boxes, t).reasons()


def best_box_ious(maps: Tensor, boxes: Tensor) -> Tensor:
    """At each of `BOX_LEVELS`, the best IoU of any component's box with any of `boxes`; float64 [n, L].

    Undefined as `box_iou`: a whole row of NaN.
    Source: J. Choe et al., "Evaluation for weakly supervised object localization", 2022 (MaxBoxAccV2:
    boxes of all contours).
    """
    return _rows(_best_box_ious(maps, boxes))


def best_box_ious_undefined(maps: Tensor, boxes: Tensor) -> list[str | None]:
    """Why a row of `best_box_ious` is NaN."""
    return _best_box_ious(maps, boxes).reasons()


def pixel_counts(maps: Tensor, masks: Tensor) -> Tensor:
    """Pixels at or above each of `PIXEL_LEVELS` of the peak: on the mask, then outside; float64 [n, 2·L].

    Undefined (a row of NaN) for an empty mask and for an all-zero or non-finite map.
    """
    return _rows(_pixel_counts(maps, masks))


def pixel_counts_undefined(maps: Tensor, masks: Tensor) -> list[str | None]:
    """Why a row of `pixel_counts` is NaN."""
    return _pixel_counts(maps, masks).reasons()


def component_boxes(marked: Bools) -> tuple[Floats, NDArray[np.int64]]:
    """Tight boxes [c, 4] of the 8-connected components of a picture [h, w], and their pixels' numbers [c]."""
    from scipy import ndimage

    labels, count = ndimage.label(marked, structure=np.ones((3, 3), dtype=bool))
    spans = ndimage.find_objects(labels)
    boxes = [(across.start, down.start, across.stop, down.stop) for down, across in spans]
    sizes = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    return np.array(boxes, dtype=np.float64).reshape(-1, _CORNERS), sizes


def iou_of_boxes(first: Floats, second: Floats) -> Floats:
    """Intersection over union of every one of [a, 4] with every one of [b, 4]; float64 [a, b]."""
    low = np.maximum(first[:, None, :2], second[None, :, :2])
    high = np.minimum(first[:, None, 2:], second[None, :, 2:])
    shared = (high - low).clip(min=0).prod(axis=2)
    area_first, area_second = ((boxes[:, 2:] - boxes[:, :2]).prod(axis=1) for boxes in (first, second))
    union: Floats = area_first[:, None] + area_second[None, :] - shared
    return np.asarray(shared / union)


def _box_iou(maps: Tensor, boxes: Tensor, t: float) -> Scored:
    if not 0 < t <= 1:
        raise MapError(f"box_iou@{t:g}: the threshold must lie above 0 and at most at 1")

    def largest(peaked: Floats) -> list[Floats]:
        found, sizes = component_boxes(peaked >= t)
        return [found[sizes.argmax()][None]]

    return _scored(maps, boxes, largest, width=1)


def _best_box_ious(maps: Tensor, boxes: Tensor) -> Scored:
    def every(peaked: Floats) -> list[Floats]:
        return [component_boxes(peaked >= level)[0] for level in BOX_LEVELS]

    return _scored(maps, boxes, every, width=len(BOX_LEVELS))


def _scored(maps: Tensor, boxes: Tensor, draw: Callable[[Floats], list[Floats]], width: int) -> Scored:
    """Best IoU for each of the `width` lists of boxes that `draw` finds in a map, [n, width]."""
    flat, bad = flatten(maps)
    if bool((flat < 0).any()):
        raise MapError(
            "maps hold negative values, which a share of the peak has no meaning for",
            hint="finish the maps with relu (relu: true)",
        )
    known = _known(maps, boxes)
    faults = {NO_BOX: ~known.any(dim=1), NON_FINITE: bad, ALL_ZERO: (flat == 0).all(dim=1)}

    def numbers() -> Tensor:
        usable = ~torch.stack(tuple(faults.values())).any(dim=0)
        drawn = _drawn(maps, by_peak(flat), usable, draw)
        given, there = boxes.detach().double().cpu().numpy(), known.cpu().numpy()
        rows = [
            [np.nan] * width
            if found is None
            else [iou_of_boxes(own, given[row][there[row]]).max() for own in found]
            for row, found in enumerate(drawn)
        ]
        return torch.tensor(rows, dtype=torch.float64, device=maps.device).reshape(len(rows), width)

    return Scored(numbers=numbers, faults=faults)


def _drawn(
    maps: Tensor, peaked: Tensor, usable: Tensor, draw: Callable[[Floats], list[Floats]]
) -> Iterator[list[Floats] | None]:
    """What `draw` finds in each usable map. One map expanded to all rows (a control) is drawn once."""
    once = len(maps) > 1 and maps.stride(0) == 0
    grids = peaked.cpu().numpy().reshape(maps.shape)
    found: list[Floats] | None = None
    for row, good in enumerate(usable.tolist()):
        if good and (found is None or not once):
            found = draw(grids[row])
        yield found if good else None


def _known(maps: Tensor, boxes: Tensor) -> Tensor:
    """Which of the boxes [n, k, 4] are there, [n, k]."""
    if boxes.ndim != 3 or boxes.shape[2] != _CORNERS or len(boxes) != len(maps):  # noqa: PLR2004 - [n, k, 4]
        raise MapError(
            f"maps {tuple(maps.shape)} need boxes of the shape [{len(maps)}, k, 4], got {tuple(boxes.shape)}"
        )
    missing = boxes.isnan().any(dim=2)
    flat = (boxes[:, :, 2:] <= boxes[:, :, :2]).any(dim=2) | boxes.isinf().any(dim=2)
    if bool((flat & ~missing).any()):
        raise MapError("a box has no area: left, top, right, bottom are needed, right and bottom the larger")
    return ~missing


def _pixel_counts(maps: Tensor, masks: Tensor) -> Scored:
    given = pair(maps, masks, signed=False)

    def numbers() -> Tensor:
        return torch.cat([_at_or_above(given.mass(), side) for side in (given.masks, ~given.masks)], dim=1)

    return Scored(numbers=numbers, faults=given.faults)


def _at_or_above(mass: Tensor, side: Tensor) -> Tensor:
    """Pixels of one side that reach each level, [n, L]."""
    levels = torch.tensor(PIXEL_LEVELS, dtype=torch.float64, device=mass.device)
    reached = torch.searchsorted(levels, mass.contiguous(), right=True)
    counts = torch.zeros(len(mass), len(levels) + 1, dtype=torch.float64, device=mass.device)
    counts.scatter_add_(1, reached, side.double())
    return counts.flip(1).cumsum(1).flip(1)[:, 1:]


def _rows(scored: Scored) -> Tensor:
    """Like `Scored.values`, for several numbers a row."""
    blank = torch.stack(tuple(scored.faults.values())).any(dim=0)
    return scored.numbers().double().masked_fill(blank[:, None], torch.nan)
