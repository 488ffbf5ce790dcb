"""Small networks from papers that no library ships, for 32×32 images as in CIFAR-10; weights are yours.

In a spec: ``factory: camaudit.classifier.architectures:nin``. torch loads when a network is built.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def nin(classes: int = 10) -> nn.Module:
    """Network in Network (Lin et al., 2014): see `camaudit.classifier.architectures.network_in_network`."""
    from camaudit.classifier.architectures.network_in_network import NiN

    return NiN(classes)


def all_cnn(classes: int = 10) -> nn.Module:
    """All-CNN-C (Springenberg et al., 2015): see `camaudit.classifier.architectures.all_convolutional`."""
    from camaudit.classifier.architectures.all_convolutional import AllCNN

    return AllCNN(classes)
