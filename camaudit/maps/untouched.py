"""A network that comes back as it was, whatever happens in between."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor, nn

_locks: WeakKeyDictionary[nn.Module, threading.RLock] = WeakKeyDictionary()
_locks_lock = threading.Lock()


@contextmanager
def untouched(module: nn.Module, modules: Sequence[nn.Module] | None = None) -> Iterator[None]:
    """Run a network in eval mode without a graph, and put back all that this may change.

    Put back: the training flag of every module one by one, buffers, the random states of the CPU and
    of every GPU in use, grad and inference mode, autocast's cache. One at a time per network: threads wait.
    `modules` are all modules of the network, for those who have listed them already.
    """
    with (
        _lock_of(module),
        torch.inference_mode(mode=False),
        torch.no_grad(),
        _random_states(),
        _autocast_uncached(),
    ):
        modules = list(module.modules()) if modules is None else list(modules)
        flags = [item.training for item in modules]
        buffers = _snapshot(modules)
        try:
            for item, training in zip(modules, flags, strict=True):
                # Not `eval()`: networks override it, and what they do there could not be put back.
                if training:
                    item.training = False
            yield
        finally:
            for item, training in zip(modules, flags, strict=True):
                if item.training is not training:
                    item.training = training
            _restore(buffers)


def _lock_of(module: nn.Module) -> threading.RLock:
    with _locks_lock:
        return _locks.setdefault(module, threading.RLock())


@contextmanager
def _random_states() -> Iterator[None]:
    devices = range(torch.cuda.device_count()) if torch.cuda.is_initialized() else range(0)  # type: ignore[no-untyped-call]
    state, states = torch.get_rng_state(), [torch.cuda.get_rng_state(device) for device in devices]
    try:
        yield
    finally:
        torch.set_rng_state(state)
        for device, kept in zip(devices, states, strict=True):
            torch.cuda.set_rng_state(kept, device)


@contextmanager
def _autocast_uncached() -> Iterator[None]:
    # Weights cast while gradients are off would stay in the cache of the caller's autocast, cut off
    # from their parameters, and a training step in the same block would miss their gradients.
    enabled = torch.is_autocast_cache_enabled()
    torch.set_autocast_cache_enabled(False)
    try:
        yield
    finally:
        torch.set_autocast_cache_enabled(enabled)


_Kept = tuple["nn.Module", str, "Tensor", int, "Tensor"]


def _snapshot(modules: list[nn.Module]) -> list[_Kept]:
    # In eval mode torch's own modules leave their buffers alone, and a copy of each would cost time.
    return [
        (item, name, buffer, buffer._version, buffer.clone())  # noqa: SLF001 - the only counter of in-place changes
        for item in modules
        if not type(item).__module__.startswith("torch.nn.modules.")
        for name, buffer in item._buffers.items()  # noqa: SLF001 - `named_buffers` leaves out shared ones
        if buffer is not None and not buffer.is_inference()
    ]


def _restore(buffers: list[_Kept]) -> None:
    for item, name, buffer, version, values in buffers:
        if buffer._version != version:  # noqa: SLF001 - see `_snapshot`
            buffer.copy_(values)
        if item._buffers.get(name) is not buffer:  # noqa: SLF001 - assignment would register it anew
            item._buffers[name] = buffer  # noqa: SLF001
