from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from camaudit import report
from camaudit.errors import ResultError
from camaudit.report.words import BLIND_SPOTS, printable
from camaudit.result import AuditResult, CheckResult, SampleRow, Trust
from tests.report import fixture, page_reader

if TYPE_CHECKING:
    from pathlib import Path

    from tests.report.page_reader import Node

NAN = float("nan")
SCRIPTS = ["report.js", "compare.js", "viewer.js"]
HOSTILE_ROWS = [
    SampleRow(
        id=name,
        label=name,
        predicted=name,
        values={"energy_inside": 0.1},
        image=name,
        masks={name: name},
        map=name,
        map_status=name,
        group=name,
        file=name,
        sha256=name,
        failing=True,
    )
    for name in fixture.HOSTILE
]


def render(folder: Path, *checks: CheckResult, **changes: Any) -> Node:
    fixture.audit(checks, **changes).write(folder / "result.json")
    return page_reader.read(report.write(folder).read_text(encoding="utf-8"))


def rich(folder: Path) -> AuditResult:
    return fixture.rich(folder, samples=12, side=32)


def sound(root: Node) -> None:
    """What must hold of every page, whatever it says."""
    everything = root.all()
    ids = [node.attributes["id"] for node in everything if "id" in node.attributes]
    assert len(ids) == len(set(ids)), "an id is taken twice"
    for node in everything:
        for name, value in node.attributes.items():
            assert name != "style", f"<{node.tag}> carries a style"
            assert not name.startswith("on"), f"<{node.tag}> carries a script: {name}"
            if name in {"href", "src"}:
                assert value in report.STATIC or re.fullmatch(r"#\S*|img/[\w-]+\.webp", value), (
                    f"{name}={value}"
                )
            if name in {"aria-labelledby", "aria-describedby"}:
                assert set(value.split()) <= set(ids), f"{name}={value} names nothing"
    targets = {
        node.attributes["href"][1:] for node in everything if node.attributes.get("href", "").startswith("#")
    }
    assert targets <= set(ids), f"links to nowhere: {targets - set(ids)}"
    assert not root.all("style"), "an inline style sheet"
    scripts = root.all("script")
    assert [script.attributes["src"] for script in scripts] == SCRIPTS
    assert not any(script.text.strip() for script in scripts), "an inline script"
    headings = [int(node.tag[1]) for node in everything if re.fullmatch(r"h[1-6]", node.tag)]
    assert headings.count(1) == 1
    assert headings[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(headings)), headings
    assert all(image.attributes.get("alt") for image in root.all("img")), "a picture without a text"
    assert all(head.attributes.get("scope") for head in root.all("th")), "a table heading without a scope"
    assert all(table.all("caption") for table in root.all("table")), "a table without a caption"
    for chart in root.all("svg", role="img"):
        assert chart.children[0].tag == "title", "a chart without a title"
        assert chart.children[0].text.strip(), "a chart with an empty title"
    assert len(root.all("main")) == 1
    assert root.all("html")[0].attributes["lang"] == "en"
    assert "nan" not in re.findall(r"[a-z]+", root.text.lower()), "a NaN is shown as a number"
    assert "None" not in re.findall(r"\w+", root.text.replace("None.", "")), "a None is shown"


def test_a_rich_page_is_sound_and_says_everything(tmp_path: Path) -> None:
    result = rich(tmp_path)
    root = page_reader.read(report.write(tmp_path).read_text(encoding="utf-8"))
    sound(root)
    text = " ".join(root.text.split())
    for check in result.checks:
        assert check.id in text
        assert check.question in text
        assert check.rule in text
        assert all(limit in text for limit in check.limits)
    assert "This audit does not pass: 1 of 6 checks failed, 1 could not be carried out" in text
    assert "Partial run: 2 checks of the spec left out (under-pgd and one-pixel)" in text
    assert "1 known-bad control (decoy-network) failed, as it must." in text
    assert all(spot in text for spot in BLIND_SPOTS)
    for fact in ("3f" * 32, "9f2c" * 16, "d41d8cd98f00b204", "ab" * 32, "0a1b2c3d", "seed 7", "Signature"):
        assert fact in text
    assert "<b>not bold</b>" in text, "the spec is shown as written"


def test_every_file_that_the_page_names_is_there_and_no_other(tmp_path: Path) -> None:
    rich(tmp_path)
    (tmp_path / "img").mkdir()
    (tmp_path / "img" / "9-9-i.webp").write_bytes(b"left by an earlier run")
    (tmp_path / "img" / "mine.webp").write_bytes(b"not ours")
    root = page_reader.read(report.write(tmp_path).read_text(encoding="utf-8"))
    named = {node.attributes["src"] for node in root.all("img")}
    there = {f"img/{path.name}" for path in (tmp_path / "img").iterdir()}
    assert there == named | {"img/scale.webp", "img/scale-negative.webp", "img/mine.webp"}
    assert {*report.STATIC, "index.html"} <= {path.name for path in tmp_path.iterdir()}
    assert not list(tmp_path.glob("*.tmp"))


def test_rendering_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    rich(tmp_path)
    first = {path: path.read_bytes() for path in [report.write(tmp_path), *(tmp_path / "img").iterdir()]}
    report.write(tmp_path)
    assert {path: path.read_bytes() for path in first} == first


def test_failing_samples_come_first(tmp_path: Path) -> None:
    rows = tuple(
        SampleRow(id=f"s{index}", label=None, predicted=None, values={}, failing=index % 3 == 2)
        for index in range(9)
    )
    root = render(tmp_path, fixture.check(rows=rows))
    shown = [node.text.strip() for node in root.all("h4")]
    assert shown == ["s2", "s5", "s8", "s0", "s1", "s3", "s4", "s6", "s7"]
    assert len(root.all("li", class_="failing")) == 3


def test_a_sample_has_an_anchor_of_check_and_id(tmp_path: Path) -> None:
    row = SampleRow(id="img 0412#a", label=None, predicted=None, values={})
    root = render(tmp_path, fixture.check(rows=(row, row)))
    anchors = [node.attributes["id"] for node in root.all("li") if "id" in node.attributes]
    assert anchors == ["on-the-dog/img%200412%23a", "on-the-dog/img%200412%23a:2"]


@pytest.mark.parametrize(
    "checks",
    [
        (),
        (fixture.error(),),
        (fixture.skip(),),
        (fixture.check(findings=(), columns={}, histogram=(), population=None, limits=(), description=""),),
        (
            fixture.check(
                findings=(fixture.finding(value=NAN, lower=NAN, upper=NAN, n=0, controls=(), chance=None),)
            ),
        ),
        (fixture.check(histogram=(0.5,), findings=(fixture.finding(low=None, high=None),)),),
        (fixture.check(histogram=(NAN, float("inf"))),),
        (fixture.check(findings=(fixture.finding(by="class", level="only a class"),)),),
        (
            fixture.check(
                rows=(SampleRow(id="a", label=None, predicted=None, values={"energy_inside": NAN}),)
            ),
        ),
        (fixture.check(population=fixture.population(found=0, unusable={}, drawn=0, used=0, lost={})),),
    ],
    ids=[
        "no-checks",
        "error",
        "skip",
        "bare",
        "nan",
        "unbounded",
        "no-histogram",
        "class-only",
        "one",
        "nobody",
    ],
)
def test_pages_with_little_to_say_are_sound(tmp_path: Path, checks: tuple[CheckResult, ...]) -> None:
    bare = {"models": (), "environment": {}, "timings": {}, "files": {}, "spec_text": "", "created": ""}
    (tmp_path / "full").mkdir()
    sound(render(tmp_path / "full", *checks))
    sound(render(tmp_path, *checks, **bare))


def test_nothing_is_never_green(tmp_path: Path) -> None:
    root = render(tmp_path)
    assert root.all("section", id="_verdict")[0].attributes["class"] == "verdict error"
    assert "No check was run, so this audit shows nothing." in root.text


@pytest.mark.parametrize("name", fixture.HOSTILE, ids=range(len(fixture.HOSTILE)))
def test_hostile_names_stay_text_and_in_the_folder(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    levels = tuple(fixture.finding(by="class", level=other, reason=other) for other in fixture.HOSTILE)
    check = replace(
        fixture.failing(tuple(HOSTILE_ROWS)),
        id=name,
        title=name,
        question=name,
        rule=name,
        answer=name,
        headline=name,
        description=name,
        model=name,
        limits=(name,),
        warnings=(name,),
        parameters={name: name},
        columns={"energy_inside": name},
        command=name,
        population=fixture.population(data=name, unusable={name: 58}, unusable_examples=(name,), by=name),
        findings=(fixture.finding(title=name, gate=name, interval=name, undefined={name: 4}), *levels),
    )
    root = render(
        folder,
        check,
        name=name,
        description=name,
        spec_file=name,
        spec_text=name,
        not_run=(name,),
        environment={name: name},
        warnings=(name,),
        timings={name: 1.0},
        files={name: name},
        created=name,
    )
    sound(root)
    assert " ".join(printable(name).split()) in " ".join(root.text.split())
    assert not set(root.text) & {"\x1b", "\x00", "\u202e", "\u202c"}
    assert {path.name for path in tmp_path.iterdir()} == {"report"}
    assert {path.name for path in folder.iterdir()} == {
        "index.html",
        *report.STATIC,
        "img",
        "result.json",
    }


def test_evidence_outside_of_the_folder_is_not_shown(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    Image.new("RGB", (8, 8), "red").save(tmp_path / "secret.png")
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    rows = tuple(
        SampleRow(id=name, label=None, predicted=None, values={}, image=name)
        for name in ("../secret.png", str(tmp_path / "secret.png"), "link.png")
    )
    root = render(folder, fixture.check(rows=rows))
    reasons = [node.text for node in root.all("p", class_="none")]
    assert reasons == ["Input: the file lies outside of the report's folder"] * 3
    assert "on-the-dog: pictures of 3 samples missing: input: the file lies outside" in root.text


def test_missing_evidence_is_named_and_loses_nothing_else(tmp_path: Path) -> None:
    rows = fixture.evidence(tmp_path, 4, side=32)
    (tmp_path / "evidence" / "0000.png").unlink()
    (tmp_path / "evidence" / "0001.png").write_bytes(b"\x89PNG\r\n\x1a\n broken")
    stored = dict(np.load(tmp_path / "evidence" / "maps.npz"))
    stored["m000002"][0, 0] = NAN
    del stored["m000003"]
    np.savez(tmp_path / "evidence" / "maps.npz", **stored)
    root = render(tmp_path, fixture.check(rows=rows))
    sound(root)
    reasons = {node.text for node in root.all("p", class_="none")}
    assert {
        "Input: the file is missing",
        "Raw map: the map holds values that are not finite",
        "Map over input: no map of this name was kept",
    } <= reasons
    assert any(reason.startswith("Input: the file cannot be read") for reason in reasons)
    assert len(root.all("h4")) == 4


def test_a_damaged_archive_of_maps_is_named(tmp_path: Path) -> None:
    rows = fixture.evidence(tmp_path, 2, side=32)
    (tmp_path / "evidence" / "maps.npz").write_bytes(b"PK\x03\x04 no archive")
    root = render(tmp_path, fixture.check(rows=rows))
    sound(root)
    assert "no map could be drawn: evidence/maps.npz cannot be read" in root.text


def test_counts_that_do_not_add_up_are_said_aloud(tmp_path: Path) -> None:
    root = render(tmp_path, fixture.check(population=fixture.population(used=290)))
    assert "These counts do not add up: 290 used and 2 lost of 302 drawn." in root.text


def test_the_counts_of_a_check_add_up(tmp_path: Path) -> None:
    table = render(tmp_path, fixture.check()).all("table", class_="counts")[0]
    steps = [(row.attributes["class"], row.all("td")[0].text) for row in table.all("tbody")[0].all("tr")]
    total = 0
    for index, (kind, text) in enumerate(steps):
        number = int(text.replace(",", "").replace("−", "-"))
        if kind == "total" and index:
            assert total == number, f"{steps[: index + 1]}"
        total = number if kind == "total" else total + number
    assert [text for kind, text in steps if kind == "total"] == ["1,900", "1,842", "302", "300", "296"]


def test_a_shown_number_never_contradicts_its_verdict(tmp_path: Path) -> None:
    close = fixture.finding(value=0.5999996, lower=0.5999991, upper=0.59999999, status="FAIL")
    row = SampleRow(id="a", label=None, predicted=None, values={"energy_inside": 0.59999}, failing=True)
    root = render(tmp_path, fixture.check(status="FAIL", outcome="FAIL", findings=(close,), rows=(row,)))
    shown = root.all("table", class_="checks")[0].all("span", class_="estimate")[0].text
    value, lower, upper = (float(text) for text in re.findall(r"\d+\.\d+", shown))
    assert lower <= value <= upper < 0.6
    sample = [node.text for node in root.all("dl")[-2].all("dd")] + [node.text for node in root.all("dd")]
    assert "0.59999" in sample
    assert "0.60" not in sample


def test_the_deciding_class_stands_in_the_overview(tmp_path: Path) -> None:
    worst = fixture.finding(
        name="energy_inside [pug]", by="class", level="pug", value=0.3, lower=0.2, upper=0.4, status="FAIL"
    )
    root = render(tmp_path, fixture.check(status="FAIL", outcome="FAIL", findings=(fixture.finding(), worst)))
    row = root.all("table", class_="checks")[0].all("tbody")[0].text
    assert "decided by pug" in row
    assert "0.30 [0.20, 0.40]" in row


def test_a_partial_pass_is_not_shown_as_a_pass(tmp_path: Path) -> None:
    root = render(tmp_path, fixture.check(), not_run=("other",))
    verdict = root.all("section", id="_verdict")[0]
    assert verdict.attributes["class"] == "verdict inconclusive"
    assert "PARTIAL" in verdict.text
    assert root.all("title")[0].text.startswith("PARTIAL: dogs")


@pytest.mark.slow
def test_how_far_maps_can_be_trusted_stands_with_the_check_and_in_the_overview(tmp_path: Path) -> None:
    limited = Trust(level="limited", text="of limited trust: not <b>asked</b> [sane]", checks=("sane",))
    good = Trust(level="good", text="sound as far as tested: change with the parameters [sane]")
    root = render(tmp_path, fixture.check(id="some", trust=limited), fixture.check(id="others", trust=good))
    sound(root)
    assert root.text.count("These maps are") == 2
    assert "of limited trust: not <b>asked</b> [sane]" in root.text
    assert good.text in root.text
    overview = root.all("table", class_="checks")[0].text
    assert "maps of limited trust" in overview
    assert "sound as far as tested" not in overview


def test_a_large_report_stays_small(tmp_path: Path) -> None:
    rows = fixture.evidence(tmp_path, 1, side=32) * 200
    rows = tuple(replace(row, id=f"img_{index:05d}") for index, row in enumerate(rows))
    checks = tuple(fixture.check(id=f"check-{number}", rows=rows) for number in range(6))
    fixture.audit(checks).write(tmp_path / "result.json")
    page = report.write(tmp_path)
    shown = len(page_reader.read(page.read_text(encoding="utf-8")).all("h4"))
    assert shown == 1200
    assert page.stat().st_size <= 1_500_000


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("{", "is not a camaudit result"),
        ('{"format_version": 99}', "format version 99"),
        ('{"format_version": 1}', "is damaged or was edited"),
        ("[]", "format version None"),
    ],
)
def test_no_readable_result_is_an_error_with_its_place(tmp_path: Path, text: str, match: str) -> None:
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(ResultError, match=match) as caught:
        report.write(tmp_path)
    assert str(tmp_path / "result.json") in str(caught.value)


def test_no_result_at_all_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ResultError, match="cannot be read"):
        report.write(tmp_path)


def test_an_answer_names_its_numbers_in_words_one_to_a_line(tmp_path: Path) -> None:
    findings = (
        fixture.finding(name="similarity [head]", title="likeness, last layer"),
        fixture.finding(name="similarity", title="likeness"),
        fixture.finding(title="energy", by="class", level="beagle", name="energy [beagle]"),
    )
    answer = (
        "failed as expected. similarity [head]: 0.6 is above 0.5; similarity: 0.7, so; energy [beagle]: 0.1"
    )
    root = render(tmp_path, fixture.check(answer=answer, findings=findings))
    lines = [line.text for line in root.all("dd", class_="answer")[0].all("span", class_="line")]
    assert lines == [
        "failed as expected.",
        "likeness, last layer: 0.6 is above 0.5",
        "likeness: 0.7, so",
        "energy, beagle: 0.1",
    ]


def test_an_answer_without_a_number_stays_as_it_is(tmp_path: Path) -> None:
    answer = "energy_inside; nothing could be read: no file"
    for checks in (fixture.check(answer=answer, findings=()), fixture.check(answer=answer)):
        root = render(tmp_path, checks)
        assert [line.text for line in root.all("dd", class_="answer")[0].all("span", class_="line")] == [
            answer
        ]


def test_numbered_columns_are_named_by_the_end_of_their_title(tmp_path: Path) -> None:
    columns = {"likeness": "likeness", "likeness.0": "rank correlation, head randomised, draw 0"}
    row = SampleRow(id="a", label=None, predicted=None, values={"likeness": 0.2, "likeness.0": 0.3})
    root = render(tmp_path, fixture.check(columns=columns, rows=(row,)))
    assert [term.text for term in root.all("ol", class_="plates")[0].all("dt")] == ["likeness", "draw 0"]
