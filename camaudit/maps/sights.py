"""What of a dry run a map can be made of: modules whose output can be read as a grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from camaudit.errors import MapError
from camaudit.evidence import TokenGrid
from camaudit.maps.layout import Layout, find_layout
from camaudit.maps.shapes import channels_last

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from camaudit.evidence import LayoutAim
    from camaudit.maps.layout import Size
    from camaudit.maps.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Sight:
    """A module that ran, how its output is read, and the shape [1, c, u, v] that comes of it."""

    visit: Visit
    layout: Layout
    shape: tuple[int, ...]

    @property
    def cells(self) -> int:
        """How many places its grid has."""
        return self.shape[2] * self.shape[3]

    @property
    def reached(self) -> bool:
        """Whether a gradient arrives on the grid; True where none was asked for."""
        signal = self.visit.signal
        return signal is None or any(value != 0 for value in signal[self.layout.prefix :])

    @property
    def elsewhere(self) -> bool:
        """Whether a gradient arrives at the tokens without a place."""
        return any(value != 0 for value in (self.visit.signal or ())[: self.layout.prefix])

    @property
    def text(self) -> str:
        """``LayerNorm, 768 channels of 14×14``."""
        _, channels, rows, columns = self.shape
        return f"{self.visit.type}, {channels} channels of {rows}×{columns}"


def sight(visit: Visit, visits: Sequence[Visit], images: Tensor, wanted: LayoutAim) -> Sight:
    """How a module's float output of three or four dimensions is read. `MapError` where it cannot be."""
    shape = visit.shape or visit.tokens
    assert shape is not None
    size = (images.shape[2], images.shape[3])
    where = f"layer {visit.name!r}"
    layout = find_layout(wanted, shape, size, patches=_patches(visit, visits, images), where=where)
    return Sight(visit=visit, layout=layout, shape=layout.shape(shape, size, where))


def _patches(visit: Visit, visits: Sequence[Visit], images: Tensor) -> list[Size]:
    """Grids that the network went through before, the latest first."""
    shapes = [earlier.shape for earlier in visits[: visit.order] if earlier.parameters and earlier.shape]
    found = [
        (shape[2], shape[3])
        for shape in shapes
        if shape[0] == len(images) and not channels_last(shape, tuple(images.shape))
    ]
    return [grid for grid in dict.fromkeys(reversed(found)) if grid[0] * grid[1] > 1]


def grids(visits: Sequence[Visit], images: Tensor, wanted: LayoutAim) -> list[Sight]:
    """Modules with parameters that put out [1, c, u, v] or [1, u, v, c] with u·v > 1, as they ran."""
    if not isinstance(wanted, str) or wanted == "tokens":
        return []
    fitting = [
        visit for visit in visits if visit.parameters and visit.shape and visit.shape[0] == len(images)
    ]
    return [found for item in fitting if (found := sight(item, visits, images, wanted)).cells > 1]


def sequences(visits: Sequence[Visit], images: Tensor) -> list[Visit]:
    """Modules with parameters that put out tokens [1, l, c] after the last grid, as they ran."""
    last = max((item.visit.order for item in grids(visits, images, "auto")), default=-1)
    later = visits[last + 1 :]
    return [
        visit
        for visit in later
        if visit.parameters and visit.tokens and visit.tokens[0] == len(images) and visit.tokens[1] > 1
    ]


def in_tokens(module: nn.Module, visits: Sequence[Visit], images: Tensor, wanted: LayoutAim) -> bool:
    """Whether it is tokens that a map should be made of.

    They are where the user says so, and where there is no grid; and of a network that goes on in tokens
    after its last grid where that grid is the first convolution's (a vision transformer's patches) or where
    the tokens are its cells, with a class token or without (a transformer on a convolutional body). Other
    sequences, such as the words of a caption, are none of the image's.
    """
    if wanted == "tokens" or isinstance(wanted, TokenGrid):
        return True
    later = sequences(visits, images) if wanted == "auto" else []
    places = grids(visits, images, "auto")
    if not later or not places:
        return bool(later)
    lengths = {visit.tokens[1] - places[-1].cells for visit in later if visit.tokens}
    return bool(lengths & {0, 1}) or sum(_is_weighted(module, item.visit) for item in places) == 1


def _is_weighted(module: nn.Module, visit: Visit) -> bool:
    """Whether it is a layer of its own with weights, such as a convolution; norms scale channels only."""
    parameters = module.get_submodule(visit.name).parameters(recurse=False)
    return visit.leaf and any(parameter.dim() > 1 for parameter in parameters)


def token_sights(
    module: nn.Module, visits: Sequence[Visit], images: Tensor, wanted: LayoutAim
) -> list[Sight]:
    """The places of a transformer that hand features on, as they ran; bare projections are left out.

    A linear layer alone puts out queries, keys, values or hidden units; it counts where nothing else is.
    Raises `MapError` where no token output can be read as a grid.
    """
    found, problem = [], None
    for visit in sequences(visits, images):
        try:
            found.append(sight(visit, visits, images, wanted))
        except MapError as error:
            problem = error
    if not found:
        raise problem or MapError(
            "no layer with parameters puts out tokens [n, l, c]", hint='use "layout: auto"'
        )
    return [item for item in found if not _is_weighted(module, item.visit)] or found


def last_block(module: nn.Module, chosen: Sight, found: Sequence[Sight]) -> Sight:
    """The block before a closing norm: the norm only scales channels of what the last block puts out."""
    before = [item for item in found if item.visit.order < chosen.visit.order]
    norm = chosen.visit.leaf and not _is_weighted(module, chosen.visit)
    if norm and before and before[-1].reached and not before[-1].visit.leaf:
        siblings = _parent(before[-1].visit.name) == _parent(chosen.visit.name)
        if siblings and before[-1].shape == chosen.shape:
            return before[-1]
    return chosen


def _parent(name: str) -> str:
    return name.rpartition(".")[0]
