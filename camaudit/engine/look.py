"""One image, one map: what a unit test asks for, through the same steps as a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from PIL import Image

from camaudit import registry
from camaudit.data.masks import MaskArray, mask_file
from camaudit.data.sample import Sample
from camaudit.data.stream import Loaded, Lost, stream
from camaudit.engine.measure import Batch, measure
from camaudit.engine.pixels import images
from camaudit.errors import DataError, MapError
from camaudit.evidence import Column, MapRequest
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import choose_layer
from camaudit.modules import load_callable
from camaudit.spec.types import metric_base
from camaudit.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.data.sample import MaskSource

OBJECT = "object"
COLOURS = 3


@dataclass(frozen=True, kw_only=True, eq=False)
class ImageMap:
    """Where a network looks in one image.

    `raw` float32 [u, v] is signed, at the layer's resolution; `values` float32 [h, w] is what metrics see,
    after relu and resize; `pixels` uint8 [h, w, 3] is what the network saw. `target` is the class that is
    explained (-1 where it is a contrast or a function), `score` its logit or the number explained,
    `predicted` the network's answer. `status` is ``ok``, ``all-zero`` or ``constant``.
    """

    raw: np.ndarray
    values: np.ndarray
    pixels: np.ndarray
    target: int
    score: float
    predicted: int
    status: str
    layer: str
    method: str
    classes: tuple[str, ...] | None
    _request: MapRequest = field(repr=False)
    _batch: Batch = field(repr=False)

    @property
    def target_name(self) -> str:
        """The name of the class that is explained, or its number."""
        return self.classes[self.target] if self.classes and self.target >= 0 else str(self.target)

    def overlap(self, metric: str = "energy_inside") -> float:
        """What the map scores on the mask by one of the metrics that hold a map against a mask.

        Raises `MapError` without a mask, for another sort of metric, and where the number is undefined.
        """
        if registry.find("metric", metric_base(metric)).reference != "mask":
            raise MapError(f"metric {metric!r} does not compare a map with a mask")
        if OBJECT not in self._batch.loaded[0].masks:
            raise MapError("no mask was given with the image", hint="attention_map(…, mask=…)")
        column = Column(map=self._request, metric=metric, region=OBJECT)
        values, reasons = measure(column, self._batch)
        if reasons[0] is not None:
            raise MapError(f"{metric} is undefined here: {reasons[0]}", where=f"map of {self.target_name}")
        return float(values[0])


def look(
    network: Classifier,
    source: Any,
    request: MapRequest,
    *,
    mask: Path | np.ndarray | None = None,
    label: int | None = None,
    base: Path = Path(),
) -> ImageMap:
    """The map of one image; see `camaudit.fixtures.MapFixture`. `base` is where functions are looked up.

    Raises `DataError` for an image or a mask that cannot be read, `MapError` for a map that cannot be made,
    is not finite, or explains an answer that is not finite.
    """
    loaded, pixels = _loaded(network, source, mask, label)
    labels = None if label is None else torch.tensor([label], device=network.device)
    at = registry.find("map", request.method).at
    chosen = None if at == "pixels" else choose_layer(network, pixels, request.layer, at, request.layout)
    wanted = Request(
        method=request.method,
        relu=request.relu,
        targets=lambda logits: resolve(
            request.target,
            logits,
            labels,
            classes=network.classes,
            load=lambda reference: load_callable(reference, base, error=MapError),
        ),
    )
    made = compute(
        network,
        pixels,
        layer=request.layer if chosen is None else chosen.name,
        call=request.call,
        layout=None if chosen is None else chosen.layout,
        requests=[wanted],
    )
    (found,) = made.maps
    if not bool(made.logits.isfinite().all()):
        raise MapError("the network's answer is not finite: a map of it shows nothing", where=network.name)
    if found.status[0] in {"non-finite", "disconnected"}:
        raise MapError(f"the map is {found.status[0]}", where=f"{found.method} at {found.layer}")
    batch = Batch(loaded=(loaded,), maps={request: found}, device=pixels.device, logits=made.logits)
    return ImageMap(
        raw=found.raw[0].float().cpu().numpy(),
        values=batch.finished(request)[0].float().cpu().numpy(),
        pixels=loaded.pixels,
        target=int(found.target[0]),
        score=float(found.score[0]),
        predicted=int(made.logits[0].argmax()),
        status=found.status[0],
        layer=found.layer,
        method=found.method,
        classes=network.classes,
        _request=request,
        _batch=batch,
    )


def _loaded(
    network: Classifier, source: Any, mask: Path | np.ndarray | None, label: int | None
) -> tuple[Loaded, Tensor]:
    """The image as a run would read it, and its pixels [1, 3, h, w] in [0, 1]."""
    if isinstance(source, torch.Tensor):
        return _as_it_is(network, source, mask, label)
    masks = {} if mask is None else {OBJECT: _mask(mask)}
    sample = Sample(id="image", image=_image(source), masks=masks, label=label)
    loaded = next(iter(stream((sample,), network.preprocess.geometry, regions=tuple(masks), workers=0)))
    if isinstance(loaded, Lost):
        raise DataError(loaded.detail or loaded.reason, where="image")
    return loaded, images([loaded], network.device)


def _as_it_is(
    network: Classifier, source: Tensor, mask: Path | np.ndarray | None, label: int | None
) -> tuple[Loaded, Tensor]:
    if source.ndim != COLOURS or source.shape[0] != COLOURS or not source.is_floating_point():
        raise DataError(
            f"the image is a {source.dtype} tensor {list(source.shape)}; float [3, h, w] in [0, 1] is needed",
            hint="a uint8 array [h, w, 3] is decoded and preprocessed like a file",
        )
    pixels = source.detach()[None].to(network.device)
    network.check_images(pixels)
    height, width = source.shape[1:]
    masks = {} if mask is None else {OBJECT: _mask(mask).read(height, width)}
    shown = (pixels[0].permute(1, 2, 0).cpu().double() * 255).round().to(torch.uint8).numpy()
    sample = Sample(id="image", image=lambda: shown, label=label)
    loaded = Loaded(sample=sample, pixels=shown, masks=masks, sha256="", original_size=(height, width))
    return loaded, pixels


def _image(source: Any) -> Path | Callable[[], Image.Image | np.ndarray]:
    if isinstance(source, Path):
        return source
    if isinstance(source, Image.Image | np.ndarray):
        return lambda: source
    raise DataError(
        f"the image is {type(source).__name__}; a Path, a PIL image, a uint8 array or a tensor is needed"
    )


def _mask(mask: Path | np.ndarray) -> MaskSource:
    return mask_file(str(mask.resolve()), Path()) if isinstance(mask, Path) else MaskArray(array=lambda: mask)
