"""From maps and masks to the number that a column asks for, with a reason wherever there is none."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit import registry
from camaudit.data.boxes import is_filled
from camaudit.engine.reveal import area
from camaudit.engine.scenes import scene_pointing
from camaudit.evidence import SCENE
from camaudit.maps.finish import finish
from camaudit.metrics import PROFILES
from camaudit.metrics.boxes import NO_BOX
from camaudit.metrics.controls import centre_box, centre_prior
from camaudit.spec.types import metric_base, metric_parameter

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.data.stream import Loaded
    from camaudit.evidence import Column, MapRequest, Reveal
    from camaudit.maps.record import MapBatch
    from camaudit.metrics import Metric, Profile

Measured = tuple[np.ndarray, "Sequence[str | None]"]

FILLED = "the mask is a filled box, which knows no outline"
NO_MAP = {
    "non-finite": "the map is not finite",
    "disconnected": "the target does not depend on the layer",
}


@dataclass(frozen=True, kw_only=True)
class Batch:
    """Samples of one picture size with the maps made of them; finished maps and masks are made once."""

    loaded: tuple[Loaded, ...]
    maps: Mapping[MapRequest, MapBatch]
    device: torch.device
    logits: torch.Tensor | None = None
    pixels: torch.Tensor | None = None
    """The images [n, 3, h, w] in [0, 1]."""
    ask: Callable[[torch.Tensor], torch.Tensor] | None = None
    """Images [m, 3, h, w] → logits [m, k] of the network as it is."""
    areas: dict[tuple[MapRequest, Reveal], torch.Tensor] = field(default_factory=dict)
    """What `camaudit.engine.reveal` has measured already."""
    _finished: dict[MapRequest, torch.Tensor] = field(default_factory=dict)
    _masks: dict[tuple[str, bool], torch.Tensor] = field(default_factory=dict)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of the network's input."""
        height, width = self.loaded[0].pixels.shape[:2]
        return height, width

    def finished(self, request: MapRequest) -> torch.Tensor:
        """The map at input size, [n, h, w]."""
        if request not in self._finished:
            batch = self.maps[request]
            self._finished[request] = finish(batch, relu=request.relu, size=self.size, resize=request.resize)
        return self._finished[request]

    def boxes(self, region: str) -> torch.Tensor:
        """The region's boxes [n, k, 4], rows of NaN where a sample has fewer than another."""
        own = [item.boxes[region] for item in self.loaded]
        boxes = torch.full((len(own), max(1, *map(len, own)), 4), torch.nan, dtype=torch.float64)
        for row, some in enumerate(own):
            boxes[row, : len(some)] = torch.tensor(some, dtype=torch.float64).reshape(-1, 4)
        return boxes.to(self.device)

    def masks(self, region: str, *, partner: bool = False) -> torch.Tensor:
        """The region's masks [n, h, w], or those of the partner samples (empty where there is no partner)."""
        if (region, partner) not in self._masks:
            arrays = (
                [
                    item.partner_masks[region] if item.partner_masks else np.zeros(self.size, dtype=bool)
                    for item in self.loaded
                ]
                if partner
                else [item.masks[region] for item in self.loaded]
            )
            self._masks[region, partner] = torch.from_numpy(np.stack(arrays)).to(self.device)
        return self._masks[region, partner]


def measure(column: Column, batch: Batch) -> Measured:
    """The column's number for every sample of the batch."""
    if column.reveal is not None or column.metric == "status":
        return _of_the_map_alone(column, batch)
    if column.source == "sample":
        return _fact(column, batch)
    if column.profile:
        return _scene(column, batch) if column.metric == SCENE else _profile(column, batch)
    metric: Metric = registry.find("metric", metric_base(column.metric))
    if column.against is not None:
        return _against(metric, column, batch)
    assert column.region is not None
    maps = _maps(column, batch)
    masks = _reference(metric, column, batch)
    parameter = metric_parameter(column.metric)
    extra = {} if metric.parameter is None else {metric.parameter: parameter}
    if column.source == "chance":
        values = metric.load("chance")(maps, masks, **extra)
        return _numbers(values), ["no mask to derive chance from"] * len(batch.loaded)
    values = _numbers(metric.load()(maps, masks, **extra))
    reasons = list(metric.load("undefined")(maps, masks, **extra))
    if column.needs_map:
        reasons = _explain(reasons, batch.maps[column.map].status)
    if column.source == "shuffled_mask":
        reasons = [_partner(item, reason) for item, reason in zip(batch.loaded, reasons, strict=True)]
        values = np.where([item.partner_masks is None for item in batch.loaded], np.nan, values)
    return values, _where_boxes_went(reasons, column, batch)


def _profile(column: Column, batch: Batch) -> Measured:
    """Several numbers per sample, [n, L]; rows of NaN where there is a reason."""
    profile = PROFILES[column.metric]
    assert column.region is not None
    maps, reference = _maps(column, batch), _reference(profile, column, batch)
    values = _numbers(profile.load()(maps, reference))
    reasons = list(profile.load("undefined")(maps, reference))
    if column.needs_map:
        reasons = _explain(reasons, batch.maps[column.map].status)
    if profile.outline:
        blank = [is_filled(item.sample.masks[column.region]) for item in batch.loaded]
        reasons = [FILLED if flat else reason for flat, reason in zip(blank, reasons, strict=True)]
        values[np.array(blank, dtype=bool)] = np.nan
    return values, _where_boxes_went(reasons, column, batch)


def _scene(column: Column, batch: Batch) -> Measured:
    assert batch.logits is not None
    values, reasons = scene_pointing(
        column, batch.loaded, _maps(column, batch).double(), batch.logits, control=not column.needs_map
    )
    if column.needs_map:
        reasons = _explain(reasons, batch.maps[column.map].status)
        lost = [item in NO_MAP for item in batch.maps[column.map].status]
        values[np.array(lost, dtype=bool)] = np.nan
    return values, reasons


def _reference(metric: Metric | Profile, column: Column, batch: Batch) -> torch.Tensor:
    assert column.region is not None
    if metric.reference == "boxes":
        return batch.boxes(column.region)
    return batch.masks(column.region, partner=column.source == "shuffled_mask")


def _where_boxes_went(reasons: Sequence[str | None], column: Column, batch: Batch) -> list[str | None]:
    """Why there is no box: the image shows none of the object, or the crop left none of it."""
    gone = [
        "all boxes lie outside the crop" if item.sample.boxes.get(column.region or "") else "empty mask"
        for item in batch.loaded
    ]
    return [why if reason == NO_BOX else reason for why, reason in zip(gone, reasons, strict=True)]


def _fact(column: Column, batch: Batch) -> Measured:
    """What is known of the samples without any map."""
    if column.metric == "own_boxes":
        region = column.region or ""
        counts = [float(len(item.sample.boxes.get(region, ()))) for item in batch.loaded]
        return np.array(counts), [None] * len(counts)
    assert column.metric == "label_rank"
    assert batch.logits is not None
    ranks = [
        _rank(item.sample.label, row) for item, row in zip(batch.loaded, _numbers(batch.logits), strict=True)
    ]
    return np.array([rank for rank, _ in ranks], dtype=np.float64), [reason for _, reason in ranks]


def _rank(label: int | None, scores: np.ndarray) -> tuple[float, str | None]:
    """The label's place among the answers, 1 the first; of equal ones the first class is the prediction."""
    if label is None or not 0 <= label < len(scores):
        return np.nan, "no label among the network's classes"
    if not np.isfinite(scores).all():
        return np.nan, "the network's answer is not finite"
    ahead = (scores > scores[label]).sum() + (scores[:label] == scores[label]).sum()
    return float(ahead + 1), None


def _partner(item: Loaded, reason: str | None) -> str | None:
    """Why the shuffled-mask control has no number: there was no mask to take, or what the metric says."""
    if item.partner_masks is not None:
        return reason
    return item.partner_lost or "no other image to take a mask from"


def _maps(column: Column, batch: Batch) -> torch.Tensor:
    if column.needs_map:
        return batch.finished(column.map)
    control = centre_box if column.source == "centre_box" else centre_prior
    return control(*batch.size).to(batch.device).expand(len(batch.loaded), *batch.size)


def _of_the_map_alone(column: Column, batch: Batch) -> Measured:
    status = batch.maps[column.map].status
    if column.reveal is not None:
        areas, reasons = area(batch, column.map, column.reveal)
        return _numbers(areas), _explain(reasons, status)
    values = np.array([np.nan if item in NO_MAP else float(item == "all-zero") for item in status])
    return values, [NO_MAP.get(item) for item in status]


def _against(metric: Metric, column: Column, batch: Batch) -> Measured:
    assert column.against is not None
    first, second = batch.maps[column.map], batch.maps[column.against]
    raw = first.raw
    if column.source == "centre_prior":
        raw = centre_prior(*raw.shape[1:]).to(raw).expand_as(raw)
    raws = on_one_grid(raw, second.raw)
    values = _numbers(metric.load()(*raws))
    reasons = list(metric.load("undefined")(*raws))
    return values, _explain(_explain(reasons, second.status), first.status)


def on_one_grid(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Two maps [n, u, v] at the coarser of their grids, the finer one averaged over each cell.

    A layer's map against one at the pixels, say. Maps of one grid stay as they are.
    """
    rows, columns = (min(sizes) for sizes in zip(first.shape[1:], second.shape[1:], strict=True))
    return _pooled(first, (rows, columns)), _pooled(second, (rows, columns))


def _pooled(maps: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    if maps.shape[1:] == size:
        return maps
    return torch.nn.functional.adaptive_avg_pool2d(maps[:, None], size)[:, 0]


def _explain(reasons: Sequence[str | None], status: Sequence[str]) -> list[str | None]:
    """A map's own status says more than what a metric can see of it."""
    return [NO_MAP.get(item, reason) for reason, item in zip(reasons, status, strict=True)]


def _numbers(values: torch.Tensor) -> np.ndarray:
    return values.detach().double().cpu().numpy()
