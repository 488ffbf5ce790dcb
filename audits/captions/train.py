"""Trains the captioning network, writes its weights, and prints how often it is right.

``python audits/captions/train.py`` trains; ``--evaluate`` measures the weights that are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.captions.data import arrays
from audits.captions.looks import table as looks
from audits.captions.measure import HERE, dependence, load, pictures, table
from audits.captions.model import Captioner

TRAINING = 6000
STEPS = 1600
BATCH = 48
RATE = 4e-3
SEED = 0


def train(*, n: int = TRAINING, steps: int = STEPS, seed: int = SEED) -> Captioner:
    """A network trained on `n` scenes and captions, each word given those before it; no mask is seen."""
    torch.manual_seed(seed)
    network = Captioner()
    drawn, written = arrays(n, split="train")
    images, captions = pictures(drawn), torch.from_numpy(written)
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(1, steps + 1):
        chosen = torch.randint(n, (BATCH,))
        logs = network.teach(images[chosen], captions[chosen])
        loss = -logs.gather(2, captions[chosen][:, :, None]).mean()
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 100 == 0:
            print(f"step {step}: loss {loss.item():.3f}", flush=True)
    return network.eval()


def main() -> None:
    """Train unless only asked to evaluate; print the table."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        save_file(train().state_dict(), HERE / "captions.safetensors")
        print("wrote captions.safetensors")
    print(table(), dependence(), looks(load()), sep="\n\n")


if __name__ == "__main__":
    main()
