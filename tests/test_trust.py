"""How far maps can be trusted: the line follows the rules, and silence is never trust."""

from __future__ import annotations

from dataclasses import replace

import pytest

from camaudit.result import CheckResult, Control, Finding, Population
from camaudit.trust import NOT_ASKED, with_trust

MAPS = {"method": "gradcam", "layer": "auto", "call": "None", "relu": "None", "target": "predicted"}


def number(name, value, half=0.02, *, n=64, blob=None, **changes):
    controls = ()
    if blob is not None:
        controls = (Control(name="centre_prior", title="", value=blob, lower=blob, upper=blob, n=n),)
    return Finding(
        name=name,
        title=name,
        value=value,
        lower=value - half,
        upper=value + half,
        confidence=0.95,
        n=n,
        interval="bootstrap",
        column=name,
        controls=controls,
        **changes,
    )


def check(key="on-the-dog", kind="overlap", *findings, **changes):
    given = {
        "id": key,
        "kind": kind,
        "title": "",
        "status": "PASS",
        "outcome": "PASS",
        "headline": "",
        "question": "",
        "rule": "",
        "answer": "",
        "maps": MAPS,
        "findings": findings,
        "population": Population(data="dogs"),
    }
    return CheckResult(**{**given, **changes})


RANDOMISED = [number(f"randomised_similarity [{stage}]", 0.1) for stage in ("head", "half", "all")]
SOUND = [*RANDOMISED, number("all_zero", 0.03)]
FAITHFUL = [
    number("insertion_gain", 0.1, blob=0.02),
    number("deletion_gain", 0.11, blob=0.02),
    number("occlusion_agreement", 0.41),
    number("method_agreement", 0.8),
]


def said(*findings, subject=None, **changes):
    sane = check("sane", "sanity", *findings, **changes)
    return with_trust([subject or check(), sane])[0].trust


def test_all_good_is_sound_as_far_as_tested():
    trust = said(*SOUND, *FAITHFUL)
    assert trust.level == "good"
    assert trust.checks == ("sane",)
    assert trust.text == (
        "sound as far as tested: change with the parameters (ρ 0.10 [0.08, 0.12]), 3 % [1, 5] all-zero, "
        "agree with occlusion (ρ 0.41 [0.39, 0.43]), insertion beats random order (by 0.10 [0.08, 0.12]), "
        "deletion beats random order (by 0.11 [0.09, 0.13]), methods agree (ρ 0.80 [0.78, 0.82]) [sane]"
    )


def test_without_a_sanity_check_nothing_is_known():
    (alone,) = with_trust([check()])
    assert alone.trust.level == "unknown"
    assert alone.trust.text == (
        "of unknown trust: no sanity check of gradcam at layer auto on network model in this run"
    )


@pytest.mark.parametrize(
    "other",
    [{"model": "twin"}, *[{"maps": {**MAPS, key: "other"}} for key in ("method", "layer", "call", "relu")]],
)
def test_a_sanity_check_of_another_network_or_of_other_maps_says_nothing(other):
    assert said(*SOUND, *FAITHFUL, **other).level == "unknown"


def test_another_target_or_data_set_is_named():
    trust = said(*SOUND, *FAITHFUL, maps={**MAPS, "target": "label"}, population=Population(data="cats"))
    assert trust.level == "good"
    assert "seen for target label, seen on data cats [sane]" in trust.text


@pytest.mark.parametrize("outcome", ["ERROR", "SKIP"])
def test_a_sanity_check_that_could_not_be_carried_out_says_nothing(outcome):
    trust = said(*SOUND, *FAITHFUL, outcome=outcome, status=outcome)
    assert trust.level == "unknown"
    assert trust.text == "of unknown trust: sane could not be carried out [sane]"


def test_a_sanity_check_that_counts_as_a_known_bad_control_speaks_all_the_same():
    bad = number("randomised_similarity [all]", 0.9)
    trust = said(*SOUND[:2], bad, outcome="FAIL", status="PASS", expect="fail")
    assert trust.level == "poor"


def test_a_network_that_was_not_asked_leaves_trust_limited():
    trust = said(*SOUND)
    assert trust.level == "limited"
    assert NOT_ASKED in trust.text


@pytest.mark.parametrize(
    ("name", "weak", "bad", "words"),
    [
        ("randomised_similarity [half]", 0.5, 0.6, "do not change with the parameters (ρ 0.60"),
        ("all_zero", 0.1, 0.5, "50 % [48, 52] all-zero"),
        ("occlusion_agreement", 0.1, -0.1, "do not agree with occlusion (ρ -0.10"),
        ("insertion_gain", 0.01, -0.1, "insertion does not beat random order (by -0.10"),
        ("deletion_gain", 0.01, -0.1, "deletion does not beat random order (by -0.10"),
    ],
)
def test_one_weak_part_limits_and_one_bad_part_is_enough(name, weak, bad, words):
    rest = [item for item in [*SOUND, *FAITHFUL] if item.name != name]
    assert said(*rest, number(name, weak)).level == "limited"
    trust = said(*rest, number(name, bad))
    assert trust.level == "poor"
    assert words in trust.text


def test_methods_that_disagree_limit_and_no_more():
    trust = said(*SOUND, *FAITHFUL[:3], number("method_agreement", -0.5))
    assert trust.level == "limited"
    assert "methods disagree in part" in trust.text


@pytest.mark.parametrize(("name", "value"), [("deletion_gain", 0.21), ("occlusion_agreement", 0.22)])
def test_what_a_blob_reaches_too_is_weak(name, value):
    rest = [item for item in [*SOUND, *FAITHFUL] if item.name != name]
    trust = said(*rest, number(name, value, blob=0.2))
    assert trust.level == "limited"
    assert "not clearly more than a blob in the centre (0.2)" in trust.text


def test_a_number_that_many_images_lack_is_weak_and_says_so():
    rest = [item for item in [*SOUND, *FAITHFUL] if item.name != "deletion_gain"]
    trust = said(*rest, number("deletion_gain", 0.11, n=50, undefined={"all-zero map": 14}))
    assert trust.level == "limited"
    assert "(undefined for 14 of 64)" in trust.text


def test_an_interval_without_ends_is_no_praise():
    nan = float("nan")
    ends = [replace(item, lower=nan, upper=nan) for item in [*SOUND, *FAITHFUL]]
    assert said(*ends).level == "limited"


def test_of_several_checks_the_worst_word_counts():
    good = check("one", "sanity", *SOUND, *FAITHFUL)
    bad = check("two", "sanity", *SOUND[:3], number("all_zero", 0.6))
    trust = with_trust([check(), good, bad])[0].trust
    assert trust.level == "poor"
    assert trust.text.endswith("[one, two]")


def test_single_classes_and_checks_without_maps_are_left_out():
    by_class = number("all_zero", 0.9, by="class", level="cat")
    assert said(*SOUND, by_class, *FAITHFUL).level == "good"
    assert with_trust([check(maps={})])[0].trust is None
