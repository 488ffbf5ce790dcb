"""The check `localisation` on a network whose maps are known: the map is the coloured square."""

from __future__ import annotations

import csv
from math import isnan

import numpy as np
import pytest
from PIL import Image

from camaudit import plan
from camaudit.engine import run
from camaudit.engine.preflight import examine
from camaudit.errors import SpecError
from camaudit.spec import read
from tests.small_audit import overlap, picture, write


def check(name="boxes", **changes):
    return {"id": name, "kind": "localisation", "gate": {"at_least": 0.5}, **changes}


def audit(path):
    found = run(plan.make(read(path)), path.parent / "reports")
    return {item.id: item for item in found.checks}


def by_name(item):
    return {finding.name: finding for finding in item.findings}


def manifest(folder, rows, header=("id", "image", "label", "box")):
    with (folder / "squares.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        writer.writerows(rows)


def box_of(number):
    rows, columns = np.nonzero(picture(number)[1])
    return columns.min(), rows.min(), columns.max() + 1, rows.max() + 1


ALL = ["loc_error", "loc_error_top5", "box_iou", "max_box_acc", "pxap"]


def test_known_answers(tmp_path):
    """The map is the square, so its box is the square's, and every pixel is right."""
    item = audit(write(tmp_path, check(also=ALL, calibration={"n": 10}), n=30))["boxes"]
    found = by_name(item)
    assert item.status == "PASS"
    for name in ("gt_known_loc", "box_iou", "max_box_acc", "pxap"):
        assert found[name].value == pytest.approx(1.0, abs=1e-6), name
    for name in ("loc_error", "loc_error_top5", "classification_error", "classification_error_top5"):
        assert found[name].value == 0.0, name
    assert all(found[name].n == 20 for name in ("gt_known_loc", *ALL))
    assert found["gt_known_loc"].interval == "Wilson"
    assert found["gt_known_loc"].lower < 1
    assert 0.5 < found["pxap"].lower < 1, "no spread is no certainty"
    assert [finding.name for finding in item.findings if finding.status is not None] == ["gt_known_loc"]


def test_controls_stand_beside_every_figure_of_boxes(tmp_path):
    found = by_name(audit(write(tmp_path, check(also=ALL, calibration={"n": 10}), n=40))["boxes"])
    for name in ("gt_known_loc", *ALL):
        controls = {control.name: control for control in found[name].controls}
        assert set(controls) == {"centre_box", "centre_prior"}, name
        worse = [item.value > 0.5 if "error" in name else item.value < 0.6 for item in controls.values()]
        assert all(worse), name
    assert found["classification_error"].controls == ()


def test_the_report_and_the_record_say_what_was_done(tmp_path):
    path = write(tmp_path, check(also=ALL, calibration={"n": 10}), n=30)
    result = run(plan.make(read(path)), path.parent / "reports")
    parameters = result.checks[0].parameters
    assert parameters["target"] == "label"
    assert parameters["calibration samples"] == "10"
    assert parameters["samples with their mask's bounding box"] == "20"
    assert parameters["samples with boxes of their own"] == "0"
    for delta in ("0.3", "0.5", "0.7"):
        assert 0 < float(parameters[f"threshold at IoU {delta}"]) <= 1
        assert f"threshold at IoU {delta} (centre_prior)" in parameters
    assert "split off data squares and not audited" in plan.make(read(path)).text()


def labelled(folder, wrong, n=16):
    """A manifest in which some samples have the other class's label."""
    rows = []
    for number in range(n):
        label = ("red", "green")[(number + (number in wrong)) % 2]
        rows.append((f"s{number}", f"images/{number}.png", f"images/{number}-mask.png", label))
    manifest(folder, rows, ("id", "image", "mask", "label"))


def test_the_wrong_class_is_an_error_whatever_the_map(tmp_path):
    """A quarter has the other class's label, whose map is blank: no box, and yet an error of the protocol."""
    path = write(tmp_path, check(metric="loc_error", gate={"at_most": 0.5}), n=16)
    labelled(tmp_path, {0, 2, 5, 7})
    found = by_name(audit(path)["boxes"])
    assert (found["classification_error"].value, found["classification_error"].n) == (0.25, 16)
    assert (found["loc_error"].value, found["loc_error"].n) == (0.25, 16)
    assert found["loc_error"].undefined == {}


def test_the_right_class_with_a_blank_map_is_undefined(tmp_path):
    """Of two classes every label is among five: the blank maps of wrong labels have no box to judge."""
    path = write(tmp_path, check(metric="loc_error_top5", gate={"at_most": 0.5}, also=["gt_known_loc"]), n=16)
    labelled(tmp_path, {0, 2, 5, 7})
    item = audit(path)["boxes"]
    assert item.status == "ERROR"
    assert by_name(item)["loc_error_top5"].undefined == {"all-zero map": 4}
    assert by_name(item)["gt_known_loc"].undefined == {"all-zero map": 4}


def test_an_object_without_a_box_is_undefined_whatever_the_class(tmp_path):
    path = write(tmp_path, check(metric="loc_error", gate={"at_most": 0.5}), n=16)
    labelled(tmp_path, {0, 2, 5, 7})
    for number in (0, 1):
        Image.fromarray(np.zeros((16, 16), dtype=bool)).save(tmp_path / f"images/{number}-mask.png")
    item = audit(path)["boxes"]
    assert item.status == "ERROR"
    assert by_name(item)["loc_error"].undefined == {"empty mask": 2}


def swapped(tmp_path, metric, **changes):
    """A network that puts out red and green the wrong way round, but with maps that are there."""
    path = write(tmp_path, check(metric=metric, **changes), n=16)
    nets = tmp_path / "squares_nets.py"
    nets.write_text(
        nets.read_text().replace("[[1.0, -1.0], [-1.0, 1.0]]", "[[1.0, 5.0], [5.0, 1.0]]"), encoding="utf-8"
    )
    return by_name(audit(path)["boxes"])


def test_a_right_box_of_the_wrong_class_is_a_top_1_error_and_no_top_5_error(tmp_path):
    found = swapped(tmp_path, "loc_error", gate={"at_most": 0.5}, also=["loc_error_top5", "gt_known_loc"])
    assert found["loc_error"].value == 1
    assert found["loc_error"].status == "FAIL"
    assert found["classification_error"].value == 1
    assert found["loc_error_top5"].value == 0
    assert found["gt_known_loc"].value == 1
    controls = {item.name: item.value for item in found["loc_error"].controls}
    assert controls == {"centre_box": 1, "centre_prior": 1}


def test_boxes_of_the_data_decide_where_there_are_some(tmp_path):
    """Shifted boxes are found by nothing; the second of two boxes is as good as the first."""
    path = write(
        tmp_path,
        check("right"),
        check("wrong", data="wrong"),
        n=12,
        data={"squares": {"manifest": "squares.csv"}, "wrong": {"manifest": "wrong.csv"}},
    )
    spec = path.read_text().replace("- id: right\n", "- id: right\n  data: squares\n")
    path.write_text(spec)
    rows, wrong = [], []
    for number in range(12):
        box = box_of(number)
        text = " ".join(map(str, box))
        label = ("red", "green")[number % 2]
        corner = "0 0 2 2" if box[0] >= 2 or box[1] >= 2 else "14 14 16 16"
        rows.append((f"s{number}", f"images/{number}.png", label, f"{corner}; {text}"))
        wrong.append((f"s{number}", f"images/{number}.png", label, corner))
    manifest(tmp_path, wrong)
    (tmp_path / "squares.csv").rename(tmp_path / "wrong.csv")
    manifest(tmp_path, rows)
    checks = audit(path)
    assert by_name(checks["right"])["gt_known_loc"].value == 1
    assert checks["right"].parameters["samples with boxes of their own"] == "12"
    assert by_name(checks["wrong"])["gt_known_loc"].value == 0
    assert checks["wrong"].status == "FAIL"


def test_pixels_need_an_outline(tmp_path):
    """Boxes, filled, are no mask for a pixel metric: the number is undefined, and the check an ERROR."""
    path = write(tmp_path, check(metric="pxap"), n=12)
    rows = [
        (f"s{n}", f"images/{n}.png", ("red", "green")[n % 2], " ".join(map(str, box_of(n))))
        for n in range(12)
    ]
    manifest(tmp_path, rows)
    item = audit(path)["boxes"]
    assert item.status == "ERROR"
    assert "knows no outline" in item.answer


def test_a_threshold_decides_what_a_box_is_drawn_around(tmp_path):
    """At 1 the box is drawn around the brightest pixels alone; the square is evenly bright."""
    found = by_name(audit(write(tmp_path, check(threshold=1, iou=0.9, also=["box_iou"])))["boxes"])
    assert found["gt_known_loc"].value == 1


def test_small_iou_bound_and_every_class_and_size(tmp_path):
    item = audit(write(tmp_path, check(per_class={"at_least": 0.1, "min_n": 2}), n=24))["boxes"]
    classes = [finding for finding in item.findings if finding.by == "class"]
    assert [(finding.level, finding.n, finding.status) for finding in classes] == [
        ("green", 12, "PASS"),
        ("red", 12, "PASS"),
    ]
    assert sum(finding.n for finding in item.findings if finding.by == "object size") == 24


@pytest.mark.parametrize("metric", ["box_iou", "pxap", "max_box_acc", "loc_error_top5"])
def test_every_figure_can_be_gated_and_ranks_the_samples(tmp_path, metric):
    error = metric.startswith("loc_error")
    extra = {"calibration": {"n": 6}} if metric == "max_box_acc" else {}
    gate = {"at_most": 0.5} if error else {"at_least": 0.5}
    item = audit(write(tmp_path, check(metric=metric, gate=gate, **extra), n=24))["boxes"]
    assert item.status == "PASS"
    assert next(iter(item.columns)) == metric
    assert len(item.histogram) == item.population.used


def test_a_blind_network_is_an_error(tmp_path):
    model = {"factory": "squares_nets:blind", "classes": ["red", "green"]}
    item = audit(write(tmp_path, check(model="blind"), models={"blind": model}))["boxes"]
    assert item.status == "ERROR"
    assert "all-zero map" in item.answer


def test_no_label_no_localisation(tmp_path):
    path = write(tmp_path, check())
    manifest(
        tmp_path,
        [(f"s{n}", f"images/{n}.png", f"images/{n}-mask.png") for n in range(12)],
        ("id", "image", "mask"),
    )
    item = audit(path)["boxes"]
    assert item.status == "ERROR"
    assert "label" in item.answer


# Calibration


def test_calibration_samples_are_not_audited(tmp_path):
    path = write(tmp_path, check(metric="max_box_acc", calibration={"n": 10}), overlap("all"), n=30)
    checks = audit(path)
    rows = (tmp_path / "reports/samples.csv").read_text().splitlines()
    audited = {row.split(",")[1] for row in rows if row.startswith("boxes,")}
    assert len(audited) == checks["boxes"].population.used == 20
    assert checks["all"].population.used == 30
    assert len({row.split(",")[1] for row in rows if row.startswith("all,")} - audited) == 10


def test_groups_are_not_split(tmp_path):
    """Pictures of one group are all on one side: 10 groups of three, of which at least one is set aside."""
    path = write(tmp_path, check(metric="max_box_acc", calibration={"n": 3}), n=30)
    rows = [
        (f"s{n}", f"images/{n}.png", f"images/{n}-mask.png", ("red", "green")[n % 2], f"g{n // 3}")
        for n in range(30)
    ]
    manifest(tmp_path, rows, ("id", "image", "mask", "label", "group"))
    item = audit(path)["boxes"]
    text = (tmp_path / "reports/samples.csv").read_text()
    audited = {int(row.split(",")[1][1:]) for row in text.splitlines() if row.startswith("boxes,")}
    assert len(audited) == item.population.used
    assert len(audited) <= 27
    assert all(len(audited & {3 * g, 3 * g + 1, 3 * g + 2}) in {0, 3} for g in range(10))


def test_copies_of_audited_images_are_found_by_their_content(tmp_path):
    path = write(
        tmp_path,
        check(metric="max_box_acc", data="squares", calibration={"data": "other"}),
        n=12,
        data={"squares": {"manifest": "squares.csv"}, "other": {"manifest": "other/squares.csv"}},
    )
    write(tmp_path / "other", n=12)
    item = audit(path)["boxes"]
    assert item.status == "ERROR"
    assert "12 images are both in the calibration and among the audited" in item.answer


def test_the_same_files_under_another_name_leave_nothing_to_audit(tmp_path):
    item = audit(
        write(
            tmp_path,
            check(metric="max_box_acc", data="squares", calibration={"data": "again"}),
            data={"squares": {"manifest": "squares.csv"}, "again": {"manifest": "squares.csv"}},
        )
    )["boxes"]
    assert item.status == "ERROR"
    assert "none is left to be audited" in item.answer


def test_another_data_set_tunes_the_threshold(tmp_path):
    path = write(
        tmp_path,
        check(metric="max_box_acc", data="squares", calibration={"data": "other", "n": 6}),
        n=12,
        data={"squares": {"manifest": "squares.csv"}, "other": {"manifest": "other/squares.csv"}},
    )
    write(tmp_path / "other")
    for number in range(12):
        image, mask = picture(number + 100)
        Image.fromarray(image).save(tmp_path / f"other/images/{number}.png")
        Image.fromarray(mask).save(tmp_path / f"other/images/{number}-mask.png")
    item = audit(path)["boxes"]
    assert item.status == "PASS"
    assert item.population.used == 12
    assert item.parameters["calibration samples"] == "6"


@pytest.mark.parametrize(
    ("n", "words"), [(12, "none is left to be audited"), (13, "13 calibration samples are wanted")]
)
def test_a_calibration_that_takes_all_is_refused(tmp_path, n, words):
    item = audit(write(tmp_path, check(metric="max_box_acc", calibration={"n": n}), n=12))["boxes"]
    assert item.status == "ERROR"
    assert words in item.answer


def test_a_tuned_threshold_is_the_calibrations(tmp_path):
    """Halves of half brightness: the threshold that fits the calibration decides the audited images too."""
    path = write(tmp_path, check(metric="max_box_acc", calibration={"n": 10}, gate={"at_least": 0.3}), n=40)
    for number in range(40):
        image, mask = picture(number)
        half = image.copy()
        half[:, :, number % 2] = np.where(mask, 255, 150)  # the surroundings count, at a fifth of the peak
        Image.fromarray(half).save(tmp_path / f"images/{number}.png")
    item = audit(path)["boxes"]
    # (150/255 − ½) / (1 − ½) = 0.18 of the peak: thresholds above it find the square, those below all.
    for delta in ("0.3", "0.5", "0.7"):
        assert float(item.parameters[f"threshold at IoU {delta}"]) > 0.18
    assert by_name(item)["max_box_acc"].value == 1


@pytest.mark.parametrize(
    ("calibration", "verdict"),
    [
        ({"n": 11}, "ok"),
        ({"n": 12}, "error"),
        ({"data": "other", "n": 12}, "ok"),
        ({"data": "other", "n": 13}, "error"),
    ],
)
def test_the_size_of_a_calibration_is_looked_at_before_a_run(tmp_path, calibration, verdict):
    sets = {"squares": {"manifest": "squares.csv"}, "other": {"manifest": "other/squares.csv"}}
    spec = write(tmp_path, check(metric="max_box_acc", data="squares", calibration=calibration), data=sets)
    write(tmp_path / "other")
    notes = [note for note in examine(plan.make(read(spec))) if note.what.startswith("calibration")]
    assert [note.verdict for note in notes] == [verdict]
    assert "there are 12" in notes[0].text


def test_a_calibration_data_set_that_is_missing_is_found_before_a_run(tmp_path):
    sets = {"squares": {"manifest": "squares.csv"}, "other": {"manifest": "nowhere.csv"}}
    spec = write(
        tmp_path, check(metric="max_box_acc", data="squares", calibration={"data": "other"}), data=sets
    )
    errors = [note for note in examine(plan.make(read(spec))) if note.verdict == "error"]
    assert [note.what for note in errors] == ["data other"]


def painted(folder, number, inside, outside):
    """Squares whose colour has one strength inside and another around them, as shares of the peak."""
    image, mask = picture(number)
    image[:] = 0
    levels = np.where(mask, inside, outside)
    image[:, :, number % 2] = np.round(127.5 + 127.5 * levels)
    Image.fromarray(image).save(folder / f"images/{number}.png")


def test_the_audited_images_have_no_say_in_the_threshold(tmp_path):
    """Tuned on squares that stand out from 0.8 on, and judged on squares that one bright pixel outshines:
    a threshold of their own would find every one of those, the calibration's finds the pixel."""
    path = write(
        tmp_path,
        check(metric="max_box_acc", data="squares", calibration={"data": "other"}),
        data={"squares": {"manifest": "squares.csv"}, "other": {"manifest": "other/squares.csv"}},
    )
    write(tmp_path / "other")
    for number in range(12):
        painted(tmp_path / "other", number, 1.0, 0.8)
        bright = np.full((16, 16), 0.5)
        ys, xs = np.nonzero(picture(number)[1])
        bright[ys[0], xs[0]] = 1.0
        painted(tmp_path, number, bright, 0.0)
    item = audit(path)["boxes"]
    assert float(item.parameters["threshold at IoU 0.5"]) > 0.8
    assert by_name(item)["max_box_acc"].value == 0
    assert item.status == "FAIL"
    swapped = (
        path.read_text().replace("data: squares\n", "data: was\n").replace("data: other", "data: squares")
    )
    path.write_text(swapped.replace("data: was", "data: other"))
    item = audit(path)["boxes"]
    assert float(item.parameters["threshold at IoU 0.5"]) <= 0.5
    assert item.status == "FAIL"


@pytest.mark.parametrize(("iou", "found"), [(0.45, 1.0), (0.5, 1.0), (0.55, 0.0)])
def test_from_which_iou_on_a_box_fits(tmp_path, iou, found):
    """Boxes of the left half of each square: IoU is exactly a half."""
    path = write(tmp_path, check(iou=iou, gate={"at_least": 0.1}), n=12)
    rows = []
    for number in range(12):
        left, top, right, bottom = (int(edge) for edge in box_of(number))
        label = ("red", "green")[number % 2]
        rows.append(
            (f"s{number}", f"images/{number}.png", label, f"{left} {top} {(left + right) / 2} {bottom}")
        )
    manifest(tmp_path, rows)
    assert by_name(audit(path)["boxes"])["gt_known_loc"].value == found


def test_boxes_take_the_crop_of_the_image(tmp_path):
    """Pictures are doubled and cropped to their middle; boxes too, and what is cut off is undefined."""
    preprocess = {"resize": 32, "crop": 16, "interpolation": "nearest"}
    model = {"factory": "squares_nets:good", "classes": ["red", "green"], "preprocess": preprocess}
    path = write(tmp_path, check(allow_undefined=1, also=["box_iou"]), n=24, model=model)
    rows = [
        (f"s{n}", f"images/{n}.png", ("red", "green")[n % 2], " ".join(map(str, box_of(n))))
        for n in range(24)
    ]
    manifest(tmp_path, rows)
    found = by_name(audit(path)["boxes"])
    assert found["box_iou"].value == pytest.approx(1.0)
    gone = sum(min(box[2:]) <= 4 or max(box[:2]) >= 12 for box in map(box_of, range(24)))
    assert found["box_iou"].n == 24 - gone
    assert sum(found["box_iou"].undefined.values()) == gone


@pytest.mark.parametrize(
    ("label", "scores", "rank"),
    [(0, [3, 2, 1], 1), (2, [3, 2, 1], 3), (0, [1, 1, 0], 1), (1, [1, 1, 0], 2), (1, [0, 1, 1], 1)],
)
def test_the_rank_of_a_label(label, scores, rank):
    from camaudit.engine.measure import _rank

    assert _rank(label, np.array(scores, dtype=float)) == (rank, None)


def test_a_rank_that_is_not_there_has_a_reason():
    from camaudit.engine.measure import _rank

    assert "no label" in _rank(None, np.zeros(3))[1]
    assert "no label" in _rank(3, np.zeros(3))[1]
    assert "not finite" in _rank(0, np.array([0.0, np.nan]))[1]


# Mistakes in a spec


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"metric": "max_box_acc"}, 'it needs "calibration'),
        ({"also": ["max_box_acc"]}, 'it needs "calibration'),
        ({"metric": "pointing_rejection"}, '"pointing_rejection" tunes its thresholds'),
        ({"top": 0}, "top"),
        ({"calibration": {"n": 5}}, "is used by max_box_acc and pointing_rejection alone"),
        ({"metric": "max_box_acc", "calibration": {}}, 'needs "n"'),
        ({"metric": "max_box_acc", "calibration": {"n": 5, "data": "squares"}}, "may not be tuned on it"),
        ({"metric": "max_box_acc", "calibration": {"n": 5, "data": "square"}}, 'did you mean "squares"'),
        ({"maps": {"target": "predicted"}}, "localisation explains the label"),
        ({"metric": "loc_error", "gate": {"at_most": 1}}, "can never fail"),
        ({"gate": {"at_least": 0}}, "can never fail"),
        ({"per_class": {"at_least": 1.5}}, "can never pass"),
        ({"metric": "gt_known"}, "gt_known_loc"),
        ({"threshold": 0}, "threshold"),
        ({"iou": 1.2}, "iou"),
    ],
)
def test_specs_that_cannot_be_meant(tmp_path, changes, words):
    with pytest.raises(SpecError) as refused:
        read(write(tmp_path, check(**changes)))
    assert words in str(refused.value)


def test_the_label_may_be_named(tmp_path):
    item = audit(write(tmp_path, check(maps={"target": "label"})))["boxes"]
    assert item.status == "PASS"
    assert not isnan(item.findings[0].value)
