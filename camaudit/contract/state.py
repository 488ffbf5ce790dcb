"""What a member could change of a network, of chance and of torch, and in words what it did change."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.contract.clause import require

if TYPE_CHECKING:
    from torch import nn


def state_of(module: nn.Module) -> dict[str, object]:
    """Everything that has to come back, by what it is called."""
    modules, parameters = list(module.modules()), list(module.parameters())
    tables = [table for item in modules for table in (item._parameters, item._buffers)]  # noqa: SLF001 - shared ones too
    gradients = [None if item.grad is None else (id(item.grad), item.grad.tolist()) for item in parameters]
    return {
        "the training flags": [item.training for item in modules],
        "the hooks": [
            (len(item._forward_hooks), len(item._forward_pre_hooks), len(item._backward_hooks))  # noqa: SLF001
            for item in modules
        ],
        "which parameters need a gradient": [item.requires_grad for item in parameters],
        "the gradients (.grad)": gradients,
        "which tensors it holds": [(name, id(item)) for table in tables for name, item in table.items()],
        "the weights or buffers": [item.tolist() for item in module.state_dict().values()],
        "Python's random state": random.getstate(),
        "NumPy's random state": np.random.get_state()[1].tolist(),  # type: ignore[index] # noqa: NPY002
        "torch's random state": torch.get_rng_state().tolist(),
        "whether gradients are on": torch.is_grad_enabled(),
    }


def stir() -> None:
    """Move the global random states on: what draws from them gives something else than before."""
    random.random()  # noqa: S311 - no secret
    np.random.random()  # noqa: NPY002 - the global one is meant
    torch.rand(3)


def require_untouched(before: dict[str, object], module: nn.Module, after: str) -> None:
    """Require that everything is as it was before."""
    now = state_of(module)
    changed = [name for name, value in before.items() if now[name] != value]
    require(not changed, f"{after} changed: {', '.join(changed)}")
