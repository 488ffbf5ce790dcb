from __future__ import annotations

import pytest

from camaudit.classifier.names import read_names
from camaudit.errors import ModelError


def test_a_list_is_taken_as_it_is(tmp_path):
    assert read_names(("cat", " dog "), tmp_path) == ("cat", "dog")
    assert read_names(None, tmp_path) is None


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("c.txt", "cat\ndog\n"),
        ("c.txt", "\ufeffcat\r\ndog\r\n\r\n"),
        ("c.csv", "name\ncat\ndog\n"),
        ("c.CSV", "index,wnid,name\n0,n1,cat\n1,n2,dog\n"),
        ("c.csv", 'name,note\n"cat","a, b"\ndog,\n'),
    ],
)
def test_files(tmp_path, file, text):
    (tmp_path / file).write_bytes(text.encode())
    assert read_names(file, tmp_path) == ("cat", "dog")


def test_a_name_with_a_comma_is_one_name_in_a_text_file(tmp_path):
    (tmp_path / "c.txt").write_text("cat, tabby\ndog\n")
    assert read_names("c.txt", tmp_path) == ("cat, tabby", "dog")


@pytest.mark.parametrize(
    ("file", "content", "message"),
    [
        ("c.txt", b"cat\n\ndog\n", "class 1 has no name"),
        ("c.txt", b"\n \n", "there are no class names"),
        ("c.txt", b"caf\xe9\n", "no UTF-8 text"),
        ("c.csv", b"", "no column 'name'.*\n.*its columns are: none"),
        ("c.csv", b"index,nme\n0,cat\n", "no column 'name', did you mean \"nme\"?"),
        ("c.csv", b"index,name\n1,cat\n0,dog\n", "row 0 has index '1'"),
        ("c.csv", b"index,name\n0,cat\n1\n", "class 1 has no name"),
        ("c.csv", b'name\n"cat\n', "this is no CSV"),
    ],
)
def test_files_that_cannot_be_used(tmp_path, file, content, message):
    (tmp_path / file).write_bytes(content)
    with pytest.raises(ModelError, match=message):
        read_names(file, tmp_path)


def test_missing_file(tmp_path):
    with pytest.raises(ModelError, match=r"there is no file .*classes\.txt"):
        read_names("classes.txt", tmp_path)


def test_empty_list(tmp_path):
    with pytest.raises(ModelError, match="there are no class names"):
        read_names((), tmp_path)


def test_the_names_of_torchvision(tmp_path):
    names = read_names("torchvision:imagenet", tmp_path)
    assert names is not None
    assert len(names) == len(set(names)) == 1000
    assert (names[0], names[281], names[999]) == ("tench", "tabby", "toilet tissue")
    with pytest.raises(ModelError, match=r"no class names 'imagnet', did you mean \"imagenet\""):
        read_names("torchvision:imagnet", tmp_path)
