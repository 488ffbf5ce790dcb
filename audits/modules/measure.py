"""The committed network of modules."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from audits.vqa import measure

from .model import network

if TYPE_CHECKING:
    from torch import nn

FILE = Path(__file__).resolve().parent / "modules.safetensors"


def load() -> nn.Module:
    """The network with its committed weights."""
    return measure.load(network, FILE)
