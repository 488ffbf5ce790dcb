"""Where the words' maps lie, method by method: on the object that is named, and on the other one."""

from __future__ import annotations

from dataclasses import replace
from math import exp, inf
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit import Classifier, attention_map, stats
from camaudit.maps.finish import finish
from camaudit.metrics.overlap import energy_inside, inside_outside

from .data import CONTENT, scene
from .measure import pictures

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.stats import Interval

    from .model import Captioner

LAYER = "features"
METHODS = ("hirescam", "gradcam", "gradcampp", "layercam", "xgradcam")
N = 300
BATCH = 50


def word_maps(network: Captioner, images: np.ndarray, slot: str, method: str) -> Tensor:
    """The maps of one word of every caption, finished, [n, 32, 32]."""
    classifier = Classifier(module=network, output="scores")
    place = list(CONTENT).index(slot)
    batches = torch.split(pictures(images), BATCH)
    raw = [attention_map(classifier, batch, method=method, layer=LAYER, target=place) for batch in batches]
    return torch.cat([finish(item, size=images.shape[1:3]) for item in raw])


def looks(network: Captioner, method: str, n: int = N) -> dict[str, Interval]:
    """Shares of the words' maps on either object, and the inside/outside ratio, with 95 % intervals.

    ``named`` and ``other`` are `energy_inside`. ``ratio`` is the geometric mean over words and scenes of
    mean activation inside ÷ outside the named object, of those where it is neither 0 nor infinite.
    """
    scenes = [scene(number) for number in range(n)]
    images = np.stack([item.image for item in scenes])
    found: dict[str, list[np.ndarray]] = {"named": [], "other": [], "ratio": []}
    for slot, own in CONTENT.items():
        maps = word_maps(network, images, slot, method)
        named, other = (
            torch.from_numpy(np.stack([item.masks[which] for item in scenes])) for which in (own, 1 - own)
        )
        found["named"].append(energy_inside(maps, named).numpy())
        found["other"].append(energy_inside(maps, other).numpy())
        found["ratio"].append(inside_outside(maps, named).numpy())
    return {
        "named": _mean(found["named"], bounds=(0.0, 1.0)),
        "other": _mean(found["other"], bounds=(0.0, 1.0)),
        "ratio": _exponential(_mean(found["ratio"])),
    }


def table(network: Captioner, n: int = N) -> str:
    """All methods, as Markdown."""
    lines = ["| method | on the named object | on the other | inside/outside |", "| --- | --- | --- | --- |"]
    for method in METHODS:
        found = looks(network, method, n).values()
        lines.append(f"| {method} | {' | '.join(_text(item) for item in found)} |")
    return "\n".join(lines)


def _mean(values: list[np.ndarray], bounds: tuple[float, float] = (-inf, inf)) -> Interval:
    """Mean over words and scenes; words of one scene are drawn together."""
    every = np.stack(values)
    scenes = np.broadcast_to(np.arange(every.shape[1]).astype(str), every.shape)
    known = np.isfinite(every)
    return stats.bootstrap_mean(every[known], clusters=scenes[known], bounds=bounds)


def _exponential(mean: Interval) -> Interval:
    return replace(mean, value=exp(mean.value), lower=exp(mean.lower), upper=exp(mean.upper))


def _text(found: Interval) -> str:
    return f"{found.value:.2f} [{found.lower:.2f}, {found.upper:.2f}]"
