"""Whether maps are evidence at all, asked before they propose anything.

Those that do not change when the network's head is drawn anew are none, and neither are those that are
ordered against occlusion: where the score falls when a part of the image is covered.

Sources: J. Adebayo et al., "Sanity checks for saliency maps", NeurIPS 2018 (the bound is the sanity check's);
R. Selvaraju et al., "Grad-CAM", ICCV 2017, section 5.3 (rank correlation with occlusion).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from camaudit import stats
from camaudit.checks.shortcut_columns import DRAWS, OCCLUDED, SIDE
from camaudit.engine.reasons import reason
from camaudit.evidence import Condition
from camaudit.metrics.similarity import spearman
from camaudit.perturb.cover import baseline, covered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from torch import Tensor

    from camaudit.data.stream import Loaded
    from camaudit.engine.collect import MapDetail
    from camaudit.engine.streaming import Walk
    from camaudit.evidence import MapRequest
    from camaudit.stats import Interval

ALIKE = 0.5
"""Mean rank correlation above which maps do not show the network."""
AT_ONCE = 16
"""Covered images per forward."""
RANKS = "rank correlation of maps with"
HEAD, OCCLUSION = f"{RANKS} those of a head drawn anew", f"{RANKS} occlusion"


@dataclass(frozen=True, kw_only=True)
class Validity:
    """Why maps are no evidence, empty where they are; notes where that cannot be asked; and the figures."""

    why_not: str = ""
    notes: tuple[str, ...] = ()
    settings: Mapping[str, float] = field(default_factory=dict)


def validity(walk: Walk, request: MapRequest, loaded: Sequence[Loaded], confidence: float) -> Validity:
    """Ask both of the maps of these images; with occlusion only where the first is no reason against them."""
    head = _head(walk, request, loaded)
    if head.why_not:
        return head
    picks = np.linspace(0, len(loaded) - 1, min(len(loaded), OCCLUDED)).astype(int)
    hidden = _occlusion(walk, request, [loaded[place] for place in picks], confidence)
    return Validity(
        why_not=hidden.why_not,
        notes=(*head.notes, *hidden.notes),
        settings={**head.settings, **hidden.settings},
    )


def _head(walk: Walk, request: MapRequest, loaded: Sequence[Loaded]) -> Validity:
    """Whether maps change with the network's head. Takes `DRAWS` maps more for each image."""
    own, alike = walk.collector.maps.get(request, {}), []
    try:
        for seed in range(DRAWS):
            drawn = replace(request, condition=Condition(stage="head", seed=seed))
            alike.append(_alike(own, walk.again(loaded, drawn)))
    except Exception as error:  # noqa: BLE001 - a network may raise anything; maps then propose as they are
        return Validity(
            notes=(f"whether maps change with the network's head could not be asked: {reason(error)}",)
        )
    found = np.concatenate(alike)
    if not len(found):
        return Validity()
    mean = float(found.mean())
    why_not = (
        "they stay what they are when the network's head is drawn anew (rank correlation "
        f"{mean:.2f}, {ALIKE:g} is the most)"
    )
    return Validity(why_not=why_not if mean > ALIKE else "", settings={HEAD: mean})


def _alike(own: Mapping[str, MapDetail], drawn: Mapping[str, MapDetail]) -> np.ndarray:
    """Rank correlations of maps by id; those that became or were flat are none."""
    pairs = [
        (torch.from_numpy(own[key].raw)[None], torch.from_numpy(item.raw)[None])
        for key, item in drawn.items()
        if key in own and own[key].raw.shape == item.raw.shape
    ]
    values = np.array([float(spearman(*pair)[0]) for pair in pairs])
    return np.asarray(values[~np.isnan(values)])


def _occlusion(walk: Walk, request: MapRequest, loaded: Sequence[Loaded], confidence: float) -> Validity:
    """Whether maps are ordered against occlusion: the whole interval of the mean correlation is not above 0.

    Takes 1 + cells forwards for each image, at most 1 + `SIDE`².
    """
    groups = {item.sample.id: item.sample.group or item.sample.id for item in loaded}
    try:
        found = dict(_agreements(walk, request, loaded))
    except Exception as error:  # noqa: BLE001 - as above
        return Validity(notes=(f"whether maps agree with occlusion could not be asked: {reason(error)}",))
    known = {key: value for key, value in found.items() if not np.isnan(value)}
    grouped = any(item.sample.group is not None for item in loaded)
    interval = stats.bootstrap_mean(
        list(known.values()),
        confidence=confidence,
        clusters=[groups[key] for key in known] if grouped else None,
        bounds=(-1.0, 1.0),
    )
    if np.isnan(interval.upper):
        note = (
            f"whether maps agree with occlusion is not known: {len(known)} of {len(loaded)} images have a "
            "correlation of the two, and two are the fewest, of different groups"
        )
        return Validity(notes=(note,))
    return Validity(why_not=_against(interval), settings=_figures(interval))


def _against(interval: Interval) -> str:
    if interval.upper > 0:
        return ""
    return (
        f"they do not agree with occlusion (rank correlation {interval.value:.2f} [{interval.lower:.2f}, "
        f"{interval.upper:.2f}] over {interval.n} images, none of the interval above 0)"
    )


def _figures(interval: Interval) -> dict[str, float]:
    return {
        OCCLUSION: interval.value,
        f"{OCCLUSION}, lower end": interval.lower,
        f"{OCCLUSION}, upper end": interval.upper,
        f"{OCCLUSION}, images": float(interval.n),
    }


def _agreements(walk: Walk, request: MapRequest, loaded: Sequence[Loaded]) -> Iterator[tuple[str, float]]:
    """Rank correlation of each map with what covering does, by id; NaN where either is flat."""
    own = walk.collector.maps.get(request, {})
    usable = [item for item in loaded if item.sample.id in own]
    for ids, pixels, score in walk.scored(usable, request):
        for row, key in enumerate(ids):
            raw = torch.from_numpy(own[key].raw).double()
            if raw.ndim != 2:  # noqa: PLR2004 - a grid
                yield key, float("nan")
                continue
            shape = (min(raw.shape[0], SIDE), min(raw.shape[1], SIDE))
            fallen = falls(pixels[row : row + 1], row, score, shape)
            coarse = functional.adaptive_avg_pool2d(raw[None], shape)
            yield key, float(spearman(coarse, fallen[None])[0])


def falls(
    image: Tensor, row: int, score: Callable[[Tensor, Tensor], Tensor], shape: tuple[int, int]
) -> Tensor:
    """How far the score of an image [1, 3, h, w] falls where a cell of the grid [u, v] is blurred away.

    F_ij = y(x) − y(x with its own blur in cell ij), float64 [u, v] on the CPU; signed. `score` takes images
    [m, 3, h, w] and the `row` of the batch that each comes from, int64 [m]. 1 + u · v forwards.
    """
    base, cells = baseline(image, "blur"), shape[0] * shape[1]
    own = torch.full((cells,), row, dtype=torch.int64, device=image.device)
    shown = ~torch.eye(cells, dtype=torch.bool, device=image.device).reshape(cells, *shape)
    after = [
        score(covered(image, base, shown[start : start + AT_ONCE]), own[start : start + AT_ONCE])
        for start in range(0, cells, AT_ONCE)
    ]
    return (score(image, own[:1]) - torch.cat(after)).double().reshape(shape).cpu()
