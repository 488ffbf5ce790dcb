"""Map methods: where the network looks. This table is torch-free; the functions load when they are called."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from camaudit import registry

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import Tensor

    from camaudit.evidence import LayoutAim
    from camaudit.maps.capture import Network
    from camaudit.maps.layout import Layout
    from camaudit.maps.record import MapBatch


@dataclass(frozen=True, kw_only=True)
class Method:
    """A map method's table entry.

    `function` names ``(capture, target) -> raw[n,u,v]``: signed, not normalised. `at` is where it looks:
    at a ``layer``'s output and its gradients, at the ``pixels`` (maps at input resolution; no layer is
    needed), or at what a ``module`` puts out, without a gradient (the layer must be named).
    `relu` is whether the method's paper keeps positive evidence only (a later, named step).
    `evidence` is False for methods that are pictures only: a gate on them is a spec error.
    `head` is whether the capture has to keep the last linear layer's input and output.
    `cost` says in words what it takes per image beside the forward that all methods of a place share.
    """

    name: str
    title: str
    function: str
    source: str
    at: Literal["layer", "pixels", "module"] = "layer"
    relu: bool = True
    evidence: bool = True
    head: bool = False
    cost: str = ""

    def load(self) -> Callable[..., Any]:
        """The function itself (loads torch)."""
        function: Callable[..., Any] = registry.load(self.function)
        return function


METHODS: dict[str, Method] = {
    "gradcam": Method(
        name="gradcam",
        title="Grad-CAM",
        function="camaudit.maps.gradcam:gradcam",
        source="Selvaraju et al., ICCV 2017",
    ),
    "hirescam": Method(
        name="hirescam",
        title="HiResCAM",
        function="camaudit.maps.hirescam:hirescam",
        source="Draelos and Carin, 2020",
    ),
    "gradcampp": Method(
        name="gradcampp",
        title="Grad-CAM++",
        function="camaudit.maps.gradcampp:gradcampp",
        source="Chattopadhay et al., WACV 2018",
    ),
    "layercam": Method(
        name="layercam",
        title="LayerCAM",
        function="camaudit.maps.layercam:layercam",
        source="Jiang et al., IEEE TIP 2021",
    ),
    "xgradcam": Method(
        name="xgradcam",
        title="XGrad-CAM",
        function="camaudit.maps.xgradcam:xgradcam",
        source="Fu et al., BMVC 2020",
    ),
    "cam": Method(
        name="cam",
        title="CAM",
        function="camaudit.maps.cam:cam",
        source="Zhou et al., CVPR 2016",
        head=True,
    ),
    "scorecam": Method(
        name="scorecam",
        title="Score-CAM",
        function="camaudit.maps.scorecam:scorecam",
        source="Wang et al., CVPR workshops 2020",
        cost="one forward per channel of the layer",
    ),
    "attention": Method(
        name="attention",
        title="The network's own attention",
        function="camaudit.maps.attention:attention",
        source="the network's own",
        at="module",
    ),
    "input_gradient": Method(
        name="input_gradient",
        title="Input gradient",
        function="camaudit.maps.input_gradient:input_gradient",
        source="Simonyan et al., ICLR workshop 2014",
        at="pixels",
        cost="a whole backward",
    ),
    "smoothgrad": Method(
        name="smoothgrad",
        title="SmoothGrad",
        function="camaudit.maps.smoothgrad:smoothgrad",
        source="Smilkov et al., 2017",
        at="pixels",
        cost="25 forwards and backwards",
    ),
    "integrated_gradients": Method(
        name="integrated_gradients",
        title="Integrated gradients",
        function="camaudit.maps.perturbed:integrated_gradients",
        source="Sundararajan et al., ICML 2017",
        at="pixels",
        cost="50 forwards and backwards",
    ),
    "occlusion": Method(
        name="occlusion",
        title="Occlusion",
        function="camaudit.maps.perturbed:occlusion",
        source="Zeiler and Fergus, ECCV 2014",
        at="pixels",
        cost="about 225 forwards",
    ),
    "lime": Method(
        name="lime",
        title="LIME",
        function="camaudit.maps.perturbed:lime",
        source="Ribeiro et al., KDD 2016",
        at="pixels",
        cost="256 forwards",
    ),
    "guided_backprop": Method(
        name="guided_backprop",
        title="Guided backpropagation",
        function="camaudit.maps.guided:guided_backprop",
        source="Springenberg et al., ICLR workshop 2015",
        at="pixels",
        relu=False,
        evidence=False,
        cost="a whole backward",
    ),
    "guided_gradcam": Method(
        name="guided_gradcam",
        title="Guided Grad-CAM",
        function="camaudit.maps.guided:guided_gradcam",
        source="Selvaraju et al., ICCV 2017",
        relu=False,
        evidence=False,
        cost="a second forward and a whole backward",
    ),
}


def attention_map(
    classifier: Network,
    images: Tensor,
    *,
    method: str = "gradcam",
    layer: str = "auto",
    target: Literal["predicted"] | int | Tensor = "predicted",
    call: int | None = None,
    layout: LayoutAim = "auto",
) -> MapBatch:
    """Where the network looks in `images` [n, 3, h, w] in [0, 1]: raw maps [n, u, v] on record.

    `layer` is a module's dotted name, or ``"auto"`` for the last spatial one (a dry run on the first
    image; what it warns of is warned of); methods at the pixels look at none. `layout` says how its output
    is read: ``"grid"``, ``"channels_last"``, ``"tokens"``, a `camaudit.evidence.TokenGrid`, or found out.
    `target` is ``"predicted"``, one class for all images, or a class per image [n].
    `camaudit.maps.finish` makes of the raw maps what is
    judged or shown.

    Raises `MapError` for a layer, a target or a method that does not fit the network. The network is
    handed back as it was found.
    """
    from functools import partial
    from warnings import warn

    from camaudit.maps.compute import Request, compute
    from camaudit.maps.layers import choose_layer
    from camaudit.targets import checked, select

    at = registry.find("map", method).at
    read: Layout | None = None
    if at != "pixels":
        chosen = choose_layer(classifier, images, layer, at, layout)
        for text in chosen.warnings if layer == "auto" else ():
            warn(text, stacklevel=2)
        layer, read = chosen.name, chosen.layout
    targets = partial(select, target) if isinstance(target, str | int) else partial(checked, target)
    request = Request(method=method, targets=targets)
    (maps,) = compute(classifier, images, layer=layer, call=call, layout=read, requests=[request]).maps
    return maps
