"""The pointing game with rejection, as a number of the localisation check.

Source: R. Selvaraju et al., “Grad-CAM”, 2017, section on the pointing game.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from camaudit.errors import DataError
from camaudit.evidence import SCENE, Column, Kth
from camaudit.metrics.rejection import always_reject, best_threshold, rejection_scores

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from camaudit.evidence import MapRequest
    from camaudit.scores import Table

    Floats = NDArray[np.float64]

NAME = "pointing_rejection"
SOURCES = ("map", "centre_box", "centre_prior")
CONTROLS = {
    "always_reject": "all maps rejected: the share of predicted classes that are not there",
    "centre_box": "a guess in the middle half, rejected where the network holds the class for unlikely",
    "centre_prior": "a blob in the centre, rejected where the network holds the class for unlikely",
}
NOTHING_KNOWN = "of none of the predicted classes is it known whether the image shows it"


def columns(request: MapRequest, region: str, top: int) -> dict[str, Column]:
    """State, hit and height of the maps of the `top` largest classes, and of the controls."""
    return {
        _column(place, source): Column(
            map=replace(request, target=Kth(k=place)),
            metric=SCENE,
            region=region,
            source=source,  # type: ignore[arg-type] # one of the literals
            profile=True,
        )
        for place in range(1, top + 1)
        for source in SOURCES
    }


def setting(source: str) -> str:
    """What the tuned threshold is called in the record."""
    return "rejection threshold" + ("" if source == "map" else f" ({source})")


def fit(table: Table, top: int, allow_undefined: float) -> dict[str, float]:
    """The best thresholds on the calibration samples, for the maps and for each control."""
    found = {}
    for source in SOURCES:
        parts = _parts(table, source, top)
        blank = np.isnan(parts).any(axis=(0, 2))
        known = np.asarray(~blank & (parts[..., 0] >= 0).any(axis=0))
        missing = len(known) - int(known.sum())
        if not known.any() or missing > allow_undefined * len(known):
            raise DataError(
                f"{missing} of {len(known)} calibration samples have no predicted class that is known to be "
                "there or not: no threshold can be tuned on them",
                hint="coco and voc know what an image shows; allow the rest by `allow_undefined`",
            )
        found[setting(source)] = best_threshold(*_split(parts[:, known]))
    return found


def derive(table: Table, top: int) -> tuple[dict[str, pd.Series], dict[str, dict[str, str]]]:
    """One number per sample, for the maps and each control; and why there is none."""
    values = {}
    for source in SOURCES:
        split = _split(_parts(table, source, top))
        score = rejection_scores(*split, table.settings[setting(source)])
        values[NAME if source == "map" else f"{NAME}.{source}"] = score
        if source == "map":
            values[f"{NAME}.always_reject"] = always_reject(split[0])
    series = {name: _blanked(table, score, name, top) for name, score in values.items()}
    reasons = {name: _reasons(table, own, top) for name, own in series.items()}
    return series, reasons


def _column(place: int, source: str) -> str:
    return f"{NAME}.{place}" + ("" if source == "map" else f".{source}")


def _parts(table: Table, source: str, top: int) -> Floats:
    """State, hit and height, [top, n, 3]."""
    profiles = [table.profiles[_column(place, source)] for place in range(1, top + 1)]
    return np.stack([profile.to_numpy(dtype=np.float64) for profile in profiles])


def _split(parts: Floats) -> tuple[Floats, Floats, Floats]:
    """States, hits and heights, each [n, top]."""
    return parts[..., 0].T, parts[..., 1].T, parts[..., 2].T


def _blanked(table: Table, score: Floats, name: str, top: int) -> pd.Series:
    """The scores without those of samples that lack a map: leaving one class out would change the game."""
    source = name.rpartition(".")[2] if name.endswith(SOURCES[1:]) else "map"
    blank = np.isnan(_parts(table, source, top)).any(axis=(0, 2))
    return pd.Series(np.where(blank, np.nan, score), index=table.frame.index)


def _reasons(table: Table, values: pd.Series, top: int) -> dict[str, str]:
    known: dict[str, str] = {}
    for place in range(top, 0, -1):
        known |= table.reasons.get(_column(place, "map"), {})
    return {key: known.get(key, NOTHING_KNOWN) for key in values.index[values.isna()]}
