from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from camaudit.report import text
from camaudit.report.findings import near_controls
from camaudit.report.words import Anchors, listing, printable, verdict
from tests.report import fixture

if TYPE_CHECKING:
    from pathlib import Path

LINK = "reports/dogs/index.html"


def test_one_line_per_check_worst_first(tmp_path: Path) -> None:
    result = fixture.rich(tmp_path, samples=2, side=16)
    lines = text.summary_lines(result, header=True)
    assert lines[0] == "================ camaudit ================"
    assert [line.split()[0] for line in lines[1:-1]] == [
        "ERROR",
        "FAIL",
        "INCONCLUSIVE",
        "SKIP",
        "PASS",
        "PASS",
    ]
    assert lines[-1] == " partial run: 2 checks left out: under-pgd, one-pixel"
    assert text.summary_lines(result) == lines[1:]
    passed = next(line for line in lines if "on-the-dog" in line)
    assert "0.71 [0.69, 0.73]  at least 0.6   (centre prior 0.34, shuffled mask 0.29, chance 0.30)" in passed
    assert passed.endswith("1 warning")
    control = next(line for line in lines if "decoy-network" in line)
    assert control.endswith("known-bad control: failed, as it must")
    assert next(line for line in lines if "ERROR" in line).endswith("could not be read, allowed are 0")


def test_no_check_is_an_error() -> None:
    assert text.summary_lines(fixture.audit(())) == [" ERROR  no check was run"]


def test_the_first_line_of_a_failure_stands_alone() -> None:
    rows = tuple(
        fixture.SampleRow(id=f"img_{i}", label=None, predicted=None, values={}, failing=i > 1)
        for i in range(6)
    )
    check = fixture.failing(rows)
    lines = text.failure(check, fixture.audit((check,)), LINK).splitlines()
    assert lines[0] == (
        "audits/dogs.audit.yaml:24: not-the-collar: FAIL: energy_inside: "
        "the interval [0.26, 0.37] lies above 0.05"
    )
    assert lines[1].startswith("  energy inside the mask: 0.31 [0.26, 0.37]  at most 0.05")
    assert lines[2].startswith("  n=300 of 1,842 (seed 7, by label), 60 left out   worst class: ")
    assert lines[3] == f"  {LINK}#not-the-collar   worst: img_2, img_3, img_4"
    assert lines[-1].startswith("  again: camaudit run ")


def test_an_error_says_what_to_do_and_that_it_is_no_finding() -> None:
    check = fixture.error()
    lines = text.failure(check, fixture.audit((check,)), LINK).splitlines()
    assert lines[0].endswith("sanity: ERROR: data.dogs: 120 of 300 images could not be read, allowed are 0")
    assert lines[1] == "  hint: mend the files"
    assert "This is no finding about the network" in lines[2]
    assert f"  {LINK}#sanity" in lines


def test_a_control_that_does_not_fail_is_named() -> None:
    check = fixture.check(
        status="ERROR", outcome="PASS", expect="fail", headline="x: ERROR: known-bad control passed"
    )
    result = fixture.audit((check,))
    assert "known-bad control: did not fail" in text.failure(check, result, LINK)
    assert "known-bad control: did not fail" in text.summary_lines(result)[0]
    assert verdict(result).remarks == (
        "Known-bad control did not fail: on-the-dog. The audit cannot be trusted until it does.",
    )


def test_hostile_names_write_no_control_characters() -> None:
    for name in fixture.HOSTILE:
        check = replace(fixture.failing(), id=name, headline=name)
        result = fixture.audit((check,), spec_file=name, not_run=(name,))
        for line in (*text.failure(check, result, LINK).splitlines(), *text.summary_lines(result)):
            assert line.isprintable()
        assert len(text.summary_lines(result)) == 2


def test_an_undecided_check_says_how_many_samples_would_do() -> None:
    check = fixture.check(
        status="INCONCLUSIVE", findings=(fixture.finding(status="INCONCLUSIVE", n_needed=1410, controls=()),)
    )
    assert "about 1,410 samples would settle it" in text.failure(check, fixture.audit((check,)), LINK)


def test_verdicts_in_a_sentence() -> None:
    passed, failed = fixture.check(), fixture.failing()
    control = fixture.check(id="decoy", expect="fail", outcome="FAIL")
    warned = fixture.check(id="w", status="INCONCLUSIVE", outcome="INCONCLUSIVE", blocks=False)
    said = {
        "The only check passed.": (passed,),
        "All 2 checks passed.": (passed, control),
        "This audit does not pass: the only check failed.": (failed,),
        "This audit does not pass: 1 of 2 checks failed and 1 passed.": (failed, passed),
        "This audit passes with reservations: 1 of 2 checks is undecided and 1 passed.": (passed, warned),
        "Every check was skipped, so this audit shows nothing.": (fixture.skip(),),
        "No check was run, so this audit shows nothing.": (),
    }
    for sentence, checks in said.items():
        assert verdict(fixture.audit(checks)).sentence == sentence
    partial = verdict(fixture.audit((passed,), not_run=("other",)))
    assert partial.sentence == "As far as it went, the run passed: the only check passed."
    assert partial.badge.word == "PARTIAL"


def test_controls_alone_are_no_pass() -> None:
    only = verdict(fixture.audit((fixture.check(id="decoy", expect="fail", outcome="FAIL"),)))
    assert only.badge.word == "CONTROLS ONLY"
    assert "no check of the network itself was made" in only.remarks[0]


def test_listing() -> None:
    assert listing(["a"]) == "a"
    assert listing(["a", "b", "c"]) == "a, b and c"
    assert listing("abcdefghij", most=3) == "a, b, c and 7 more"


@given(st.text())
def test_printable_is_one_printable_line(name: str) -> None:
    assert printable(name).isprintable()


@given(st.lists(st.tuples(st.text(), st.text()), max_size=8))
def test_anchors_are_unique_and_need_no_escape(names: list[tuple[str, str]]) -> None:
    anchors = Anchors()
    taken = [anchors.take(*pair) for pair in names]
    assert len(set(taken)) == len(taken)
    assert all(
        set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-~%/:")
        for name in taken
    )


def test_a_pass_that_a_blind_control_might_reach_is_marked() -> None:
    near = replace(fixture.CONTROLS[0], value=0.65, lower=0.55, upper=0.70)
    check = fixture.check(findings=(fixture.finding(controls=(near, fixture.CONTROLS[1])),))
    result = fixture.audit((check,))
    assert text.summary_lines(result)[0].endswith("no clearer than its controls")
    assert verdict(result).remarks == (
        (
            "The interval of on-the-dog overlaps those of controls that know nothing of the object: "
            "its pass says little about the network."
        ),
    )
    assert near_controls(check) == (near,)
    low = fixture.finding(value=0.1, lower=0.05, upper=0.15, direction="at_most", controls=fixture.CONTROLS)
    assert near_controls(fixture.check(findings=(low,))) == ()
    assert near_controls(fixture.check(findings=(replace(low, upper=0.33),))) == fixture.CONTROLS
    assert near_controls(fixture.check()) == ()
    assert near_controls(fixture.failing()) == ()
