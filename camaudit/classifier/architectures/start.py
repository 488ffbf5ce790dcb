"""How the parameters of the architectures here start: He's initialisation, biases zero."""

from __future__ import annotations

from torch import nn


def drawn(module: nn.Module) -> None:
    """Draw all convolutions' weights by fan-in for ReLU (He et al., ICCV 2015); biases become zero."""
    for item in module.modules():
        if isinstance(item, nn.Conv2d):
            nn.init.kaiming_normal_(item.weight, nonlinearity="relu")
            if item.bias is not None:
                nn.init.zeros_(item.bias)
