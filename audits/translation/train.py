"""Trains the two generators of this audit, writes their weights, and prints what they do.

``python audits/translation/train.py`` trains both (a name trains that one); ``--evaluate`` measures the
weights that are there.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from torch import nn

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from audits.translation.data import arrays
from audits.translation.measure import HERE, table, tensors
from audits.translation.model import DOMAINS, Translator

if TYPE_CHECKING:
    from torch import Tensor

    from audits.translation.data import Scenery

TRAINED_ON: dict[str, Scenery] = {"guided": "random", "scenery": "told"}
"""What the ground told of the domain while each network was trained."""
TRAINING = 1000
STEPS = {"guided": 1100, "scenery": 600}
"""The ground is learned sooner than the fruit."""
BATCH = 16
RATE = 3e-3
SPARSE = 0.01
"""Weight of the mean attention against the mean error of a pixel: looking costs a little."""
OPEN = 0.03
"""Weight of −log(mean attention) at the start, which goes down to nothing by the middle of the training."""
PAINT = 0.5
"""Weight of the paint's own error: paint that is good for something comes before attention that uses it."""
SEED = 0


def train(scenery: Scenery, *, n: int = TRAINING, steps: int, seed: int = SEED) -> Translator:
    """Generator and judge from `n` pairs of pictures of one scene before and after; no mask is seen."""
    torch.manual_seed(seed)
    network = Translator()
    before, after = (tensors(arrays(domain, scenery, n, split="train")) for domain in DOMAINS)
    optimiser = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, RATE, total_steps=steps)
    for step in range(steps):
        chosen = torch.randint(n, (BATCH,))
        ramp = min(max(3 * step / steps - 0.5, 0.0), 1.0)
        x, y = before[chosen], after[chosen]
        loss = _generator_loss(network, x, y, ramp) + _judge_loss(network, x, y)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return network.eval()


def _generator_loss(network: Translator, x: Tensor, y: Tensor, ramp: float) -> Tensor:
    """Make y of x, leave y as it is, and attend to as little as possible."""
    found, wanted = network.generator(torch.cat([x, y])), torch.cat([y, y])
    small = nn.functional.avg_pool2d(wanted, 2)
    error = (found["image"] - wanted).abs().mean() + PAINT * (found["paint"] - small).abs().mean()
    looking = found["attention"][: len(x)].mean()
    # Most pixels are to stay as they are, which would switch the attention off before the paint is any good.
    # So at first it has to be somewhere, and where it costs least is where it is of use.
    return error - (1 - ramp) * OPEN * looking.log() + ramp * SPARSE * looking


def _judge_loss(network: Translator, x: Tensor, y: Tensor) -> Tensor:
    """Tell real pictures before and after apart."""
    answers = torch.arange(len(DOMAINS)).repeat_interleave(len(x))
    return nn.functional.cross_entropy(network.judge(torch.cat([x, y])), answers)


def main() -> None:
    """Train what is named (both networks if nothing is) unless only asked to evaluate; print the table."""
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    if "--evaluate" not in sys.argv[1:]:
        for name in sys.argv[1:] or TRAINED_ON:
            network = train(TRAINED_ON[name], steps=STEPS[name])
            save_file(network.state_dict(), HERE / f"{name}.safetensors")
            print(f"wrote {name}.safetensors, trained with scenery: {TRAINED_ON[name]}")
    print(table())


if __name__ == "__main__":
    main()
