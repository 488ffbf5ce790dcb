"""The report as one file: nothing outside of it is needed, nothing in it runs but its own script."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from camaudit import cli, report
from camaudit.errors import ResultError
from camaudit.report import single
from camaudit.result import AuditResult
from tests.report import fixture

if TYPE_CHECKING:
    from pathlib import Path

REFERENCE = re.compile(r'\s(?:src|href|srcset|data|poster|action)="([^"]*)"')


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("report")
    fixture.rich(made, samples=14, side=32)
    report.write(made, single=True)
    return made


@pytest.fixture(scope="module")
def text(folder: Path) -> str:
    return (folder / "report.html").read_text(encoding="utf-8")


def test_no_reference_leads_out_of_the_file(text: str) -> None:
    found = REFERENCE.findall(text)
    assert len(found) > 50
    assert [one for one in found if not one.startswith(("#", "data:image/"))] == []
    assert set(re.findall(r'url\("?([a-z]+)', text)) <= {"data"}
    assert "<link" not in text
    assert not re.search(r"<script[^>]+src", text)


def test_all_static_files_are_inside(text: str) -> None:
    for name in report.STATIC:
        first = next(
            line
            for line in (single._static(name)).splitlines()
            if len(line) > 40 and "url(" not in line and "</" not in line
        )
        assert first in text, name


def test_a_style_sheet_or_script_that_is_added_later_is_taken_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        single, "_static", lambda name: {"a.css": "p{color:red}", "b.js": "let x='</script>'"}[name]
    )
    page = (
        '<html><head><meta charset="utf-8"><link rel="stylesheet" href="a.css">'
        '<script src="b.js" defer></script></head><body><a href="samples.csv">all</a></body></html>'
    )
    made = single.inlined(page, tmp_path)
    assert "<style>p{color:red}</style>" in made
    assert made.endswith("<script>let x='<\\/script>'</script>\n</body></html>")
    assert REFERENCE.findall(made) == []
    assert "<a>all</a>" in made


def test_pictures_are_those_of_the_folder(folder: Path, text: str) -> None:
    page = (folder / "index.html").read_text(encoding="utf-8")
    names = re.findall(r' src="(img/[^"]+)"', page)
    inside = [b64decode(one) for one in re.findall(r' src="data:image/webp;base64,([^"]+)"', text)]
    assert inside == [(folder / name).read_bytes() for name in names]


def test_the_policy_names_exactly_what_is_inside(text: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]+)"', text)
    assert policy is not None
    for tag in ("style", "script"):
        parts = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert len(parts) == sum(
            name.endswith({"style": "css", "script": "js"}[tag]) for name in report.STATIC
        )
        for part in parts:
            assert f"'sha256-{b64encode(sha256(part.encode()).digest()).decode()}'" in policy[1]
    assert "unsafe" not in policy[1]
    assert "default-src 'none'" in policy[1]


def test_what_fits_is_all_shown_and_nothing_is_said(text: str) -> None:
    assert "leaves samples out" not in text
    assert text.count("<h4>") == 14 + 14 + 2


def test_what_does_not_fit_is_left_out_and_said(folder: Path) -> None:
    result = AuditResult.read(folder / "result.json")
    sheets = report.drawn(folder, result)[0]
    whole = len(single.single(result, sheets, (), folder))
    for most in (whole - 1, whole // 2):
        page = single.single(result, sheets, (), folder, most=most)
        assert len(page) <= most
        text = page.decode()
        kept = [int(one) for one in re.findall(r"(\d+) of 14 samples shown", text)]
        assert kept
        assert text.count("<h4>") == sum(kept) + 2
        assert "in index.html; their numbers are in samples.csv" in text
    assert single.single(result, sheets, (), folder, most=whole).decode().count("<h4>") == 30


def test_what_cannot_be_made_to_fit_is_an_error(folder: Path) -> None:
    result = AuditResult.read(folder / "result.json")
    with pytest.raises(ResultError, match="takes more than 1,000 bytes as one file"):
        single.single(result, report.drawn(folder, result)[0], (), folder, most=1000)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    rows = tuple(
        fixture.SampleRow(id=name, label=name, predicted=name, values={"energy_inside": 0.1}, failing=True)
        for name in (*fixture.HOSTILE, 'x" src="img/scale.webp', "</body></html>", "</script>")
    )
    result = fixture.audit((fixture.check(rows=rows),), name="</body><script>alert(1)</script>")
    replace(result, spec_text='<img src="img/scale.webp">').write(tmp_path / "result.json")
    report.write(tmp_path, single=True)
    text = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert text.count("<script>") == sum(name.endswith(".js") for name in report.STATIC)
    assert text.count("</body>") == 1
    assert "<img src=x" not in text
    assert "&lt;img src=&#34;img/scale.webp&#34;&gt;" in text


def test_an_older_one_is_removed_where_none_is_asked_for(tmp_path: Path) -> None:
    fixture.rich(tmp_path, samples=3, side=16)
    report.write(tmp_path, single=True)
    report.write(tmp_path)
    assert not (tmp_path / "report.html").exists()


def test_the_command_writes_and_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    fixture.rich(tmp_path, samples=3, side=16)
    assert cli.main(["report", str(tmp_path), "--single"]) == 0
    assert capsys.readouterr().out.strip() == (tmp_path / "report.html").resolve().as_uri()
    assert (tmp_path / "index.html").is_file()
