"""What a dry run sees of one module: its last output, how often it ran, and what of it reaches the logits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor

from camaudit.maps.shapes import describe, is_spatial, is_tokens

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, kw_only=True)
class Visit:
    """What a dry run saw of one module.

    `order` is its place among the modules by the end of its last call. `output` says what it put out
    last; `shape` is that output's where it is a float tensor [n, c, u, v], `tokens` where it is one
    [n, l, d], else None. `modified` tells whether a successor changed it in place, `parameters`
    whether the module or one below has any, `leaf` whether there is none below.

    `signal` is there where gradients were asked for and the output is a float tensor: the largest
    |gradient| of each token [l], or the largest of all; zero where none arrives.
    """

    name: str
    type: str
    output: str
    shape: tuple[int, ...] | None
    tokens: tuple[int, ...] | None
    calls: int
    order: int
    modified: bool
    parameters: bool
    leaf: bool
    signal: tuple[float, ...] | None = None


class Watch:
    """What is noted of one module in a dry run."""

    def __init__(self, name: str, module: nn.Module) -> None:
        self.name = name
        self.module = module
        self.calls = 0
        self.output: Any = None
        self.version: int | None = None

    def see(self, output: Any) -> None:
        """Note a call."""
        self.calls += 1
        self.output = output
        self.version = _version(output)

    def visit(self, order: int, signal: tuple[float, ...] | None) -> Visit:
        """What was noted."""
        return Visit(
            name=self.name,
            type=type(self.module).__name__,
            output=describe(self.output),
            shape=tuple(self.output.shape) if is_spatial(self.output) else None,
            tokens=tuple(self.output.shape) if is_tokens(self.output) else None,
            calls=self.calls,
            order=order,
            modified=_version(self.output) != self.version,
            parameters=next(self.module.parameters(), None) is not None,
            leaf=next(self.module.children(), None) is None,
            signal=signal,
        )


def strength(gradient: Tensor | None, output: Tensor) -> tuple[float, ...]:
    """The largest |gradient| of every token of an output [n, l, d], or of any other output as a whole."""
    tokens = is_tokens(output)
    if gradient is None:
        return (0.0,) * (output.shape[1] if tokens else 1)
    size = gradient.abs()
    return tuple(size.amax((0, 2)).tolist()) if tokens else (float(size.max()) if size.numel() else 0.0,)


def _version(output: Any) -> int | None:
    tracked = isinstance(output, Tensor) and not output.is_inference()
    return output._version if tracked else None  # noqa: SLF001 - the only counter of in-place changes
