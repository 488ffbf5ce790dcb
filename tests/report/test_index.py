"""The page over several audits and runs in time: nothing is skipped in silence, nothing unlike is joined."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from camaudit import cli, report
from camaudit.errors import ResultError
from camaudit.report import index, runs
from camaudit.report.runs import Run, run_of
from camaudit.report.trend import MOST, trends, why_apart
from tests.report import fixture
from tests.small_audit import overlap, write

if TYPE_CHECKING:
    from pathlib import Path

SPEC = "data: {{dogs: {{}}}}\nchecks:\n- {{id: on-the-dog, metric: {metric}, gate: {{at_least: {gate}}}}}\n"


def audited(value: float, day: int, *, metric: str = "energy_inside", gate: float = 0.6, **changes):
    """A run with one gated number."""
    status = "PASS" if value >= gate else "FAIL"
    found = fixture.finding(
        value=value,
        lower=value - 0.02,
        upper=value + 0.02,
        status=status,
        bound=gate,
        gate=f"at least {gate:g}",
    )
    check = fixture.check(findings=(found,), status=status, outcome=status, blocks=status == "FAIL")
    return fixture.audit(
        (check,),
        created=f"2031-05-{day:02d}T10:20:30+00:00",
        spec_text=SPEC.format(metric=metric, gate=gate),
        spec_file="",
        **changes,
    )


def kept(folder: Path, *results) -> Path:
    """A report folder after these runs."""
    folder.mkdir(parents=True)
    for result in results:
        runs.append(folder, result)
    results[-1].write(folder / "result.json")
    report.write(folder)
    return folder


def text_of(*folders: Path, home: Path) -> str:
    return index.write(list(folders), home / "index.html").read_text(encoding="utf-8")


def test_a_line_says_what_a_run_found_and_is_read_back(tmp_path):
    result = audited(0.7, 1)
    runs.append(tmp_path, result)
    runs.append(tmp_path, audited(0.8, 2))
    lines = (tmp_path / "runs.jsonl").read_text().splitlines()
    assert len(lines) == 2
    data = json.loads(lines[0])
    assert data["weights"] == {"model": "9f2c" * 16}
    assert data["git"] == "0a1b2c3d (with uncommitted changes)"
    assert data["numbers"][0]["value"] == 0.7
    found, problems = runs.read(tmp_path / "runs.jsonl")
    assert problems == []
    assert found[0] == run_of(result)
    assert [run.created[:10] for run in found] == ["2031-05-01", "2031-05-02"]


def test_a_number_that_is_none_is_kept_as_none(tmp_path):
    result = audited(float("nan"), 1)
    runs.append(tmp_path, result)
    (run,), problems = runs.read(tmp_path / "runs.jsonl")
    assert problems == []
    assert run.numbers[0].value != run.numbers[0].value
    (trend,) = trends([run])
    assert trend.points[0].y is None


def test_a_torn_line_costs_itself_alone(tmp_path):
    (tmp_path / "runs.jsonl").write_text('{"format": 1, "aud')
    runs.append(tmp_path, audited(0.7, 1))
    found, problems = runs.read(tmp_path / "runs.jsonl")
    assert len(found) == 1
    assert problems == [problems[0]]
    assert problems[0].startswith("line 1 of runs.jsonl is skipped: JSONDecodeError")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"format": 99}, "has format 99"),
        ({"numbers": [1]}, "TypeError"),
        ({"created": 7}, "created is 7"),
        ({"weights": "x"}, "weights is 'x'"),
        ({"unknown": 1, "numbers": None}, "TypeError"),
    ],
)
def test_lines_of_another_shape_are_named(tmp_path, change, words):
    data = json.loads(run_of(audited(0.7, 1)).line)
    (tmp_path / "runs.jsonl").write_text(json.dumps({**data, **change}) + "\n[]\n3\n")
    found, problems = runs.read(tmp_path / "runs.jsonl")
    assert found == []
    assert len(problems) == 3
    assert words in problems[0]


def test_a_number_that_was_edited_into_a_text_is_named(tmp_path):
    line = run_of(audited(0.7, 1)).line.replace('"value": 0.7', '"value": "<b>"')
    (tmp_path / "runs.jsonl").write_text(line + "\n")
    assert runs.read(tmp_path / "runs.jsonl")[1] == [
        "line 1 of runs.jsonl is skipped: TypeError: value is '<b>'"
    ]


def test_comparable_runs_are_joined_and_a_gate_may_move():
    found = [run_of(audited(0.7, 1)), run_of(audited(0.65, 2, gate=0.7)), run_of(audited(0.72, 3))]
    (trend,) = trends(found)
    assert len(trend.points) == 3
    assert len(trend.lines) == 2
    assert trend.breaks == ()
    assert [(step.x1, step.x2) for step in trend.gates] == [(0.0, 26.5), (26.5, 73.5), (73.5, 100.0)]
    assert trend.gates[0].y1 == trend.gates[2].y1 > trend.gates[1].y1
    assert [row.note for row in trend.rows] == ["", "", ""]
    assert trend.rows[0].number == "0.72"
    assert trend.text.startswith("energy_inside over 3 runs; from 0.70 to 0.72; lowest 0.65, highest 0.72")


@pytest.mark.parametrize(
    ("other", "why"),
    [
        (audited(0.7, 2, metric="pointing"), "another spec of the check"),
        (
            replace(
                audited(0.7, 2),
                checks=(replace(audited(0.7, 2).checks[0], population=fixture.population(sha256="ab")),),
            ),
            "other images or labels",
        ),
    ],
)
def test_unlike_runs_are_never_joined(other, why):
    found = [run_of(audited(0.7, 1)), run_of(other)]
    assert why_apart(found[0].numbers[0], found[1].numbers[0]) == why
    (trend,) = trends(found)
    assert trend.lines == ()
    assert [text for _, text in trend.breaks] == [why]
    assert trend.rows[0].note == f"not comparable with the run before: {why}"
    assert "1 break" in trend.text


def test_no_line_leads_over_a_run_without_a_number():
    found = [run_of(audited(value, day)) for day, value in ((1, 0.7), (2, float("nan")), (3, 0.8))]
    (trend,) = trends(found)
    assert trend.lines == ()
    assert [point.y is None for point in trend.points] == [False, True, False]


def test_places_on_the_scale():
    (trend,) = trends([run_of(audited(0.5, 1)), run_of(audited(0.7, 2))])
    assert (trend.low, trend.high) == ("0.48", "0.72")
    low, high = trend.points
    assert (low.x, high.x) == (3.0, 97.0)
    assert high.upper == 10.0
    assert low.lower == 70.0
    assert low.y == pytest.approx(70 - 60 * 0.02 / 0.24, abs=0.01)
    assert low.tone == "fail"


def test_only_the_last_runs_are_drawn_and_the_rest_is_counted():
    (trend,) = trends([run_of(audited(0.7, 1 + day % 28)) for day in range(MOST + 4)])
    assert len(trend.points) == MOST
    assert trend.earlier == 4


def test_numbers_that_the_last_run_does_not_have_are_not_shown():
    first = audited(0.7, 1)
    second = replace(first, checks=(replace(first.checks[0], findings=(fixture.finding(name="pointing"),)),))
    assert [trend.name for trend in trends([run_of(first), run_of(second)])] == ["pointing"]


def test_the_page_names_all_audits_worst_first_with_their_numbers(tmp_path):
    kept(tmp_path / "dogs", audited(0.7, 1), audited(0.71, 2))
    kept(tmp_path / "cats", audited(0.3, 1, name="cats"))
    text = text_of(tmp_path, home=tmp_path)
    assert text.index(">cats</bdi>") < text.index(">dogs</bdi>")
    assert 'href="dogs/index.html"' in text
    assert "<title>Audits: 1 FAIL, 1 PASS</title>" in text
    assert text.count('<svg class="trend" role="img"') == 2
    assert "2 runs in numbers" in text
    assert "stale" not in text.lower()
    assert (tmp_path / "index.css").is_file()


def test_what_cannot_be_read_is_named_and_not_skipped(tmp_path):
    kept(tmp_path / "dogs", audited(0.7, 1))
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken/result.json").write_text("{")
    (tmp_path / "later").mkdir()
    (tmp_path / "later/result.json").write_text('{"format_version": 99}')
    (tmp_path / "unfinished").mkdir()
    runs.append(tmp_path / "unfinished", audited(0.7, 1, name="unfinished"))
    with (tmp_path / "dogs/runs.jsonl").open("a") as file:
        file.write("{torn\n")
    text = text_of(tmp_path, home=tmp_path)
    assert "broken: result.json is not a camaudit result" in text
    assert "later: result.json has format version 99" in text
    assert "unfinished: has no result: its last run did not finish" in text
    assert "dogs: line 2 of runs.jsonl is skipped" in text
    assert str(tmp_path) not in text


def test_audits_that_are_stale_say_why(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = replace(audited(0.7, 1), spec_file="dogs.audit.yaml")
    kept(tmp_path / "dogs", result)
    (tmp_path / "dogs.audit.yaml").write_text(result.spec_text)
    assert "Stale" not in text_of(tmp_path, home=tmp_path)
    (tmp_path / "dogs.audit.yaml").write_text("version: 1\n")
    assert "Stale: dogs.audit.yaml has changed since this run." in text_of(tmp_path, home=tmp_path)


def test_a_later_run_without_its_result_makes_an_audit_stale(tmp_path):
    folder = kept(tmp_path / "dogs", audited(0.7, 1))
    runs.append(folder, audited(0.2, 2))
    assert "Stale: a later run is on record (2031-05-02 10:20:30 UTC)" in text_of(tmp_path, home=tmp_path)


def test_reports_kept_of_several_runs_are_one_trend(tmp_path):
    for day, value in ((1, 0.7), (3, 0.8), (2, 0.75)):
        kept(tmp_path / f"kept/run-{day}/dogs", audited(value, day))
    folders = sorted((tmp_path / "kept").iterdir())
    page = index.index_page([*folders, folders[0]], tmp_path)
    (audit,) = page.audits
    assert audit.runs == 3
    assert [row.number for row in audit.trends[0].rows] == ["0.80", "0.75", "0.70"]
    assert audit.link == "kept/run-3/dogs/index.html"


def test_partial_runs_are_marked(tmp_path):
    kept(tmp_path / "dogs", audited(0.7, 1), audited(0.71, 2, not_run=("other",)))
    text = text_of(tmp_path, home=tmp_path)
    assert 'class="run pass partial"' in text
    assert "PARTIAL" in text
    assert "<td>partial run</td>" in text


def test_nothing_is_an_error_and_an_empty_folder_among_others_is_named(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(ResultError, match="there is no report here"):
        index.write([], tmp_path / "index.html")
    kept(tmp_path / "dogs", audited(0.7, 1))
    assert "empty: holds no report" in text_of(tmp_path / "dogs", tmp_path / "empty", home=tmp_path)


def test_hostile_names_stay_text(tmp_path):
    results = []
    for number, name in enumerate(fixture.HOSTILE):
        found = fixture.finding(name=name, title=name, gate=name)
        check = fixture.check(id=name, findings=(found,))
        results.append(fixture.audit((check,), name=name, environment={"git": name}))
        kept(tmp_path / f"a{number} #?", results[-1])
    text = text_of(tmp_path, home=tmp_path)
    assert "<script" not in text
    assert "<img" not in text
    assert 'href="a0%20%23%3F/index.html"' in text
    assert not re.search(r'(src|href)="(?!#|style\.css|index\.css|a\d%20)', text)


def test_an_index_that_cannot_be_written_fails_nothing(tmp_path):
    folder = kept(tmp_path / "index.html", audited(0.7, 1))
    problem = index.after_run([(folder, audited(0.7, 2))], tmp_path)
    assert problem.startswith(f"the index of {tmp_path} could not be written: ")


def test_the_command_writes_a_page(tmp_path, capsys):
    kept(tmp_path / "dogs", audited(0.7, 1))
    assert cli.main(["index", str(tmp_path), "--output", str(tmp_path / "over/all.html")]) == 0
    assert capsys.readouterr().out.strip() == (tmp_path / "over/all.html").resolve().as_uri()
    assert 'href="../dogs/index.html"' in (tmp_path / "over/all.html").read_text()
    assert cli.main(["index", str(tmp_path / "dogs" / "img"), "--output", str(tmp_path / "x.html")]) == 0
    assert "img: holds no report" in (tmp_path / "x.html").read_text().replace("dogs/", "")


def test_runs_of_the_command_line_are_kept(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write(tmp_path, overlap("first"), overlap("second"))
    assert cli.main(["run", "squares.audit.yaml", "--report", "single"]) == 0
    assert cli.main(["run", "squares.audit.yaml", "--check", "first"]) == 0
    said = capsys.readouterr().out
    assert "index: file://" in said
    assert "one file: file://" in said
    found, problems = runs.read(tmp_path / "reports/squares/runs.jsonl")
    assert problems == []
    assert [(run.partial, len(run.numbers)) for run in found] == [(False, 2), (True, 1)]
    assert isinstance(found[0], Run)
    assert not (tmp_path / "reports/squares/report.html").exists(), "it was of the run before"
    text = (tmp_path / "reports/index.html").read_text()
    assert "first" in text
    (trend, *_) = trends(found)
    assert len(trend.lines) == 1, "two runs of one check are comparable"
