"""What docs/ci.md tells a CI to do, done: its exit codes, and the shell lines of its examples."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from importlib import import_module
from pathlib import Path

import pytest
import yaml

from camaudit import cli
from tests.small_audit import overlap, write

PAGE = (Path(__file__).parents[2] / "docs/ci.md").read_text(encoding="utf-8")
GITHUB, GITLAB = (yaml.safe_load(text) for text in re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL))
INSTALL = "pip install camaudit -r requirements.txt"
FAILING = overlap("upside-down", gate={"at_most": 0.1})

# Loaded before pytester takes stock of the modules: a second `import torch` in one process fails.
for _heavy in ("camaudit.engine", "camaudit.report.html", "camaudit.spec.audit", "scipy.stats"):
    import_module(_heavy)


def shell(line, home):
    """A line as a runner's shell runs it, with the commands of this environment."""
    env = {**os.environ, "CI": "true", "GITHUB_STEP_SUMMARY": str(home / "step-summary.md")}
    env["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"
    return subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", line],
        cwd=home,
        env=env,
        check=False,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module", params=["passing", "failing"])
def home(request, tmp_path_factory):
    """A repository with an audit that passes, or with one check that does not."""
    folder = tmp_path_factory.mktemp(request.param)
    write(folder / "audits", overlap(), *([FAILING] if request.param == "failing" else []))
    return folder, request.param == "failing"


def test_the_examples_are_what_the_services_take():
    assert GITHUB[True] == ["pull_request"]  # YAML 1.1 reads the key `on` as true; GitHub does not
    (job,) = GITHUB["jobs"].values()
    assert set(job) == {"runs-on", "steps"}
    for step in job["steps"]:
        assert set(step) <= {"uses", "with", "run", "if"}
        assert ("uses" in step) != ("run" in step)
    (job,) = GITLAB.values()
    assert set(job) == {"image", "script", "after_script", "artifacts"}
    assert set(job["artifacts"]) == {"when", "paths", "reports"}


@pytest.mark.slow
def test_the_lines_for_github(home):
    folder, failing = home
    (job,) = GITHUB["jobs"].values()
    install, tests, summary = (step for step in job["steps"] if "run" in step)
    assert install["run"] == INSTALL
    assert "if" not in tests
    done = shell(tests["run"], folder)
    assert done.returncode == int(failing), done.stdout + done.stderr
    assert summary["if"] == "always()"
    done = shell(summary["run"], folder)
    assert done.returncode == 0, done.stderr
    told = (folder / "step-summary.md").read_text(encoding="utf-8")
    assert ("❌" in told) == failing
    assert len(told.encode()) <= 65000
    upload = job["steps"][-1]
    assert upload["if"] == "always()"
    kept(folder, upload["with"]["path"].split())


@pytest.mark.slow
def test_the_lines_for_gitlab(home):
    folder, failing = home
    (job,) = GITLAB.values()
    install, tests = job["script"]
    assert install == INSTALL
    done = shell(tests, folder)
    assert done.returncode == int(failing), done.stdout + done.stderr
    for line in job["after_script"]:
        done = shell(line, folder)
        assert done.returncode == 0, done.stderr
    artifacts = job["artifacts"]
    assert artifacts["when"] == "always"
    kept(folder, [*artifacts["paths"], artifacts["reports"]["junit"]])
    assert ("❌" in (folder / "summary.md").read_text(encoding="utf-8")) == failing


def kept(folder, paths):
    """What an example uploads is there."""
    assert "reports/" in paths
    for path in paths:
        assert (folder / path).exists(), path
    assert (folder / "reports/squares/index.html").is_file()
    assert {case.get("name") for case in ET.parse(folder / "junit.xml").iter("testcase")} >= {"on-the-square"}


CODES = dict(re.findall(r"^\| (\d) \| (.+?) \|$", PAGE, flags=re.MULTILINE))


def broken(folder):
    folder.mkdir()
    (folder / "broken.audit.yaml").write_text("version: 1\n", encoding="utf-8")


CASES = {
    "0": (write, []),
    "1": (lambda folder: write(folder, FAILING), []),
    "2": (broken, []),
    "4": (write, ["--no-such-option"]),
    "5": (lambda folder: folder.mkdir(), []),
}


def test_every_code_has_a_case():
    assert set(CODES) == set(CASES)


@pytest.mark.parametrize("code", CASES)
def test_exit_codes_of_the_command_line(code, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    made, options = CASES[code]
    made(tmp_path / "audits")
    assert cli.main(["run", "audits", *options]) == int(code)


@pytest.mark.parametrize("code", CASES)
def test_exit_codes_of_pytest(code, pytester):
    made, options = CASES[code]
    made(pytester.path / "audits")
    assert pytester.runpytest_inprocess("-p", "no:xdist", "audits", *options).ret == int(code)


def test_an_undecided_check_is_code_1_and_one_that_only_warns_is_not(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    gate = {"at_least": 0.9}
    write(tmp_path / "strict", overlap(gate=gate))
    assert cli.main(["run", "strict"]) == 1
    assert "INCONCLUSIVE" in capsys.readouterr().out
    write(tmp_path / "lenient", overlap(gate=gate, severity="warn"))
    assert cli.main(["run", "lenient"]) == 0
