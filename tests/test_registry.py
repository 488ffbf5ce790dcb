"""Names to members."""

from __future__ import annotations

import pytest

from camaudit import registry
from camaudit.errors import RegistryError


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("maks", "mask"),
        ("msak", "mask"),
        ("mesk", "mask"),
        ("MASKS", "masks"),
        ("Layer", "layer"),
        ("lyer", "layer"),
        ("zzz", None),
        ("", None),
    ],
)
def test_the_name_that_was_meant(name, meant):
    assert registry.nearest(name, ["masks", "mask", "layer"]) == meant
    assert registry.did_you_mean(name, ["masks", "mask", "layer"]) == (
        f', did you mean "{meant}"?' if meant else ""
    )


@pytest.mark.parametrize("table", registry.TABLES)
def test_every_member_loads(table):
    assert registry.names(table)
    for name in registry.names(table):
        assert registry.find(table, name) is not None


def test_a_name_that_is_none():
    with pytest.raises(
        RegistryError, match="there is no map method 'gradcm', did you mean \"gradcam\""
    ) as caught:
        registry.find("map", "gradcm")
    assert caught.value.hint == f"the map methods are: {', '.join(registry.names('map'))}"


def test_third_parties_come_after_the_built_in_and_never_replace_them(monkeypatch):
    monkeypatch.setattr(registry, "_third_parties", lambda _: dict.fromkeys(["zcam", "acam", "gradcam"]))
    names = registry.names("map")
    assert names[-2:] == ("acam", "zcam")
    assert names.count("gradcam") == 1
    assert registry.find("map", "gradcam").name == "gradcam"
