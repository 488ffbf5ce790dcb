"""A network in pixel space: it takes RGB images in [0, 1] and gives logits.

Geometry is applied where images are read, normalisation inside: everything outside works on pixels.
The names load torch when they are first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from camaudit.classifier.load import load
    from camaudit.classifier.network import Classifier, Identity
    from camaudit.classifier.preprocess import Preprocess

__all__ = ["Classifier", "Identity", "Preprocess", "load"]

_HOMES = {"Classifier": "network", "Identity": "network", "Preprocess": "preprocess", "load": "load"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'camaudit.classifier' has no attribute {name!r}")
    from importlib import import_module

    member = getattr(import_module(f"camaudit.classifier.{_HOMES[name]}"), name)
    # `load` is a function and the name of the submodule that holds it: from here on the function.
    globals()[name] = member
    return member
