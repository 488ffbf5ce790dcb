"""The zoo's files: one per network, holding its weights and its truth. Never committed."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from safetensors import safe_open
from safetensors.torch import load_file, save_file

from .networks import ARCHITECTURES
from .training import Truth

if TYPE_CHECKING:
    from .grid import Entry
    from .networks import Pooled

ROOT = Path(__file__).resolve().parents[2]
ZOO = ROOT / ".zoo"


def weights_file(entry: Entry, folder: Path = ZOO) -> Path:
    """Where a network lies or would lie."""
    return folder / f"{entry.name}.safetensors"


def write(entry: Entry, network: Pooled, truth: Truth, folder: Path = ZOO) -> None:
    """Write a network whole or not at all: an interrupted build leaves nothing that looks finished."""
    folder.mkdir(parents=True, exist_ok=True)
    target = weights_file(entry, folder)
    part = target.with_suffix(".part")
    save_file(network.state_dict(), part, metadata={"truth": json.dumps(asdict(truth))})
    part.replace(target)


def read_truth(entry: Entry, folder: Path = ZOO) -> Truth:
    """What do(cue) said when the network was built."""
    with safe_open(weights_file(entry, folder), framework="pt") as file:
        return Truth(**json.loads(file.metadata()["truth"]))


def read_network(entry: Entry, folder: Path = ZOO) -> Pooled:
    """The network, in eval mode."""
    network = ARCHITECTURES[entry.architecture]()
    network.load_state_dict(load_file(weights_file(entry, folder)))
    return network.eval()
