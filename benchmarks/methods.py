"""What many maps of one image cost: targets × CAM methods against one forward, and Score-CAM's memory.

Interleaved in one process on the same images; ratios to the bare forward of the same round count. Run as
a module from the repository's root: ``python -m benchmarks.methods`` (README.md has the full run).
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch
import torchvision
from torch import Tensor, nn

from benchmarks.gradcam import MIB, Bare, _cpu_memory, _cuda_memory, wait
from camaudit.evidence import Kth
from camaudit.maps.capture import capture
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import auto_layer
from camaudit.maps.scorecam import scorecam
from camaudit.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Callable

METHODS = ("gradcam", "hirescam", "gradcampp")
GOAL = 1.15
FLAT = 1.25
"""Score-CAM's peak at the most channels may be this much of that at the fewest."""


def median_ratio(network: Bare, images: Tensor, targets: int, rounds: int) -> tuple[float, float]:
    """Median over rounds of maps over forward, and half the distance of the quartiles."""
    layer = auto_layer(network, images).name
    requests = [
        Request(method=method, targets=aim)
        for aim in [partial(resolve, Kth(k=k + 1)) for k in range(targets)]
        for method in METHODS
    ]

    def bare() -> None:
        with torch.no_grad():
            network.logits(images)

    def maps() -> None:
        compute(network, images, layer=layer, requests=requests)

    ratios = []
    for number in range(rounds + 2):
        forward, many = seconds(bare, network.device), seconds(maps, network.device)
        if number >= 2:  # the first two warm up
            ratios.append(many / forward)
    quarters = statistics.quantiles(ratios, n=4) if len(ratios) > 1 else [ratios[0]] * 3
    return statistics.median(ratios), (quarters[2] - quarters[0]) / 2


def seconds(call: Callable[[], None], device: torch.device) -> float:
    """Of one call."""
    wait(device)
    start = time.perf_counter()
    call()
    wait(device)
    return time.perf_counter() - start


class Wide(nn.Module):
    """A small network with any number of channels at the layer."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 32, 3, stride=4, padding=1)
        self.layer = nn.Conv2d(32, channels, 1, stride=4)
        self.head = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        """Logits [n, 10]."""
        answer: Tensor = self.head(torch.relu(self.layer(torch.relu(self.stem(x)))).mean((2, 3)))
        return answer


def scorecam_peak(channels: int, images: Tensor) -> float:
    """MiB at the peak of Score-CAM above the capture."""
    network = Bare(module=Wide(channels).eval().to(images.device), device=images.device)
    found = capture(network, images, layer="layer")
    targets = torch.zeros(len(images), dtype=torch.int64, device=images.device)

    def run() -> Tensor:
        with torch.no_grad():
            return scorecam(found, targets)

    run()
    peak, _ = (_cuda_memory if images.device.type == "cuda" else _cpu_memory)(run)
    return peak / MIB


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", nargs="+", default=["resnet18", "resnet50"])
    parser.add_argument("--batches", nargs="+", type=int, default=[1, 16])
    parser.add_argument("--channels", nargs="+", type=int, default=[32, 128, 512])
    parser.add_argument("--size", type=int, default=224)
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, help="torch threads (default: torch's own)")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    device = torch.device(options.device)
    figures: dict[str, list[float]] = {}
    print(f"{options.targets} targets × {', '.join(METHODS)} against one forward (goal ≤ {GOAL})")
    for name in options.networks:
        module = getattr(torchvision.models, name)(weights=None).eval().to(device)
        for batch in options.batches:
            images = torch.rand(batch, 3, options.size, options.size, device=device)
            ratio, spread = median_ratio(
                Bare(module=module, device=device), images, options.targets, options.rounds
            )
            figures[f"{name} batch {batch}"] = [ratio, spread]
            verdict = "ok" if ratio <= GOAL else "above the goal"
            print(f"  {name:12} batch {batch:3}: {ratio:.2f} ± {spread:.2f} forwards  {verdict}")
    images = torch.rand(2, 3, options.size, options.size, device=device)
    peaks = {channels: scorecam_peak(channels, images) for channels in options.channels}
    print("Score-CAM's peak memory over the number of channels")
    for channels, peak in peaks.items():
        print(f"  {channels:5} channels: {peak:.1f} MiB")
    growth = peaks[max(peaks)] / peaks[min(peaks)]
    print(f"  growth: {growth:.2f}  {'flat' if growth <= FLAT else 'not flat'}")
    if options.json:
        record = {"torch": torch.__version__, "threads": torch.get_num_threads(), "ratios": figures}
        record["scorecam_peak_mib"] = peaks
        options.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
