"""The pointing game, plain and with rejection, on pictures of known answers and against a slow replica."""

from __future__ import annotations

import csv
import json
from math import inf

import numpy as np
import pytest
import torch
import yaml
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from camaudit import plan
from camaudit.engine import run
from camaudit.metrics.overlap import pointing
from camaudit.metrics.pointing import peak_share
from camaudit.metrics.rejection import always_reject, best_threshold, rejection_scores
from camaudit.spec import read
from tests.reference import rejection as slow
from tests.small_audit import NETWORK

NAN = float("nan")


def arrays(rows):
    return tuple(np.array([row[part] for row in rows], dtype=float) for part in range(3))


# The arithmetic

HAND = [
    # two shown classes pointed at, one absent with a weak map, one absent with a strong one
    (([1, 1, 0, 0], [1, 1, 0, 0], [5, 4, 1, 6]), 2.0, 3 / 4),
    # everything rejected: the absent ones alone score
    (([1, 1, 0, 0], [1, 1, 0, 0], [5, 4, 1, 6]), inf, 2 / 4),
    # nothing rejected: the hits alone
    (([1, 1, 0, 0], [1, 0, 0, 0], [5, 4, 1, 6]), 0.5, 1 / 4),
    # an empty map is rejected whatever the threshold, rightly and wrongly
    (([0, 1], [0, 0], [0, 0]), 0.0, 1 / 2),
    # unknown classes do not count
    (([1, -1, -1], [1, 0, 0], [5, 9, 0]), 2.0, 1.0),
    (([-1, -1], [0, 0], [5, 9]), 2.0, NAN),
    # a peak on the threshold is kept
    (([1], [1], [2.0]), 2.0, 1.0),
]


@pytest.mark.parametrize(("row", "threshold", "value"), HAND)
def test_by_hand(row, threshold, value):
    found = rejection_scores(*arrays([row]), threshold)[0]
    assert found == pytest.approx(value, nan_ok=True)
    assert slow.score(*row, threshold) == pytest.approx(value, nan_ok=True)


def test_always_rejecting_scores_four_of_five_where_one_is_there():
    assert always_reject(np.array([[1.0, 0, 0, 0, 0]]))[0] == 0.8


entry = st.tuples(st.sampled_from([-1, 0, 1]), st.sampled_from([0.0, 0.25, 1.0]), st.integers(0, 6))
scenes = st.lists(st.lists(entry, min_size=3, max_size=3), min_size=1, max_size=6)


@given(scenes, st.integers(0, 7))
def test_scores_are_those_of_the_replica(drawn, threshold):
    rows = [tuple(zip(*row, strict=True)) for row in drawn]
    found = rejection_scores(*arrays(rows), threshold)
    assert found == pytest.approx([slow.score(*row, threshold) for row in rows], nan_ok=True)
    assert np.all(np.isnan(found) | ((found >= 0) & (found <= 1)))


@given(scenes)
def test_no_other_threshold_is_better(drawn):
    rows = [tuple(zip(*row, strict=True)) for row in drawn]
    states, hits, heights = arrays(rows)
    if not (states >= 0).any():
        with pytest.raises(ValueError, match="no class is known"):
            best_threshold(states, hits, heights)
        return
    tuned = best_threshold(states, hits, heights)
    assert slow.mean(rows, tuned) == pytest.approx(slow.best(rows))


def test_of_equal_thresholds_the_lowest_rejects_least():
    assert best_threshold(*arrays([([1, 1], [1, 1], [3, 5])])) == 0


def test_shared_peaks_are_pointing_where_there_is_one_and_a_share_where_there_are_many():
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(20, 32, 32, generator=generator, dtype=torch.float64)
    masks = torch.rand(20, 32, 32, generator=generator) > 0.995
    masks[:, 0, 0] = True
    assert torch.equal(peak_share(maps, masks), pointing(maps, masks))
    flat, mask = torch.ones(1, 32, 32), torch.zeros(1, 32, 32, dtype=torch.bool)
    mask[0, 8, 8] = True
    near = [
        (y, x) for y in range(32) for x in range(32) if (y - 8) ** 2 + (x - 8) ** 2 <= (15 * 32 / 224) ** 2
    ]
    assert float(peak_share(flat, mask)) == pytest.approx(len(near) / 32**2)


# From COCO's file to the verdict


def scene(number, size=16):
    """Even: a red and a green square. Odd: one of them. Boxes are left, top, width, height."""
    red, green = (1 + number % 4, 1, 4, 4), (10, 10 - number % 3, 4, 4)
    shown = {"red": red, "green": green}
    if number % 2:
        shown.pop(("red", "green")[number // 2 % 2])
    image = np.full((size, size, 3), 40, dtype=np.uint8)
    for name, (left, top, width, height) in shown.items():
        image[top : top + height, left : left + width, ("red", "green").index(name)] = 200 + number
    return image, shown


def coco(folder, n=24, *, crowd=(), categories=("red", "green")):
    (folder / "images").mkdir(parents=True, exist_ok=True)
    kinds = [{"id": place, "name": name} for place, name in enumerate(categories, start=1)]
    images, notes = [], []
    for number in range(n):
        image, shown = scene(number)
        Image.fromarray(image).save(folder / f"images/{number}.png")
        images.append({"id": number, "file_name": f"{number}.png", "height": 16, "width": 16})
        for name, (x, y, w, h) in shown.items():
            if name not in categories:
                continue
            polygon = [x, y, x + w, y, x + w, y + h, x, y + h]
            notes.append(
                {
                    "id": len(notes),
                    "image_id": number,
                    "category_id": categories.index(name) + 1,
                    "bbox": [x, y, w, h],
                    "segmentation": [polygon],
                    "iscrowd": int((number, name) in crowd),
                }
            )
    content = {"images": images, "annotations": notes, "categories": kinds}
    (folder / "instances.json").write_text(json.dumps(content), encoding="utf-8")


def audit(folder, *, data=None, network="good", prepare=coco, **changes):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "scenes_nets.py").write_text(NETWORK, encoding="utf-8")
    prepare(folder)
    item = {
        "id": "points",
        "kind": "localisation",
        "metric": "pointing_rejection",
        "top": 2,
        "calibration": {"n": 8},
        "gate": {"at_least": 0.5},
        **changes,
    }
    item = {key: value for key, value in item.items() if value is not None}
    spec = {
        "version": 1,
        "name": "scenes",
        "model": {"factory": f"scenes_nets:{network}", "classes": ["red", "green"]},
        "data": {"scenes": data or {"coco": "instances.json", "images": "images"}},
        "checks": [item],
    }
    path = folder / "scenes.audit.yaml"
    path.write_text(yaml.safe_dump(spec, sort_keys=False), encoding="utf-8")
    return run(plan.make(read(path)), folder / "reports").checks[0]


def numbers(check):
    return {item.name: item for item in check.findings}


def test_a_network_that_sees_both_points_at_what_is_there_and_rejects_the_rest(tmp_path):
    check = audit(tmp_path, also=["pointing"])
    found = numbers(check)
    item = found["pointing_rejection"]
    assert (check.status, item.value) == ("PASS", 1.0)
    controls = {control.name: control for control in item.controls}
    assert set(controls) == {"always_reject", "centre_box", "centre_prior"}
    with (tmp_path / "reports/samples.csv").open(encoding="utf-8") as file:
        ids = [row["id"] for row in csv.DictReader(file)]
    absent = [int(key.partition(":")[0]) % 2 / 2 for key in ids]
    assert controls["always_reject"].value == pytest.approx(np.mean(absent))
    assert controls["centre_prior"].value < 1
    assert float(check.parameters["rejection threshold"]) == 0  # maps of what is absent are empty
    pointing_ = found["pointing"]
    assert (pointing_.value, pointing_.n) == (1.0, len(ids))
    assert {control.name for control in pointing_.controls} == {"centre_box", "centre_prior"}


def test_empty_maps_score_what_rejecting_everything_does(tmp_path):
    check = audit(tmp_path, network="blind", allow_undefined=1)
    item = numbers(check)["pointing_rejection"]
    reject = next(control for control in item.controls if control.name == "always_reject")
    assert item.value == reject.value
    assert 0 < item.value < 1


def test_one_forward_makes_the_maps_of_all_places(tmp_path):
    audit(tmp_path)
    assert plan.make(read(tmp_path / "scenes.audit.yaml")).passes[0].forwards == 1


def test_a_class_that_the_data_does_not_know_is_not_held_to_be_absent(tmp_path):
    check = audit(tmp_path, prepare=lambda folder: coco(folder, categories=("red",)))
    item = numbers(check)["pointing_rejection"]
    # Red alone is known and shown in every sample, so there is nothing to reject rightly.
    assert next(control for control in item.controls if control.name == "always_reject").value == 0
    assert item.value == 1


def test_a_crowd_is_neither_shown_nor_absent(tmp_path):
    crowd = {(number, "green") for number in range(0, 24, 2)}
    data = {"coco": "instances.json", "images": "images", "allow_unusable": 1}
    listing = audit(tmp_path, data=data, prepare=lambda folder: coco(folder, crowd=crowd))
    item = numbers(listing)["pointing_rejection"]
    assert item.value == 1
    from camaudit.data.coco import CocoSource

    samples = CocoSource(coco="instances.json", images="images").listing(tmp_path, ("red", "green")).samples
    scene_ = next(sample.scene for sample in samples if sample.id == "0:red")
    assert (set(scene_.shown), scene_.known) == ({0}, frozenset({0}))


def test_more_places_than_classes_is_an_error_with_its_reason(tmp_path):
    check = audit(tmp_path, top=5)
    assert check.status == "ERROR"
    assert "the network has 2 outputs" in check.headline


def manifest(folder, n=24):
    coco(folder, n)
    with (folder / "list.csv").open("w", newline="", encoding="utf-8") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "image", "label", "box"])
        for number in range(n):
            for name, (x, y, w, h) in scene(number)[1].items():
                rows.writerow([f"{number}-{name}", f"images/{number}.png", name, f"{x} {y} {x + w} {y + h}"])


def test_a_manifest_that_does_not_say_it_is_complete_gives_no_number(tmp_path):
    check = audit(tmp_path, data={"manifest": "list.csv"}, prepare=manifest)
    assert check.status == "ERROR"
    assert "calibration samples have no predicted class that is known" in check.headline


def test_a_complete_manifest_says_the_same_as_coco(tmp_path):
    listed = audit(tmp_path, data={"manifest": "list.csv", "complete": True}, prepare=manifest)
    assert listed.status == "PASS"
    assert numbers(listed)["pointing_rejection"].value == 1


def test_a_row_without_a_mask_makes_its_class_unknown_and_not_absent(tmp_path):
    from camaudit.data.manifest import ManifestSource

    manifest(tmp_path, n=4)
    lines = (tmp_path / "list.csv").read_text(encoding="utf-8").splitlines()
    cut = [line.rpartition(",")[0] + "," if line.startswith("0-green") else line for line in lines]
    (tmp_path / "list.csv").write_text("\n".join(cut) + "\n", encoding="utf-8")
    listing = ManifestSource(manifest="list.csv", complete=True).listing(tmp_path, ("red", "green"))
    scenes_ = {sample.id: sample.scene for sample in listing.samples}
    assert len(listing.unusable) == 1
    assert (set(scenes_["0-red"].shown), scenes_["0-red"].known) == ({0}, frozenset({0}))
    assert (set(scenes_["2-red"].shown), scenes_["2-red"].known) == ({0, 1}, frozenset({0, 1}))
    assert (set(scenes_["1-green"].shown), scenes_["1-green"].known) == ({1}, frozenset({0, 1}))


@pytest.mark.parametrize("metric", ["pointing", "pointing_rejection"])
def test_a_network_that_looks_elsewhere_is_below_its_controls(tmp_path, metric):
    """The maps of one class held against the other's mask: labels in the data are swapped."""
    calibration = None if metric == "pointing" else {"n": 8}
    swapped = {"coco": "instances.json", "images": "images", "labels": {"red": "green", "green": "red"}}
    check = audit(tmp_path, data=swapped, metric=metric, calibration=calibration, allow_undefined=1)
    assert numbers(check)[metric].value < 0.6
    assert check.status != "PASS"
