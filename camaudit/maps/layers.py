"""Which layer to look at: the last spatial one, found by a dry run, with the reasons and the traps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from camaudit.errors import MapError
from camaudit.maps.capture import find_layer, trace
from camaudit.maps.shapes import channels_last, not_running

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.maps.capture import Network, Visit


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """A layer, why it is looked at, and its output's shape [1, c, u, v].

    `warnings` name what may make its maps mean something else than expected, `notes` what is handled
    and worth knowing.
    """

    name: str
    why: str
    shape: tuple[int, ...]
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def auto_layer(network: Network, images: Tensor) -> Chosen:
    """The last module in forward order that has parameters and puts out [n, c, u, v] with u·v > 1.

    Of a block and its last module the block is taken (it ends later); the root is left out. A module
    that runs once is preferred. One forward on the first of the images [n, 3, h, w].

    Raises `MapError` where no layer fits, where channels come last, and where the network goes on in
    tokens after its very first layer (a vision transformer's patches).
    """
    images = images[:1]
    visits = trace(network, images)
    grids = [visit for visit in visits if visit.parameters and _cells(visit) > 1]
    if not grids:
        raise MapError(
            f"no layer with parameters puts out a grid [n, c, h, w]; seen: {_seen(visits)}",
            hint="larger images may help where all grids are 1×1; else name a layer that puts out a grid",
        )
    chosen = next((visit for visit in reversed(grids) if visit.calls == 1), grids[-1])
    _refuse_channels_last(grids[-1], visits, images)
    _refuse_patches(chosen, visits)
    warnings = (
        *_warnings(network, chosen),
        *_passed_over(chosen, grids[-1]),
        *_collapsed(network, chosen, visits),
        *_tokens(chosen, visits),
    )
    return Chosen(
        name=chosen.name,
        why=f"the last layer with parameters that puts out a grid ({chosen.type}, {_grid(chosen)})",
        shape=_shape(chosen),
        warnings=warnings,
        notes=_notes(chosen),
    )


def describe_layer(network: Network, images: Tensor, name: str) -> Chosen:
    """The layer that a user named, with the same warnings as `auto_layer`.

    Raises `MapError` where the network has no such layer, where it does not run, and where it does
    not put out [n, c, u, v].
    """
    find_layer(network, name)
    images = images[:1]
    visits = trace(network, images)
    visit = next((visit for visit in visits if _same_module(network, visit.name, name)), None)
    where = f"layer {name!r}"
    if visit is None:
        raise not_running(where)
    if visit.shape is None:
        raise MapError(
            f"puts out {visit.output}; a map needs a float tensor [n, c, h, w]",
            where=where,
            hint='name a convolution, a block of them, or "auto"',
        )
    if channels_last(visit.shape, tuple(images.shape)):
        _refuse_channels_last(visit, visits, images)
    return Chosen(
        name=name,
        why=f"named in the spec ({visit.type}, {_grid(visit)})",
        shape=visit.shape,
        warnings=(
            *_warnings(network, visit),
            *_collapsed(network, visit, visits),
            *_tokens(visit, visits),
        ),
        notes=_notes(visit),
    )


def choose_layer(network: Network, images: Tensor, name: str, at: str = "layer") -> Chosen:
    """The layer that a spec's `layer` means: ``auto`` or a name. `at` is where the method looks.

    A method that looks at what a ``module`` puts out needs a name and takes any float tensor.
    """
    if at == "module":
        return _observed(network, images, name)
    return auto_layer(network, images) if name == "auto" else describe_layer(network, images, name)


def _observed(network: Network, images: Tensor, name: str) -> Chosen:
    if name == "auto":
        raise MapError(
            "the module that puts out the map has to be named", hint="set maps.layer to its dotted name"
        )
    find_layer(network, name)
    visits = trace(network, images[:1])
    visit = next((visit for visit in visits if _same_module(network, visit.name, name)), None)
    if visit is None:
        raise not_running(f"layer {name!r}")
    return Chosen(
        name=name, why=f"named in the spec ({visit.type}, puts out {visit.output})", shape=visit.shape or ()
    )


def _same_module(network: Network, one: str, other: str) -> bool:
    return one == other or network.module.get_submodule(one) is network.module.get_submodule(other)


def _shape(visit: Visit) -> tuple[int, ...]:
    assert visit.shape is not None
    return visit.shape


def _cells(visit: Visit) -> int:
    return visit.shape[2] * visit.shape[3] if visit.shape else 0


def _grid(visit: Visit) -> str:
    _, channels, rows, columns = _shape(visit)
    return f"{channels} channels of {rows}×{columns}"


def _seen(visits: Sequence[Visit]) -> str:
    outputs = dict.fromkeys(f"{visit.name} puts out {visit.output}" for visit in visits)
    return "; ".join(list(outputs)[-5:]) or "no module below the root runs"


def _refuse_channels_last(last: Visit, visits: Sequence[Visit], images: Tensor) -> None:
    if not channels_last(_shape(last), tuple(images.shape)):
        return
    _, rows, columns, channels = _shape(last)
    turned = (visit.name for visit in visits if visit.shape == (len(images), channels, rows, columns))
    name = next(turned, None)
    raise MapError(
        f"puts out {list(_shape(last))} for images {list(images.shape)}: its channels come last",
        where=f"layer {last.name!r}",
        hint=f'"layer: {name}" hands the same on as [n, c, h, w]'
        if name
        else "name a layer that puts out [n, c, h, w]",
    )


def _later_tokens(chosen: Visit, visits: Sequence[Visit]) -> list[Visit]:
    later = visits[chosen.order + 1 :]
    return [visit for visit in later if visit.parameters and visit.tokens]


def _refuse_patches(chosen: Visit, visits: Sequence[Visit]) -> None:
    first = not any(visit.parameters for visit in visits[: chosen.order] if not _below(visit, chosen))
    tokens = _later_tokens(chosen, visits)
    if first and tokens:
        raise MapError(
            f"the only grid is that of the first layer, {chosen.name!r} ({_grid(chosen)}); "
            f"then the network goes on in tokens: {tokens[-1].name} puts out {tokens[-1].output}",
            hint="name a layer that puts out [n, c, h, w]; token layouts are not read",
        )


def _below(visit: Visit, block: Visit) -> bool:
    return visit.name.startswith(f"{block.name}.")


def _tokens(chosen: Visit, visits: Sequence[Visit]) -> tuple[str, ...]:
    tokens = _later_tokens(chosen, visits)
    if not tokens:
        return ()
    text = (
        f"{len(tokens)} layers with parameters come after {chosen.name!r} and put out tokens, not grids "
        f"(the last one is {tokens[-1].name!r}); what they do is seen only through the gradient"
    )
    return (text,)


def _warnings(network: Network, visit: Visit) -> tuple[str, ...]:
    found = []
    if visit.calls > 1:
        found.append(
            f"{visit.name!r} runs {visit.calls} times in one forward; maps.call has to choose one of them"
        )
    if _cells(visit) == 1:
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


def _passed_over(chosen: Visit, last: Visit) -> tuple[str, ...]:
    if chosen is last:
        return ()
    return (
        f"{last.name!r} comes later but runs {last.calls} times in one forward: {chosen.name!r} is taken",
    )


def _collapsed(network: Network, chosen: Visit, visits: Sequence[Visit]) -> tuple[str, ...]:
    """Convolutions with a window that come later and see one cell only: the images are small for them."""
    later = [
        visit.name
        for visit in visits[chosen.order + 1 :]
        if _cells(visit) == 1 and _has_window(network.module.get_submodule(visit.name))
    ]
    if not later:
        return ()
    return (
        f"{later[-1]!r} comes later but puts out 1×1 at this image size; larger images would give it a grid",
    )


def _has_window(module: nn.Module) -> bool:
    return any(isinstance(item, nn.Conv2d) and max(item.kernel_size) > 1 for item in module.modules())


def _notes(visit: Visit) -> tuple[str, ...]:
    if not visit.modified:
        return ()
    return (
        f"a later step changes the output of {visit.name!r} in place; the map is made of what it was before",
    )
