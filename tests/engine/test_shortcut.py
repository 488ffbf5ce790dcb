"""Networks of which we know what they read: the check says so, or says that it cannot tell."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit import plan
from camaudit.engine import run
from camaudit.engine.shortcut.roles import Member, cast, units
from camaudit.engine.shortcut.table import beyond_edits
from camaudit.result import AuditResult
from camaudit.spec import read
from tests.engine.shortcut_audit import MODULE, shortcut, write
from tests.reference import shortcut as slow


def audited(folder, *checks, weights, **data):
    return run(plan.make(read(write(folder, *checks, weights=weights, data=data))), folder / "out")


def finding(check, name):
    return next(item for item in check.findings if item.name == name)


def test_a_network_that_reads_the_tag_alone_is_caught(tmp_path):
    (check,) = audited(tmp_path, weights={"tag": 1.0}).checks
    assert check.status == "FAIL", check.headline
    assert check.blocks
    assert check.headline.startswith("no-shortcut: FAIL: tag: SHORTCUT: swapping it flips 100 % [91, 100]")
    tag = check.findings[0]
    assert (tag.word, tag.value, tag.status) == ("SHORTCUT", 1.0, "FAIL")
    assert tag.p < 0.001
    assert finding(check, "tag: accuracy, agrees").value == 1.0
    assert finding(check, "tag: accuracy, contradicts").value == 0.0
    assert finding(check, "tag: worst class").value == 0.0
    assert finding(check, "tag: cost of the change (blur)").value == 0.0


def test_a_network_that_reads_the_object_alone_is_bounded(tmp_path):
    (check,) = audited(tmp_path, weights={"object": 1.0}, n=360).checks
    assert (check.status, check.findings[0].word) == ("PASS", "BOUNDED")
    assert check.findings[0].value == 0.0
    assert finding(check, "tag: margin").value == 0.0
    assert "tag: BOUNDED: swapping it flips 0 % [0, " in check.headline
    assert "found" not in check.headline


def test_too_few_images_are_inconclusive_and_say_how_many_it_takes(tmp_path):
    (check,) = audited(tmp_path, weights={"object": 1.0}, n=60).checks
    assert check.status == "INCONCLUSIVE"
    assert check.findings[0].word == ""
    assert 70 < check.findings[0].n_needed < 80


def test_of_a_network_that_reads_both_the_stronger_one_decides(tmp_path):
    weak, strong = {"object": 1.0, "tag": 0.2}, {"object": 0.2, "tag": 1.0}
    (bounded,) = audited(tmp_path / "weak", weights=weak, n=360).checks
    assert bounded.findings[0].word == "BOUNDED"
    assert finding(bounded, "tag: margin").lower > 1  # it is weighed, and that is shown
    (caught,) = audited(tmp_path / "strong", weights=strong).checks
    assert caught.findings[0].word == "SHORTCUT"


def test_a_tag_against_the_label_is_a_dependence_as_well(tmp_path):
    """Data whose cue is turned round: the effect is −1, and that is no all clear."""
    (check,) = audited(tmp_path, weights={"tag": -1.0}).checks
    assert check.findings[0].word == "SHORTCUT"


def test_donors_without_the_region_give_it_filled(tmp_path):
    (check,) = audited(tmp_path, weights={"tag": 1.0}, outlined=False).checks
    tag = check.findings[0]
    assert tag.n < 25  # those of class 1 alone can lose their tag
    assert check.parameters["tag: donors of another class without it"] == str(tag.n)
    assert tag.undefined == {}
    assert tag.word == "SHORTCUT"


def test_the_background_is_swapped_under_the_object(tmp_path):
    checks = [shortcut(regions=["background"])]
    (caught,) = audited(tmp_path / "scene", *checks, weights={"scene": 1.0}, scene=True).checks
    assert (caught.findings[0].name, caught.findings[0].word) == ("background", "SHORTCUT")
    assert finding(caught, "object removed: AUC (mean)").value == pytest.approx(1.0)
    (bounded,) = audited(tmp_path / "object", *checks, weights={"object": 1.0}, scene=True, n=360).checks
    assert bounded.findings[0].word == "BOUNDED"
    removed = finding(bounded, "object removed: AUC (mean)")  # the noise that is left tells nothing
    assert removed.lower - 0.1 < 0.5 < removed.upper + 0.1


def test_metadata_is_shown_by_value_and_judges_nothing(tmp_path):
    check = shortcut(metadata=["tag"])
    (found,) = audited(tmp_path, check, weights={"tag": 1.0}, rho=0.8).checks
    levels = [item for item in found.findings if item.by == "tag"]
    assert [item.level for item in levels] == ["bright", "dark"]
    assert all(item.status is None for item in levels)
    assert finding(found, "tag: accuracy gap").status is None
    assert finding(found, "tag: worst group").status is None
    assert [item.origin for item in found.hypotheses] == ["named", "metadata"]


def test_the_effect_is_that_of_the_slow_one(tmp_path):
    spec = write(tmp_path, weights={"object": 0.3, "tag": 0.35}, data={"n": 150, "rho": 0.7})
    check = shortcut(infills=["mean", "tile"])
    spec = write(tmp_path, check, weights={"object": 0.3, "tag": 0.35}, data={"n": 150, "rho": 0.7})
    (found,) = run(plan.make(read(spec)), tmp_path / "out").checks
    module = {}
    exec(compile(MODULE, "tags", "exec"), module)
    made = {item.id: item for item in module["samples"](n=150, rho=0.7)}
    pictures = {key: (item.image() / 255, module["TAG"], item.label) for key, item in made.items()}

    def network(image):
        score = 0.35 * (image[1:5, 1:5, 2].mean() - 0.5)
        score += 0.3 * (image[10:18, 9:17, 1] - image[10:18, 9:17, 0]).mean()
        return int(score > 0)

    members = [Member(id=key, label=item.label, group=None, content=key) for key, item in made.items()]
    roles = cast(members, seed=0, proposing=0.0)
    triples = [(item.recipient, item.same, item.other) for item in roles.triples]
    assert found.findings[0].value == pytest.approx(abs(slow.reliance(network, pictures, triples)))
    assert 0.05 < found.findings[0].value < 0.95


def test_a_change_that_breaks_the_images_bounds_nothing(tmp_path):
    """Both donors' tags are as wrong: no effect is seen, since nothing is right any more."""
    folder = tmp_path
    path = write(folder, weights={"tag": 1.0}, data={"n": 360})
    module = folder / f"tags_{folder.name}".replace("-", "_")
    text = module.with_suffix(".py").read_text()
    # A network that answers wrong wherever the tag's four rows were not drawn by one hand: after any change.
    text = text.replace(
        "        return torch.stack([-score, score], dim=1) + unheard",
        "        moved = (x[:, 2, 1:5, 1:5].amax((1, 2)) - x[:, 2, 1:5, 1:5].amin((1, 2))) > 0.004\n"
        "        score = torch.where(moved, -thing, thing)\n"
        "        return torch.stack([-score, score], dim=1) + unheard",
    )
    module.with_suffix(".py").write_text(text)
    spec = path.read_text().replace("regions:\n  - tag", "regions:\n  - tag\n  infills: [blur, tile]")
    path.write_text(spec)
    (check,) = run(plan.make(read(path)), folder / "out").checks
    tag = check.findings[0]
    assert finding(check, "tag: cost of the change (blur)").value > 0.5
    assert tag.status == "INCONCLUSIVE"
    assert math.isnan(tag.upper)
    assert "the change by itself costs" in tag.reason


@pytest.mark.parametrize("held", [0.0, 0.4])
def test_a_region_with_less_than_half_of_the_object_may_be_named(tmp_path, held):
    """A collar lies inside the dog."""
    (check,) = audited(tmp_path, shortcut(regions=["wide"]), weights={"tag": 1.0}, held=held).checks
    assert check.status != "ERROR", check.headline
    share = float(check.parameters["wide: share of the object that it covers"])
    assert share == pytest.approx(held, abs=0.02)


def test_a_region_that_holds_the_object_is_refused(tmp_path):
    """It was carried over with the object in it, and networks that read the object were called SHORTCUT."""
    check = shortcut(regions=["tag", "wide", "all"])
    (found,) = audited(tmp_path, check, weights={"object": 1.0}, held=0.75).checks
    assert (found.status, found.blocks) == ("ERROR", True)
    for part in (
        "region 'wide' covers 75 % of the object (median of 120 images that show both; 50 % is the most)",
        "region 'all' covers 100 % of the object",
        "carrying it over hands over the object as well",
        "narrow its masks to the cue",
        'name "background"',
    ):
        assert part in found.headline
    assert "'tag'" not in found.headline


def test_without_masks_of_the_object_only_what_covers_nearly_all_is_refused(tmp_path):
    (found,) = audited(tmp_path / "all", shortcut(regions=["all"]), weights={"object": 1.0}, objects=0).checks
    assert found.status == "ERROR"
    assert "region 'all' covers 100 % of the image (median), and no image has a mask of the object" in (
        found.headline
    )
    (found,) = audited(tmp_path / "tag", weights={"tag": 1.0}, objects=0).checks
    assert found.status == "FAIL"
    assert any("could not be verified: no image has a mask of the object" in note for note in found.warnings)
    (found,) = audited(tmp_path / "some", weights={"tag": 1.0}, objects=0.5).checks
    assert any("was verified on 6" in note and "of the 120 images" in note for note in found.warnings)


def test_a_seam_is_not_taken_for_the_cue(tmp_path):
    """Do(cue) moves no answer here: the network reads whether the place without a tag fits its surround.

    Only ground carried from another image does not fit, and that comes from class 0 alone. So answers of
    class 1 turn with the donor, and did make a SHORTCUT of a region that nobody relies on.
    """
    path = write(tmp_path, weights={"object": 0.6}, data={"n": 360})
    module = tmp_path / f"tags_{tmp_path.name}".replace("-", "_")
    text = module.with_suffix(".py").read_text()
    text = text.replace(
        "    image[TAG, 2] = (250 if tag else 5) - rng.integers(0, 5)\n",
        "    image[:10, :, :] = rng.integers(40, 160)\n    if tag:\n        image[TAG] = (250, 100, 250)\n",
    ).replace(
        "        return torch.stack([-score, score], dim=1) + unheard",
        "        seam = (x[:, 1, 1:5, 1:5].mean((1, 2)) - x[:, 1, 6:9, 6:].mean((1, 2))).abs()\n"
        "        score = score - 30 * seam * (x[:, 0, 1:5, 1:5].mean((1, 2)) < 0.7)\n"
        "        return torch.stack([-score, score], dim=1) + unheard",
    )
    module.with_suffix(".py").write_text(text)
    (check,) = run(plan.make(read(path)), tmp_path / "out").checks
    tag = check.findings[0]
    assert tag.lower > 0.05, tag
    assert finding(check, "tag: margin").lower > 1
    beyond = finding(check, "tag: margin beyond the change")
    assert beyond.lower < 0 < beyond.upper
    assert tag.p > 0.05
    assert (tag.status, tag.word) == ("INCONCLUSIVE", "")


@given(
    seed=st.integers(0, 10_000), seam=st.floats(-3, 3), cue=st.floats(-3, 3), share=st.sampled_from([1, 2, 3])
)
@settings(max_examples=60, deadline=None)
def test_what_the_change_shifts_by_itself_is_taken_off(seed, seam, cue, share):
    """Evidence for class 1 is a number; ground of class 0 shifts it by `seam`, class 1's version by `cue`."""
    rng = np.random.default_rng(seed)
    own = (np.arange(60) % (share + 1) > 0).astype(int)
    scene = rng.normal(size=60)

    def margin(evidence):
        return np.where(own == 1, evidence, -evidence)

    untouched = margin(scene + cue * own)
    same = margin(scene + np.where(own == 1, cue, seam))
    other = margin(scene + np.where(own == 1, seam, cue))
    found = beyond_edits(same - other, untouched - same, own=own, other=1 - own)
    assert found.mean() == pytest.approx(cue, abs=1e-9)
    assert (same - other).mean() == pytest.approx(cue - seam, abs=1e-9)


def test_of_a_class_that_shows_no_region_nothing_is_taken_off():
    margin, cost = np.array([2.0, np.nan, 4.0]), np.array([1.0, np.nan, 0.0])
    found = beyond_edits(margin, cost, own=np.array([1, 0, 1]), other=np.array([0, 1, 0]))
    assert found[[0, 2]] == pytest.approx([3.0, 4.0])
    assert math.isnan(found[1])


def test_the_worst_class_is_estimated_over_groups(tmp_path):
    """Images of a group are alike: as many of them tell less than as many groups would."""
    weights = {"object": 0.3, "tag": 0.35}
    alone, grouped = (
        finding(
            audited(tmp_path / str(size), weights=weights, n=360, groups=size).checks[0], "tag: worst class"
        )
        for size in (0, 6)
    )
    assert "groups" in grouped.interval
    assert "groups" not in alone.interval


def test_a_check_without_maps_lacks_none(tmp_path):
    (named,) = audited(tmp_path / "named", weights={"tag": 1.0}).checks
    assert {row.map_status for row in named.rows} == {"no map was needed"}
    (found,) = audited(tmp_path / "found", shortcut(discover=True), weights={"tag": 1.0}).checks
    assert {row.map_status for row in found.rows} <= {"ok", "all-zero"}


def test_pictures_of_pairs_are_written_and_read_back(tmp_path):
    result = audited(tmp_path, weights={"tag": 1.0})
    again = AuditResult.read(tmp_path / "out/result.json")
    (told,) = again.checks[0].hypotheses
    assert told == result.checks[0].hypotheses[0]
    assert (told.name, told.origin) == ("tag", "named")
    assert len(told.pairs) == 6
    for pair in told.pairs:
        assert [item.role for item in pair.versions] == ["before", "control", "after"]
        assert [item.answer == pair.label for item in pair.versions] == [True, True, False]
        assert all((tmp_path / "out" / item.image).is_file() for item in pair.versions)
        assert len({pair.sample, *(item.donor for item in pair.versions[1:])}) == 3


@pytest.mark.parametrize(
    ("changes", "data", "message"),
    [
        ({"regions": ["tagg"]}, {}, "no sample has a mask for region 'tagg', did you mean \"tag\""),
        ({"metadata": ["tagg"]}, {}, "no sample has a metadata column 'tagg', did you mean \"tag\""),
        ({}, {"n": 20}, "images can be changed, and 10 are the fewest"),
        ({"regions": {"tag": "masks/{id}.png"}}, {}, "has no image file"),
    ],
)
def test_what_cannot_be_tested_is_an_error(tmp_path, changes, data, message):
    (check,) = audited(tmp_path, shortcut(**changes), weights={"tag": 1.0}, **data).checks
    assert check.status == "ERROR"
    assert message in check.headline


members = st.lists(
    st.tuples(st.integers(0, 3), st.sampled_from([None, "a", "b", "c", "d"]), st.integers(0, 30)),
    max_size=60,
).map(
    lambda rows: [
        Member(id=f"{place:02d}", label=label, group=group, content=f"{content}")
        for place, (label, group, content) in enumerate(rows)
    ]
)


@given(members=members, seed=st.integers(0, 5), share=st.sampled_from([0.0, 0.25]))
@settings(max_examples=150, deadline=None)
def test_no_sample_group_or_image_has_two_roles(members, seed, share):
    roles = cast(members, seed=seed, proposing=share)
    by_id = {item.id: item for item in members}
    used = [key for item in roles.triples for key in (item.recipient, item.same, item.other)]
    assert len(set(used)) == len(used)
    parts = {
        "propose": set(roles.proposing),
        "recipient": {item.recipient for item in roles.triples},
        "same": {item.same for item in roles.triples},
        "other": {item.other for item in roles.triples},
    }
    for name in ("group", "content"):
        held = [{getattr(by_id[key], name) for key in part} - {None} for part in parts.values()]
        assert sum(map(len, held)) == len(set().union(*held)), name
    for item in roles.triples:
        assert by_id[item.recipient].label == by_id[item.same].label != by_id[item.other].label
    assert roles == cast(members[::-1], seed=seed, proposing=share)


def test_roles_are_of_equal_size_and_stratified():
    members = [Member(id=f"{n:03d}", label=n % 10, group=None, content=str(n)) for n in range(600)]
    roles = cast(members, seed=0, proposing=0.25)
    assert len(roles.proposing) == pytest.approx(150, abs=10)
    assert len(roles.triples) >= 145
    labels = np.bincount([int(item.recipient) % 10 for item in roles.triples])
    assert labels.min() >= 12
    gaps = [(int(item.other) - int(item.recipient)) % 10 for item in roles.triples]
    assert len(set(gaps)) == 9  # not always the neighbouring class
    assert len(cast(members, seed=0, proposing=0.25, most=20).triples) == 20


def test_units_are_put_together_across_groups_and_images():
    rows = [("a", "1"), (None, "1"), ("b", "2"), ("a", "2"), (None, "3")]
    members = [
        Member(id=str(n), label=0, group=group, content=image) for n, (group, image) in enumerate(rows)
    ]
    assert sorted(sorted(item.id for item in unit) for unit in units(members)) == [
        ["0", "1", "2", "3"],
        ["4"],
    ]
