"""What the site is made of: its navigation is whole, and what is generated names everything there is."""

from __future__ import annotations

import re
import tomllib
from configparser import ConfigParser
from importlib.util import module_from_spec, spec_from_file_location

import pytest
import yaml

from camaudit import cli, registry
from camaudit.spec.audit import audit_type
from tests.docs.pages import DOCS

ROOT = DOCS.parent


@pytest.fixture(scope="module")
def generated():
    """The module beside the pages."""
    spec = spec_from_file_location("camaudit_docs_generated", DOCS / "generated.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def leaves(navigation):
    for item in navigation:
        if isinstance(item, str):
            yield item
        else:
            for inner in item.values():
                yield from leaves(inner)


def test_the_navigation_holds_every_page_once():
    listed = list(leaves(yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))["nav"]))
    beside = [
        path for pattern in ("audits/**/README.md", "benchmarks/README.md") for path in ROOT.glob(pattern)
    ]
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]
    pages += [path.relative_to(ROOT).as_posix() for path in (*beside, ROOT / "CHANGELOG.md")]
    assert sorted(listed) == sorted(pages)


def test_what_pages_ask_for_is_what_can_be_generated(generated):
    marks = [
        name
        for path in DOCS.rglob("*.md")
        for name in re.findall(r"<!-- generated: (\w+) -->", path.read_text(encoding="utf-8"))
    ]
    assert sorted(marks) == sorted(generated.PARTS)


def test_every_command_is_there_with_its_help(generated):
    text = generated.commands()
    for name in cli.COMMANDS:
        assert f"## camaudit {name}\n" in text
        assert f"Usage: camaudit {name} " in text


@pytest.mark.parametrize(
    ("part", "table"),
    [
        ("maps", "map"),
        ("metrics", "metric"),
        ("checks", "check"),
        ("sources", "data"),
        ("attacks", "attack"),
        ("corruptions", "corruption"),
    ],
)
def test_every_member_is_there(generated, part, table):
    rows = generated.PARTS[part]().splitlines()[2:]
    found = [re.match(r"\| \[?`([^`@]+)", row)[1] for row in rows]
    assert found == list(registry.names(table))


def sections(text):
    """Anchor → the text below it."""
    parts = re.split(r"^#+ .*\{#([\w-]+)\}$", text, flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_key_of_every_check_and_source_is_there(generated):
    found = sections(generated.keys())
    for name in registry.names("check"):
        for key in set(registry.find("check", name).spec.model_fields) - {"kind"}:
            assert f"| `{key}` |" in found[name] + found["every-check"], f"{name}: {key}"
    for name in registry.names("data"):
        for key in registry.find("data", name).model_fields:
            assert f"| `{key}` |" in found[f"data-{name}"], f"{name}: {key}"
    for key in audit_type().model_fields:
        assert f"| `{key}` |" in found["the-file"], key


def test_links_between_keys_lead_somewhere(generated):
    text = generated.keys()
    assert set(re.findall(r"\]\(#([\w-]+)\)", text)) <= set(sections(text))


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"type": "integer", "minimum": 1, "maximum": 5}, "a whole number ≥ 1, ≤ 5"),
        ({"anyOf": [{"enum": ["a", "b"]}, {"type": "null"}]}, "`a`, `b` or null"),
        ({"type": "array", "items": {"type": "string"}}, "list of: text"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "names, each with: a number"),
        ({"const": 1}, "`1`"),
        ({}, "anything"),
    ],
)
def test_what_a_key_takes_in_words(generated, value, words):
    assert generated._takes(value) == words


def test_tox_installs_the_extra():
    extra = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"][
        "optional-dependencies"
    ]
    tox = ConfigParser()
    tox.read_string((ROOT / "tox.ini").read_text(encoding="utf-8"))
    installed = tox["testenv:docs"]["deps"].split()
    assert installed == extra["docs"]
    assert "docs" in tox["tox"]["env_list"].replace(",", " ").split()


def test_nothing_is_fetched_from_elsewhere():
    config = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    assert config["theme"]["font"] is False
    assert not {"extra_javascript", "extra_css", "extra"} & set(config)
