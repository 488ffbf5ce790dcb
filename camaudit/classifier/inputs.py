"""What a network takes beside the image: whether it is given, and one row of it for every image."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import TYPE_CHECKING

from camaudit.errors import ModelError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor, nn

_NAMED = {Parameter.POSITIONAL_OR_KEYWORD, Parameter.KEYWORD_ONLY}


def required(module: nn.Module) -> tuple[str, ...]:
    """The parameters of its `forward` behind the image that have no default; none where it tells nothing."""
    return tuple(
        item.name for item in _parameters(module) if item.kind in _NAMED and item.default is Parameter.empty
    )


def arguments(
    module: nn.Module, inputs: Mapping[str, Tensor], images: int, *, dtype: torch.dtype, where: str
) -> dict[str, Tensor]:
    """Keyword arguments for a forward on so many images; floats in the network's own `dtype`.

    Raises `ModelError` where an input is missing, where the network takes none of that name, and where there
    is not one row per image.
    """
    missing = [name for name in required(module) if name not in inputs]
    if missing:
        raise ModelError(
            f"the network takes {', '.join(map(repr, missing))} beside the image, and is given "
            f"{', '.join(map(repr, inputs)) or 'nothing'}",
            where=where,
            hint="the data has to bring it: Sample.inputs; in Python: classifier.given({...})",
        )
    _refuse_unknown(module, inputs, where)
    for name, values in inputs.items():
        if len(values) != images:
            raise ModelError(
                f"input {name!r} has {len(values)} rows for {images} images; one each is needed",
                where=where,
                hint="where images repeat or are left out, say which rows are meant: classifier.rows(index)",
            )
    return {
        name: values.to(dtype) if values.is_floating_point() else values for name, values in inputs.items()
    }


def _refuse_unknown(module: nn.Module, inputs: Mapping[str, Tensor], where: str) -> None:
    parameters = _parameters(module)
    if any(item.kind is Parameter.VAR_KEYWORD for item in parameters):
        return
    known = [item.name for item in parameters if item.kind in _NAMED]
    for name in inputs:
        if name not in known:
            raise ModelError(
                f"the network takes no input {name!r}{did_you_mean(name, known)}; beside the image it takes "
                f"{', '.join(map(repr, known)) or 'nothing'}",
                where=where,
                hint="inputs are handed over by the names of `forward`'s parameters",
            )


def _parameters(module: nn.Module) -> tuple[Parameter, ...]:
    """Those behind the image."""
    try:
        found = tuple(signature(module.forward).parameters.values())
    except (TypeError, ValueError):  # compiled code may tell nothing
        return (Parameter("inputs", Parameter.VAR_KEYWORD),)
    star = found[:1] and found[0].kind is Parameter.VAR_POSITIONAL
    return found if star else found[1:]
