"""Metrics: one number per map. This table is torch-free; the functions load when they are called."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any, Literal

from camaudit import registry

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A metric's table entry.

    `function` names ``(maps[n,h,w] float, reference) -> [n] float64`` with NaN where undefined;
    `undefined` names ``(maps, reference) -> list[str | None]`` with the reason where it is NaN;
    `chance` names ``(maps, reference) -> [n]``, the value expected of a map that knows nothing (None
    where there is no closed form; `chance_text` says it in words either way). `statistic` says how
    its interval is made: bootstrap of a ``mean``, or Wilson for a ``share`` of yes and no.
    `parameter` names the number behind ``@`` in the metric's name, and the keyword it is passed by.
    `signed` says whether maps may be negative; a metric of mass refuses them (`MapError`).
    A reference is a mask bool [n,h,w], another map, or boxes float [n,k,4] filled up with NaN.
    """

    name: str
    title: str
    function: str
    range: tuple[float, float]
    better: Literal["higher", "lower"]
    chance_text: str
    undefined: str
    chance: str | None = None
    reference: Literal["mask", "map", "boxes"] = "mask"
    statistic: Literal["mean", "share"] = "mean"
    parameter: str | None = None
    signed: bool = False

    def load(self, part: Literal["function", "undefined", "chance"] = "function") -> Callable[..., Any]:
        """The function itself (loads torch)."""
        reference = getattr(self, part)
        function: Callable[..., Any] = registry.load(reference)
        return function


@dataclass(frozen=True, kw_only=True)
class Profile:
    """Several numbers per map, from which a check makes the one that it judges: a curve over thresholds.

    `function` names ``(maps[n,h,w], reference) -> [n,L] float64``, rows of NaN where undefined;
    `undefined` as for a metric. `outline` says that a mask must be drawn, not a filled box.
    """

    name: str
    title: str
    function: str
    undefined: str
    reference: Literal["mask", "boxes"]
    outline: bool = False

    def load(self, part: Literal["function", "undefined"] = "function") -> Callable[..., Any]:
        """The function itself (loads torch)."""
        function: Callable[..., Any] = registry.load(getattr(self, part))
        return function


_OVERLAP = "camaudit.metrics.overlap"
_CHANCE = "camaudit.metrics.chance"
_POINTING = "camaudit.metrics.pointing"
_SIMILARITY = "camaudit.metrics.similarity"
_BOXES = "camaudit.metrics.boxes"

_MEMBERS = (
    Metric(
        name="energy_inside",
        title="share of the map's mass on the mask",
        function=f"{_OVERLAP}:energy_inside",
        undefined=f"{_OVERLAP}:energy_inside_undefined",
        chance=f"{_CHANCE}:mask_share",
        chance_text="the mask's share of the image",
        range=(0.0, 1.0),
        better="higher",
    ),
    Metric(
        name="kappa_mass",
        title="map's mass on the mask beyond the mask's share",
        function=f"{_OVERLAP}:kappa_mass",
        undefined=f"{_OVERLAP}:kappa_mass_undefined",
        chance=f"{_CHANCE}:zero",
        chance_text="0",
        range=(-inf, 1.0),
        better="higher",
    ),
    Metric(
        name="rank_accuracy",
        title="share of the highest pixels, as many as the mask has, that lie on it",
        function=f"{_OVERLAP}:rank_accuracy",
        undefined=f"{_OVERLAP}:rank_accuracy_undefined",
        chance=f"{_CHANCE}:mask_share",
        chance_text="the mask's share of the image",
        range=(0.0, 1.0),
        better="higher",
        signed=True,
    ),
    Metric(
        name="pointing",
        title="share of maps whose peak lies on the mask or within 15/224 of the image's side of it",
        function=f"{_OVERLAP}:pointing",
        undefined=f"{_OVERLAP}:pointing_undefined",
        chance=f"{_CHANCE}:tolerated_share",
        chance_text="the share of the image within the tolerance of the mask",
        range=(0.0, 1.0),
        better="higher",
        statistic="share",
        signed=True,
    ),
    Metric(
        name="peak_share",
        title="share of the map's equal peaks that the pointing game counts as hits",
        function=f"{_POINTING}:peak_share",
        undefined=f"{_POINTING}:peak_share_undefined",
        chance=f"{_CHANCE}:tolerated_share",
        chance_text="the share of the image within the tolerance of the mask",
        range=(0.0, 1.0),
        better="higher",
        signed=True,
    ),
    Metric(
        name="pixel_auc",
        title="chance that a pixel on the mask is higher than one outside (ROC area)",
        function=f"{_OVERLAP}:pixel_auc",
        undefined=f"{_OVERLAP}:pixel_auc_undefined",
        chance=f"{_CHANCE}:half",
        chance_text="0.5",
        range=(0.0, 1.0),
        better="higher",
        signed=True,
    ),
    Metric(
        name="iou",
        title="intersection over union of mask and thresholded map",
        function=f"{_OVERLAP}:iou",
        undefined=f"{_OVERLAP}:iou_undefined",
        chance_text="no closed form: depends on the mask's share, the threshold and how rough the map is",
        range=(0.0, 1.0),
        better="higher",
        parameter="t",
    ),
    Metric(
        name="inside_outside",
        title="log of mean inside / mean outside",
        function=f"{_OVERLAP}:inside_outside",
        undefined=f"{_OVERLAP}:inside_outside_undefined",
        chance=f"{_CHANCE}:zero",
        chance_text="0, the log of equal means",
        range=(-inf, inf),
        better="higher",
    ),
    Metric(
        name="spearman",
        title="rank correlation of two maps",
        function=f"{_SIMILARITY}:spearman",
        undefined=f"{_SIMILARITY}:spearman_undefined",
        chance=f"{_CHANCE}:unrelated",
        chance_text="0 for two unrelated maps",
        range=(-1.0, 1.0),
        better="higher",
        reference="map",
        signed=True,
    ),
    Metric(
        name="cosine",
        title="cosine of two maps",
        function=f"{_SIMILARITY}:cosine",
        undefined=f"{_SIMILARITY}:cosine_undefined",
        chance_text="no closed form: 0 for signed maps around 0, near 1 for maps that are all positive",
        range=(-1.0, 1.0),
        better="higher",
        reference="map",
        signed=True,
    ),
    Metric(
        name="box_iou",
        title="intersection over union of the map's box and the nearest box of the object",
        function=f"{_BOXES}:box_iou",
        undefined=f"{_BOXES}:box_iou_undefined",
        chance_text="no closed form: see the centre box and the centre prior",
        range=(0.0, 1.0),
        better="higher",
        reference="boxes",
        parameter="t",
    ),
)
METRICS: dict[str, Metric] = {metric.name: metric for metric in _MEMBERS}

PROFILES: dict[str, Profile] = {
    "best_box_ious": Profile(
        name="best_box_ious",
        title="best IoU of any component's box with any of the object's, at each threshold",
        function=f"{_BOXES}:best_box_ious",
        undefined=f"{_BOXES}:best_box_ious_undefined",
        reference="boxes",
    ),
    "pixel_counts": Profile(
        name="pixel_counts",
        title="pixels on the mask and outside it that reach each threshold",
        function=f"{_BOXES}:pixel_counts",
        undefined=f"{_BOXES}:pixel_counts_undefined",
        reference="mask",
        outline=True,
    ),
}
