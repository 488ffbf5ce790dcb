"""One sample, all layers: what `camaudit show` draws."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch

from camaudit import registry
from camaudit.classifier import load
from camaudit.data.stream import Lost, stream
from camaudit.engine.inputs import bound
from camaudit.engine.pixels import images
from camaudit.errors import DataError, MapError
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import every_layer
from camaudit.modules import load_callable
from camaudit.plan import MAIN, PIXELS, model_key
from camaudit.registry import did_you_mean
from camaudit.targets import resolve

if TYPE_CHECKING:
    import numpy as np

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded
    from camaudit.maps.layout import Layout
    from camaudit.plan import CheckPlan, Plan
    from camaudit.targets import Target


@dataclass(frozen=True, kw_only=True)
class LayerMap:
    """The raw map of one layer, or why there is none."""

    layer: str
    raw: np.ndarray | None
    status: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One sample with its maps at every spatial layer, in the order in which the layers run."""

    loaded: Loaded
    label: str | None
    predicted: str
    maps: tuple[LayerMap, ...]


def show(plan: Plan, sample_id: str, device: str = "cpu") -> Shown:
    """Explain one sample of a planned check at every layer. Raises `DataError` for an unknown sample."""
    check = plan.checks[0]
    spec = plan.spec.model if check.model == MAIN else plan.spec.models[check.model]
    network = load(spec, plan.spec.base, name=model_key(check.model), device=device)
    sample = _sample(plan, check, network, sample_id)
    regions = tuple(sample.masks)
    loaded = next(stream((sample,), network.preprocess.geometry, regions=regions))
    if isinstance(loaded, Lost):
        raise DataError(loaded.detail or loaded.reason, where=f"sample {sample_id}")
    image = images([loaded], network.device)
    network = bound(network, [loaded])
    with torch.inference_mode():
        logits = network.logits(image)
    target = next(request.target for column in check.columns.values() for request in column.maps)
    labels = None if sample.label is None else torch.tensor([sample.label], device=network.device)
    chosen = resolve(
        target,
        logits,
        labels,
        classes=network.classes,
        inputs=network.inputs,
        load=lambda reference: load_callable(reference, plan.spec.base, error=MapError),
    )
    best = int(logits.argmax())
    names = network.classes
    return Shown(
        loaded=loaded,
        label=sample.label_name,
        predicted=names[best] if names else str(best),
        maps=tuple(
            _layer(network, image, place, check.method, chosen) for place in _places(network, image, check)
        ),
    )


def _sample(plan: Plan, check: CheckPlan, network: Classifier, sample_id: str) -> Sample:
    listing = plan.spec.data[check.data].listing(plan.spec.base, network.classes)
    found = {sample.id: sample for sample in listing.samples}
    if sample_id not in found:
        broken = {item.id: item for item in listing.unusable}
        if sample_id in broken:
            raise DataError(broken[sample_id].detail or broken[sample_id].reason, where=f"sample {sample_id}")
        raise DataError(
            f"data {check.data!r} has no sample {sample_id!r}{did_you_mean(sample_id, found)}",
            hint=f"the first ones are: {', '.join(list(found)[:5])}",
        )
    return found[sample_id]


def _places(network: Classifier, image: torch.Tensor, check: CheckPlan) -> list[tuple[str, Layout | None]]:
    """Every layer, or the one place where the check's method looks."""
    request = next(request for column in check.columns.values() for request in column.maps)
    at = registry.find("map", check.method).at
    if at == "pixels":
        return [(PIXELS, None)]
    if at == "module":
        return [(request.layer, None)]
    return [*every_layer(network, image, request.layout)]


def _layer(
    network: Classifier,
    image: torch.Tensor,
    place: tuple[str, Layout | None],
    method: str,
    target: Target,
) -> LayerMap:
    layer, layout = place
    request = Request(method=method, targets=target)
    try:
        made = compute(network, image, layer=layer, layout=layout, requests=[request]).maps[0]
    except MapError as error:
        return LayerMap(layer=layer, raw=None, status=str(error.message))
    return LayerMap(layer=layer, raw=made.raw[0].float().cpu().numpy(), status=made.status[0])
