"""Sorting and ranks in a batch."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def midranks(values: Tensor) -> Tensor:
    """Ranks from 1 of every row of [n, N], ties sharing the mean of the ranks they take; float64 [n, N]."""
    order = _order(values)
    starts, ends = _runs(values.gather(1, order))
    middle = (starts + ends).double() / 2 + 1
    return torch.empty_like(middle).scatter_(1, order, middle)


def ascending(values: Tensor) -> Tensor:
    """Every row of [n, N] sorted."""
    # On CPUs NumPy's vectorised sort is some 15 times faster than torch's, which carries the indices along.
    if values.device.type == "cpu":
        return torch.from_numpy(np.sort(values.numpy(), axis=1))
    return values.sort(dim=1).values


def _order(values: Tensor) -> Tensor:
    if values.device.type == "cpu":
        return torch.from_numpy(np.argsort(values.numpy(), axis=1))
    return values.argsort(dim=1)


def _runs(ordered: Tensor) -> tuple[Tensor, Tensor]:
    """First and last position of the run of equal values that each position of a sorted row lies in."""
    n, length = ordered.shape
    position = torch.arange(length, device=ordered.device).expand(n, length)
    new = torch.ones_like(ordered, dtype=torch.bool)
    new[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    starts = torch.where(new, position, 0).cummax(dim=1).values
    last = torch.ones_like(new)
    last[:, :-1] = new[:, 1:]
    ends = torch.where(last, position, length).flip(1).cummin(dim=1).values.flip(1)
    return starts, ends
