"""One hash for all that a network has learned."""

from __future__ import annotations

import hashlib
import json
import pickle
from typing import TYPE_CHECKING, Any

import torch

if TYPE_CHECKING:
    from torch import Tensor, nn


def fingerprint(module: nn.Module, context: str = "") -> str:
    """sha256 over the state dict in order of name (names, dtypes, shapes, bytes) and `context`.

    The same on every device. Two networks of one fingerprint may still differ in code.
    """
    digest = hashlib.sha256()
    for name, value in sorted(module.state_dict().items()):
        digest.update(json.dumps([name, *_header(value)]).encode())
        digest.update(_content(value))
    digest.update(json.dumps(context).encode())
    return digest.hexdigest()


def _header(value: Any) -> tuple[Any, ...]:
    if isinstance(value, torch.Tensor):
        return str(value.dtype), list(value.shape)
    return (type(value).__qualname__,)


def _content(value: Any) -> bytes | memoryview:
    """A tensor's bytes; of anything else (`get_extra_state`) its pickle, which is only hashed."""
    if not isinstance(value, torch.Tensor):
        return pickle.dumps(value)
    return _bytes(value.dequantize() if value.is_quantized else value)


def _bytes(tensor: Tensor) -> memoryview:
    dense = tensor.to_dense() if tensor.layout != torch.strided else tensor
    flat = dense.detach().cpu().contiguous().reshape(-1)
    return flat.view(torch.uint8).numpy().data
