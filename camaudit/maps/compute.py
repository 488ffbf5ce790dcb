"""All maps of a batch from one forward."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from camaudit import registry
from camaudit.maps.capture import capture, observe, pixels
from camaudit.maps.record import Draft, record
from camaudit.targets import Scalar, Target, checked, class_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.maps import Method
    from camaudit.maps.capture import Capture, Network
    from camaudit.maps.layout import Layout
    from camaudit.maps.record import MapBatch

Targets = Target | Callable[[Tensor], Target]
"""A target (see `camaudit.targets`), or what makes it of the logits [n, k] of the same forward."""


@dataclass(frozen=True, kw_only=True)
class Request:
    """One kind of map that is wanted: a method's name, what is explained, and whether the judged map is ≥ 0.

    `relu` left out means: as the method's paper does. It decides the status; `raw` is signed either way.
    """

    method: str
    targets: Targets
    relu: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Computed:
    """The logits [n, k] of a forward, detached, and the maps in the order of the requests."""

    logits: Tensor
    maps: tuple[MapBatch, ...]


def compute(
    network: Network,
    images: Tensor,
    *,
    layer: str,
    call: int | None = None,
    layout: Layout | None = None,
    requests: Sequence[Request],
) -> Computed:
    """Maps of `images` [n, 3, h, w] for all requests, of the network as it stands.

    Methods that look at the layer share one forward, and one backward of the tail per target; methods that
    look at the pixels share a forward and a whole backward per target. `layer` and `call` are not looked at
    where all methods look at the pixels. `layout` says how the layer's output is read: left out, it has to be
    [n, c, u, v]; `camaudit.maps.layers.choose_layer` finds it. What a method costs
    beyond that, `camaudit.maps.METHODS` says.

    Raises `RegistryError` for an unknown method and `MapError` as `capture`, the methods and
    `camaudit.targets` do. The network is handed back as it was found.
    """
    methods: list[Method] = [registry.find("map", request.method) for request in requests]
    head = any(method.head for method in methods)
    runs: dict[str, Callable[[], Capture]] = {
        "layer": lambda: capture(network, images, layer=layer, call=call, head=head, layout=layout),
        "module": lambda: observe(network, images, layer=layer, call=call),
        "pixels": lambda: pixels(network, images),
    }
    places = dict.fromkeys(method.at for method in methods) or {"layer": None}
    captures = {place: runs[place]() for place in places}
    logits = next(iter(captures.values())).logits
    resolved: dict[int, tuple[Target, Tensor]] = {}
    drafts = []
    # Sums must not run in bf16 because the caller's forward does.
    with (
        torch.autocast(logits.device.type, enabled=False),
        torch.inference_mode(mode=False),
        torch.no_grad(),
    ):
        for request, method in zip(requests, methods, strict=True):
            if id(request.targets) not in resolved:
                target = _resolve(request.targets, logits)
                resolved[id(request.targets)] = target, captures[method.at].score(target)
            drafts.append(_draft(captures[method.at], request, method, *resolved[id(request.targets)]))
        maps = record(*drafts)
    return Computed(logits=logits, maps=maps)


def _resolve(targets: Targets, logits: Tensor) -> Target:
    target = targets if isinstance(targets, Tensor | Scalar) else targets(logits)
    return target if isinstance(target, Scalar) else checked(target, logits)


def _draft(found: Capture, request: Request, method: Method, target: Target, score: Tensor) -> Draft:
    return Draft(
        raw=method.load()(found, target),
        layer=found.layer,
        method=method.name,
        target=class_of(target, found.logits),
        score=score,
        relu=method.relu if request.relu is None else request.relu,
        connected=found.reaches(target),
    )
