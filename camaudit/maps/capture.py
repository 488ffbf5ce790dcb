"""One forward, cut at a layer or at the pixels: activations, logits, and gradients of any target between.

The only code of camaudit that registers hooks (what they do is in `cut`). A forward hook takes the
layer's output, makes a leaf of it and hands a clone on, so that successors may work in place. What comes
before the layer runs without a graph; the hook switches gradients on for what comes after. So nothing has
to be frozen, memory stays that of a plain forward, and a backward walks the tail only.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol

import torch
from torch import Tensor, nn

from camaudit.errors import MapError
from camaudit.maps.cut import Cut, Last, LastLinear, Look, detached
from camaudit.maps.graph import relu_nodes
from camaudit.maps.shapes import checked_logits, refuse_vanished, usable
from camaudit.maps.untouched import untouched
from camaudit.maps.visit import Watch, strength
from camaudit.registry import did_you_mean
from camaudit.targets import Scalar, score, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from camaudit.maps.cut import Head
    from camaudit.maps.layout import Layout
    from camaudit.maps.visit import Visit
    from camaudit.targets import Target

PIXELS = "input"
"""What a map at the pixels has in place of a layer's name."""


class Network(Protocol):
    """A network in pixel space, as far as maps need it (`camaudit.classifier.Classifier` is one)."""

    @property
    def module(self) -> nn.Module:
        """The root; layers are named by its `named_modules()`."""

    @property
    def device(self) -> torch.device:
        """Where it runs."""

    def logits(self, images: Tensor) -> Tensor:
        """Logits [n, k] of images [n, 3, h, w] in [0, 1]."""

    def rows(self, index: Tensor) -> Network:
        """The network, to be asked about these of the images that it was bound to, int64 [m].

        Itself where it takes nothing but the image.
        """


@dataclass(frozen=True, kw_only=True)
class _Known:
    """Gradients that were asked for already; `reached` is False where there are none."""

    target: Target
    guided: bool
    gradients: Tensor
    reached: bool


class Capture:
    """What one forward left at a layer, or at the pixels. Drop it and nothing stays alive.

    `activations` [n, c, u, v] and `logits` [n, k] are detached; the layer's own output is read by
    `layout` (tokens without a place are left out of the grid, not of the gradients). `connected` is False
    where no gradient can reach the layer from the logits (known for sure after the first `gradients`).
    `head` is there where it was asked for and a linear layer ran. `network` and `images` serve
    methods that ask the network again (`ask`).
    """

    def __init__(
        self,
        *,
        network: Network,
        images: Tensor,
        layer: str,
        leaf: Tensor,
        logits: Tensor,
        output: Any = None,
        head: Head | None = None,
        layout: Layout | None = None,
    ) -> None:
        self.network = network
        self.images = images
        self.layer = layer
        self.head = head
        self._layout = layout
        self.activations = self._spatial(leaf.detach())
        self.logits = logits.detach()
        self.connected = logits.requires_grad
        self._leaf = leaf
        self._logits = logits
        self._output = output
        self._memo: list[_Known] = []
        # Listed once: a deep network has hundreds, and there may be many backwards.
        self._modules = tuple(network.module.modules())

    def gradients(self, target: Target, *, guided: bool = False) -> Tensor:
        """∂ score / ∂ activations, [n, c, u, v]; NaN where the layer does not reach the target.

        The score is `camaudit.targets.score`: a logit, a weighted sum of logits, or what a function makes
        of them. Computed once per target: methods that ask for the same one share a backward. `guided`
        sets negative gradients to zero at every ReLU on the way (Springenberg et al., 2015).

        Raises `MapError` where tokens without a place have gradients and those on the grid have none.
        """
        known = self._find(target, guided)
        if known is None:
            found = self._backward(target, guided)
            gradients = (
                torch.full_like(self.activations, float("nan")) if found is None else self._arriving(found)
            )
            known = _Known(target=target, guided=guided, gradients=gradients, reached=found is not None)
            self._memo.append(known)
        return known.gradients

    def score(self, target: Target) -> Tensor:
        """What is explained, [n], as this forward gave it."""
        with torch.no_grad():
            return score(target, self.logits, detached(self._output))

    def reaches(self, target: Target) -> bool:
        """False where gradients of this target were asked for and none can arrive at the layer."""
        return not any(not item.reached and _same(item.target, target) for item in self._memo)

    def _spatial(self, values: Tensor) -> Tensor:
        if self._layout is None:
            return values
        size = (self.images.shape[2], self.images.shape[3])
        return self._layout.spatial(values, size, f"layer {self.layer!r}")

    def _arriving(self, found: Tensor) -> Tensor:
        gradients = self._spatial(found)
        if self._layout is not None and self._layout.prefix:
            # A map of zeros would look like a network without evidence.
            refuse_vanished(bool(gradients.any()), bool(found[:, : self._layout.prefix].any()), self.layer)
        return gradients

    def _find(self, target: Target, guided: bool) -> _Known | None:
        known = [item for item in self._memo if item.guided is guided]
        # By identity first: comparing values makes the host wait for a GPU.
        same = next((item for item in known if item.target is target), None)
        return same or next((item for item in known if _same(item.target, target)), None)

    def _backward(self, target: Target, guided: bool) -> Tensor | None:
        # Checkpointed layers run again here, and must not see other flags than in the forward.
        with untouched(self.network.module, self._modules):
            start, seed = self._start(target)
            if not start.requires_grad:
                if not isinstance(target, Scalar):
                    self.connected = False
                return None
            with _guided(start) if guided else nullcontext():
                found: tuple[Tensor | None, ...] = torch.autograd.grad(
                    start, self._leaf, seed, retain_graph=True, allow_unused=True
                )
        return found[0]

    def _start(self, target: Target) -> tuple[Tensor, Tensor]:
        """Where a backward starts, and the gradient handed in there."""
        if not isinstance(target, Scalar):
            return self._logits, weights(target, self._logits).to(self._logits.dtype)
        with torch.enable_grad():
            value = score(target, self._logits, self._output)
        if self._logits.requires_grad and not value.requires_grad:
            raise MapError(
                "gives a number that no gradient can pass through",
                where=f"target {target.name}",
                hint="let it use torch functions on what it is given, without detach, argmax or numpy; "
                '"scorecam", "occlusion" and "lime" need no gradient',
            )
        return value, torch.ones_like(value)


def _same(known: Target, target: Target) -> bool:
    if known is target:
        return True
    if isinstance(known, Scalar) or isinstance(target, Scalar):
        return False
    return known.dtype == target.dtype and torch.equal(known, target)


def capture(
    network: Network,
    images: Tensor,
    *,
    layer: str,
    call: int | None = None,
    head: bool = False,
    layout: Layout | None = None,
) -> Capture:
    """Run the network once on `images` [n, 3, h, w] and keep what its layer put out.

    The network is handed back as it was found, also after an exception: hooks, ``.grad``,
    ``requires_grad``, the training flag of every module, buffers, random states, grad and inference
    mode. Works under `no_grad`, `inference_mode` and autocast, and from several threads on one model.

    `call` chooses one call (0 is the first) of a module that runs several times in one forward.
    `head` keeps the last linear layer's input and output too (CAM needs them). `layout` says how the output
    is read; left out, it has to be [n, c, u, v].

    Raises `MapError` for a layer that does not exist, does not run, runs several times without
    `call`, or whose output is no float tensor of that layout; and for logits that are not [n, k].
    """
    target = find_layer(network, layer)
    images = usable(images)
    with untouched(network.module):
        run = partial(_forward, network, images, target, call=call, head=head, layout=layout)
        cut, linear, last, logits = run()
        if cut.calls == 0 or (cut.leaf is not None and not torch.is_grad_enabled()):
            # The network has its own `no_grad` or `enable_grad` block around the layer; leaving it put back
            # the mode it had found: gradients off for the rest. What is found switched on is put back so.
            # Or the layer did not run: torch's transformer layers pass theirs by where gradients are off.
            with torch.enable_grad():
                cut, linear, last, logits = run()
    leaf = cut.result(layer, images)
    return Capture(
        network=network,
        images=images,
        layer=layer,
        leaf=leaf,
        logits=checked_logits(logits, images),
        output=last.output,
        head=linear.head,
        layout=layout,
    )


def pixels(network: Network, images: Tensor) -> Capture:
    """Run the network once and cut at the images themselves: `activations` are the pixels [n, 3, h, w].

    The network is handed back as by `capture`. Holds the graph of a whole forward while it lives.
    """
    images = usable(images)
    last = Last()
    with untouched(network.module), torch.enable_grad(), _hooked([(network.module, last)]):
        leaf = images.clone().requires_grad_()
        # A clone goes in: networks may work on their input in place.
        logits = checked_logits(network.logits(leaf.clone()), images)
    return Capture(network=network, images=images, layer=PIXELS, leaf=leaf, logits=logits, output=last.output)


def observe(network: Network, images: Tensor, *, layer: str, call: int | None = None) -> Capture:
    """Run the network once without a graph; `activations` are what the module put out, of any shape.

    The network is handed back as by `capture`. Raises `MapError` for a module that does not exist, does
    not run, runs several times without `call`, or does not put out a float tensor.
    """
    target = find_layer(network, layer)
    images = usable(images)
    look, last = Look(call), Last()
    with untouched(network.module), _hooked([(target, look), (network.module, last)]):
        logits = checked_logits(network.logits(images), images)
    leaf = look.result(layer)
    return Capture(network=network, images=images, layer=layer, leaf=leaf, logits=logits, output=last.output)


def ask(network: Network, images: Tensor, target: Target) -> Tensor:
    """The scores [n] of other images [n, 3, h, w]; differentiable where gradients are on.

    To be called under `untouched(network.module)`, so that many questions put the network back once.
    """
    last = Last()
    with _hooked([(network.module, last)]):
        logits = checked_logits(network.logits(images), images)
    return score(target, logits, last.output)


def find_layer(network: Network, name: str) -> nn.Module:
    """The module of that name; `MapError` with a suggestion where there is none."""
    try:
        if name:
            return network.module.get_submodule(name)
    except AttributeError:
        pass
    names = [known for known, _ in network.module.named_modules() if known]
    raise MapError(
        f"the network has no layer {name!r}{did_you_mean(name, names)}",
        hint='"layer: auto" picks the last spatial layer'
        + (
            f"; the outermost layers are: {', '.join(known for known in names if '.' not in known)}"
            if names
            else ""
        ),
    )


def _forward(
    network: Network,
    images: Tensor,
    target: nn.Module,
    *,
    call: int | None,
    head: bool,
    layout: Layout | None,
) -> tuple[Cut, LastLinear, Last, Any]:
    cut, linear, last = Cut(call, layout), LastLinear(), Last()
    layers = [item for item in network.module.modules() if isinstance(item, nn.Linear)] if head else []
    with _hooked([(target, cut), *((item, linear) for item in layers), (network.module, last)]):
        return cut, linear, last, network.logits(images)


@contextmanager
def _hooked(pairs: Iterable[tuple[nn.Module, Callable[..., Any]]]) -> Iterator[None]:
    """Forward hooks that hear this thread only, and are gone afterwards."""
    owner = threading.get_ident()

    def mine(hook: Callable[..., Any]) -> Callable[..., Any]:
        return lambda *call: hook(*call) if threading.get_ident() == owner else None

    handles = []
    try:
        for module, hook in pairs:
            handles.append(module.register_forward_hook(mine(hook)))
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _guided(start: Tensor) -> Iterator[None]:
    """Let every ReLU behind `start` hand on positive gradients only, for the time of the block.

    The graph knows every ReLU that ran: module or function, in place or not. The network is not changed.
    """
    handles = [node.register_hook(_positive) for node in relu_nodes(start)]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _positive(inputs: tuple[Tensor | None, ...], _outputs: Any) -> tuple[Tensor | None, ...]:
    return tuple(None if item is None else item.clamp(min=0) for item in inputs)


def trace(network: Network, images: Tensor, *, gradients: bool = False) -> tuple[Visit, ...]:
    """A dry run: every module that ran, the root left out, in the order in which they ended.

    With `gradients`, one backward tells of every output whether it reaches the logits, of which a random
    sum is taken. The network is handed back as by `capture`. All outputs are held until the end: one image
    is enough.
    """
    images = usable(images)
    watches = {name: Watch(name, module) for name, module in network.module.named_modules() if name}
    log: list[Watch] = []

    def ends(watch: Watch) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: Any, output: Any) -> None:
            watch.see(output)
            log.append(watch)

        return hook

    with untouched(network.module), torch.enable_grad() if gradients else nullcontext():
        with _hooked((watch.module, ends(watch)) for watch in watches.values()):
            # A clone goes in: networks may work on their input in place.
            logits = network.logits(images.clone().requires_grad_() * 1 if gradients else images)
        last = list({watch.name: watch for watch in reversed(log)}.values())[::-1]
        signals = _signals(checked_logits(logits, images), last) if gradients else {}
    return tuple(watch.visit(order, signals.get(watch.name)) for order, watch in enumerate(last))


def _signals(logits: Tensor, watches: list[Watch]) -> dict[str, tuple[float, ...]]:
    """How strongly each module's output speaks in a sum of the logits with random weights, by module."""
    seen = [
        watch for watch in watches if isinstance(watch.output, Tensor) and watch.output.is_floating_point()
    ]
    found: dict[str, Tensor | None] = {}
    reaching = [watch for watch in seen if watch.output.requires_grad]
    if reaching and logits.requires_grad:
        draw = torch.Generator().manual_seed(0)
        weight = torch.randn(logits.shape, generator=draw).to(logits)
        outputs = [watch.output for watch in reaching]
        gradients = torch.autograd.grad(logits, outputs, weight, allow_unused=True)
        found = dict(zip([watch.name for watch in reaching], gradients, strict=True))
    return {watch.name: strength(found.get(watch.name), watch.output) for watch in seen}
