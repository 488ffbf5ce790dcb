# ruff: noqa: ISC004 - messages stand word for word, as they are printed
from __future__ import annotations

import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from camaudit.spec import nodes
from camaudit.spec.document import split


def load(text):
    document = nodes.load(text)
    assert document.mistakes == ()
    return document.data


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("on", "on"),
        ("Yes", "Yes"),
        ("y", "y"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("", None),
        ("null", None),
        ("'null'", "null"),
        ("12", 12),
        ("-3", -3),
        ("+3", 3),
        ("0", 0),
        ("017", "017"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("0b1", "0b1"),
        ("1_000", "1_000"),
        ("1:30", "1:30"),
        ("190:20:30.15", "190:20:30.15"),
        ("1e-3", 0.001),
        ("1e3", 1000.0),
        (".5", 0.5),
        ("1.", 1.0),
        ("00.5", "00.5"),
        ("-.inf", -math.inf),
        ("8/255", "8/255"),
        ("2026-07-31", "2026-07-31"),
        ("2026-07-31 10:00:00", "2026-07-31 10:00:00"),
        ("=", "="),
        ("!!str 5", "5"),
        ("!!int 5", 5),
    ],
)
def test_scalars_hold_no_traps(written, meant):
    value = load(f"key: {written}")["key"]
    assert value == meant
    assert type(value) is type(meant)


def test_nan_is_a_number():
    assert math.isnan(load("key: .nan")["key"])


def test_keys_are_text_as_they_are_written():
    assert load("{no: 1, 5: 2, 0.50: 3, 017: 4}") == {"no": 1, "5": 2, "0.50": 3, "017": 4}


def test_aliases_and_merges():
    data = load("a: &a {x: 1, y: 2}\nb: &b {<<: *a, y: 3}\nc: {z: 0, <<: [*b, {w: 4}]}\nd: *a\n'<<': text\n")
    assert data == {
        "a": {"x": 1, "y": 2},
        "b": {"x": 1, "y": 3},
        "c": {"z": 0, "y": 3, "x": 1, "w": 4},
        "d": {"x": 1, "y": 2},
        "<<": "text",
    }


def test_a_key_beats_a_merge_that_stands_above_it():
    assert load("a: &a {x: 1}\nb:\n  <<: *a\n  x: 2\n")["b"] == {"x": 2}


def test_places_of_keys_and_values():
    document = nodes.load("a:\n  bc: [1, two]\n  d: {e: f}\n")
    assert document.key(("a", "bc")) == (1, 2, 4)
    assert document.place(("a", "bc", 1)) == (1, 10, 13)
    assert document.place(("a", "d")) == (2, 5, 11)
    assert document.place(("a",)) == (0, 0, 1), "a block mapping goes by its key"
    assert document.place(("a", "bc", 7, "gone")) == (1, 6, 14), "what is not there goes by what is around it"


@pytest.mark.parametrize(
    ("text", "place", "message"),
    [
        ("", (1, 1), "the file is empty"),
        ("# only a comment\n", (1, 1), "the file is empty"),
        ("a: 1\n\tb: 2\n", (2, 1), "a tab: YAML is indented with spaces"),
        ("a: b: c\n", (1, 5), 'a ":" that does not belong here; put text that holds ": " in quotes'),
        ("a: 1\nbcd\ne: 2\n", (3, 1), 'a ":" is missing after this key'),
        ("a: *gone\n", (1, 4), "this alias has no anchor: write &name at the value that it stands for"),
        ("a: 1\n---\nb: 2\n", (2, 1), 'a second document ("---"); an audit file holds one'),
        ('a: "open\n', (1, 9), "the text ends within quotes"),
        ("a: [1, 2\n", (1, 9), "the text ends while a bracket or a key is still open"),
        ("a:\n  b: 1\n c: 2\n", (3, 2), "the indentation does not fit the lines above"),
        ("- a\nb: 1\n", (2, 1), "the indentation does not fit the lines above"),
        ("a: {b: 1]\n", (1, 9), "a bracket of another kind is open, or a comma is missing"),
        ("a: %x\n", (1, 4), "not valid YAML: found character '%' that cannot start any token"),
        (
            "a: \x07\n",
            (1, 4),
            "the character U+0007 is not allowed in YAML; write it as an escape in double quotes",
        ),
        ("a: 1\na: 2\n", (2, 1), "this key stands twice, first in line 1; keep one of them"),
        ("a: {<<: 5}\n", (1, 5), "merges mappings only: write <<: *anchor or <<: [*one, *two]"),
        ("a: &a [1, *a]\n", (1, 4), "this anchor contains an alias of itself"),
        ("a: &a {b: {<<: *a}}\n", (1, 12), "this anchor contains an alias of itself"),
        ("~: 1\n", (1, 1), "a key must be text, got ~; put it in quotes if text is meant"),
        ("a: {!!null : 1}\n", (1, 5), "a key must be text, got nothing; put it in quotes if text is meant"),
        ("true: 1\n", (1, 1), "a key must be text, got true; put it in quotes if text is meant"),
        ("? [a]\n: 1\n", (1, 3), "a key must be text, got a list; put it in quotes if text is meant"),
        ("? {a: b}\n: 1\n", (1, 3), "a key must be text, got a mapping; put it in quotes if text is meant"),
        (
            "a: !!python/name:os.system ''\n",
            (1, 4),
            "the tag !!python/name:os.system is not allowed: an audit holds text, numbers, true and false, "
            "lists and mappings",
        ),
        (
            "a: !mine [1]\n",
            (1, 4),
            "the tag !mine is not allowed: an audit holds text, numbers, true and false, lists and mappings",
        ),
        ("a: !!int many\n", (1, 4), "'many' does not fit its tag !!int; leave the tag out"),
        ('a: "\\ud800"\n', (1, 4), "holds half a surrogate pair, which is no character"),
        (f"a: {'9' * 400}\n", (1, 4), "a number of 400 characters; put it in quotes if text is meant"),
    ],
)
def test_one_mistake_each(text, place, message):
    (mistake,) = nodes.load(text).mistakes
    assert (mistake.place.line + 1, mistake.place.column + 1) == place
    assert mistake.message == message


def test_an_alias_bomb_is_stopped():
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)]
    (mistake,) = nodes.load("\n".join(lines)).mistakes
    assert mistake.message == "more than 20,000 values once its aliases are written out"


def test_a_merge_bomb_is_stopped_or_harmless():
    lines = ["a0: &a0 {x: 1}"]
    lines += [f"a{n}: &a{n} {{<<: [*a{n - 1}, *a{n - 1}]}}" for n in range(1, 35)]
    assert nodes.load("\n".join(lines)).data["a34"] == {"x": 1}


@pytest.mark.parametrize("text", ["[" * 5000, "{a: " * 5000, "- " * 5000])
def test_deep_nesting_is_a_mistake(text):
    assert nodes.load(text).mistakes


def test_the_first_of_two_keys_is_kept_and_all_repetitions_are_named():
    document = nodes.load("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n")
    assert document.data == {"a": 1, "b": {"c": 1}}
    assert [mistake.place.line for mistake in document.mistakes] == [1, 2, 3]


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**9), 10**9)
    | st.floats(allow_nan=False)
    | st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=5), inner, max_size=4
        )
    ),
    max_leaves=20,
)


@given(st.dictionaries(st.sampled_from("abcdef"), plain, min_size=1))
def test_what_pyyaml_writes_is_read_back(data):
    assert load(yaml.safe_dump(data, allow_unicode=True, default_style='"' if not data else None)) == data


@given(st.text(max_size=200) | st.text(alphabet="ab:-?[]{},&*!|>'\"%@# \n\t<~1.", max_size=60))
def test_no_text_makes_it_raise_and_places_lie_in_the_text(text):
    document = nodes.load(text)
    lines = split(text)
    for mistake in document.mistakes:
        assert 0 <= mistake.place.line < len(lines)
        assert 0 <= mistake.place.column <= len(lines[mistake.place.line])
        assert mistake.message
