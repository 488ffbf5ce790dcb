"""What the how-to pages show is so: their packages are registered as by an installation, and audited with."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from typing import TYPE_CHECKING

import numpy as np
import pytest
import yaml
from PIL import Image

from camaudit import registry
from tests import small_audit
from tests.docs.pages import DOCS, blocks, write

if TYPE_CHECKING:
    from pathlib import Path

PAGES = {
    "map": "map",
    "metric": "metric",
    "attack": "attack",
    "corruption": "corruption",
    "check": "check",
    "data-source": "data",
}
"""Page → the table that its package joins."""
CHECKS = [page for page in PAGES if page != "data-source"]
"""Pages that show a check; the other shows data."""
ROOT = DOCS.parent

TEST = re.compile(r"^def (test_\w+)", flags=re.MULTILINE)

pytestmark = pytest.mark.slow


def test_there_is_a_page_per_extension_point():
    assert {f"{page}.md" for page in PAGES} == {path.name for path in (DOCS / "howto").iterdir()}
    assert set(PAGES.values()) == set(registry.TABLES)


def install(folder: Path, project: str) -> dict[str, dict[str, str]]:
    """What an installation leaves of a `pyproject.toml`: its entry points by group."""
    told = tomllib.loads(project)["project"]
    info = folder / f"{told['name'].replace('-', '_')}-{told['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {told['name']}\nVersion: {told['version']}\n"
    )
    lines = []
    for group, entries in told["entry-points"].items():
        lines += [f"[{group}]", *(f"{name} = {reference}" for name, reference in entries.items())]
    (info / "entry_points.txt").write_text("\n".join(lines) + "\n")
    return told["entry-points"]


@pytest.fixture(scope="module")
def packages(tmp_path_factory):
    """A folder with all pages' packages, and the names that each of them registers."""
    folder = tmp_path_factory.mktemp("packages")
    registered = {}
    for page in PAGES:
        for block in blocks(f"howto/{page}.md"):
            if block.title.endswith(".py"):
                write(folder, block)
            elif block.title == "pyproject.toml":
                registered[page] = install(folder, block.text)
    return folder, registered


@pytest.fixture(scope="module")
def environment(packages):
    paths = [str(packages[0]), str(ROOT), os.environ.get("PYTHONPATH", "")]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, paths))}


def python(environment, folder, *arguments):
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
    )


def piece(page: str, title: str):
    (block,) = (item for item in blocks(f"howto/{page}.md") if item.title == title)
    return yaml.safe_load(block.text)


@pytest.fixture(scope="module")
def checks():
    """The pages' checks, and one on each of the pages' data sets."""
    shown = {page: piece(page, "check")[0] for page in CHECKS}
    own = {name: small_audit.overlap(f"on-{name}", data=name) for name in ("dots", "archive")}
    return {**{page: {**check, "data": "squares"} for page, check in shown.items()}, **own}


@pytest.fixture(scope="module")
def folder(tmp_path_factory, checks):
    """An audit whose checks are those of the pages."""
    folder = tmp_path_factory.mktemp("audit")
    data = {
        "squares": {"manifest": "squares.csv"},
        "dots": piece("data-source", "data: dots"),
        "archive": piece("data-source", "data: archive"),
    }
    small_audit.write(folder, *checks.values(), data=data, n=24)
    corner = np.zeros((16, 16), dtype=bool)
    corner[:4, :4] = True
    Image.fromarray(corner).save(folder / "corner.png")
    head, *rows = (folder / "squares.csv").read_text(encoding="utf-8").splitlines()
    lines = [f"{head},mask.corner", *(f"{row},corner.png" for row in rows)]
    (folder / "squares.csv").write_text("\n".join(lines), encoding="utf-8")
    images, masks = zip(*(small_audit.picture(number) for number in range(24)), strict=True)
    np.savez(folder / "squares.npz", images=images, masks=masks, labels=["red", "green"] * 12)
    return folder


@pytest.fixture(scope="module")
def audited(folder, environment):
    """The result of the one run, by check."""
    done = python(environment, folder, "-m", "camaudit", "run", "squares.audit.yaml")
    assert done.returncode in {0, 1}, done.stdout + done.stderr
    return {check["id"]: check for check in small_audit.result(folder / "reports/squares")["checks"]}


@pytest.mark.parametrize("name", [*CHECKS, "dots", "archive"])
def test_the_check_of_the_page_runs_and_passes(name, checks, audited):
    found = audited[checks[name]["id"]]
    assert found["status"] == "PASS", found


def test_all_are_listed(packages, folder, environment):
    done = python(environment, folder, "-m", "camaudit", "list")
    assert done.returncode == 0, done.stderr
    first_words = {line.split()[0] for line in done.stdout.splitlines() if line.startswith("  ")}
    groups = {registry.TABLES[table].group for table in PAGES.values()}
    assert {group for own in packages[1].values() for group in own} == groups
    assert {name for own in packages[1].values() for names in own.values() for name in names} <= first_words


@pytest.mark.parametrize("page", PAGES)
def test_the_tests_of_a_page_pass(page, packages, environment):
    files = [block for block in blocks(f"howto/{page}.md") if block.title.startswith("test_")]
    names = [file.title for file in files]
    done = python(environment, packages[0], "-m", "pytest", "-rA", "-p", "no:cacheprovider", *names)
    assert done.returncode == 0, done.stdout + done.stderr
    passed = {line.split()[1].partition("[")[0] for line in done.stdout.splitlines() if line[:7] == "PASSED "}
    shown = {f"{file.title}::{name}" for file in files for name in TEST.findall(file.text)}
    assert passed == shown
    assert any("contract.of_" in file.text for file in files), "the last step is the contract"
