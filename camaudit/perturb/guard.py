"""A network that survives an attack as it was: attacks are other people's code and change what they like."""

from __future__ import annotations

import random
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping

    from torch import Tensor, nn


@contextmanager
def guarded(module: nn.Module, seed: int | None = None) -> Iterator[None]:
    """Freeze a network's parameters for an attack, and put everything back afterwards, whatever it raises.

    Put back: the values of parameters and buffers and which tensors they are, `requires_grad` and `.grad` of
    every parameter, the training flag of every module one by one, grad mode, cuDNN's flags, and the random
    states of torch, NumPy and Python. Inside, gradients are on (an attack takes them with respect to pixels)
    and, with `seed`, all three random states start from it.

    Not for several threads on one network: frozen parameters are seen by all of them.
    """
    modules = tuple(module.modules())
    state = _State.of(module)
    with ExitStack() as stack:
        stack.enter_context(_random_states())
        stack.enter_context(_cudnn_flags())
        stack.callback(state.restore)
        for parameter in module.parameters():
            parameter.requires_grad_(False)  # noqa: FBT003 - torch names it otherwise
        for item in modules:
            # Not `eval()`: networks override it, and what they do there could not be put back.
            item.training = False
        if seed is not None:
            _seed(seed)
        stack.enter_context(torch.inference_mode(mode=False))
        stack.enter_context(torch.enable_grad())
        yield


@dataclass(frozen=True, kw_only=True)
class _Kept:
    """One tensor of a module: where it hangs, which it is, and what it held."""

    table: MutableMapping[str, Any]
    name: str
    tensor: Tensor
    values: Tensor
    requires_grad: bool
    grad: Tensor | None
    grad_values: Tensor | None

    @classmethod
    def of(cls, table: MutableMapping[str, Any], name: str, tensor: Tensor) -> _Kept:
        grad = tensor.grad
        return cls(
            table=table,
            name=name,
            tensor=tensor,
            values=tensor.detach().clone(),
            requires_grad=tensor.requires_grad,
            grad=grad,
            grad_values=None if grad is None else grad.detach().clone(),
        )

    def restore(self) -> None:
        _put_back(self.tensor, self.values)
        if self.grad is not None and self.grad_values is not None:
            _put_back(self.grad, self.grad_values)
        self.tensor.requires_grad_(self.requires_grad)
        self.tensor.grad = self.grad
        self.table[self.name] = self.tensor


@dataclass(frozen=True, kw_only=True)
class _State:
    flags: tuple[tuple[nn.Module, bool], ...]
    tensors: tuple[_Kept, ...]

    @classmethod
    def of(cls, module: nn.Module) -> _State:
        modules = tuple(module.modules())
        tables: list[MutableMapping[str, Any]] = [
            table
            for item in modules
            # `named_buffers` leaves out shared ones
            for table in (item._parameters, item._buffers)  # noqa: SLF001
        ]
        tensors = tuple(
            _Kept.of(table, name, tensor)
            for table in tables
            for name, tensor in table.items()
            if tensor is not None
        )
        return cls(flags=tuple((item, item.training) for item in modules), tensors=tensors)

    def restore(self) -> None:
        for item, training in self.flags:
            item.training = training
        with torch.no_grad():
            for kept in self.tensors:
                kept.restore()


def _put_back(tensor: Tensor, values: Tensor) -> None:
    # Compared first: a copy would count as an in-place change and break the graphs of others.
    if tensor.shape != values.shape or not torch.equal(tensor, values) or _signs_differ(tensor, values):
        tensor.data = values


def _signs_differ(tensor: Tensor, values: Tensor) -> bool:
    """Whether a zero has another sign: it is equal, and to the bit another network."""
    if not tensor.is_floating_point():
        return False
    return not torch.equal(tensor.signbit(), values.signbit())


@contextmanager
def _random_states() -> Iterator[None]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else range(0)  # type: ignore[no-untyped-call]
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the global one is what attacks draw from
    with torch.random.fork_rng(devices=devices):
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002 - see above


@contextmanager
def _cudnn_flags() -> Iterator[None]:
    flags = torch.backends.cudnn
    deterministic, benchmark, enabled = flags.deterministic, flags.benchmark, flags.enabled
    try:
        yield
    finally:
        flags.deterministic, flags.benchmark, flags.enabled = deterministic, benchmark, enabled


def _seed(seed: int) -> None:
    torch.manual_seed(seed)
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002 - the global one is what attacks draw from
