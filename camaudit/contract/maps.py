"""What every map method keeps."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camaudit.classifier import Classifier
from camaudit.contract.clause import contract, is_a, name_of, require
from camaudit.contract.network import Attended, noise, seeded
from camaudit.contract.state import require_untouched, state_of, stir
from camaudit.errors import MapError
from camaudit.maps import Method
from camaudit.maps.capture import capture, observe, pixels

if TYPE_CHECKING:
    from collections.abc import Callable

    from torch import nn

    from camaudit.contract.clause import Contract
    from camaudit.maps.capture import Capture

TARGETS = torch.tensor([0, 1, 4, 1])
LAYER = "relu2"
"""Every method admits it: its output is pooled and goes into one linear layer."""
MODULE = "look"
SIZES = ((12, 12), (9, 14))


class LostError(RuntimeError):
    """What a network raises in the middle of a method."""


class Breaks(Attended):
    """A network that runs so many times, and raises the next time."""

    left = 0

    def forward(self, x: Tensor) -> Tensor:
        """Logits, as long as there are calls left."""
        self.left -= 1
        if self.left < 0:
            raise LostError
        return super().forward(x)


@dataclass(frozen=True, kw_only=True)
class _Case:
    method: Method
    signed: bool
    targeted: bool

    def run(
        self,
        images: Tensor,
        targets: Tensor,
        module: nn.Module | None = None,
        layer: str = LAYER,
    ) -> Tensor:
        """The raw maps, in the modes that the engine calls a method in."""
        network = Classifier(module=seeded(Attended) if module is None else module)
        found = self._captured(network, images, layer)
        with torch.inference_mode(mode=False), torch.no_grad():
            raw: Tensor = self.method.load()(found, targets)
        return raw

    def _captured(self, network: Classifier, images: Tensor, layer: str) -> Capture:
        if self.method.at == "pixels":
            return pixels(network, images)
        if self.method.at == "module":
            return observe(network, images, layer=MODULE)
        return capture(network, images, layer=layer, head=self.method.head)

    def entry(self) -> None:
        is_a(self.method, Method)
        require(self.method.name, "its name is empty")
        require(self.method.title, "its title is empty: it stands in reports")
        require(self.method.source, "its source is empty: say where the formula is from")
        require(self.method.at in {"layer", "pixels", "module"}, f"at is {self.method.at!r}")
        require(callable(self.method.load()), f"{self.method.function} is no function")

    def shape(self) -> None:
        for size in SIZES:
            images = noise(3, size)
            raw: Any = self.run(images, TARGETS[:3])
            require(isinstance(raw, Tensor), f"it returned {type(raw).__name__}, not a tensor")
            grid = ((size[0] + 1) // 2, (size[1] + 1) // 2)
            sizes = {"layer": (grid, size), "pixels": (size,), "module": (grid, size)}[self.method.at]
            allowed = [(3, *own) for own in sizes]
            text = " or ".join(str(list(own)) for own in allowed)
            require(
                tuple(raw.shape) in allowed, f"maps are {list(raw.shape)} for 3 images, needed are {text}"
            )
            require(raw.dtype == torch.float32, f"maps are {raw.dtype} for images in float32")
            require(raw.device == images.device, f"maps are on {raw.device}, images on {images.device}")
            require(
                not raw.requires_grad, "maps hang on a graph, which keeps the network's memory: detach them"
            )
            require(raw.isfinite().all(), "maps hold NaN or infinity where gradients arrive")

    def twice(self) -> None:
        first = self.run(noise(), TARGETS)
        stir()
        second = self.run(noise(), TARGETS)
        require(torch.equal(first, second), "two calls with the same input differ: seed what is drawn")

    def looks(self) -> None:
        one, other = self.run(noise(), TARGETS), self.run(noise(), TARGETS.roll(1))
        same = torch.allclose(one[0], other[0])
        if self.targeted:
            require(not same, "the map of one image is the same for two classes")
        else:
            require(same, "the map of one image differs between two classes, and targeted=False was said")
        require(not torch.allclose(one[1], one[3]), "the maps of two images are the same for one class")

    def raw(self) -> None:
        found = [self.run(noise(), torch.full((4,), target), layer=layer) for layer, target in self._places()]
        maps = [raw for group in found for raw in group]
        require(maps, "it refused every layer")
        require(any((raw > 0).any() for raw in maps), "no map holds positive evidence")
        negative = any((raw < 0).any() for raw in maps)
        if self.signed:
            require(negative, "no map holds negative evidence: relu is a later, named step")
        else:
            require(not negative, "maps hold negative values, and signed=False was said")
        peaks = torch.stack([raw.abs().amax() for raw in maps])
        even = torch.allclose(peaks, peaks[:1], rtol=1e-4, atol=0)
        require(not even, "all maps have the same peak: raw maps are not normalised")

    def _places(self) -> list[tuple[str, int]]:
        layers = ["stem", LAYER] if self.method.at == "layer" else [LAYER]
        usable = []
        for layer in layers:
            # Some methods need the pooled layer, and refuse others.
            with suppress(MapError):
                self.run(noise(1), TARGETS[:1], layer=layer)
                usable.append(layer)
        return [(layer, target) for layer in usable for target in range(5)]

    def alone(self) -> None:
        images = noise()
        together = self.run(images, TARGETS)
        for row in range(len(images)):
            own = self.run(images[row : row + 1], TARGETS[row : row + 1])[0]
            far = float((own - together[row]).abs().max())
            close = torch.allclose(own, together[row], rtol=1e-5, atol=1e-7)
            require(close, f"the map of image {row} alone and in a batch differ by up to {far:.3g}")

    def modes(self) -> None:
        module = seeded(Attended)
        wanted = self.run(noise(), TARGETS, module)
        with torch.inference_mode():
            found = self.run(noise().clone(), TARGETS, module)
        require(torch.allclose(found, wanted, rtol=1e-5, atol=1e-7), "maps differ under inference_mode")
        module.requires_grad_(requires_grad=False)
        with torch.no_grad():
            found = self.run(noise(), TARGETS, module)
        text = "maps of a network with frozen parameters differ"
        require(torch.allclose(found, wanted, rtol=1e-5, atol=1e-7), text)
        require(not any(item.requires_grad for item in module.parameters()), "it unfroze parameters")

    def weighted(self) -> None:
        rows = torch.nn.functional.one_hot(TARGETS, 5).float()
        found, wanted = self.run(noise(), rows), self.run(noise(), TARGETS)
        text = "weights [n, k] on the logits that pick a class give another map than the class"
        require(torch.allclose(found, wanted, rtol=1e-4, atol=1e-6), text)

    def untouched(self) -> None:
        module, images = seeded(Attended).train(), noise()
        module.norm.eval()  # a mix of flags
        before, pixels_before = state_of(module), images.clone()
        self.run(images, TARGETS, module)
        require_untouched(before, module, "it")
        require(torch.equal(images, pixels_before), "it changed the images in place")

    def raising(self) -> None:
        for calls in range(3):
            module = seeded(Breaks).train()
            module.left = calls
            before = state_of(module)
            with suppress(LostError):
                self.run(noise(), TARGETS, module)
            require_untouched(before, module, f"a network that raised in its forward number {calls + 1}")


def of_map(method: Method, *, signed: bool = True, targeted: bool = True) -> Contract:
    """What a map method keeps: raw maps [n, u, v] of the image and the target alone, on a small network.

    `signed=False` says that its maps are never negative by their formula, `targeted=False` that they do not
    depend on the target. Clauses: the entry; shape and type; the same twice; another map for another image
    and target; neither relu nor normalisation; an image's map by itself; frozen networks and inference mode;
    weights on the logits as a target; network, images, chance and modes as they were, also where the network
    raises.
    """
    case = _Case(method=method, signed=signed, targeted=targeted)
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("shape and type", case.shape),
        ("the same twice", case.twice),
        ("looks at image and target", case.looks),
        ("raw maps", case.raw),
        ("each image by itself", case.alone),
        ("frozen networks and inference mode", case.modes),
        ("weights as a target", case.weighted),
        ("network and images untouched", case.untouched),
        ("network untouched after it raised", case.raising),
    ]
    return contract(f"map method {name_of(method)}", clauses)
