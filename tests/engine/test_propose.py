"""What maps propose: places where evidence gathers off the object, and nothing where maps are no evidence."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit import plan
from camaudit.engine import run
from camaudit.engine.collect import MapDetail
from camaudit.engine.shortcut import cells
from camaudit.engine.shortcut.clusters import clusters
from camaudit.engine.shortcut.metadata import association
from camaudit.engine.shortcut.propose import propose
from camaudit.engine.shortcut.validity import falls
from camaudit.perturb.cover import baseline
from camaudit.report.hypotheses import hypothesis_views
from camaudit.report.words import Anchors
from camaudit.spec import read
from tests.engine.shortcut_audit import shortcut, write

SIDE = 9
MASK = np.zeros((36, 36), dtype=bool)
MASK[16:20, 16:20] = True


def made(draw, n=60):
    """Maps by id from a function of a generator and a number."""
    rng = np.random.default_rng(0)
    maps = {}
    for number in range(n):
        raw = draw(rng, number).astype(np.float32)
        maps[f"{number:02d}"] = MapDetail(raw=raw, status="ok" if raw.any() else "all-zero", scale=1.0)
    objects, labels = dict.fromkeys(maps, MASK), {key: int(key) % 2 for key in maps}
    return maps, objects, labels


def noise(rng, _):
    return rng.random((SIDE, SIDE))


def test_a_corner_that_all_maps_look_at_is_proposed():
    def corner(rng, _):
        raw = 0.1 * rng.random((SIDE, SIDE))
        raw[0, 0] += 1.0
        raw[4, 4] += 2.0
        return raw

    found, notes = propose(*made(corner), seed=0)
    assert notes == ()
    assert found[0].place[0, 0]
    assert found[0].place.sum() == 4  # the corner and one cell around it
    assert "the top left (1 of 81 cells)" in found[0].why
    assert [item.name for item in found] == ["place-1", "place-2", "place-3", "background"]
    assert [item.beside for item in found] == [False, False, True, False]
    assert all(item.origin == "proposed" for item in found)


def test_of_noise_no_fixed_place_is_preferred():
    found, _ = propose(*made(noise), seed=0)
    assert [item.place for item in found] == [None] * 3


def test_evidence_on_the_object_and_beside_it_proposes_no_place():
    def on_it(rng, _):
        raw = 0.1 * rng.random((SIDE, SIDE))
        raw[3:6, 3:6] += 1.0
        return raw

    found, _ = propose(*made(on_it), seed=0)
    assert [item.place for item in found] == [None] * 3
    assert found[-1].complement


@pytest.mark.parametrize(
    ("draw", "n", "why"),
    [
        (noise, 10, "10 images with a map, 20 are the fewest"),
        (lambda rng, number: noise(rng, 0) * (number < 25), 60, "35 of 60 maps are empty"),
        (lambda rng, _: rng.random((2, 2)), 60, "a map of 2 × 2 cells tells no places apart"),
    ],
)
def test_maps_that_are_no_evidence_propose_nothing_and_say_so(draw, n, why):
    found, notes = propose(*made(draw, n), seed=0)
    assert [item.name for item in found] == ["background"]
    assert notes == (f"maps propose nothing: {why}",)


def test_no_more_are_proposed_than_are_tested():
    def corners(rng, number):
        raw = 0.01 * rng.random((13, 13))
        for row in range(0, 13, 4):
            for column in range(0, 13, 4):
                raw[row, column] = 1.0
        return raw

    maps, _, labels = made(corners)
    empty = np.zeros((36, 36), dtype=bool)
    found, notes = propose(maps, dict.fromkeys(maps, empty), labels, seed=0)
    assert len(found) == 8 + 1  # and the background
    assert "were proposed and not tested" in notes[0]


def test_two_ways_of_looking_within_a_class_are_told_apart():
    rng = np.random.default_rng(1)
    maps = rng.random((80, 8, 8)) * 0.1
    maps[:50, :4, :4] += 1.0
    maps[50:, 5:, 5:] += 1.0
    ((label, members),) = clusters(maps, [0] * 80)
    assert label == 0
    assert sorted(members) == list(range(50, 80))
    assert list(clusters(maps[:10], [0] * 10)) == []


masks = st.integers(0, 10_000).map(lambda seed: np.random.default_rng(seed).random((6, 7)) < 0.3)


@given(mask=masks)
@settings(max_examples=60, deadline=None)
def test_parts_are_apart_and_together_the_whole(mask):
    found = cells.parts(mask)
    assert np.array_equal(
        sum((part.astype(int) for part in found), np.zeros(mask.shape, int)), mask.astype(int)
    )
    for place, part in enumerate(found):
        assert not any((cells.grown(part) & other).any() for other in found[place + 1 :])


@given(mask=masks)
@settings(max_examples=60, deadline=None)
def test_free_cells_are_not_near_the_object(mask):
    large = np.kron(mask, np.ones((4, 4), dtype=bool))
    assert np.array_equal(cells.free(large, mask.shape), ~cells.grown(mask))


def test_the_hottest_place_is_around_the_highest_cell_allowed():
    evidence = np.zeros((6, 6))
    evidence[0, 0], evidence[5, 5], evidence[4, 5] = 3.0, 2.0, 1.5
    allowed = np.ones((6, 6), dtype=bool)
    allowed[0, 0] = False
    place = cells.hottest(evidence, allowed)
    assert set(map(tuple, np.argwhere(place))) == {(r, c) for r in (3, 4, 5) for c in (4, 5)}
    assert not cells.hottest(np.zeros((6, 6)), allowed).any()


@given(mask=masks, seed=st.integers(0, 50))
@settings(max_examples=60, deadline=None)
def test_what_lies_beside_the_object_holds_no_pixel_of_it(mask, seed):
    large = np.kron(mask, np.ones((3, 3), dtype=bool))
    large[::2] = False
    place = cells.hottest_beside(np.random.default_rng(seed).random((6, 7)), large)
    assert place.shape == large.shape
    assert not (place & cells.grown(large)).any()


def test_a_ball_that_touches_the_object_lies_in_the_place_beside_it():
    """Cells of 4 pixels; the ball lies in cells the object reaches or touches: `free` leaves them out."""
    thing, ball = np.zeros((2, 40, 40), dtype=bool)
    thing[14:26, 14:26] = True
    ball[17:22, 27:32] = True
    evidence = np.zeros((10, 10))
    evidence[3:7, 3:7] = 1.0  # the object itself, which is not beside itself
    evidence[4, 6], evidence[5, 7] = 0.6, 0.5
    assert not cells.free(thing, (10, 10))[4:6, 6:8].any()
    place = cells.hottest_beside(evidence, thing)
    assert place[ball].all()
    assert not place[:, :13].any()
    assert not cells.hottest_beside(evidence, np.zeros_like(thing)).any()


def test_the_class_with_the_most_evidence_off_the_object_is_named():
    def uneven(rng, number):
        raw = 0.01 * rng.random((SIDE, SIDE))
        raw[4, 4] = 1.0
        raw[0] += number % 2
        return raw

    found, _ = propose(*made(uneven), seed=0, classes=("cat", "dog"))
    assert "most of it in class dog, 90 %" in found[-1].why


def test_the_metadata_with_the_most_evidence_off_the_object_is_named():
    def uneven(rng, number):
        raw = 0.01 * rng.random((SIDE, SIDE))
        raw[4, 4] = 1.0
        raw[0] += number % 3 == 0
        return raw

    maps, objects, labels = made(uneven)
    camera = {key: "old" if int(key) % 3 == 0 else "new" for key in maps if int(key) < 57}
    serial = {key: key for key in maps}
    found, _ = propose(
        maps, objects, labels, seed=0, metadata={"camera": camera | {"59": "lost"}, "serial": serial}
    )
    shares = {
        third: np.mean(
            [off_share(maps[key]) for key in maps if int(key) < 57 and (int(key) % 3 == 0) is third]
        )
        for third in (True, False)
    }
    assert (
        f"; by camera most where it is old, {100 * shares[True]:.0f} % (n = 19), least where new, "
        f"{100 * shares[False]:.0f} % (n = 38)"
    ) in found[-1].why
    assert "by serial it was not compared: 0 of its values have 5 images" in found[-1].why


def off_share(detail):
    return float(np.where(cells.free(MASK, detail.raw.shape), detail.raw, 0).sum() / detail.raw.sum())


def test_a_cluster_is_told_with_the_metadata_that_it_goes_with():
    """A fifth of class 0 is hot in a corner, all of it from the old camera; "day" goes with nothing."""

    def two_ways(rng, number):
        raw = 0.1 * rng.random((8, 8))
        if number % 2 == 0 and number % 10 == 0:
            raw[:3, :3] += 1.0
        else:
            raw[5:, 5:] += 1.0
        return raw

    maps, _, labels = made(two_ways, 200)
    objects = dict.fromkeys(maps, np.zeros((36, 36), dtype=bool))
    camera = {key: "old" if int(key) % 10 == 0 else "new" for key in maps}
    day = {key: "mo" if int(key) % 4 < 2 else "tu" for key in maps}
    found, notes = propose(
        maps, objects, labels, seed=0, classes=("cat", "dog"), metadata={"camera": camera, "day": day}
    )
    told = "camera is old in 20 of 20 of them and in 0 of 80 others of the class (Cramér's V 1.00)"
    assert any(told in note and "of class cat goes with camera most" in note for note in notes), notes
    assert any("goes with day most" in note and "V 0.00" in note for note in notes), notes
    of_cluster = [item.why for item in found if "are a cluster" in item.why]
    assert all(told in why for why in of_cluster if "class cat" in why)


def test_an_association_counts_what_has_no_value():
    values = ("a", "a", None, "b", "b", "b", None)
    found = association("camera", values, members=[0, 1, 2], others=[3, 4, 5, 6])
    assert found.v == pytest.approx(1.0)
    assert "camera is a in 2 of 2 of them and in 0 of 3 others" in found.text
    assert "2 without a value left out" in found.text
    same = association("camera", ("a",) * 4, members=[0], others=[1, 2, 3])
    assert np.isnan(same.v)
    assert same.text == "camera does not vary in that class"


def test_what_covering_a_cell_costs_is_that_of_a_linear_score():
    rng = torch.Generator().manual_seed(0)
    image, weights = (torch.rand(1, 3, 20, 26, generator=rng, dtype=torch.float64) for _ in range(2))
    rows = []

    def score(images, own):
        rows.extend(own.tolist())
        return (images * weights).sum((1, 2, 3))

    found = falls(image, 4, score, (5, 7))
    change = ((image - baseline(image, "blur")) * weights).sum((0, 1))
    slow = torch.zeros(5, 7, dtype=torch.float64)
    for row in range(20):
        for column in range(26):
            slow[row * 5 // 20, column * 7 // 26] += change[row, column]
    torch.testing.assert_close(found, slow)
    assert rows == [4] * 36


def test_maps_ordered_against_occlusion_propose_nothing(tmp_path):
    """It reads the tag, and its maps are lowest there."""
    weights = {"tag": 1.0, "turned": 2.0}
    spec = write(tmp_path, shortcut(regions=[], discover=True), weights=weights, data={"n": 240})
    (check,) = run(plan.make(read(spec)), tmp_path / "out").checks
    assert {item.name for item in check.findings if item.gate} == {"background"}
    (note,) = (note for note in check.warnings if "maps propose nothing" in note)
    assert "they do not agree with occlusion (rank correlation -0." in note
    assert "over 12 images, none of the interval above 0" in note
    assert float(check.parameters["rank correlation of maps with occlusion, upper end"]) <= 0


def test_a_tag_that_nobody_named_is_found_and_proved(tmp_path):
    check = shortcut(regions=[], discover=True, metadata=["tag"])
    spec = write(tmp_path, check, weights={"tag": 1.0}, data={"n": 240})
    (check,) = run(plan.make(read(spec)), tmp_path / "out").checks
    assert check.status == "FAIL", check.headline
    assert float(check.parameters["rank correlation of maps with occlusion"]) > 0
    assert check.parameters["rank correlation of maps with occlusion, images"] == "12"
    assert "SHORTCUT" in {item.word for item in check.findings}
    *places, column = check.hypotheses
    assert {item.origin for item in places} == {"proposed"}
    assert "; by tag most where it is" in next(item for item in places if item.name == "background").why
    assert (column.name, column.origin, column.pairs) == ("tag", "metadata", ())
    assert "no image was changed for it" in column.why
    facts = hypothesis_views(check, Anchors())[-1].facts
    assert [term for term, _ in facts] == ["Suspected", "Goes with", "Goes with"]
    assert facts[1][1].startswith("right answers by tag, best value minus worst: ")
    assert next(item for item in check.findings if item.name == "background").word == "SHORTCUT"


def test_a_network_that_reads_the_object_is_not_accused(tmp_path):
    spec = write(tmp_path, shortcut(regions=[], discover=True), weights={"object": 1.0}, data={"n": 400})
    (check,) = run(plan.make(read(spec)), tmp_path / "out").checks
    assert "SHORTCUT" not in {item.word for item in check.findings}, check.headline
    assert check.status == "INCONCLUSIVE"


NO_ALL_CLEAR = (
    "no proposed region was found to be relied on; what maps do not propose was not tested: no all-clear"
)


@pytest.mark.parametrize("on_inconclusive", ["fail", "warn"])
def test_discovery_alone_is_never_green(tmp_path, on_inconclusive):
    """It was: BOUNDED of the places that maps proposed passed networks that relied on something else."""
    check = shortcut(regions=[], discover=True, gate={"on_inconclusive": on_inconclusive})
    spec = write(tmp_path, check, weights={"object": 1.0}, data={"n": 640})
    (found,) = run(plan.make(read(spec)), tmp_path / "out").checks
    tested = [item for item in found.findings if item.gate]
    assert {item.word for item in tested} == {"BOUNDED"}, found.headline
    assert {item.status for item in tested} == {"INCONCLUSIVE"}
    assert found.status == "INCONCLUSIVE"
    assert found.blocks is (on_inconclusive == "fail")
    assert found.headline.startswith(f"no-shortcut: INCONCLUSIVE: {NO_ALL_CLEAR}")


def test_beside_a_named_region_what_is_proposed_can_accuse_and_not_clear(tmp_path):
    check = shortcut(discover=True)
    honest, caught = (
        run(
            plan.make(read(write(tmp_path / name, check, weights=weights, data={"n": 640, "scene": True}))),
            tmp_path / name / "out",
        ).checks[0]
        for name, weights in (("honest", {"object": 1.0}), ("caught", {"scene": 1.0}))
    )
    assert honest.status == "PASS", honest.headline
    named, *others = (item for item in honest.findings if item.gate)
    assert (named.name, named.status, named.word) == ("tag", "PASS", "BOUNDED")
    assert {(item.status, item.word) for item in others} == {(None, "BOUNDED")}
    assert caught.status == "FAIL"
    words = {item.name: item.word for item in caught.findings if item.gate}
    assert (words["tag"], words["background"]) == ("BOUNDED", "SHORTCUT")


def test_maps_that_do_not_change_with_the_head_propose_nothing(tmp_path):
    """The reader has no parameter behind its features: whatever is drawn anew, its maps are of the tag."""
    spec = write(
        tmp_path, shortcut(regions=[], discover=True), weights={"tag": 1.0, "deaf": 1}, data={"n": 240}
    )
    (check,) = run(plan.make(read(spec)), tmp_path / "out").checks
    assert {item.name for item in check.findings if item.gate} == {"background"}
    assert any("maps propose nothing: they stay what they are" in note for note in check.warnings)
