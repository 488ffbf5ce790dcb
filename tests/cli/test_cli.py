"""The command line: help, exit codes, messages, `list` and `schema`."""

from __future__ import annotations

import inspect
import subprocess
import sys
from pathlib import Path

import click
import pytest

import camaudit
from camaudit import cli, registry
from camaudit.commands.listing import aligned
from camaudit.errors import DataError, SpecError
from camaudit.spec.schema import FILE, text


@pytest.fixture
def run(capsys):
    """Runs a command line: (exit code, standard output, standard error)."""

    def _run(*arguments):
        code = cli.main(arguments)
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return _run


@pytest.fixture
def failing(monkeypatch):
    """Adds a command that raises."""

    def _failing(error):
        @click.command()
        def fail():
            raise error

        monkeypatch.setattr(registry, "load", lambda _: fail)
        monkeypatch.setitem(cli.COMMANDS, "fail", ("x:y", "Fails."))

    return _failing


def test_help_names_every_command_and_the_exit_codes(run):
    code, out, err = run("--help")
    assert (code, err) == (0, "")
    for name, (_, words) in cli.COMMANDS.items():
        assert f"  {name} " in out
        assert words in " ".join(out.split())
    assert "4 this command line is wrong" in " ".join(out.split())


def test_version(run):
    assert run("--version") == (0, f"camaudit, version {camaudit.__version__}\n", "")


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_table_says_what_the_command_says(name, run):
    reference, words = cli.COMMANDS[name]
    command = registry.load(reference)
    assert inspect.cleandoc(command.callback.__doc__).splitlines()[0] == words
    code, out, _ = run(name, "--help")
    assert code == 0
    assert words in " ".join(out.split())
    # On a line of its own, as the docstring has it: click wraps all that no backspace precedes.
    assert f"\n    camaudit {name}" in out, "the help shows an example"


def test_no_command_is_no_success(run):
    code, out, err = run()
    assert code == 4
    assert "Usage: camaudit" in out + err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["rnu"], "there is no command 'rnu', did you mean \"run\"? the commands are: init, check, plan"),
        (["zzz"], "there is no command 'zzz'; the commands are: init, check, plan"),
        (
            ["list", "zzz"],
            "'zzz' is not one of 'checks', 'metrics', 'maps', 'data', 'attacks', 'corruptions'",
        ),
        (["schema", "--bad"], "--bad"),
        (["init"], "IMAGES_FOLDER"),
        (["run"], "SPECS"),
    ],
)
def test_a_wrong_command_line_exits_with_4(run, arguments, words):
    code, out, err = run(*arguments)
    assert code == 4
    assert out == ""
    assert words in err


def test_errors_go_to_standard_error_with_their_exit_code(run, failing):
    failing(DataError("holds no images", where="photos", hint="add some"))
    assert run("fail") == (1, "", "photos: holds no images\n  hint: add some\n")


def test_a_bad_spec_exits_with_2(run, failing):
    failing(SpecError("there is no such file", where="dogs.audit.yaml"))
    assert run("fail") == (2, "", "dogs.audit.yaml: there is no such file\n")


def test_a_spec_with_five_mistakes_exits_with_2_and_names_them(run, tmp_path):
    path = tmp_path / "x.audit.yaml"
    path.write_text(
        "version: one\nname: the dogs\nmodel: {factory: x}\ndata: {dogs: {manifst: a}}\n"
        "checks: [{id: a, kind: overlapp, gate: {at_least: 0.5}}]\n"
    )
    code, out, err = run("plan", str(path))
    assert (code, out) == (2, "")
    assert [line.split(":")[1] for line in err.splitlines() if line.startswith(str(path))] == [
        "1",
        "2",
        "3",
        "4",
        "5",
    ]


def test_interrupted(run, failing):
    failing(KeyboardInterrupt())
    code, _, err = run("fail")
    assert code == 130
    assert err.strip().endswith("interrupted")


def test_the_installed_command_exits_with_the_code():
    command = [sys.executable, "-m", "camaudit", "rnu"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=False, cwd=Path(camaudit.__file__).parent.parent
    )
    assert done.returncode == 4


def test_list_names_every_member(run):
    code, out, _ = run("list")
    assert code == 0
    assert [line for line in out.splitlines() if line.endswith(":") and not line.startswith(" ")] == [
        "checks:",
        "metrics:",
        "maps:",
        "data:",
        "attacks:",
        "corruptions:",
    ]
    listed = {line.split()[0].partition("@")[0] for line in out.splitlines() if line.startswith("  ")}
    for table in registry.TABLES:
        assert set(registry.names(table)) <= listed


def test_list_of_metrics_says_range_direction_and_chance(run):
    _, out, _ = run("list", "metrics")
    head, *rows = out.splitlines()[1:]
    assert head.split("  ")[1] == "NAME"
    row = next(line for line in rows if line.startswith("  energy_inside "))
    assert row.split(maxsplit=1)[1].startswith("0 to 1 ")
    assert "higher" in row
    assert row.endswith("the mask's share of the image")
    assert "maps:" not in out


def test_list_of_attacks_says_budget_access_and_doubt(run):
    _, out, _ = run("list", "attacks")
    rows = {line.split()[0]: line for line in out.splitlines()[2:]}
    assert rows["torchattacks.PGD"].split("  ")[-1] == "–"
    assert "one step of 0.01 by default" in rows["torchattacks.SPSA"]
    assert "linf, l2" in rows["torchattacks.APGD"]
    assert "scores" in rows["torchattacks.Square"]


def test_columns_stand_under_each_other():
    assert aligned([("A", "LONG"), ("bb", "c")]) == ["A   LONG", "bb  c"]


def test_schema_prints_the_schema(run):
    assert run("schema") == (0, text(), "")


def test_schema_check_of_the_packages_own_copy(run):
    assert run("schema", "--check") == (0, f"{FILE} is current\n", "")


def test_schema_write_and_check(run, tmp_path):
    file = tmp_path / "audit.schema.json"
    code, _, err = run("schema", "--check", "--write", str(file))
    assert code == 1
    assert err == f"{file} is not current; write it again: camaudit schema --write {file}\n"
    assert not file.exists()
    assert run("schema", "--write", str(file)) == (0, f"wrote {file}\n", "")
    assert file.read_text(encoding="utf-8") == text()
    assert run("schema", "--check", "--write", str(file))[0] == 0
    file.write_text(file.read_text(encoding="utf-8") + " ")
    assert run("schema", "--check", "--write", str(file))[0] == 1
