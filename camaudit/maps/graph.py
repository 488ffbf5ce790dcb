"""The autograd graph behind a tensor: where its ReLUs are."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import MapError

if TYPE_CHECKING:
    from torch import Tensor
    from torch.autograd.graph import Node

OPAQUE = ("CheckpointFunctionBackward", "CompiledFunctionBackward")
"""Nodes that hide steps: reentrant checkpoints and compiled parts."""


def relu_nodes(start: Tensor) -> list[Node]:
    """Every ReLU of the graph: relu, ReLU6, ``clamp(min=0)``; module or function, in place or not.

    Raises `MapError` where there is none (guided backpropagation would be the plain gradient), and where a
    part of the graph hides its steps.
    """
    nodes = list(_nodes(start))
    hidden = next((node.name() for node in nodes if node.name().startswith(OPAQUE)), None)
    if hidden is not None:
        raise MapError(
            f"the network runs a part whose ReLUs cannot be seen ({hidden})",
            hint="hand over the network without torch.compile, with use_reentrant=False in its checkpoints",
        )
    found = [node for node in nodes if _is_relu(node)]
    if not found:
        raise MapError(
            "guided backpropagation changes what ReLUs hand back, and no ReLU runs in this network",
            hint='use "input_gradient", which is the same without ReLUs',
        )
    return found


def _nodes(start: Tensor) -> list[Node]:
    found: dict[Node, None] = {}
    waiting = [start.grad_fn]
    while waiting:
        node = waiting.pop()
        if node is not None and node not in found:
            found[node] = None
            waiting += [following for following, _ in node.next_functions]
    return list(found)


def _is_relu(node: Node) -> bool:
    name = node.name()
    if name.startswith("ReluBackward"):
        return True
    if name.startswith("HardtanhBackward"):
        return bool(getattr(node, "_saved_min_val", None) == 0)
    if name.startswith("ClampMinBackward"):
        return bool(getattr(node, "_saved_min", None) == 0)
    if name.startswith("ClampBackward"):
        return getattr(node, "_saved_min", None) == 0 and getattr(node, "_saved_max", None) is None
    return False
