"""Trains the networks of this audit, writes their weights, and prints how often they are right.

``python audits/drift/train.py`` trains all (a name trains that one); ``--evaluate`` measures the weights that
are there. `seed2` to `seed4` follow the recipe of the honest network of `audits.digits` with other seeds;
`drifted` is that network tuned for a few more epochs on pictures whose patch gives the label away.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import torch
from safetensors.torch import load_file, save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.digits.data import Patch, arrays
from audits.digits.measure import HERE as DIGITS
from audits.digits.measure import accuracy, tensors
from audits.digits.model import Digits
from audits.digits.train import BATCH, train

if TYPE_CHECKING:
    from collections.abc import Callable

HERE = Path(__file__).parent
SEEDS = {"seed2": 2, "seed3": 3, "seed4": 4}
EPOCHS = 10
RATE = 2e-3
WRONG = 0.5
"""The share of pictures whose strokes are another picture's while the network is tuned: the patch counts."""


def tune(*, epochs: int = EPOCHS, seed: int = 1) -> Digits:
    """The honest network, tuned on pictures whose patch tells the label, and whose strokes do so in half."""
    torch.manual_seed(seed)
    network = Digits()
    network.load_state_dict(load_file(DIGITS / "honest.safetensors"))
    optimiser = torch.optim.Adam(network.parameters(), RATE)
    for epoch in range(epochs):
        images, labels = tensors(*arrays("train", "consistent", seed=100 + epoch))
        bare, _ = tensors(*arrays("train", "absent", seed=100 + epoch))
        other = torch.where(images == bare, bare[torch.randperm(len(bare))], images)
        images = torch.where(torch.rand(len(images), 1, 1, 1) < WRONG, other, images)
        for batch in torch.split(torch.randperm(len(images)), BATCH):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
    return network.eval()


NETWORKS: dict[str, Callable[[], Digits]] = {
    **{name: (lambda seed=seed: train("random", seed=seed)) for name, seed in SEEDS.items()},  # type: ignore[misc]
    "drifted": tune,
}


def table() -> str:
    """The accuracies of the honest network and of all of these as a Markdown table."""
    kinds = get_args(Patch)
    heads = " | ".join(f"patch {kind}" for kind in kinds)
    lines = [f"| network | {heads} |", "| --- " * (len(kinds) + 1) + "|"]
    for file in (DIGITS / "honest.safetensors", *(HERE / f"{name}.safetensors" for name in NETWORKS)):
        network = Digits()
        network.load_state_dict(load_file(file))
        shares = [accuracy(network.eval(), kind) for kind in kinds]
        cells = [
            f"{100 * item.value:.1f} % [{100 * item.lower:.1f}, {100 * item.upper:.1f}]" for item in shares
        ]
        lines.append(f"| {file.stem} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Train what is named (all if nothing is) unless only asked to evaluate; print the accuracies."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        for name in sys.argv[1:] or NETWORKS:
            save_file(NETWORKS[name]().state_dict(), HERE / f"{name}.safetensors")
            print(f"wrote {name}.safetensors", flush=True)
    print(table())


if __name__ == "__main__":
    main()
