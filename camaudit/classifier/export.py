"""Exported programs (``.pt2``): checked before they are read, with the names of their submodules kept."""

from __future__ import annotations

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any

import torch

from camaudit.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from torch import nn
    from torch.export import ExportedProgram
    from torch.fx import Graph, Node

OBJECTS = ("custom_obj_", "opaque_obj_")
"""Starts of the names under which an archive keeps pickled Python objects."""
TRAINING = {"training", "train"}
"""What torch's operators call the argument that switches batch statistics and dropout on."""


def load_export(path: Path, device: str) -> nn.Module:
    """The network in a ``.pt2`` file, taken apart again into the modules that it was exported from.

    Raises `ModelError` for a file that is no exported program, holds pickled Python objects, was
    exported for one batch size only or for another input than one image batch, or in training mode.
    """
    _refuse_objects(path)
    try:
        program = torch.export.load(path)
    except Exception as failure:
        raise ModelError(
            f"this is no exported program that torch {torch.__version__} reads: {_first_line(failure)}",
            where=str(path),
            hint="write it with torch.export.save, with a torch no newer than this one",
        ) from failure
    _check_input(program, path)
    _check_mode(program, path)
    if torch.device(device).type != "cpu":
        from torch.export.passes import move_to_device_pass

        program = move_to_device_pass(program, device)
    network: nn.Module = torch.export.unflatten(program)
    _forget_examples(network)
    return network


def _refuse_objects(path: Path) -> None:
    """Reading an archive unpickles what it holds; let nothing but plain tensors through."""
    try:
        with zipfile.ZipFile(path) as archive:
            odd = next(_pickled(archive), None)
    except (zipfile.BadZipFile, json.JSONDecodeError, UnicodeDecodeError) as failure:
        raise ModelError(
            f"this is no exported program: {failure}",
            where=str(path),
            hint="write it with torch.export.save(torch.export.export(…), path)",
        ) from failure
    if odd is not None:
        raise ModelError(
            f"the archive holds pickled Python objects ({odd}), which could run any code",
            where=str(path),
            hint="export a network of plain tensors and torch operators",
        )


def _pickled(archive: zipfile.ZipFile) -> Iterator[str]:
    for name in archive.namelist():
        flagged = name.endswith(".json") and any(_flagged(json.loads(archive.read(name))))
        objects = name.endswith(".pt") and not _plain(archive.read(name))
        if flagged or objects or name.rpartition("/")[2].startswith(OBJECTS):
            yield name


def _flagged(value: Any) -> Iterator[bool]:
    if isinstance(value, dict):
        if value.get("use_pickle"):
            yield True
        value = list(value.values())
    if isinstance(value, list):
        for item in value:
            yield from _flagged(item)


def _plain(content: bytes) -> bool:
    if not content:
        return True
    try:
        torch.load(io.BytesIO(content), weights_only=True)
    except Exception:  # noqa: BLE001 - whatever it is that cannot be read, it is no plain tensor
        return False
    return True


def _check_input(program: ExportedProgram, path: Path) -> None:
    names = program.graph_signature.user_inputs
    values = [
        node.meta["val"] for node in program.graph.nodes if node.op == "placeholder" and node.name in names
    ]
    if len(values) != 1 or not isinstance(values[0], torch.Tensor):
        raise ModelError(f"the program takes {len(names)} inputs, needed is one: the images", where=str(path))
    batch = values[0].shape[0] if values[0].dim() else 1
    if isinstance(batch, int):
        raise ModelError(
            f"the program was exported for batches of {batch} only",
            where=str(path),
            hint='export it with dynamic_shapes=({0: torch.export.Dim("batch")},)',
        )


def _check_mode(program: ExportedProgram, path: Path) -> None:
    for node in program.graph.nodes:
        if node.op == "call_function" and _trains(node):
            raise ModelError(
                f"{node.target} ({node.name}) uses the batch's statistics or drops values at random",
                where=str(path),
                hint="call .eval() on the network before torch.export.export",
            )


def _trains(node: Node) -> bool:
    schema = getattr(node.target, "_schema", None)
    if schema is None:
        return False
    names = [argument.name for argument in schema.arguments]
    given = {**dict(zip(names, node.args, strict=False)), **node.kwargs}
    return any(given.get(name) is True for name in TRAINING)


def _forget_examples(network: nn.Module) -> None:
    """Drop the symbolic example values of every step: a network that holds them cannot be copied."""
    for module in network.modules():
        for holder in (module, getattr(module, "graph_module", None)):
            graph: Graph | None = getattr(holder, "graph", None)
            for node in graph.nodes if graph is not None else ():
                node.meta = {}


def _first_line(failure: Exception) -> str:
    return f"{type(failure).__name__}: {str(failure).strip().partition(chr(10))[0]}"
