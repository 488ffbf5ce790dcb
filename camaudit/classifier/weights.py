"""Weights from a file into a network: hashed, never unpickled freely, complete, finite."""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import torch

from camaudit.classifier.files import existing
from camaudit.errors import ModelError
from camaudit.integrity import sha256

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from torch import Tensor, nn

    from camaudit.spec.types import WeightsSpec

SHOWN = 5
"""How many names an error lists before it only counts."""

PREFIXES = ("module.", "_orig_mod.", "model.", "backbone.", "net.", "network.")
"""What `DataParallel`, `torch.compile` and training frameworks put in front of every name."""


def load_weights(module: nn.Module, spec: WeightsSpec, base: Path) -> str:
    """Fill `module` from the file that a spec names; returns the file's sha256.

    Raises `ModelError` for a missing file, another hash than the spec's, a file that is no state dict,
    tensors of another shape, missing and unexpected names (with `strict: false`: only if none fits).
    """
    path = existing(spec.path, base)
    digest = verified(path, spec)
    apply(module, read(path), strict=spec.strict, where=spec.path)
    return digest


def verified(path: Path, spec: WeightsSpec) -> str:
    """The file's sha256. Raises `ModelError` with both hashes where the spec says another one."""
    digest = sha256(path)
    if spec.sha256 is not None and digest != spec.sha256:
        raise ModelError(
            f"the weights are not those of the spec: sha256 is {digest}, the spec says {spec.sha256}",
            where=spec.path,
            hint="get the right file back, or, if the change is meant, write the new hash into the spec",
        )
    return digest


def read(path: Path) -> dict[str, Tensor]:
    """The state dict in a safetensors file, or in a torch file that `weights_only=True` can read."""
    with path.open("rb") as file:
        start = file.read(9)
    if path.suffix == ".safetensors" or start[8:] == b"{":
        return _read_safetensors(path)
    return _state_dict(_read_torch(path), path)


def apply(module: nn.Module, state: Mapping[str, Tensor], *, strict: bool, where: str) -> None:
    """Copy a state dict into a network; the network keeps its own dtype and device."""
    own = module.state_dict()
    _check_shapes(own, state, where)
    try:
        missing, unexpected = module.load_state_dict(dict(state), strict=False)
    except RuntimeError as failure:
        raise ModelError(f"the weights do not fit the network: {failure}", where=where) from failure
    if not set(own) & set(state) or (strict and (missing or unexpected)):
        raise ModelError(
            f"the weights do not fit the network: {_differences(missing, unexpected)}",
            where=where,
            hint=_prefix_hint(missing, unexpected)
            or "is this the architecture that the weights were made for?",
        )
    if missing or unexpected:
        warnings.warn(f"{where}: {_differences(missing, unexpected)} (strict: false)", stacklevel=2)


def check_finite(module: nn.Module, where: str) -> None:
    """Raise `ModelError` where a parameter or a running statistic is NaN or infinite, or was never filled.

    Other buffers may be infinite (masks of attention are), but not NaN.
    """
    broken = list(_broken(module))
    if broken:
        named = "; ".join(f"{name} has {text}" for name, text in broken[:SHOWN])
        more = f"; and {len(broken) - SHOWN} more" if len(broken) > SHOWN else ""
        raise ModelError(
            f"{len(broken)} tensors of the network are broken: {named}{more}",
            where=where,
            hint="load weights from before the training went wrong",
        )


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    try:
        tensors: dict[str, Tensor] = load_file(path)
    except (SafetensorError, ValueError, OSError) as failure:
        raise ModelError(f"this is no complete safetensors file: {failure}", where=str(path)) from failure
    return tensors


def _read_torch(path: Path) -> Any:
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except Exception as failure:  # a broken file makes torch's reader raise anything
        raise ModelError(
            f"this file cannot be read with weights_only=True, and nothing else is allowed: {_said(failure)}",
            where=str(path),
            hint="where you trust the file, load it yourself and write its tensors with "
            "safetensors.torch.save_file(state_dict, 'weights.safetensors')",
        ) from failure


def _said(failure: Exception) -> str:
    """What torch's reader found, without its advice to switch the protection off."""
    found = re.search(
        r"((?:Unsupported|Trying to)\b.+?)(?: was not an allowed global|\. Please|\n|$)", str(failure)
    )
    return found[1] if found else str(failure).strip().partition("\n")[0]


def _state_dict(content: Any, path: Path) -> dict[str, Tensor]:
    if (
        isinstance(content, Mapping)
        and content
        and all(isinstance(value, torch.Tensor) for value in content.values())
    ):
        return dict(content)
    found = f"a {type(content).__name__}"
    if isinstance(content, Mapping):
        found += (
            f" with the keys {', '.join(map(repr, list(content)[:SHOWN]))}" if content else " without entries"
        )
    raise ModelError(
        f"this file holds {found}, needed is a state dict: names and tensors",
        where=str(path),
        hint="write only the state dict, best with safetensors.torch.save_file",
    )


def _check_shapes(own: Mapping[str, Any], state: Mapping[str, Tensor], where: str) -> None:
    wrong = [
        f"{name} is {list(state[name].shape)} in the file and {list(value.shape)} in the network"
        for name, value in own.items()
        if name in state
        and isinstance(value, torch.Tensor)
        and not _lazy(value)
        and value.shape != state[name].shape
    ]
    if wrong:
        more = f"; and {len(wrong) - SHOWN} more" if len(wrong) > SHOWN else ""
        raise ModelError(
            f"{len(wrong)} tensors have another shape: {'; '.join(wrong[:SHOWN])}{more}",
            where=where,
            hint="is the number of classes, or the width of the network, another one?",
        )


def _lazy(value: Tensor) -> bool:
    return torch.nn.parameter.is_lazy(value)


def _differences(missing: Iterable[str], unexpected: Iterable[str]) -> str:
    return ", ".join(
        f"{len(names)} {word} ({', '.join(names[:SHOWN])}{', …' if len(names) > SHOWN else ''})"
        for word, names in (("missing", list(missing)), ("unexpected", list(unexpected)))
        if names
    )


def _prefix_hint(missing: Iterable[str], unexpected: Iterable[str]) -> str | None:
    """What to do where all names of one side are those of the other with a prefix."""
    lacking, extra = set(missing), set(unexpected)
    for prefix in PREFIXES:
        if _prefixed(extra, lacking, prefix):
            return f'every name in the file starts with "{prefix}": take it off and save the file anew'
        if _prefixed(lacking, extra, prefix):
            return f'the names in the file lack "{prefix}": let the factory return what lies under it'
    return None


def _prefixed(names: set[str], others: set[str], prefix: str) -> bool:
    stripped = {name.removeprefix(prefix) for name in names if name.startswith(prefix)}
    return bool(names) and len(stripped) == len(names) and bool(stripped & others)


def _broken(module: nn.Module) -> Iterator[tuple[str, str]]:
    statistics = {"running_mean", "running_var"}
    named: list[tuple[str, Tensor, bool]] = [
        (name, tensor, True) for name, tensor in module.named_parameters()
    ]
    named += [
        (name, tensor, name.rpartition(".")[2] in statistics) for name, tensor in module.named_buffers()
    ]
    for name, tensor, finite in named:
        if _lazy(tensor) or tensor.is_meta:
            yield name, "never been filled (lazy or on the meta device)"
            continue
        if not tensor.is_floating_point() and not tensor.is_complex():
            continue
        bad = ~tensor.isfinite() if finite else tensor.isnan()
        count = int(bad.sum())
        if count:
            yield name, f"{count:,} of {tensor.numel():,} values NaN{' or infinite' if finite else ''}"
