"""Trains the network of this audit, writes its weights, and prints how often it is right.

``python audits/vqa/train.py``; ``--evaluate`` measures the weights that are there.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.vqa.data import arrays
from audits.vqa.measure import HERE, table, tensors
from audits.vqa.model import network

if TYPE_CHECKING:
    from collections.abc import Callable

QUESTIONS = 8_000
EPOCHS = 8
BATCH = 64
RATE = 4e-3
SEED = 1


def train(
    make: Callable[[], nn.Module],
    *,
    questions: int = QUESTIONS,
    epochs: int = EPOCHS,
    seed: int = SEED,
    rate: float = RATE,
    tell: bool = False,
) -> nn.Module:
    """A network trained on answers alone: it never sees a mask."""
    torch.manual_seed(seed)
    made = make()
    images, asked, answers = tensors(*arrays(questions, "train"))
    steps = epochs * -(-questions // BATCH)
    optimiser = torch.optim.Adam(made.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps)
    started = time.perf_counter()
    for epoch in range(epochs):
        losses = []
        for batch in torch.split(torch.randperm(questions), BATCH):
            loss = nn.functional.cross_entropy(made(images[batch], asked[batch]), answers[batch])
            losses.append(float(loss.detach()))
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        if tell:
            mean = sum(losses) / len(losses)
            print(f"epoch {epoch + 1}: loss {mean:.3f}, {time.perf_counter() - started:.0f} s", flush=True)
    return made.eval()


def main() -> None:
    """Train unless only asked to evaluate; print the table."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        save_file(train(network, tell=True).state_dict(), HERE / "vqa.safetensors")
        print("wrote vqa.safetensors")
    print(table())


if __name__ == "__main__":
    main()
