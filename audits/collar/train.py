"""Trains the two networks of this audit, writes their weights, and prints what they depend on.

``python audits/collar/train.py`` trains both; ``--evaluate`` measures the weights that are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.collar.data import Collars, arrays
from audits.collar.measure import HERE, tables, tensors
from audits.collar.model import Animals

TRAINED_ON: dict[str, Collars] = {"honest": "random", "collar": "consistent"}
"""Who wore collars while each network was trained."""
TRAINING = 2000
EPOCHS = 8
BATCH = 64
RATE = 3e-3
DECAY = 1e-3
SEED = 0


def train(collars: Collars, *, n: int = TRAINING, epochs: int = EPOCHS, seed: int = SEED) -> Animals:
    """A network trained on `n` animals, half of them mirrored at random in every epoch."""
    torch.manual_seed(seed)
    network = Animals()
    images, labels = tensors(*arrays("train", collars, n))
    optimiser = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=epochs * -(-n // BATCH))
    for _ in range(epochs):
        for batch in torch.split(torch.randperm(n), BATCH):
            mirrored = torch.rand(len(batch), 1, 1, 1) < 0.5
            seen = torch.where(mirrored, images[batch].flip(3), images[batch])
            loss = nn.functional.cross_entropy(network(seen), labels[batch])
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
    return network.eval()


def main() -> None:
    """Train unless only asked to evaluate; print the tables."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        for name, collars in TRAINED_ON.items():
            save_file(train(collars).state_dict(), HERE / f"{name}.safetensors")
            print(f"wrote {name}.safetensors, trained with collars: {collars}")
    print(tables())


if __name__ == "__main__":
    main()
