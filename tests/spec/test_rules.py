# ruff: noqa: ISC004 - messages stand word for word, as they are printed
"""What must fit together across a spec."""

from __future__ import annotations

import pytest

from camaudit.spec import read_text

pytestmark = pytest.mark.usefixtures("tables")

HEAD = """\
version: 1
name: dogs
model: {factory: "a:b"}
models: {bad: {factory: "a:b"}}
data: {dogs: {manifest: a.csv}}
checks:
"""
GATE = "kind: overlap, gate: {at_least: 0.5}"


def checks(*lines):
    return HEAD + "".join(f"  - {{{line}}}\n" for line in lines)


def test_what_fits():
    spec = read_text(
        checks(f"id: a, {GATE}, data: dogs", f"id: b, {GATE}, model: bad, expect: fail"), "a.yaml"
    )
    assert [check.model for check in spec.checks] == [None, "bad"]


def test_ids_are_unique(told):
    text = checks(f"id: a, {GATE}", f"id: b, {GATE}", f"id: a, {GATE}", f"id: a, {GATE}")
    words = "the id 'a' is taken by the check in line 7; ids are unique"
    assert told(text) == [f"9 «a» checks.a.id: {words}", f"10 «a» checks.a.id: {words}"]


def test_data_is_needed_where_there_are_several(told):
    text = checks(f"id: a, {GATE}").replace("data: {", "data: {cats: {folder: b}, ")
    assert told(text) == [
        '7 «{id: a, kind: overlap, gate: {at_least: 0.5}}» checks.a: needs the key "data", one of cats, dogs'
    ]


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("data: dog", "7 «dog» checks.a.data: there is no data set 'dog', did you mean \"dogs\"?"),
        ("data: zzz", "7 «zzz» checks.a.data: there is no data set 'zzz'; there are: dogs"),
        ("model: bda", "7 «bda» checks.a.model: there is no network in models 'bda', did you mean \"bad\"?"),
        ("model: zzz", "7 «zzz» checks.a.model: there is no network in models 'zzz'; there are: bad"),
        (
            "model: model",
            "7 «model» checks.a.model: there is no network in models 'model'; there are: bad; "
            "leave the key out for the audit's own network",
        ),
    ],
)
def test_names_must_exist(told, given, words):
    assert told(checks(f"id: a, {GATE}, {given}")) == [words]


def test_a_network_where_there_are_none(told):
    text = checks(f"id: a, {GATE}, model: bad").replace('models: {bad: {factory: "a:b"}}', "description: x")
    words = "there is no network in models 'bad'; leave the key out for the audit's own network"
    assert told(text) == [f"7 «bad» checks.a.model: {words}"]


def test_the_name_of_the_audits_own_network_is_taken(told):
    text = checks(f"id: a, {GATE}").replace("models: {bad:", "models: {model:")
    assert told(text) == [
        '4 «model» models.model: "model" is the name of the audit\'s own network; choose another'
    ]


def test_a_control_that_only_warns_controls_nothing(told):
    text = checks(f"id: a, {GATE}, expect: fail, severity: warn")
    words = '"expect: fail" marks a control that must fail, so "severity: warn" would switch it off'
    assert told(text) == [f"7 «warn» checks.a.severity: {words}"]


def test_pictures_are_no_evidence(told):
    words = "'guided' makes pictures, not evidence: no gate may rest on it"
    assert told(checks(f"id: a, {GATE}, maps: {{method: guided}}")) == [
        f"7 «guided» checks.a.maps.method: {words}"
    ]
    text = checks(f"id: a, {GATE}", f"id: b, {GATE}").replace("checks:", "maps: {method: guided}\nchecks:")
    assert told(text) == [f"6 «guided» maps.method: {words}"]


def test_pictures_may_be_drawn_where_nothing_is_gated():
    attacked = "id: a, kind: attacked, attack: {eps: 1}, maps: {method: guided}"
    assert read_text(checks(attacked), "a.yaml").checks[0].maps.method == "guided"
    replaced = checks(f"id: a, {GATE}, maps: {{method: gradcam}}").replace(
        "checks:", "maps: {method: guided}\nchecks:"
    )
    assert read_text(replaced, "a.yaml").maps.method == "guided"


def test_rules_are_told_beside_mistakes_elsewhere(told):
    text = checks(f"id: a, {GATE}, data: dog", "id: a, kind: zzz, model: bd, gate: {}")
    text = text.replace("version: 1", "version: one").replace("name: dogs", "nam: dogs")
    assert [mistake.split(": ")[0] for mistake in told(text)] == [
        "1 «one» version",
        "2 «nam» nam",
        "7 «dog» checks.a.data",
        "8 «a» checks.a.id",
        "8 «zzz» checks.a.kind",
        "8 «bd» checks.a.model",
    ]
