"""Trains the network of this audit on answers alone, as `audits.vqa` does, and prints how often it is right.

``python audits/modules/train.py``; ``--evaluate`` measures the weights that are there.
"""

from __future__ import annotations

import sys
from pathlib import Path

import torch
from safetensors.torch import save_file

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.modules.measure import FILE, load
from audits.modules.model import network
from audits.vqa.measure import table
from audits.vqa.train import train


def main() -> None:
    """Train unless only asked to evaluate; print the table."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        save_file(train(network, tell=True).state_dict(), FILE)
        print(f"wrote {FILE.name}")
    print(table(load()))


if __name__ == "__main__":
    main()
