"""``module:callable``: found beside the spec first, and never mixed up between two specs."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType

import pytest

from camaudit import modules
from camaudit.errors import DataError, ModelError
from camaudit.modules import inside, load_callable


@pytest.fixture(autouse=True)
def clean():
    """Modules that these tests import are forgotten afterwards."""
    before, path = dict(sys.modules), list(sys.path)
    yield
    assert sys.path == path
    for name in set(sys.modules) - set(before):
        del sys.modules[name]


def folder(tmp_path, name, **files):
    place = tmp_path / name
    for file, text in files.items():
        target = place / f"{file.replace('_in_', '/')}.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return place


def test_a_module_beside_the_spec_is_found(tmp_path):
    base = folder(tmp_path, "a", cam_nets="def load(x=1):\n    return x + 1")
    assert load_callable("cam_nets:load", base)(x=2) == 3
    assert str(base) not in sys.path


def test_the_same_object_comes_back(tmp_path):
    base = folder(tmp_path, "a", cam_nets="class Net: pass")
    assert load_callable("cam_nets:Net", base) is load_callable("cam_nets:Net", base)


def test_an_installed_module_is_found(tmp_path):
    from json import loads

    assert load_callable("json:loads", tmp_path) is loads


def test_the_working_folder_comes_after_the_specs_own(tmp_path, monkeypatch):
    base = folder(tmp_path, "audits", cam_near="def load(): return 'beside the spec'")
    work = folder(tmp_path, "work", cam_near="def load(): return 'no'", cam_far="def load(): return 'there'")
    monkeypatch.chdir(work)
    # An installed command has its own folder in front, and no working folder.
    monkeypatch.setattr(sys, "path", [item for item in sys.path if item not in {"", str(work)}])
    assert load_callable("cam_far:load", base)() == "there"
    assert load_callable("cam_near:load", base)() == "beside the spec"
    assert str(work) not in sys.path


def test_a_spec_in_the_working_folder_leaves_the_path_as_it_was(tmp_path, monkeypatch):
    base = folder(tmp_path, "a", cam_nets="def load(): return 1")
    monkeypatch.chdir(base)
    with inside(base):
        assert sys.path.count(str(base)) == 1
    assert str(base) not in sys.path


def test_a_package_and_its_helpers_are_found(tmp_path):
    base = folder(
        tmp_path,
        "a",
        cam_pkg_in___init__="",
        cam_pkg_in_nets="import cam_helper as h\nfrom cam_pkg.help import one\ndef f(): return one + h.more",
        cam_pkg_in_help="one = 4",
        cam_helper="more = 3",
    )
    assert load_callable("cam_pkg.nets:f", base)() == 7


def test_two_folders_with_modules_of_the_same_name_stay_apart(tmp_path):
    text = "import cam_common\ndef who(): return cam_common.name"
    bases = {
        name: folder(tmp_path, name, cam_models=text, cam_common=f"name = {name!r}")
        for name in ("first", "second")
    }
    found = {name: load_callable("cam_models:who", base) for name, base in bases.items()}
    assert {name: who() for name, who in found.items()} == {"first": "first", "second": "second"}
    again = load_callable("cam_models:who", bases["first"])
    assert again is found["first"]
    assert again() == "first"


def test_lazy_imports_see_their_own_folder_inside_the_block(tmp_path):
    text = "def who():\n    import cam_lazy\n    return cam_lazy.name"
    bases = [
        folder(tmp_path, name, cam_models=text, cam_lazy=f"name = {name!r}") for name in ("first", "second")
    ]
    for base in (*bases, *reversed(bases)):
        with inside(base):
            assert load_callable("cam_models:who", base)() == base.name


def test_other_modules_are_left_alone(tmp_path):
    base = folder(tmp_path, "a", cam_nets="def f(): pass")
    load_callable("cam_nets:f", base)
    kept = dict(sys.modules)
    # Earlier tests of the same run brought modules from folders of their own; those are set aside as well.
    brought = {name for own in modules._by_folder.values() for name in own}
    with inside(folder(tmp_path, "b", cam_nets="def f(): pass")):
        assert "cam_nets" not in sys.modules
        assert all(sys.modules.get(name) is module for name, module in kept.items() if name not in brought)
    assert all(sys.modules[name] is module for name, module in kept.items())


def test_a_namesake_that_is_already_loaded_is_refused(tmp_path):
    sys.modules["cam_taken"] = ModuleType("cam_taken")
    base = folder(tmp_path, "a", cam_taken="def f(): pass")
    with pytest.raises(
        DataError, match=r"(?s)'cam_taken' was already loaded from Python itself, so .*rename one"
    ):
        load_callable("cam_taken:f", base)


def test_a_module_named_like_one_of_python_is_refused(tmp_path):
    base = folder(tmp_path, "a", json="def f(): pass")
    with pytest.raises(DataError, match=r"'json' was already loaded from .*json"):
        load_callable("json:f", base)


@pytest.mark.parametrize(
    ("reference", "match"),
    [
        ("cam_no_such:f", "there is no module 'cam_no_such'\n  hint: modules are looked up in"),
        ("cam_nets.deeper:f", "there is no module 'cam_nets.deeper'|there is no module 'cam_nets'"),
        ("cam_nets:laod", "no attribute 'laod', did you mean \"load\""),
        ("cam_nets:value", "'value' is int, which cannot be called"),
        ("cam_broken:f", "importing 'cam_broken' fails: ZeroDivisionError: division by zero"),
        ("cam_needs:f", "importing 'cam_needs' fails: No module named 'cam_not_installed'"),
        ("cam_exits:f", "importing 'cam_exits' fails: SystemExit: 3"),
        ("cam_syntax:f", "importing 'cam_syntax' fails: SyntaxError"),
        ("cam_nets", "not of the form module:callable"),
        (":f", "not of the form module:callable"),
    ],
)
@pytest.mark.parametrize("error", [DataError, ModelError])
def test_each_failure_is_named(tmp_path, reference, match, error):
    base = folder(
        tmp_path,
        "a",
        cam_nets="value = 3\ndef load(): pass",
        cam_broken="1 / 0",
        cam_needs="import cam_not_installed",
        cam_exits="import sys; sys.exit(3)",
        cam_syntax="def f(:",
    )
    with pytest.raises(error, match=f"(?s){match}"):
        load_callable(reference, base, error=error)
    assert str(base) not in sys.path


def test_a_spec_beside_this_packages_own_source_does_not_load_it_twice(tmp_path):
    checkout = Path(modules.__file__).parents[1]
    with inside(checkout):
        pass
    with inside(tmp_path):
        assert sys.modules["camaudit.modules"] is modules
        assert sys.modules["camaudit.errors"].DataError is DataError
