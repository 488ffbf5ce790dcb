"""The numbers of the localisation check: what each is, how its interval is made, what it is held against."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from camaudit.checks import rejection

if TYPE_CHECKING:
    from collections.abc import Mapping

CONTROLS = {
    "centre_box": "a box over the middle half of the image",
    "centre_prior": "a fixed blob in the centre",
}


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A number of this check: what it is, and how its interval is made."""

    title: str
    interval: Literal["share", "mean", "pooled"]
    controls: Mapping[str, str] = field(default_factory=lambda: CONTROLS)


FIGURES: dict[str, Figure] = {
    "gt_known_loc": Figure(
        title="share of images whose box of the label's map fits the object", interval="share"
    ),
    "loc_error": Figure(
        title="top-1 localisation error: wrong class, or a box that does not fit", interval="share"
    ),
    "loc_error_top5": Figure(
        title="top-5 localisation error: label not among five, or a box that does not fit", interval="share"
    ),
    "classification_error": Figure(
        title="top-1 classification error, on the same images", interval="share", controls={}
    ),
    "classification_error_top5": Figure(
        title="top-5 classification error, on the same images", interval="share", controls={}
    ),
    "box_iou": Figure(title="IoU of the label's box and the nearest box of the object", interval="mean"),
    "max_box_acc": Figure(
        title="MaxBoxAccV2: boxes of all components, mean over IoU 0.3, 0.5 and 0.7", interval="mean"
    ),
    "pointing": Figure(
        title="pointing game: share of maps that peak on the object or within 15/224 of the side",
        interval="share",
        controls={**CONTROLS, "centre_box": "a guess within a box over the middle half of the image"},
    ),
    rejection.NAME: Figure(
        title="pointing game with rejection: predicted classes that are pointed at, or rejected if absent",
        interval="mean",
        controls=rejection.CONTROLS,
    ),
    "pxap": Figure(title="PxAP: area under pixel precision and recall, pixels pooled", interval="pooled"),
}
SOURCES = ("map", *CONTROLS)
MEASURED = ("box_iou", "pointing")
"""Figures that are columns as they are."""
TUNED = ("max_box_acc", rejection.NAME)
"""Figures with thresholds that are tuned on a calibration split."""
