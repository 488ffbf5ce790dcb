"""The plan of the house, held by reading the code: who imports whom, and what loads when.

A new room or a new way between rooms is a line in `ALLOWED`; a change of the rules belongs on the page
docs/architecture.md as well. Imports under ``if TYPE_CHECKING:`` do not run and are free.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

import camaudit

HOME = Path(camaudit.__file__).parent
MODULES = sorted(HOME.rglob("*.py"))

BASICS = {"errors", "registry"}
CORE = {"maps", "perturb", "metrics", "stats", "classifier", "data"}

ALLOWED = {
    # what everybody may use
    "errors": set(),
    "registry": {"errors"},
    "paths": {"errors"},
    "modules": BASICS,
    "integrity": {"errors"},
    # before the engine: torch-free
    "spec": BASICS | {"evidence"},
    "evidence": set(),
    "plan": BASICS | {"spec", "evidence"},
    # where tensors live
    "data": BASICS | {"spec", "paths", "modules"},
    "classifier": BASICS | {"spec", "data", "paths", "modules", "integrity"},
    "targets": BASICS | {"evidence"},
    "dense_targets": {"errors"},
    "maps": BASICS | {"classifier", "targets", "evidence"},
    "perturb": BASICS | {"classifier", "targets"},
    "metrics": BASICS,
    "stats": {"errors"},
    "checks": BASICS | CORE | {"spec", "evidence", "exhibits", "scores", "result"},
    # after the engine: torch-free
    "scores": {"errors", "integrity"},
    "baseline": {"errors", "integrity"},
    "exhibits": set(),
    "result": {"errors", "exhibits", "integrity"},
    "verdict": {"errors", "result", "stats", "scores", "baseline"},
    "trust": {"result", "verdict"},
    "merge": {"errors", "exhibits", "result", "integrity", "trust"},
    "assessment": BASICS | {"plan", "checks", "scores", "result", "verdict", "baseline"},
    "comparison": BASICS | {"spec", "stats", "checks", "baseline", "result", "integrity", "scores"},
    "report": {"errors", "exhibits", "integrity", "result", "verdict", "comparison", "scores"},
    # who knows everybody, and the doors
    "engine": BASICS
    | CORE
    | {
        "spec",
        "plan",
        "modules",
        "evidence",
        "targets",
        "checks",
        "scores",
        "baseline",
        "exhibits",
        "result",
        "assessment",
        "trust",
        "integrity",
    },
    "verify": BASICS
    | {
        "spec",
        "plan",
        "checks",
        "baseline",
        "integrity",
        "scores",
        "result",
        "trust",
        "assessment",
        "report",
        "engine",
    },
    "plugin_desk": BASICS | {"spec", "plan", "engine", "report", "result", "merge", "integrity"},
    "fixtures": BASICS
    | {
        "spec",
        "plan",
        "engine",
        "report",
        "result",
        "scores",
        "plugin_desk",
        "classifier",
        "checks",
        "evidence",
    },
    "contract": BASICS | CORE | {"spec", "evidence", "checks", "scores"},
    "pytest_plugin": BASICS
    | {"spec", "plan", "engine", "report", "result", "plugin_desk", "baseline", "fixtures"},
    "commands": BASICS
    | {
        "spec",
        "plan",
        "data",
        "engine",
        "report",
        "result",
        "baseline",
        "verdict",
        "integrity",
        "checks",
        "stats",
        "comparison",
        "verify",
    },
    "cli": BASICS | {"commands"},
    "__main__": {"cli"},
}
"""Room → the rooms that it may import, besides itself."""

TORCH = {"torch", "torchvision"}
TORCH_ROOMS = {"maps", "perturb", "classifier", "targets", "dense_targets", "metrics", "engine", "contract"}
HEAVY = ("torch", "torchvision", "pandas", "numpy", "pydantic", "jinja2")
CEILING = 400


def room_of(path: Path) -> str:
    return path.relative_to(HOME).with_suffix("").parts[0]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), str(path))


def imports(path: Path) -> set[str]:
    """Dotted names that a module imports when it or one of its functions runs."""
    found: set[str] = set()
    pending: list[ast.AST] = [tree_of(path)]
    while pending:
        node = pending.pop()
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            pending += node.orelse
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: write absolute imports"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
        pending += ast.iter_child_nodes(node)
    return found


def rooms(path: Path) -> set[str]:
    """The rooms that a module imports; names that camaudit itself defines are none."""
    named = {name.split(".")[1] for name in imports(path) if name.startswith("camaudit.")}
    return {name for name in named if (HOME / name).is_dir() or (HOME / f"{name}.py").is_file()}


def libraries(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


@pytest.mark.parametrize("room", sorted({room_of(path) for path in MODULES} - {"__init__"}))
def test_a_room_imports_only_what_it_may(room):
    assert room in ALLOWED, f"{room} is new: add it to ALLOWED and to docs/architecture.md"
    for path in MODULES:
        if room_of(path) == room:
            excess = rooms(path) - ALLOWED[room] - {room}
            assert not excess, f"{path.relative_to(HOME)} may not import {sorted(excess)}"


def test_the_table_itself_holds_the_rules_of_the_page():
    assert not ALLOWED["report"] & {"engine", "maps"}
    for room in ("maps", "perturb", "metrics"):
        assert not ALLOWED[room] & ({"spec", "plan", "maps", "perturb", "metrics"} - {room})
    for room in ("spec", "plan", "verdict", "scores", "result", "baseline", "comparison", "report"):
        assert room not in TORCH_ROOMS
        assert not ALLOWED[room] & TORCH_ROOMS


@pytest.mark.parametrize(
    "path", [p for p in MODULES if room_of(p) not in TORCH_ROOMS], ids=lambda p: str(p.relative_to(HOME))
)
def test_torch_is_imported_in_the_middle_only(path):
    assert not libraries(path) & TORCH


def test_only_the_plugin_imports_pytest():
    assert [path.name for path in MODULES if libraries(path) & {"pytest", "_pytest"}] == ["pytest_plugin.py"]


def test_only_capture_registers_hooks():
    registering = {
        path.relative_to(HOME).as_posix()
        for path in MODULES
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("register_")
        and node.attr.endswith("hook")
    }
    assert registering == {"maps/capture.py"}


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(HOME)))
def test_no_module_is_longer_than_the_ceiling(path):
    lines = len(path.read_text(encoding="utf-8").splitlines())
    assert lines <= CEILING, f"{lines} lines: split it"


def loaded(statement: str, names: tuple[str, ...]) -> set[str]:
    """Which of the libraries a fresh interpreter has loaded after a statement."""
    code = (
        f"import sys; sys.path.insert(0, {str(HOME.parent)!r})\n{statement}\n"
        f"print(); print(*(name for name in {names!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_the_probe_sees_what_is_loaded():
    assert loaded("import yaml, json", ("yaml", "torch")) == {"yaml"}


def test_the_doors_load_nothing_heavy():
    names = (*HEAVY, "rich", "yaml", "PIL", "scipy")
    assert loaded("import camaudit, camaudit.pytest_plugin, camaudit.cli", names) == set()


def test_the_help_loads_nothing_heavy():
    assert loaded("import camaudit.cli\ncamaudit.cli.main(['--help'])", (*HEAVY, "rich", "yaml")) == set()


def test_everything_around_the_middle_imports_without_torch():
    tables = [HOME / "maps/__init__.py", HOME / "metrics/__init__.py"]
    tables += [HOME / "perturb/attacks/torch_attacks.py", HOME / "perturb/corruptions/members.py"]
    tables += [HOME / f"contract/{name}.py" for name in ("__init__", "clause", "keys", "kinds", "sources")]
    paths = [path for path in MODULES if room_of(path) not in TORCH_ROOMS] + tables
    parts = [path.relative_to(HOME.parent).with_suffix("").parts for path in paths]
    dotted = [".".join(part).removesuffix(".__init__") for part in parts]
    assert "camaudit.spec.read" in dotted
    assert loaded(f"import {', '.join(dotted)}", ("torch", "torchvision")) == set()


def test_the_reader_of_imports_sees_every_form(tmp_path):
    file = tmp_path / "x.py"
    file.write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import pandas\n"
        "else:\n    import json as j\n"
        "def f():\n    from camaudit import maps, __version__\n    import camaudit.engine.run as r\n"
        "    from torch import nn\n"
    )
    assert rooms(file) == {"maps", "engine"}
    assert libraries(file) == {"typing", "json", "camaudit", "torch"}
