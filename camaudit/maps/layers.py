"""Which layer to look at: the last spatial one, found by a dry run, with the reasons and the traps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from camaudit.errors import MapError
from camaudit.maps.capture import find_layer, trace
from camaudit.maps.layout import GRID, Layout
from camaudit.maps.shapes import not_running, refuse_vanished
from camaudit.maps.sights import grids, in_tokens, last_block, sequences, sight, token_sights

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.evidence import LayoutAim
    from camaudit.maps.capture import Network
    from camaudit.maps.sights import Sight
    from camaudit.maps.visit import Visit


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A layer, why it is looked at, its output's shape [1, c, u, v], and the layout that makes it so.

    `warnings` name what may make its maps mean something else than expected, `notes` what is handled
    and worth knowing.
    """

    name: str
    why: str
    shape: tuple[int, ...]
    layout: Layout = GRID
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def auto_layer(network: Network, images: Tensor, wanted: LayoutAim = "auto") -> Chosen:
    """The last module in forward order that has parameters and puts out a grid of more than one cell.

    Of a block and its last module the block is taken (it ends later); the root is left out. A module
    that runs once is preferred. One forward on the first of the images [n, 3, h, w].

    A transformer is looked at in tokens or with its channels last, as `wanted` says or as its outputs
    tell. One more forward and a backward find the last place from which tokens with a place reach the
    logits: behind the last attention of a network with a class token, none do. A closing norm is passed
    over for the block before it.

    Raises `MapError` where no layer fits, where tokens fit no grid or several, and where no gradient
    arrives at any token; and for a network that answers per pixel or box (it has `scores`): its last grid is
    the answer itself, on which any map would look right.
    """
    network, images = _first(network, images)
    visits = trace(network, images)
    if getattr(network, "scores", None) is not None:
        raise _answers_itself(network, grids(visits, images, "auto"))
    if in_tokens(network.module, visits, images, wanted):
        return _in_tokens(network, images, wanted)
    found = grids(visits, images, wanted)
    if not found:
        raise MapError(
            f"no layer with parameters puts out a grid [n, c, h, w]; seen: {_seen(visits)}",
            hint="larger images may help where all grids are 1×1; else name a layer that puts out a grid",
        )
    chosen = next((item for item in reversed(found) if item.visit.calls == 1), found[-1])
    if chosen.layout.kind == "channels_last":
        chosen = last_block(network.module, chosen, found)
    warnings = (
        *_warnings(network, chosen),
        *_passed_over(chosen, found[-1]),
        *_collapsed(network, chosen, visits),
        *_tokens(chosen, visits, images),
    )
    return _chosen(
        chosen, f"the last layer with parameters that puts out a grid ({chosen.text})", warnings=warnings
    )


def describe_layer(network: Network, images: Tensor, name: str, wanted: LayoutAim = "auto") -> Chosen:
    """The layer that a user named, with the same warnings as `auto_layer`.

    Raises `MapError` where the network has no such layer, where it does not run, where its output cannot
    be read as a grid, and where gradients reach its class token (or others without a place) alone.
    """
    find_layer(network, name)
    network, images = _first(network, images)
    visits, visit = _visited(network, images, name)
    if visit.shape is None and visit.tokens is None:
        raise MapError(
            f"puts out {visit.output}; a map needs a float tensor [n, c, h, w], or tokens in a known layout",
            where=f"layer {name!r}",
            hint='name a convolution, a block of them, or "auto"',
        )
    if visit.tokens is not None and visit.signal is None:
        visits, visit = _visited(network, images, name, gradients=True)
    seen = sight(visit, visits, images, wanted)
    if visit.tokens is not None and not seen.reached:
        reaching = [item for item in token_sights(network.module, visits, images, wanted) if item.reached]
        instead = _last(network.module, reaching).visit.name if reaching else None
        refuse_vanished(arrives=False, elsewhere=seen.elsewhere, layer=name, instead=instead)
    warnings = (
        *_warnings(network, seen),
        *_collapsed(network, seen, visits),
        *_tokens(seen, visits, images),
    )
    return _chosen(seen, f"named in the spec ({seen.text})", warnings=warnings, name=name)


def _visited(
    network: Network, images: Tensor, name: str, *, gradients: bool = False
) -> tuple[tuple[Visit, ...], Visit]:
    visits = trace(network, images, gradients=gradients)
    visit = next((visit for visit in visits if _same_module(network, visit.name, name)), None)
    if visit is not None:
        return visits, visit
    if gradients:
        raise not_running(f"layer {name!r}")
    # torch's transformer layers pass their parts by where gradients are off.
    return _visited(network, images, name, gradients=True)


def _answers_itself(network: Network, found: Sequence[Sight]) -> MapError:
    first = next(
        (name for name, item in network.module.named_children() if next(item.parameters(), None) is not None),
        "",
    )
    body = [item.visit.name for item in found if item.visit.name.partition(".")[0] == first]
    return MapError(
        "the network answers per pixel or per box: its last grids are its answer, not what it is made of",
        where="layer 'auto'",
        hint=f"name the last layer of its backbone, such as layer: {body[-1]}"
        if body
        else "name the last layer of its backbone",
    )


def _in_tokens(network: Network, images: Tensor, wanted: LayoutAim) -> Chosen:
    visits = trace(network, images, gradients=True)
    found = token_sights(network.module, visits, images, wanted)
    reaching = [item for item in found if item.reached]
    if not reaching:
        raise MapError(
            "no gradient of the logits arrives at any token that has a place",
            where=f"layer {found[-1].visit.name!r}",
            hint="is the network's last layer all zero, as torchvision's are before training? "
            "Else name a layer by hand, or use a method that needs none, such as occlusion",
        )
    chosen = _last(network.module, reaching)
    later = [item for item in found if item.visit.order > chosen.visit.order and not item.reached]
    after = (
        f"; from {later[0].visit.name!r} on, only tokens without a place (the class token) reach the logits"
        if later
        else ""
    )
    return _chosen(
        chosen,
        f"the last layer with parameters whose patches reach the logits ({chosen.text}{after})",
        warnings=(*_warnings(network, chosen), *_passed_over(chosen, reaching[-1])),
    )


def _last(module: nn.Module, reaching: Sequence[Sight]) -> Sight:
    last = next((item for item in reversed(reaching) if item.visit.calls == 1), reaching[-1])
    return last_block(module, last, reaching)


def _chosen(seen: Sight, why: str, *, warnings: tuple[str, ...], name: str = "") -> Chosen:
    layout = (seen.layout.text,) if seen.layout.text else ()
    return Chosen(
        name=name or seen.visit.name,
        why=why,
        shape=seen.shape,
        layout=seen.layout,
        warnings=warnings,
        notes=(*layout, *_notes(seen.visit)),
    )


def every_layer(network: Network, images: Tensor, wanted: LayoutAim = "auto") -> list[tuple[str, Layout]]:
    """Every layer that has parameters, runs once and puts out a grid of more than one cell, as they ran.

    Tokens count where `auto_layer` would look at them. Two forwards and, of transformers, a backward.
    """
    network, images = _first(network, images)
    visits = trace(network, images)
    if in_tokens(network.module, visits, images, wanted):
        visits = trace(network, images, gradients=True)
        found = [*grids(visits, images, "auto"), *token_sights(network.module, visits, images, wanted)]
    else:
        found = grids(visits, images, wanted)
    return [(item.visit.name, item.layout) for item in found if item.visit.calls == 1]


def choose_layer(
    network: Network, images: Tensor, name: str, at: str = "layer", layout: LayoutAim = "auto"
) -> Chosen:
    """The layer that a spec's `layer` and `layout` mean: ``auto`` or a name. `at` is where the method looks.

    A method that looks at what a ``module`` puts out needs a name and takes any float tensor.
    """
    if at == "module":
        return _observed(network, images, name)
    if name == "auto":
        return auto_layer(network, images, layout)
    return describe_layer(network, images, name, layout)


def _first(network: Network, images: Tensor) -> tuple[Network, Tensor]:
    """One image is enough for a dry run; the network is to be asked about that one."""
    return network.rows(images.new_zeros(min(len(images), 1), dtype=torch.int64)), images[:1]


def _observed(network: Network, images: Tensor, name: str) -> Chosen:
    if name == "auto":
        raise MapError(
            "the module that puts out the map has to be named", hint="set maps.layer to its dotted name"
        )
    find_layer(network, name)
    visits = trace(*_first(network, images))
    visit = next((visit for visit in visits if _same_module(network, visit.name, name)), None)
    if visit is None:
        raise not_running(f"layer {name!r}")
    return Chosen(
        name=name, why=f"named in the spec ({visit.type}, puts out {visit.output})", shape=visit.shape or ()
    )


def _same_module(network: Network, one: str, other: str) -> bool:
    return one == other or network.module.get_submodule(one) is network.module.get_submodule(other)


def _seen(visits: Sequence[Visit]) -> str:
    outputs = dict.fromkeys(f"{visit.name} puts out {visit.output}" for visit in visits)
    return "; ".join(list(outputs)[-5:]) or "no module below the root runs"


def _tokens(seen: Sight, visits: Sequence[Visit], images: Tensor) -> tuple[str, ...]:
    tokens = sequences(visits, images) if seen.visit.shape else []
    tokens = [visit for visit in tokens if visit.order > seen.visit.order]
    if not tokens:
        return ()
    text = (
        f"{len(tokens)} layers with parameters come after {seen.visit.name!r} and put out tokens, not grids "
        f"(the last one is {tokens[-1].name!r}); what they do is seen only through the gradient"
    )
    return (text,)


def _warnings(network: Network, seen: Sight) -> tuple[str, ...]:
    found = []
    visit = seen.visit
    if visit.calls > 1:
        found.append(
            f"{visit.name!r} runs {visit.calls} times in one forward; maps.call has to choose one of them"
        )
    if seen.cells == 1:
        found.append(f"{visit.name!r} puts out 1×1: a map of one cell cannot say where")
    mixing = [name for name, item in network.module.named_modules() if _mixes_images(item)]
    if mixing:
        found.append(
            f"{mixing[0]!r} normalises with the statistics of the batch, having no others: "
            "scores and maps of an image depend on the images beside it"
        )
    return tuple(found)


def _mixes_images(module: nn.Module) -> bool:
    return isinstance(module, _BatchNorm) and module.running_mean is None


def _passed_over(chosen: Sight, latest: Sight) -> tuple[str, ...]:
    name, last = chosen.visit.name, latest.visit
    if last.calls == 1 or chosen is latest:
        return ()
    return (f"{last.name!r} comes later but runs {last.calls} times in one forward: {name!r} is taken",)


def _collapsed(network: Network, chosen: Sight, visits: Sequence[Visit]) -> tuple[str, ...]:
    """Convolutions with a window that come later and see one cell only: the images are small for them."""
    later = [
        visit.name
        for visit in visits[chosen.visit.order + 1 :]
        if _is_one_cell(visit) and _has_window(network.module.get_submodule(visit.name))
    ]
    if not later:
        return ()
    return (
        f"{later[-1]!r} comes later but puts out 1×1 at this image size; larger images would give it a grid",
    )


def _is_one_cell(visit: Visit) -> bool:
    return visit.shape is not None and visit.shape[2] * visit.shape[3] == 1


def _has_window(module: nn.Module) -> bool:
    return any(isinstance(item, nn.Conv2d) and max(item.kernel_size) > 1 for item in module.modules())


def _notes(visit: Visit) -> tuple[str, ...]:
    if not visit.modified:
        return ()
    return (
        f"a later step changes the output of {visit.name!r} in place; the map is made of what it was before",
    )
