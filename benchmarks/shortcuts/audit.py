"""Runs camaudit's engine and the baselines on one network of the zoo; keeps the answers in a file of its own.

Every detector gives a score, higher where it suspects more. What has no number (every map is all zero, a
class has no clusters of maps) suspects nothing: its score is −∞. So it is where the check refuses a declared
region that holds the object: no alarm, and no all clear either; such networks are counted apart.
"""

from __future__ import annotations

import json
import math
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zlib import crc32

import numpy as np
import torch
import yaml

from camaudit import plan
from camaudit.engine import Options, run
from camaudit.engine.shortcut.clusters import clusters
from camaudit.engine.shortcut.coverage import HANDS_OVER
from camaudit.integrity import sha256
from camaudit.perturb.regions import fill
from camaudit.spec import read

from .cues import paint
from .data import painted
from .scenes import CLASSES
from .store import ZOO, read_network, weights_file
from .training import predict, scenes_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from torch import Tensor

    from camaudit.result import CheckResult

    from .cues import Pictures
    from .grid import Entry

N = 480
OVERLAPS = ("iou@0.5", "energy_inside", "pointing")
CHECKS = ("declared", "discovered", "background swap")
SPRAY = "SpRAy alone"
BASELINES = (*OVERLAPS, SPRAY, "object removed")
REFUSED = "REFUSED"
"""The verdict of a check that does not carry a region that holds the object."""
ORACLE = "oracle"
DETECTORS = (*CHECKS, *BASELINES, ORACLE)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A detector on a network: its `score`; the check's own `p` and `verdict` (PASS, FAIL …, REFUSED)."""

    score: float
    p: float = math.nan
    verdict: str = ""
    note: str = ""


Answers = dict[str, Answer]


def answers(entry: Entry, folder: Path = ZOO) -> Answers:
    """All detectors on a network: read where they have been run, else run and written."""
    found: Answers = {}
    for part in PARTS:
        found |= answers_of(part, entry, folder)
    return found


def answers_of(part: str, entry: Entry, folder: Path = ZOO) -> Answers:
    """The detectors of one of the `PARTS` on a network; answers on other weights are asked again."""
    file = folder / part / f"{entry.name}.json"
    weights = sha256(weights_file(entry, folder))
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    if kept.get("weights") != weights:
        found = PARTS[part](entry, folder)
        kept = {
            "weights": weights,
            "answers": {name: asdict(answer) for name, answer in found.items()},
        }
        _write(file, kept)
    return {name: Answer(**answer) for name, answer in kept["answers"].items()}


def seed_of(entry: Entry) -> int:
    """The audit's pictures: others for every network, so that their luck is not shared."""
    return crc32(entry.name.encode())


def declared(entry: Entry, folder: Path = ZOO) -> Answers:
    """Camaudit's check with the cue's region named, and on the background as a whole."""
    with tempfile.TemporaryDirectory() as place:
        cue, background = _audit(
            entry,
            folder,
            {"id": "declared", "kind": "shortcut", "data": "declared", "regions": ["cue"]},
            {"id": "background", "kind": "shortcut", "data": "bare", "regions": ["background"]},
            place=Path(place),
        )
    return {"declared": _answer(cue), "background swap": _answer(background)}


def undeclared(entry: Entry, folder: Path = ZOO) -> Answers:
    """Nothing named: maps propose, other pictures test. From the same maps, their overlap and clusters."""
    metric, *also = OVERLAPS
    looks = {
        "id": "overlap",
        "kind": "overlap",
        "data": "bare",
        "metric": metric,
        "also": also,
        "allow_undefined": 1,
        "gate": {"at_least": 0.5},
    }
    discovery = {"id": "discovered", "kind": "shortcut", "data": "bare", "discover": True}
    with tempfile.TemporaryDirectory() as place:
        overlap, found = _audit(entry, folder, looks, discovery, place=Path(place))
        maps = _maps(Path(place) / "report/evidence/all_maps.npz", "overlap")
    means = {item.name: item.value for item in overlap.findings if item.by is None}
    return {
        **{name: Answer(score=_known(-means.get(name, math.nan))) for name in OVERLAPS},
        SPRAY: Answer(score=spray(maps, painted(entry.world, N, seed_of(entry)))),
        "discovered": _answer(found),
    }


def spray(maps: dict[int, np.ndarray], pictures: Pictures) -> float:
    """Clusters of maps without any test: the largest mean share of evidence off the object of any cluster.

    `maps` [u, v] by number of the picture. Clusters are those of a class whose maps fall into two or more,
    the largest one left out, as the check takes them (after Lapuschkin et al., 2019, who looked at them by
    eye). −∞ where the maps of no class do.
    """
    numbers = [number for number, own in maps.items() if own.max() > 0]
    if not numbers:
        return -math.inf
    evidence = np.stack([np.maximum(maps[number], 0).astype(np.float64) for number in numbers])
    side = pictures.object.shape[1] // evidence.shape[1]
    inside = (
        pictures.object[numbers].reshape(len(numbers), evidence.shape[1], side, -1, side).mean(axis=(2, 4))
    )
    off = 1 - (evidence * inside).sum(axis=(1, 2)) / evidence.sum(axis=(1, 2))
    found = clusters(evidence, [int(pictures.labels[number]) for number in numbers])
    return max((float(off[members].mean()) for _, members in found), default=-math.inf)


def _maps(file: Path, check: str) -> dict[int, np.ndarray]:
    """The raw maps of a check, by number of the picture."""
    with np.load(file) as kept:
        ids, shapes, values = (kept[f"{check}/{part}"] for part in ("ids", "shapes", "values"))
    ends = np.cumsum([math.prod(shape) for shape in shapes])
    parts = np.split(values, ends[:-1])
    return {
        int(key.rpartition("-")[2]): part.reshape(shape)
        for key, part, shape in zip(ids, parts, shapes, strict=True)
    }


def painted_over(entry: Entry, folder: Path = ZOO) -> Answers:
    """Accuracy without the object, and do(cue) with the generator's own brush."""
    network = read_network(entry, folder)
    pictures = painted(entry.world, N, seed_of(entry))
    removed = _without(pictures.images, pictures.object)
    scenes = scenes_of(entry.world, "audit", N, seed=seed_of(entry))
    agree, contradict = (
        _accuracy(predict(network, paint(scenes, entry.world.cue, states).images), scenes.labels)
        for states in (scenes.labels, 1 - scenes.labels)
    )
    return {
        "object removed": Answer(score=_accuracy(predict(network, removed), pictures.labels)),
        ORACLE: Answer(score=agree - contradict),
    }


PARTS: dict[str, Callable[[Entry, Path], Answers]] = {
    "declared": declared,
    "painted_over": painted_over,
    "undeclared": undeclared,
}
"""What is run and kept together."""


def specification(entry: Entry, folder: Path, tests: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What a person would write to audit a network of the zoo."""
    world = {**asdict(entry.world), "n": N, "seed": seed_of(entry)}
    weights = weights_file(entry, folder).resolve()
    factory = "benchmarks.shortcuts.data:samples"
    return {
        "version": 1,
        "name": "zoo",
        "model": {
            "factory": f"benchmarks.shortcuts.networks:{entry.architecture}",
            "weights": {"path": str(weights), "sha256": sha256(weights)},
            "classes": list(CLASSES),
        },
        "maps": {"method": "gradcam", "layer": "auto", "target": "predicted"},
        "data": {
            "bare": {"factory": factory, "arguments": world},
            "declared": {"factory": factory, "arguments": {**world, "declared": True}},
        },
        "checks": list(tests),
    }


def _audit(entry: Entry, folder: Path, *tests: dict[str, Any], place: Path) -> tuple[CheckResult, ...]:
    path = place / "zoo.audit.yaml"
    path.write_text(yaml.safe_dump(specification(entry, folder, tests), sort_keys=False), encoding="utf-8")
    options = Options(batch_size=120, workers=0, threads=1)
    found = run(plan.make(read(path)), place / "report", options).checks
    broken = [
        f"{entry.name}: {check.headline}"
        for check in found
        if check.status == "ERROR" and not _refused(check)
    ]
    if broken:
        raise SystemExit("\n".join(broken))
    return found


def _refused(check: CheckResult) -> bool:
    return check.status == "ERROR" and HANDS_OVER in check.headline


def _answer(check: CheckResult) -> Answer:
    """The judged region with the largest effect; the smallest adjusted p; the check's verdict."""
    if _refused(check):
        return Answer(score=-math.inf, p=1.0, verdict=REFUSED, note=check.answer)
    judged = [item for item in check.findings if item.status is not None]
    if not judged:
        return Answer(score=-math.inf, p=1.0, verdict=check.status, note="nothing was tested")
    worst = max(judged, key=lambda item: _known(item.value))
    return Answer(
        score=_known(worst.value),
        p=min((item.p for item in judged if item.p is not None), default=1.0),
        verdict=check.status,
        note=worst.name,
    )


def _without(images: np.ndarray, masks: np.ndarray) -> np.ndarray:
    """The pictures with the object filled from its surround, by camaudit's own infill."""
    pixels = torch.from_numpy(images).permute(0, 3, 1, 2).double() / 255
    filled = fill(pixels, torch.from_numpy(masks), "blur")
    made: np.ndarray = (255 * filled).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
    return made


def _accuracy(logits: Tensor, labels: np.ndarray) -> float:
    return float((logits.argmax(1).numpy() == labels).mean())


def _known(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _write(file: Path, kept: dict[str, Any]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    part = file.with_suffix(".part")
    part.write_text(json.dumps(kept), encoding="utf-8")
    part.replace(file)
