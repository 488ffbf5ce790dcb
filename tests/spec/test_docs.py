"""What docs/spec.md shows is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from camaudit import cli, registry
from camaudit.errors import SpecError
from camaudit.spec import read_text
from camaudit.spec.audit import audit_type
from camaudit.spec.types import CheckSpec, MapsSpec, ModelSpec

PAGE = (Path(__file__).parents[2] / "docs/spec.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The example's images and its spec, in the working folder."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "docs/spec.md", "exec"), {})
    Path("shapes.audit.yaml").write_text(blocks("yaml")[0], encoding="utf-8")
    return "shapes.audit.yaml"


def test_the_example_is_a_spec_and_its_data_is_found(example):
    spec = read_text(blocks("yaml")[0], example)
    listing = spec.data["shapes"].listing(Path(), spec.model.classes)
    assert (len(listing.samples), listing.found) == (40, 40)


def test_the_example_in_python(example):
    namespace = {}
    exec(compile(blocks("python")[1], "docs/spec.md", "exec"), namespace)
    assert namespace["spec"].line_of("on-the-shape") == 14


@pytest.mark.slow
def test_the_example_runs_and_fails_as_the_page_says(example, capsys):
    assert cli.main(["run", example]) == 1
    assert re.search(r"^ FAIL +on-the-shape ", capsys.readouterr().out, flags=re.MULTILINE)
    assert Path("reports/shapes/index.html").is_file()


def test_the_mistakes_are_told_as_the_page_says():
    (shown,) = blocks("text")
    lines = shown.splitlines()
    written = dict(
        re.fullmatch(r"  (\d+) \| (.*)", line).groups() for line in lines if re.match(r"  \d", line)
    )
    text = (
        f'version: 1\nname: dogs\nmodel: {{factory: "a:b"}}\ndata:\n{written["5"]}\nchecks:\n{written["7"]}\n'
    )
    with pytest.raises(SpecError, match="maks") as caught:
        read_text(text, "dogs.audit.yaml")
    assert str(caught.value) == shown.rstrip("\n")


def test_every_key_is_on_the_page():
    keys = {
        *audit_type().model_fields,
        *ModelSpec.model_fields,
        *MapsSpec.model_fields,
        *CheckSpec.model_fields,
    }
    for name in registry.names("check"):
        keys |= registry.find("check", name).spec.model_fields.keys()
    for name in registry.names("data"):
        keys |= registry.find("data", name).model_fields.keys()
    missing = [key for key in sorted(keys) if not re.search(rf"`[^`]*\b{key}\b[^`]*`", PAGE)]
    assert missing == []
