# ruff: noqa: E501, ISC004 - messages stand word for word, as they are printed
"""Every kind of message, word for word."""

from __future__ import annotations

import pytest

from camaudit.spec import read_text

pytestmark = pytest.mark.usefixtures("tables")

GOOD = """\
version: 1
name: dogs
model: {factory: "a:b"}
data:
  dogs: {manifest: a.csv}
checks:
  - {id: one, kind: overlap, gate: {at_least: 0.5}}
"""
LINES = {"model": 3, "dogs": 5, "check": 7}

NAMED = "version, name, description, model, models, maps, defaults, marks, data, checks"


def change(**parts):
    """The good spec with one line replaced: `model`, `dogs` or `check`, or with lines `more` at its end."""
    lines = GOOD.splitlines()
    for name, text in parts.items():
        if name == "more":
            lines += text.splitlines()
        else:
            lines[LINES[name] - 1] = text
    return "\n".join(lines) + "\n"


def model(keys):
    return change(model=f'model: {{factory: "a:b", {keys}}}')


def check(keys):
    return change(check=f"  - {{id: one, kind: overlap, gate: {{at_least: 0.5}}, {keys}}}")


def test_the_good_spec_is_good():
    assert read_text(GOOD, "a.yaml").checks[0].id == "one"


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        # keys
        (change(more="zzz: x"), f"8 «zzz» zzz: unknown key; allowed: {NAMED}"),
        (change(more="model_: x"), '8 «model_» model_: unknown key, did you mean "models"?'),
        (check("sevrity: warn"), '7 «sevrity» checks.one.sevrity: unknown key, did you mean "severity"?'),
        (
            check("maps: {methd: gradcam}"),
            '7 «methd» checks.one.maps.methd: unknown key, did you mean "method"?',
        ),
        (check("sample: {zzz: 1}"), "7 «zzz» checks.one.sample.zzz: unknown key; allowed: n, by, seed"),
        (
            model("preprocess: {croop: 3}"),
            '3 «croop» model.preprocess.croop: unknown key, did you mean "crop"?',
        ),
        (
            change(more="models: {bad: {factry: x}}"),
            '8 «factry» models.bad.factry: unknown key, did you mean "factory"?',
        ),
        (change(model="model: {}"), '3 «{}» model: needs the key "factory"'),
        ("version: 1\nname: a\n", '1 «version: 1» : needs the keys "model", "data" and "checks"'),
        (
            change(check="  - {id: one, kind: overlap}"),
            '7 «{id: one, kind: overlap}» checks.one: needs the key "gate"',
        ),
        (
            change(check="  - {kind: overlap, gate: {at_least: 0.5}}"),
            '7 «{kind: overlap, gate: {at_least: 0.5}}» checks[0]: needs the key "id"',
        ),
        (
            change(check="  - {id: one, kind: overlap, gates: {}}"),
            '7 «gates» checks.one.gates: unknown key, did you mean "gate"?',
        ),
        # types
        (
            model("weights: {path: w, strict: no}"),
            "3 «no» model.weights.strict: must be true or false, got 'no'; write false",
        ),
        (model("weights: {path: w, strict: 1}"), "3 «1» model.weights.strict: must be true or false, got 1"),
        (check("sample: {n: many}"), "7 «many» checks.one.sample.n: must be a whole number, got 'many'"),
        (check("sample: {n: true}"), "7 «true» checks.one.sample.n: must be a whole number, got true"),
        (check("sample: {n: 3.5}"), "7 «3.5» checks.one.sample.n: must be a whole number, got 3.5"),
        (check('sample: {n: "3"}'), "7 «\"3\"» checks.one.sample.n: must be a whole number, got '3'"),
        (check("sample: {seed: }"), "7 «seed» checks.one.sample.seed: must be a whole number, got nothing"),
        (check("sample: [1]"), "7 «[1]» checks.one.sample: must be a mapping (key: value), got a list"),
        (check("description: 5"), "7 «5» checks.one.description: must be text, got 5; put it in quotes"),
        (check("description: [a]"), "7 «[a]» checks.one.description: must be text, got a list"),
        (
            check("confidence: sure"),
            "7 «sure» checks.one.confidence: must be a number such as 0.03, 8/255 or 1e-3, got 'sure'",
        ),
        (check("confidence: true"), "7 «true» checks.one.confidence: must be a number, got true"),
        (check("confidence: .nan"), "7 «.nan» checks.one.confidence: must be a finite number, got nan"),
        (model("arguments: x"), "3 «x» model.arguments: must be a mapping (key: value), got 'x'"),
        (change(more="models: []"), "8 «[]» models: must be a mapping (key: value), got a list"),
        (
            GOOD.replace("checks:\n  -", "checks:"),
            "6 «{id: one, kind: overlap, gate: {at_least: 0.5}}» checks: must be a list, got a mapping",
        ),
        (GOOD.partition("  - {")[0], "6 «checks» checks: must be a list, got nothing"),
        (change(check="  []"), "7 «[]» checks: must hold at least 1 entry, got none"),
        (change(dogs="  {}"), "5 «{}» data: must hold at least 1 entry, got none"),
        # limits
        (check("sample: {n: 0}"), "7 «0» checks.one.sample.n: must be greater than 0, got 0"),
        (check("maps: {call: -1}"), "7 «-1» checks.one.maps.call: must be at least 0, got -1"),
        (check("confidence: 1"), "7 «1» checks.one.confidence: must be less than 1, got 1"),
        (check("allow_undefined: 2"), "7 «2» checks.one.allow_undefined: must lie between 0 and 1, got 2"),
        (
            change(check=f"  - {{id: {'a' * 81}, kind: overlap, gate: {{at_least: 0.5}}}}"),
            f"7 «{'a' * 81}» checks.{'a' * 81}.id: must have at most 80 characters",
        ),
        # forms
        (
            change(check="  - {id: on the dog, kind: overlap, gate: {at_least: 0.5}}"),
            "7 «on the dog» checks.on the dog.id: must be letters, digits, '.', '_' and '-', a letter or digit first, "
            "got 'on the dog'",
        ),
        (
            change(more='models: {"the bad": {factory: "a:b"}}'),
            "8 «\"the bad\"» models.the bad: must be letters, digits, '.', '_' and '-', a letter or digit first, got 'the bad'",
        ),
        (
            change(model="model: {factory: models.dogs}"),
            "3 «models.dogs» model.factory: must be written module:callable, torchvision:NAME or export:FILE.pt2, "
            "got 'models.dogs'",
        ),
        (model("preprocess: mine"), "3 «mine» model.preprocess: must be written module:callable, got 'mine'"),
        (
            model("weights: {path: w, sha256: AB}"),
            "3 «AB» model.weights.sha256: must be 64 hexadecimal digits in lower case, got 'AB'",
        ),
        # one of several
        (
            check("sample: {by: labl}"),
            '7 «labl» checks.one.sample.by: must be "label" or "group", got \'labl\', did you mean "label"?',
        ),
        (GOOD.replace("version: 1", "version: 2"), "1 «2» version: must be 1, got 2"),
        (model("preprocess: {channels: 2}"), "3 «2» model.preprocess.channels: must be 1 or 3, got 2"),
        (
            check("maps: {target: labl}"),
            '7 «labl» checks.one.maps.target: must be "label", "predicted", a whole number, module:callable, or a '
            "mapping with one of class, kth, contrast, counterfactual, log_likelihood and function, got 'labl', "
            'did you mean "label"?',
        ),
        (
            model("preprocess: {mean: imagnet}"),
            '3 «imagnet» model.preprocess.mean: must be "imagenet" or a list, got \'imagnet\', did you mean "imagenet"?',
        ),
        (
            model("weights: zzz"),
            "3 «zzz» model.weights: must be \"random\" or a mapping (key: value), got 'zzz'",
        ),
        (model("classes: 5"), "3 «5» model.classes: must be text or a list, got 5"),
        (model("classes: [cat, 5]"), "3 «5» model.classes[1]: must be text, got 5; put it in quotes"),
        (
            model("preprocess: {resize: big}"),
            "3 «big» model.preprocess.resize: must be a whole number or a list, got 'big'",
        ),
        (model("preprocess: {resize: 0}"), "3 «0» model.preprocess.resize: must be greater than 0, got 0"),
        (
            model("preprocess: {resize: [8, 0]}"),
            "3 «0» model.preprocess.resize[1]: must be greater than 0, got 0",
        ),
        (model("preprocess: {resize: [8]}"), "3 «[8]» model.preprocess.resize: needs an entry number 2"),
        (
            model("preprocess: {resize: [8, 8, 8]}"),
            "3 «[8, 8, 8]» model.preprocess.resize: must hold at most 2 entries, got 3",
        ),
        (
            model("preprocess: {std: [x]}"),
            "3 «x» model.preprocess.std[0]: must be a number such as 0.03, 8/255 or 1e-3, got 'x'",
        ),
        # names from tables
        (
            check("maps: {method: gradcm}"),
            "7 «gradcm» checks.one.maps.method: unknown map method 'gradcm', did you mean \"gradcam\"? "
            "allowed: gradcam, guided",
        ),
        (
            check("metric: zzz"),
            "7 «zzz» checks.one.metric: unknown metric 'zzz'; allowed: energy_inside, iou",
        ),
        (check("metric: iou"), "7 «iou» checks.one.metric: metric 'iou': write 'iou@0.15'"),
        (
            change(check="  - {id: one, kind: overlapp}"),
            "7 «overlapp» checks.one.kind: unknown kind of check 'overlapp', did you mean \"overlap\"? "
            "allowed: overlap, attacked",
        ),
        (
            change(check="  - {id: one, kind: 5}"),
            "7 «5» checks.one.kind: unknown kind of check 5; allowed: overlap, attacked",
        ),
        (
            change(check="  - {id: one, kind: [overlap]}"),
            "7 «[overlap]» checks.one.kind: unknown kind of check a list; allowed: overlap, attacked",
        ),
        (
            change(check="  - {id: one, gate: {}}"),
            '7 «{id: one, gate: {}}» checks.one: needs the key "kind", one of overlap, attacked',
        ),
        (
            change(check="  - {id: one, knd: overlap}"),
            '7 «knd» checks.one.knd: unknown key, did you mean "kind"?',
        ),
        (change(check="  - overlap"), "7 «overlap» checks[0]: must be a mapping (key: value), got 'overlap'"),
        (
            change(dogs="  dogs: {manifst: a.csv}"),
            '5 «manifst» data.dogs.manifst: unknown key, did you mean "manifest"?',
        ),
        (change(dogs="  dogs: {}"), "5 «{}» data.dogs: needs a source, one of the keys manifest, folder"),
        (
            change(dogs="  dogs: {allow_unusable: 0}"),
            "5 «{allow_unusable: 0}» data.dogs: needs a source, one of the keys manifest, folder",
        ),
        (
            change(dogs="  dogs: {manifest: a.csv, folder: b}"),
            '5 «folder» data.dogs.folder: a data set has one source, and "manifest" is given already; '
            "make two data sets of them",
        ),
        (change(dogs="  dogs: a.csv"), "5 «a.csv» data.dogs: must be a mapping (key: value), got 'a.csv'"),
        (
            change(dogs="  dogs: {manifest: a.csv, maks: b}"),
            '5 «maks» data.dogs.maks: unknown key, did you mean "mask"?',
        ),
        (
            change(dogs="  dogs: {folder: a, folder_: b}"),
            "5 «folder_» data.dogs.folder_: unknown key; allowed: allow_unusable, folder",
        ),
        # gates
        (
            change(check="  - {id: one, kind: overlap, gate: {}}"),
            '7 «{}» checks.one.gate: a gate needs exactly one bound: "at_least" or "at_most"',
        ),
        (
            change(check="  - {id: one, kind: overlap, gate: {at_least: 0.5, decide_on: ci_upper}}"),
            '7 «{at_least: 0.5, decide_on: ci_upper}» checks.one.gate: "decide_on: ci_upper" would pass on the lucky end of the interval; '
            'allowed: "ci_lower" or "estimate"',
        ),
        (
            change(check="  - {id: one, kind: overlap, gate: {at_most: 1}}"),
            "7 «1» checks.one.gate.at_most: this gate can never fail: energy_inside lies between 0 and 1, "
            "the gate is at most 1",
        ),
        (
            change(check="  - {id: one, kind: overlap, gate: {at_least: 3/2}}"),
            "7 «3/2» checks.one.gate.at_least: this gate can never pass: energy_inside lies between 0 and 1, "
            "the gate is at least 1.5",
        ),
        (
            check("per_class: {at_most: -1}"),
            "7 «-1» checks.one.per_class.at_most: this gate can never pass: energy_inside lies between 0 and 1, "
            "the gate is at most -1",
        ),
    ],
)
def test_word_for_word(told, text, mistake):
    assert told(text) == [mistake]


def test_a_value_is_cut_where_it_is_long(told):
    (mistake,) = told(check(f"sample: {{n: {'x' * 200}}}"))
    assert mistake == f"7 «{'x' * 50}» checks.one.sample.n: must be a whole number, got '{'x' * 55}…'"


def test_a_block_goes_by_the_key_above_it(told):
    text = GOOD.replace(
        "gate: {at_least: 0.5}}",
        "gate: {at_least: 0.5}}\n  - id: two\n    kind: overlap\n    gate:\n      on_inconclusive: warn",
    )
    assert told(text) == [
        '10 «gate» checks.two.gate: a gate needs exactly one bound: "at_least" or "at_most"'
    ]


def test_a_vacuous_gate_is_told_beside_other_mistakes_of_its_check(told):
    text = change(check="  - {id: 5, kind: overlap, zzz: 1, sample: {n: x}, gate: {at_least: 0}}")
    assert [mistake.split(": ")[0] for mistake in told(text)] == [
        "7 «5» checks[0].id",
        "7 «zzz» checks[0].zzz",
        "7 «x» checks[0].sample.n",
        "7 «0» checks[0].gate.at_least",
    ]


def test_a_check_without_a_kind_is_still_looked_at(told):
    assert told(change(check="  - {id: one, sample: {m: 1}}")) == [
        '7 «{id: one, sample: {m: 1}}» checks.one: needs the key "kind", one of overlap, attacked',
        "7 «m» checks.one.sample.m: unknown key; allowed: n, by, seed",
    ]


def test_a_check_of_unknown_kind_is_still_looked_at(told):
    text = change(check="  - {kind: overlapp, severity: wrn}")
    assert told(text) == [
        '7 «{kind: overlapp, severity: wrn}» checks[0]: needs the key "id"',
        "7 «overlapp» checks[0].kind: unknown kind of check 'overlapp', did you mean \"overlap\"? allowed: overlap, attacked",
        '7 «wrn» checks[0].severity: must be "fail" or "warn", got \'wrn\', did you mean "warn"?',
    ]


@pytest.mark.parametrize("eps", ["8/255", '"1e-3"', "0.5", "1", "1e-3", ".5", '" 8 / 255 "'])
def test_ways_to_write_a_number(eps):
    spec = read_text(change(check=f"  - {{id: one, kind: attacked, attack: {{eps: {eps}}}}}"), "a.yaml")
    assert spec.checks[0].attack.eps == pytest.approx(eval(eps.replace('"', "")))


@pytest.mark.parametrize("eps", ["8/0", "8/255/2", "eight", "1e9999999999", '"nan"', '"0x1"', "'٣'", "1_0"])
def test_what_is_no_number(told, eps):
    (mistake,) = told(change(check=f"  - {{id: one, kind: attacked, attack: {{eps: {eps}}}}}"))
    assert "number" in mistake
