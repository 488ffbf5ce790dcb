"""Trains whatever networks of the zoo are missing."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from .grid import entries
from .store import ZOO, read_truth, weights_file, write
from .training import train, truth

if TYPE_CHECKING:
    from pathlib import Path


def build(*, full: bool = False, seed: int = 0, folder: Path = ZOO, limit: int | None = None) -> None:
    """Train the networks that have no file yet (at most `limit`), and print what do(cue) says of each."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    wanted = entries(full=full, seed=seed)
    missing = [entry for entry in wanted if not weights_file(entry, folder).exists()]
    print(f"{len(wanted)} networks, {len(missing)} to train", flush=True)
    for number, entry in enumerate(missing[:limit], 1):
        started = time.perf_counter()
        network = train(entry)
        known = truth(network, entry.world, seed=entry.seed)
        write(entry, network, known, folder)
        took = time.perf_counter() - started
        print(
            f"{number:3}/{len(missing)} {entry.name:36} r {known.reliance:+.3f}"
            f" [{known.lower:+.3f}, {known.upper:+.3f}] {known.kind:8}"
            f" right {known.agrees:.3f}/{known.contradicts:.3f}, map {known.on_object:.2f}, {took:.0f} s",
            flush=True,
        )
    counts = [read_truth(entry, folder).kind for entry in wanted if weights_file(entry, folder).exists()]
    print(", ".join(f"{counts.count(kind)} {kind}" for kind in ("positive", "between", "negative")))
