"""What the hooks of a capture do: cut the graph at a layer, remember the last linear layer, look on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from camaudit.errors import MapError
from camaudit.maps.shapes import check_calls, check_shape, describe, is_spatial

if TYPE_CHECKING:
    from torch import nn

    from camaudit.maps.layout import Layout


@dataclass(frozen=True, kw_only=True)
class Head:
    """The last linear layer that ran: what went in [n, c], what came out [n, k], its weight [k, c]."""

    features: Tensor
    output: Tensor
    weight: Tensor


class Cut:
    """The hook: makes a leaf of the chosen call's output and hands a clone on."""

    def __init__(self, call: int | None, layout: Layout | None = None) -> None:
        self.call = call
        self.layout = layout
        self.calls = 0
        self.leaf: Tensor | None = None
        self.seen = ""
        self.version = 0

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> Tensor | None:
        """Note the call; a clone of the leaf in place of the chosen call's output."""
        self.calls += 1
        if self.calls - 1 != (self.call or 0):
            return None
        self.seen = describe(output)
        if not (is_spatial(output) if self.layout is None else self.layout.reads(output)):
            return None
        torch.set_grad_enabled(True)
        with torch.inference_mode(mode=False):
            plain = output.clone() if output.is_inference() else output
            self.leaf = plain.detach().requires_grad_()
            self.version = self.leaf._version  # noqa: SLF001 - the only counter of in-place changes
            return self.leaf.clone()

    def result(self, layer: str, images: Tensor) -> Tensor:
        """The leaf; `MapError` where no map can be made of what the layer did."""
        where = f"layer {layer!r}"
        check_calls(self.calls, self.call, where)
        if self.leaf is None:
            raise MapError(
                f"puts out {self.seen}; a map needs a float tensor [n, c, h, w], or tokens in a known layout",
                where=where,
                hint='name a convolution, a block of them, or "auto"',
            )
        check_shape(tuple(self.leaf.shape), tuple(images.shape), where, guess=self.layout is None)
        if self.leaf._version != self.version:  # noqa: SLF001 - see above
            raise MapError(
                "its output is modified in place under another name after it ran, so what it put out is lost",
                where=where,
                hint="name the layer before it, or the one after",
            )
        return self.leaf


class LastLinear:
    """The hook that remembers the last linear layer."""

    def __init__(self) -> None:
        self.head: Head | None = None

    def __call__(self, module: nn.Linear, args: tuple[Tensor, ...], output: Tensor) -> None:
        """Remember this one until the next one runs."""
        self.head = Head(features=args[0].detach(), output=output.detach(), weight=module.weight.detach())


class Look:
    """The hook that keeps what the chosen call put out, whatever it is, and changes nothing."""

    def __init__(self, call: int | None) -> None:
        self.call = call
        self.calls = 0
        self.output: Any = None

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> None:
        """Note the call; keep a copy of the chosen one's output."""
        self.calls += 1
        if self.calls - 1 == (self.call or 0):
            # A copy: a successor may work in place.
            self.output = output.detach().clone() if isinstance(output, torch.Tensor) else output

    def result(self, layer: str) -> Tensor:
        """The output; `MapError` where the call is missing or unclear, or where it is no float tensor."""
        where = f"layer {layer!r}"
        check_calls(self.calls, self.call, where)
        if isinstance(self.output, torch.Tensor) and self.output.is_floating_point():
            return self.output
        raise MapError(
            f"puts out {describe(self.output)}; a float tensor is needed",
            where=where,
            hint="name the module whose own output is the map",
        )


class Last:
    """The hook that remembers the root's output, graph and all."""

    def __init__(self) -> None:
        self.output: Any = None

    def __call__(self, _module: nn.Module, _args: Any, output: Any) -> None:
        """Remember it until the root runs again."""
        self.output = output


def detached(output: Any) -> Any:
    """An output without its graph: tensors, and tuples, lists and dicts of them."""
    if isinstance(output, Tensor):
        return output.detach()
    if isinstance(output, dict):
        # `type(output)`: networks hand on ordered dicts with attributes.
        copied = type(output)()
        copied.update({key: detached(value) for key, value in output.items()})
        return copied
    if isinstance(output, tuple) and hasattr(output, "_fields"):
        return type(output)(*(detached(item) for item in output))
    if isinstance(output, tuple | list):
        return type(output)(detached(item) for item in output)
    return output
