# ruff: noqa: E501, RUF005 - messages stand word for word, as they are printed
"""From a file to a spec: the five-mistakes promise, where the reader points, and what it refuses to open."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camaudit.errors import SpecError
from camaudit.spec import AuditSpec, read, read_text

pytestmark = pytest.mark.usefixtures("tables")

GOOD = """\
version: 1
name: dogs
model:
  factory: models.dogs:load
data:
  dogs: {manifest: data/dogs.csv}
checks:
  - id: on-the-dog
    kind: overlap
    gate: {at_least: 0.6}
  - kind: attacked
    id: under-attack
    attack: {eps: 8/255}
"""


def test_a_good_spec(write):
    path = write(GOOD)
    spec = read(path)
    assert isinstance(spec, AuditSpec)
    assert (spec.file, spec.base, spec.source) == (path, path.parent, GOOD)
    assert [check.id for check in spec.checks] == ["on-the-dog", "under-attack"]
    assert (spec.line_of("on-the-dog"), spec.line_of("under-attack")) == (8, 11)
    assert spec.checks[0].gate.bound == 0.6
    assert spec.checks[1].attack.eps == 8 / 255
    assert spec.data["dogs"].manifest == "data/dogs.csv"


def test_a_spec_is_frozen(write):
    spec = read(str(write(GOOD)))
    with pytest.raises(ValueError, match="frozen"):
        spec.name = "cats"


def test_five_mistakes_five_located_messages(write):
    path = write("""\
version: 1
name: dogs
model: {factory: models.dogs:load}
data:
  dogs: {manifest: data/dogs.csv}
  cats:
    folder: cats
    maks: "mask/{stem}.png"
checks:
  - id: on-the-dog
    kind: overlap
    data: dogs
    sample: {n: many}
    gate: {at_least: 0}
  - id: on-the-dog
    kind: overlap
    data: cat
    gate: {at_least: 0.5}
""")
    with pytest.raises(SpecError, match="maks") as caught:
        read(path)
    assert str(caught.value) == (
        """\
dogs.audit.yaml:8:5: data.cats.maks: unknown key; allowed: allow_unusable, folder
  8 |     maks: "mask/{stem}.png"
    |     ^^^^
dogs.audit.yaml:13:17: checks.on-the-dog.sample.n: must be a whole number, got 'many'
  13 |     sample: {n: many}
     |                 ^^^^
dogs.audit.yaml:14:22: checks.on-the-dog.gate.at_least: this gate can never fail: """
        """energy_inside lies between 0 and 1, the gate is at least 0
  14 |     gate: {at_least: 0}
     |                      ^
dogs.audit.yaml:15:9: checks.on-the-dog.id: the id 'on-the-dog' is taken by the check in line 10; ids are unique
  15 |   - id: on-the-dog
     |         ^^^^^^^^^^
dogs.audit.yaml:17:11: checks.on-the-dog.data: there is no data set 'cat', did you mean "cats"?
  17 |     data: cat
     |           ^^^"""
    )
    assert len(caught.value.problems) == 5
    assert caught.value.message == "the audit cannot be used: 5 mistakes"
    assert caught.value.where == "dogs.audit.yaml"


def test_the_example_of_the_design(write):
    path = write(
        "version: 1\nname: x\nmodel: {factory: 'a:b'}\ndata: {dogs: {manifest: data/dogs.csv,\n"
        '  maks: "mask/{stem}.png"\n}}\nchecks: [{id: a, kind: overlap, gate: {at_least: 0.5}}]\n'
    )
    with pytest.raises(SpecError, match="maks") as caught:
        read(path)
    assert str(caught.value) == (
        'dogs.audit.yaml:5:3: data.dogs.maks: unknown key, did you mean "mask"?\n'
        '  5 |   maks: "mask/{stem}.png"\n'
        "    |   ^^^^"
    )


def test_a_repeated_key_and_a_wrong_type_are_told_together(write):
    with pytest.raises(SpecError, match="twice") as caught:
        read(write(GOOD.replace("name: dogs\n", "name: dogs\nname: cats\n").replace("0.6", "lots")))
    assert [problem.line for problem in caught.value.problems] == [3, 11]


def test_a_mistake_behind_an_alias_is_told_once(write):
    text = GOOD.replace("gate: {at_least: 0.6}", "gate: {at_least: 0.6}\n    sample: &s {n: 0}")
    text = text.replace("attack: {eps: 8/255}", "attack: {eps: 8/255}\n    sample: *s")
    with pytest.raises(SpecError, match="greater than 0") as caught:
        read(write(text))
    assert [problem.line for problem in caught.value.problems] == [11]


def test_a_file_with_a_byte_order_mark_and_windows_line_ends(write):
    assert read(write(b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode())).line_of("under-attack") == 11


def test_long_lines_are_cut_around_the_mistake(write):
    line = "description: [" + "x, " * 100 + "]"
    with pytest.raises(SpecError, match="must be text") as caught:
        read(write(f"{line}\n{GOOD}"))
    for row in caught.value.problems[0].snippet.splitlines():
        assert len(row) <= 100 + len("  1 | ")


def test_carets_stand_under_wide_letters(write):
    with pytest.raises(SpecError, match="unknown key") as caught:
        read(write(GOOD.replace("{at_least: 0.6}", "{犬: 1, at_least: 0.6}")))
    assert caught.value.problems[0].snippet == "  10 |     gate: {犬: 1, at_least: 0.6}\n     |            ^^"


def test_nothing_in_a_message_moves_the_cursor(write):
    with pytest.raises(SpecError, match="unknown key") as caught:
        read(write(f'"\\e[31mred\\a": 1\n{GOOD}'))
    assert str(caught.value).replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("- a\n", "an audit is a mapping (version: 1, name: …), got a list"),
        ("dogs\n", "an audit is a mapping (version: 1, name: …), got 'dogs'"),
        ("~\n", "an audit is a mapping (version: 1, name: …), got nothing"),
        ("", "the file is empty"),
        (b"\xff\xfea\x00", "the byte 0xFF is not UTF-8; save the file as UTF-8"),
        ("name: d\u00f6gs".encode("latin-1"), "the byte 0xF6 is not UTF-8; save the file as UTF-8"),
    ],
)
def test_what_is_no_mapping_of_utf8_text(write, content, message):
    with pytest.raises(SpecError, match=r"dogs\.audit\.yaml:1:") as caught:
        read(write(content))
    (problem,) = caught.value.problems
    assert problem.message == message


def test_where_the_text_stops_being_utf8(write):
    with pytest.raises(SpecError, match="0xF6") as caught:
        read(write("version: 1\nname: dög".encode("latin-1")))
    (problem,) = caught.value.problems
    assert (problem.line, problem.column) == (2, 8)
    assert problem.snippet == "  2 | name: d\n    |        ^"


def test_no_such_file(write):
    write(GOOD)
    with pytest.raises(
        SpecError,
        match=r"^dog\.audit\.yaml: there is no such file\n  hint: did you mean dogs\.audit\.yaml\?$",
    ):
        read("dog.audit.yaml")


def test_no_such_file_in_an_empty_folder(tmp_path):
    with pytest.raises(SpecError, match="hint: camaudit init IMAGES_FOLDER writes a first audit"):
        read(tmp_path / "dogs.audit.yaml")


def test_no_such_folder():
    with pytest.raises(SpecError, match="there is no such file"):
        read("/no/such/folder/dogs.audit.yaml")


def test_a_folder(write):
    path = write(GOOD)
    with pytest.raises(
        SpecError, match=r"is a folder, an audit is a file\n  hint: audits in .*: dogs\.audit\.yaml"
    ):
        read(path.parent)


def test_a_path_that_is_none():
    with pytest.raises(SpecError, match="is no path: embedded null byte"):
        read("a\0b")


def test_a_long_file_is_not_opened(write):
    path = write("x" * (1 << 20) + "y")
    with pytest.raises(SpecError, match=r"is 1,048,577 bytes long, an audit has at most 1,048,576") as caught:
        read(path)
    assert caught.value.hint == "lists of samples belong into a manifest (CSV or JSON lines)"


def test_files_outside_the_working_folder_go_by_their_full_path(write, monkeypatch, tmp_path_factory):
    path = write("")
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    with pytest.raises(SpecError, match="the file is empty") as caught:
        read(path)
    assert caught.value.problems[0].file == str(path)


LEAVES = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=6)
    | st.sampled_from(["overlap", "dogs"])
)
KEYS = st.sampled_from(
    [
        "version",
        "name",
        "model",
        "models",
        "maps",
        "data",
        "checks",
        "id",
        "kind",
        "gate",
        "at_least",
        "metric",
    ]
    + [
        "factory",
        "manifest",
        "folder",
        "dogs",
        "resize",
        "mean",
        "preprocess",
        "sample",
        "n",
        "target",
        "layer",
    ]
    + ["per_class", "attack", "eps", "classes", "weights", "defaults", "confidence", "method", "arguments"]
)
TREES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=3), inner, max_size=5)
    ),
    max_leaves=25,
)


@st.composite
def near_specs(draw):
    """A good spec with parts replaced by anything."""
    import copy

    data = copy.deepcopy(
        {
            "version": 1,
            "name": "dogs",
            "model": {"factory": "a:b", "preprocess": {"resize": 8, "mean": "imagenet"}, "classes": ["a"]},
            "models": {"bad": {"factory": "a:b"}},
            "maps": {"method": "gradcam", "target": 1},
            "data": {"dogs": {"manifest": "a.csv"}},
            "checks": [
                {
                    "id": "a",
                    "kind": "overlap",
                    "gate": {"at_least": 0.5},
                    "metric": "iou@0.15",
                    "sample": {"n": 3},
                },
                {"id": "b", "kind": "attacked", "attack": {"eps": "8/255"}, "model": "bad", "data": "dogs"},
            ],
        }
    )
    for _ in range(draw(st.integers(1, 3))):
        part = data
        while True:
            keys = list(part) if isinstance(part, dict) else list(range(len(part)))
            key = draw(st.sampled_from(keys)) if keys else None
            if key is None or not isinstance(part[key], dict | list) or not part[key] or draw(st.booleans()):
                break
            part = part[key]
        if key is not None:
            part[key] = draw(TREES)
        if isinstance(part, dict) and draw(st.booleans()):
            part[draw(KEYS)] = draw(TREES)
    return data


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=near_specs() | TREES)
def test_no_data_raises_anything_but_spec_error(data):
    import yaml

    text = yaml.dump(data, allow_unicode=True, sort_keys=False)
    problems = _problems(text)
    lines = text.splitlines()
    for problem in problems:
        assert problem.message
        assert 1 <= problem.line <= len(lines)
        assert problem.snippet.splitlines()[1].rstrip().endswith("^")
    places = [(problem.line, problem.column) for problem in problems]
    assert places == sorted(places)


def _problems(text):
    """The mistakes; none where it is a spec after all."""
    try:
        assert read_text(text, Path("any.audit.yaml")).checks
    except SpecError as error:
        return error.problems or pytest.fail("an error without a mistake")
    return ()
