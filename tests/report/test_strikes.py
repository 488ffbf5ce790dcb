"""Attacked images in the report: the rules, the cells, and pictures that are there or say why not."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from camaudit import report
from camaudit.merge import _prefixed
from camaudit.report import strikes
from camaudit.report.evidence import read
from tests.report import fixture, page_reader
from tests.report.pages import strikes as attacked
from tests.report.test_page import sound

if TYPE_CHECKING:
    from pathlib import Path


def written(folder: Path, **changes):
    result = fixture.audit((fixture.check(attacked=attacked(folder, **changes)),))
    result.write(folder / "result.json")
    return page_reader.read(report.write(folder).read_text(encoding="utf-8"))


def test_the_page_says_everything_and_is_sound(tmp_path):
    root = written(tmp_path)
    sound(root)
    text = " ".join(root.text.split())
    for part in ("L∞ ≤ 8/255", "untargeted", "1,234", "<b>dog</b>", "no corner-colour flip exists", "img_7"):
        assert part in text
    assert [node.text for node in root.all("bdi")].count("dog") == 2  # as an answer, and in the table
    pictures = [node.attributes["src"] for node in root.all("img") if "-s" in node.attributes["src"]]
    assert pictures == [f"img/0-0-s{number}.webp" for number in range(5)]
    assert all((tmp_path / name).is_file() for name in pictures)


def test_the_difference_is_ten_times_around_grey(tmp_path):
    own = attacked(tmp_path)
    table = strikes._Table(strike=own.strikes[0], evidence=read(tmp_path, ["a", "b"]), top=2.0)
    shown = np.asarray(table.difference())
    scale = shown.shape[0] // 8
    assert shown[0, 0].tolist() == [128, 128, 128]
    assert shown[2 * scale, 3 * scale].tolist() == [178, 98, 255]


def test_all_maps_share_one_scale(tmp_path):
    _, scale = strikes.draw(0, attacked(tmp_path), read(tmp_path, ["a", "b"]), _folder(tmp_path))
    assert (scale.top, scale.maps, scale.negative) == (2.0, 2, True)


def _folder(folder: Path) -> Path:
    (folder / "img").mkdir()
    return folder


@pytest.mark.parametrize("lost", ["strike-00001.png", "maps.npz"])
def test_what_is_missing_says_so_and_costs_nothing_else(tmp_path, lost):
    own = attacked(tmp_path)
    (tmp_path / "evidence" / lost).unlink()
    fixture.audit((fixture.check(attacked=own),)).write(tmp_path / "result.json")
    root = page_reader.read(report.write(tmp_path).read_text(encoding="utf-8"))
    sound(root)
    assert "missing" in root.text
    assert "L∞ ≤ 8/255" in root.text


def test_names_of_files_outside_of_the_evidence_are_not_followed(tmp_path):
    own = attacked(tmp_path)
    outside = replace(own.strikes[0], image="../../etc/passwd", changed="/etc/passwd")
    root = written(tmp_path, strikes=(outside,))
    sound(root)
    assert "outside of the report's folder" in root.text


def test_a_merge_renames_pictures_and_maps(tmp_path):
    check = _prefixed(fixture.check(attacked=attacked(tmp_path)), "3-")
    (strike,) = check.attacked.strikes
    assert (strike.image, strike.changed) == ("evidence/3-strike-00000.png", "evidence/3-strike-00001.png")
    assert [item.key for item in strike.maps] == ["3-a", "3-b"]
