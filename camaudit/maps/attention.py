"""Maps that the network itself makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.errors import MapError
from camaudit.maps.shapes import accumulation_type

if TYPE_CHECKING:
    from torch import Tensor

    from camaudit.maps.capture import Capture
    from camaudit.targets import Target

GRID = 3


def attention(capture: Capture, _target: Target) -> Tensor:
    """What the named module puts out, as it is: [n, 1, u, v] or [n, u, v]; raw maps [n, u, v].

    For networks that hand on attention as a map. It is the same for every target: it shows where the network
    looks, and does not say for which answer. No gradient is computed.

    Raises `MapError` for any other shape: of several maps (heads, channels) it is not clear which is
    meant, and of a sequence of tokens not where they lie.

    Source: the network's own; the audited idea is that of Mascharka et al., Transparency by design,
    CVPR 2018.
    """
    found, n = capture.activations, len(capture.images)
    where = f"layer {capture.layer!r}"
    shape = list(found.shape)
    if found.dim() == 0 or shape[0] != n:
        raise MapError(f"puts out {shape} for {n} images; one map each is needed", where=where)
    if found.dim() == GRID + 1 and shape[1] == 1:
        found = found[:, 0]
    if found.dim() != GRID:
        raise MapError(
            f"puts out {shape}; a map is [n, u, v] or [n, 1, u, v]", where=where, hint=_hint(shape)
        )
    return found.to(accumulation_type(found))


def _hint(shape: list[int]) -> str:
    if len(shape) == GRID + 1:
        return (
            f"these are {shape[1]} maps per image (heads or channels): name the module that puts out one, or "
            "average them in the network"
        )
    if len(shape) < GRID:
        return "a row of tokens has no place: name the module that puts them on a grid"
    return "name the module that puts out one map per image"
