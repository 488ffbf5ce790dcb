from __future__ import annotations

import csv
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from camaudit import report
from camaudit.exhibits import Paired, Roc
from camaudit.integrity import sha256
from camaudit.report import scores, spreads
from camaudit.report.scores import Scores
from camaudit.result import AuditResult, SampleRow
from tests.report import fixture, page_reader

if TYPE_CHECKING:
    from pathlib import Path

NAN = float("nan")
PAIRED = Paired(title="mass", before="before", after="after", names=("then", "now"))


def of_class(level: str, n: int, **changes):
    return fixture.finding(
        name=f"energy_inside [{level}]", by="class", level=level, n=n, controls=(), undefined={}, **changes
    )


def of(labels: str, values, *, whole: bool = True) -> Scores:
    return Scores(labels=tuple(labels), columns={"energy_inside": tuple(values)}, whole=whole)


def test_every_sample_has_a_tick_at_its_place() -> None:
    table = of("aaab?", (0.0, 0.5, 1.0, 0.25, 0.9))
    chart = spreads.strip((of_class("b", 1), of_class("a", 3)), table)
    assert chart is not None
    assert [(row.level, row.path) for row in chart.rows] == [
        ("b", "M250 0v100"),
        ("a", "M0 0v100M500 0v100M1000 0v100"),
    ]
    assert chart.rows[1].bar.x == 71.2
    assert chart.gate == 60.0
    assert "All 4 samples drawn." in chart.note
    assert "from 0 over 0.50 (median) to 1" in chart.rows[1].bar.description


def test_samples_that_are_not_those_of_the_estimate_are_not_drawn() -> None:
    table = of("aaab", (0.0, 0.5, 1.0, 0.25))
    chart = spreads.strip((of_class("a", 4), of_class("b", 1)), table)
    assert chart is not None
    assert [row.level for row in chart.rows] == ["b"]
    assert "1 of 5 samples drawn. 1 of 2 classes" in " ".join(chart.note.split())
    assert spreads.strip((of_class("a", 4),), table) is None
    some = spreads.strip((of_class("a", 4),), of("aaab", (0.0, 0.5, 1.0, 0.25), whole=False))
    assert some is not None
    assert "3 of 4 samples drawn." in some.note


def test_shares_have_no_spread_and_missing_numbers_no_tick() -> None:
    assert spreads.strip((of_class("a", 4),), of("aaaa", (0.0, 1.0, 1.0, 0.0))) is None
    assert spreads.strip((of_class("a", 0),), of("aa", (NAN, NAN))) is None
    chart = spreads.strip((of_class("a", 3),), of("aaaa", (0.1, NAN, 0.3, 0.4)))
    assert chart is not None
    assert chart.rows[0].path.count("M") == 3


def test_many_samples_are_thinned_evenly_and_it_is_said() -> None:
    values = [number / 999 for number in range(1000)]
    chart = spreads.strip((of_class("a", 1000),), of("a" * 1000, values))
    assert chart is not None
    places = [int(place) for place in re.findall(r"M(\d+) ", chart.rows[0].path)]
    assert len(places) == spreads.MOST_TICKS
    assert (places[0], places[-1]) == (0, 1000)
    assert f"{spreads.MOST_TICKS} of 1,000 samples drawn." in chart.note


def test_pairs_are_lines_from_before_to_after() -> None:
    table = Scores(
        columns={"before": (0.0, 1.0, 0.5, NAN), "after": (1.0, 0.0, 0.5, 0.2)}, labels="aaaa", whole=True
    )
    (chart,) = spreads.pairs((PAIRED,), table)
    assert chart.note == "1 fell, 1 rose, 1 stayed; mean 0.50 → 0.50. All 3 samples drawn."
    assert chart.fell.count("M") == 1
    assert chart.rose.count("M") == 2
    before, after = (float(text) for text in re.fullmatch(r"M0 (\S+)L1000 (\S+)", chart.fell).groups())
    assert before < after, "up is more, and heights count from the top"
    assert chart.means == (50.0, 50.0)
    assert spreads.pairs((PAIRED,), Scores()) == ()


def test_a_curve_says_the_area_that_was_estimated() -> None:
    finding = fixture.finding(name="auc", value=0.75, lower=0.6, upper=0.9, bound=None)
    (chart,) = spreads.rocs((Roc(finding="auc", points=((0, 0), (0, 0.5), (1, 1))),), (finding,))
    assert chart.path == "M0 100L0 50L1000 0"
    assert "Area below it: 0.75 [0.60, 0.90]" in chart.description
    assert spreads.rocs((Roc(finding="another", points=((0, 0), (1, 1))),), (finding,)) == ()


def _written(folder: Path, lines: list[list[str]]) -> AuditResult:
    with (folder / "samples.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([["check", "id", "label", "energy_inside"], *lines])
    row = SampleRow(id="one", label="=a", predicted=None, values={"energy_inside": 0.25})
    findings = (fixture.finding(), of_class("=a", 1))
    check = fixture.check(columns={"energy_inside": "e"}, rows=(row,), findings=findings)
    return fixture.audit((check,), files={"samples.csv": sha256(folder / "samples.csv")})


def test_numbers_come_from_the_table_of_all_samples(tmp_path: Path) -> None:
    lines = [
        ["on-the-dog", "one", "'=a", "0.25"],
        ["on-the-dog", "'-two", "", ""],
        ["another", "x", "b", "1"],
    ]
    found, problem = scores.read(tmp_path, _written(tmp_path, lines))
    assert problem == ""
    own = found["on-the-dog"]
    assert own.whole
    assert own.labels == ("=a", None)
    assert own.columns["energy_inside"][0] == 0.25
    assert own.columns["energy_inside"][1] != own.columns["energy_inside"][1]


def test_a_table_that_is_gone_or_another_is_said_and_replaced_by_the_rows(tmp_path: Path) -> None:
    result = _written(tmp_path, [["on-the-dog", "one", "=a", "0.25"]])
    for spoil, said in (
        (lambda path: path.write_text("x"), "not the file"),
        (lambda path: path.unlink(), "read"),
    ):
        spoil(tmp_path / "samples.csv")
        found, problem = scores.read(tmp_path, result)
        assert said in problem
        assert not found["on-the-dog"].whole
        assert found["on-the-dog"].columns["energy_inside"] == (0.25,)


@pytest.mark.parametrize("broken", [["on-the-dog", "one", "a", "many"], ["on-the-dog", "one", "a"]])
def test_a_table_that_cannot_be_read_is_said(tmp_path: Path, broken: list[str]) -> None:
    found, problem = scores.read(tmp_path, _written(tmp_path, [broken]))
    assert problem.startswith("samples.csv cannot be read")
    assert not found["on-the-dog"].whole


def test_the_charts_stand_in_the_page_and_survive_the_file(tmp_path: Path) -> None:
    lines = [["on-the-dog", f"s{number}", "pug", str(number / 10)] for number in range(5)]
    result = _written(tmp_path, lines)
    check = replace(
        result.checks[0],
        columns={"energy_inside": "e", "before": "b", "after": "a"},
        findings=(fixture.finding(), of_class("pug", 5)),
        paired=(PAIRED,),
        rocs=(Roc(finding="energy_inside", points=((0.0, 0.0), (1.0, 1.0))),),
        rows=tuple(
            SampleRow(id=f"s{n}", label="pug", predicted="pug", values={"before": n, "after": n / 2})
            for n in range(4)
        ),
    )
    shown = replace(result, checks=(check,), files={})
    shown.write(tmp_path / "result.json")
    assert AuditResult.read(tmp_path / "result.json").checks[0].paired == (PAIRED,)
    assert AuditResult.read(tmp_path / "result.json").checks[0].rocs == check.rocs
    root = page_reader.read(report.write(tmp_path).read_text(encoding="utf-8"))
    for name in ("pair-chart", "roc-chart"):
        (chart,) = root.all("svg", class_=name)
        assert chart.children[0].tag == "title"
    assert "samples.csv is not the file of this run" in root.text
