"""Paths relative to a folder, and files inside installed packages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from camaudit.errors import DataError
from camaudit.paths import resolve


def test_a_path_is_relative_to_the_base(tmp_path):
    assert resolve("a/b.png", tmp_path) == tmp_path / "a/b.png"
    assert resolve("../b.png", tmp_path) == tmp_path / "../b.png"


def test_an_absolute_path_stays(tmp_path):
    assert resolve(str(tmp_path / "x"), Path("elsewhere")) == tmp_path / "x"


def test_a_package_file_is_found(tmp_path, monkeypatch):
    (tmp_path / "some_pkg" / "data").mkdir(parents=True)
    (tmp_path / "some_pkg" / "__init__.py").write_text("raise RuntimeError('imported')")
    (tmp_path / "some_pkg" / "data" / "a.png").touch()
    monkeypatch.syspath_prepend(tmp_path)
    assert resolve("package:some_pkg/data/a.png", Path()) == tmp_path / "some_pkg/data/a.png"
    assert "some_pkg" not in sys.modules


def test_a_folder_of_a_package_is_found():
    assert resolve("package:sklearn/datasets/images", Path()).is_dir()


def test_a_real_package_is_not_imported():
    code = (
        "import sys; from pathlib import Path; from camaudit.paths import resolve;"
        "print(resolve('package:sklearn/datasets/images/china.jpg', Path()));"
        "assert 'sklearn' not in sys.modules and 'numpy' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip().endswith("china.jpg")


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (
            "package:no_such_thing/a.png",
            "'no_such_thing' is not installed\n  hint: pip install no-such-thing",
        ),
        ("package:PIL/no.png", "the package 'PIL' has no file 'no.png'"),
        ("package:sklearn.datasets/china.jpg", "not package:NAME/FILE"),
        ("package:sklearn", "not package:NAME/FILE"),
        ("package:sklearn/../secret", "not package:NAME/FILE"),
        ("  ", "the path is empty"),
    ],
)
def test_what_cannot_be_found_is_named(text, match):
    with pytest.raises(DataError, match=match):
        resolve(text, Path())


def test_the_hint_knows_packages_of_another_name(monkeypatch):
    monkeypatch.setattr("camaudit.paths.find_spec", lambda name: None)
    with pytest.raises(DataError, match="pip install scikit-image"):
        resolve("package:skimage/data/a.png", Path())


def test_a_module_without_a_spec_is_no_package(monkeypatch):
    def broken(name):
        raise ValueError(f"{name}.__spec__ is None")

    monkeypatch.setattr("camaudit.paths.find_spec", broken)
    with pytest.raises(DataError, match="is not installed"):
        resolve("package:a/b", Path())
