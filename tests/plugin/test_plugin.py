"""The pytest plugin as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.small_audit import overlap, result, write

FAILING = {"gate": {"at_most": 0.1}}


def run(project, *arguments):
    return project.runpytest_inprocess(*arguments)


def test_one_item_per_check_and_a_report(project):
    write(
        project.path / "audits",
        overlap("first"),
        overlap("second", metric="pointing", gate={"at_least": 0.5}),
    )
    outcome = run(project, "audits", "-v")
    outcome.assert_outcomes(passed=2)
    outcome.stdout.fnmatch_lines(
        ["audits/squares.audit.yaml::first PASSED*", "audits/squares.audit.yaml::second PASSED*"]
    )
    outcome.stdout.fnmatch_lines(
        ["*= camaudit =*", "*PASS*first*at least 0.7*", "report: file://*index.html"]
    )
    assert outcome.ret == 0
    assert (project.path / "reports/squares/index.html").is_file()
    assert len(result(project.path / "reports/squares")["checks"]) == 2


def test_failure_says_it_in_one_line_with_the_place(project):
    write(project.path, overlap("first"), overlap("upside-down", **FAILING))
    outcome = run(project)
    outcome.assert_outcomes(passed=1, failed=1)
    assert outcome.ret == 1
    outcome.stdout.fnmatch_lines(["FAILED squares.audit.yaml::upside-down - *upside-down*"])
    assert "Traceback" not in outcome.stdout.str()


def test_selection_runs_only_what_was_selected_and_says_partial(project):
    write(project.path, overlap("first"), overlap("second"))
    outcome = run(project, "-k", "second")
    outcome.assert_outcomes(passed=1, deselected=1)
    found = result(project.path / "reports/squares")
    assert [check["id"] for check in found["checks"]] == ["second"]
    assert found["not_run"] == ["first"]
    outcome.stdout.fnmatch_lines(["*partial run*first*"])


def test_marker(project):
    write(project.path, overlap("first"))
    project.makepyfile("def test_other(): pass")
    run(project, "-m", "audit").assert_outcomes(passed=1, deselected=1)


def test_marks_of_a_spec_select_its_checks(project):
    write(project.path / "a", overlap("first"), name="long", marks=["slow"])
    write(project.path / "b", overlap("second"), name="short")
    run(project, "-m", "slow", "--strict-markers").assert_outcomes(passed=1, deselected=1)
    run(project, "-m", "not slow", "--strict-markers").assert_outcomes(passed=1, deselected=1)
    run(project, "--strict-markers").assert_outcomes(passed=2)


def test_a_mark_that_would_switch_checks_off_is_refused(project):
    write(project.path, overlap("first"), marks=["skip"])
    outcome = run(project)
    assert outcome.ret == 2
    outcome.stdout.fnmatch_lines(['*squares.audit.yaml:*pytest acts on "skip"*could switch a check off*'])


def test_what_only_warns_can_stay_a_warning_where_warnings_are_errors(project):
    classes = {"at_most": 0.1, "severity": "warn", "min_n": 2}
    write(project.path, overlap("lenient", per_class=classes))
    run(project, "-W", "error").assert_outcomes(failed=1)
    keep = "default::camaudit.pytest_plugin.AuditWarning"
    run(project, "-W", "error", "-W", keep).assert_outcomes(passed=1, warnings=2)


def test_known_bad_control_that_passes_is_an_error(project):
    write(project.path, overlap("control", expect="fail"))
    outcome = run(project)
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["FAILED *::control - *ERROR*known-bad*"])


def test_known_bad_control_that_fails_is_green(project):
    write(project.path, overlap("control", expect="fail", **FAILING))
    run(project).assert_outcomes(passed=1)


def test_bad_spec_is_exit_code_2_with_every_mistake(project):
    (project.path / "bad.audit.yaml").write_text(
        "version: 1\nname: bad\nmodel: {factry: a:b}\ndata: {x: {manifest: x.csv}}\n"
        "checks:\n  - {id: a, kind: overlapp, gate: {at_least: 0.5}}\n",
        encoding="utf-8",
    )
    outcome = run(project)
    assert outcome.ret == 2
    outcome.stdout.fnmatch_lines(
        ['*bad.audit.yaml:3:*did you mean "factory"?*', '*bad.audit.yaml:6:*did you mean "overlap"?*']
    )
    assert "Traceback" not in outcome.stdout.str()


def test_two_audits_of_one_name_are_refused(project):
    write(project.path / "a")
    write(project.path / "b")
    outcome = run(project)
    assert outcome.ret == 2
    outcome.stdout.fnmatch_lines(["*audit name 'squares' is taken by*"])


def test_junit_holds_the_numbers_and_one_line(project):
    write(project.path, overlap("first"), overlap("upside-down", **FAILING))
    run(project, "--junitxml=out.xml")
    suite = ET.parse(project.path / "out.xml").getroot()
    cases = {case.get("name"): case for case in suite.iter("testcase")}
    properties = {item.get("name"): item.get("value") for item in cases["first"].iter("property")}
    assert properties["camaudit_status"] == "PASS"
    assert float(properties["camaudit_energy_inside"]) > 0.9
    message = cases["upside-down"].find("failure").get("message")
    assert "\n" not in message
    assert "upside-down" in message


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["loadfile", "load"])
def test_xdist_gives_the_same_result(project, dist):
    checks = [overlap("first"), overlap("second", metric="pixel_auc"), overlap("upside-down", **FAILING)]
    write(project.path, *checks)
    write(project.path / "other", name="others")
    run(project, "-p", "no:xdist").assert_outcomes(passed=3, failed=1)
    alone = result(project.path / "reports/squares")
    outcome = project.runpytest_subprocess("-n", "2", "--dist", dist)
    outcome.assert_outcomes(passed=3, failed=1)
    together = result(project.path / "reports/squares")
    assert [check["id"] for check in together["checks"]] == ["first", "second", "upside-down"]
    assert together["not_run"] == []
    for left, right in zip(alone["checks"], together["checks"], strict=True):
        assert left["status"] == right["status"]
        assert [(item["name"], item["value"], item["n"]) for item in left["findings"]] == [
            (item["name"], item["value"], item["n"]) for item in right["findings"]
        ]
        for row in right["rows"]:
            assert (project.path / "reports/squares" / row["image"]).is_file()
    assert not (project.path / "reports/squares/.parts").exists()
    outcome.stdout.fnmatch_lines(["report: file://*squares/index.html"])


def test_settings_take_command_line_before_environment_before_ini(project, monkeypatch):
    write(project.path)
    project.makeini("[pytest]\ncamaudit_reports = from-ini\n")
    run(project)
    assert (project.path / "from-ini/squares/result.json").is_file()
    monkeypatch.setenv("CAMAUDIT_REPORTS", "from-environment")
    run(project)
    assert (project.path / "from-environment/squares/result.json").is_file()
    run(project, "--camaudit-reports=from-line")
    assert (project.path / "from-line/squares/result.json").is_file()


@pytest.mark.parametrize("given", ["--camaudit-batch-size=0", "--camaudit-workers=two"])
def test_numbers_that_are_none_are_a_usage_error(project, given):
    write(project.path)
    outcome = project.runpytest_subprocess(given)
    assert outcome.ret == pytest.ExitCode.USAGE_ERROR
    outcome.stderr.fnmatch_lines(["ERROR: camaudit_*: a whole number of at least * is needed, got *"])


def test_reports_that_cannot_be_written_are_told_without_a_traceback(project):
    write(project.path)
    (project.path / "file").write_text("", encoding="utf-8")
    outcome = run(project, "--camaudit-reports=file/reports")
    outcome.assert_outcomes(failed=1)
    outcome.stdout.fnmatch_lines(["*the report cannot be written here: Not a directory"])
    outcome.stdout.no_fnmatch_line("*Traceback*")
    outcome.stdout.no_fnmatch_line("*plugin_desk.py*")


def test_a_run_without_audits_loads_nothing_heavy(project, monkeypatch):
    project.makepyfile(
        """
        import sys

        def test_modules():
            assert "camaudit.pytest_plugin" in sys.modules
            heavy = {"torch", "torchvision", "numpy", "pandas", "pydantic", "jinja2", "scipy", "PIL"}
            assert not heavy & set(sys.modules)
        """
    )
    # Other plugins of the environment load numpy and torch themselves.
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    outcome = project.runpytest_subprocess("-p", "camaudit.pytest_plugin")
    outcome.assert_outcomes(passed=1)


def test_collecting_an_audit_does_not_load_torch(project):
    write(project.path)
    code = "import sys, pytest; pytest.main(['--collect-only', '-q']); sys.exit('torch' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=project.path, check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout
    assert "squares.audit.yaml::on-the-square" in done.stdout


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-n", "2", "--dist", "loadfile")])
def test_one_file_and_the_runs_and_the_index(project, arguments):
    write(project.path / "audits", overlap("first"), overlap("second"))
    start = project.runpytest_subprocess if arguments else project.runpytest_inprocess
    outcome = start("audits", "--camaudit-report=single", *arguments)
    outcome.assert_outcomes(passed=2)
    outcome.stdout.fnmatch_lines(["one file: file://*/report.html", "index: file://*/reports/index.html"])
    page = (project.path / "reports/squares/report.html").read_text(encoding="utf-8")
    assert "data:image/webp;base64," in page
    assert "<link" not in page
    lines = (project.path / "reports/squares/runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 1, "one run is one line, however many workers"
    assert len(json.loads(lines[0])["numbers"]) == 2
    assert "first" in (project.path / "reports/index.html").read_text(encoding="utf-8")


def test_runs_are_kept_where_the_rest_of_the_report_is_replaced(project):
    write(project.path, overlap("first"), overlap("second"))
    for arguments in ((), ("-k", "second"), ()):
        run(project, *arguments)
    lines = (project.path / "reports/squares/runs.jsonl").read_text(encoding="utf-8").splitlines()
    assert [json.loads(line)["partial"] for line in lines] == [False, True, False]


def test_no_index_without_an_audit_that_ran(project):
    write(project.path)
    project.makepyfile("def test_other(): pass")
    run(project, "-k", "test_other").assert_outcomes(passed=1, deselected=1)
    assert not (project.path / "reports").exists()


def test_an_index_that_cannot_be_written_changes_no_outcome(project):
    write(project.path)
    (project.path / "reports/index.html").mkdir(parents=True)
    outcome = run(project)
    outcome.assert_outcomes(passed=1)
    assert outcome.ret == 0
    outcome.stdout.fnmatch_lines(["the index of *reports could not be written: *"])


def test_the_form_of_a_report_by_option_environment_and_ini(project, monkeypatch):
    write(project.path)
    page = project.path / "reports/squares/report.html"
    run(project)
    assert not page.exists()
    project.makeini("[pytest]\ncamaudit_report = single\n")
    run(project)
    assert page.exists()
    monkeypatch.setenv("CAMAUDIT_REPORT", "folder")
    run(project)
    assert not page.exists()
    run(project, "--camaudit-report=single")
    assert page.exists()


def test_an_unknown_form_of_report_is_refused(project):
    write(project.path)
    outcome = run(project, "--camaudit-report=pdf")
    assert outcome.ret == 4
    outcome.stderr.fnmatch_lines(["*camaudit_report: one of folder, single is needed, got 'pdf'*"])
