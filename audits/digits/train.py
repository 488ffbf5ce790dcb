"""Trains the two networks of this audit, writes their weights, and prints how often they are right.

``python audits/digits/train.py`` trains both; ``--evaluate`` measures the weights that are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.digits.data import Patch, arrays
from audits.digits.measure import HERE, table, tensors
from audits.digits.model import Digits

TRAINED_ON: dict[str, Patch] = {"honest": "random", "decoy": "consistent"}
"""What the patch told each network while it was trained."""
EPOCHS = 20
BATCH = 32
RATE = 4e-3
SEED = 1


def train(patch: Patch, *, epochs: int = EPOCHS, seed: int = SEED) -> Digits:
    """A network trained with such patches; places, corners and chance levels change in every epoch."""
    torch.manual_seed(seed)
    network = Digits()
    network.apply(_initialise)
    steps = epochs * -(-len(arrays("train", patch)[1]) // BATCH)
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for epoch in range(epochs):
        images, labels = tensors(*arrays("train", patch, seed=seed + 1 + epoch))
        for batch in torch.split(torch.randperm(len(images)), BATCH):
            loss = nn.functional.cross_entropy(network(images[batch]), labels[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network.eval()


def _initialise(module: nn.Module) -> None:
    if isinstance(module, nn.Conv2d):
        nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
        assert module.bias is not None
        nn.init.zeros_(module.bias)


def main() -> None:
    """Train unless only asked to evaluate; print the table."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        for name, patch in TRAINED_ON.items():
            save_file(train(patch).state_dict(), HERE / f"{name}.safetensors")
            print(f"wrote {name}.safetensors, trained with patches: {patch}")
    print(table())


if __name__ == "__main__":
    main()
