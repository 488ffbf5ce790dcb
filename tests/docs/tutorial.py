"""Carries out a page in a folder: files are written, changes made, commands run, their output handed back."""

from __future__ import annotations

import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from tests.docs.pages import Block, blocks, write

END = " (at its end)"
NUMBER = re.compile(r"\b[0-9a-f]{12}\b|[-−]?\d+(?:[.,]\d+)*")
"""Fingerprints of weights as well."""


@dataclass(frozen=True, kw_only=True)
class Ran:
    """A command of the page, what the page shows below it, what it printed, and its processor time."""

    command: str
    shown: tuple[str, ...]
    printed: tuple[str, ...]
    code: int
    seconds: float


def carry_out(page: str, folder: Path, *, until: str = "") -> list[Ran]:
    """The whole page, or all up to the first command that starts with `until`.

    What a shell line gives does not end it: the page may want it to fail.
    """
    ran: list[Ran] = []
    for block in blocks(page):
        if block.title == "install":
            continue  # it is installed already
        if block.language == "console":
            ran += [_run(command, shown, folder) for command, shown in commands(block.text)]
        elif block.language == "diff":
            _change(folder / block.title, block.text)
        elif block.title.endswith(END):
            path = folder / block.title.removesuffix(END)
            path.write_text(path.read_text(encoding="utf-8") + block.text, encoding="utf-8")
        else:
            write(folder, block)
            ran += [_run(command, (), folder) for command in workflow(block)]
        if until and ran and ran[-1].command.startswith(until):
            break
    return ran


def commands(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Lines that start with $, each with the lines below it."""
    parts = re.split(r"^\$ ", text, flags=re.MULTILINE)
    assert parts[0] == "", f"output without a command: {parts[0]!r}"
    lines = [part.splitlines() for part in parts[1:]]
    return [(first, tuple(rest)) for first, *rest in lines]


def workflow(block: Block) -> list[str]:
    """The shell lines of a workflow for GitHub, but for the installation."""
    if not block.title.startswith(".github/"):
        return []
    steps = yaml.safe_load(block.text)["jobs"]["audits"]["steps"]
    return [step["run"] for step in steps if "run" in step and not step["run"].startswith("pip install ")]


def _change(path: Path, text: str) -> None:
    lines = text.splitlines(keepends=True)
    old = "".join(line[1:] for line in lines if line.startswith("-"))
    new = "".join(line[1:] for line in lines if line.startswith("+"))
    before = path.read_text(encoding="utf-8")
    assert before.count(old) == 1, f"{old!r} stands {before.count(old)} times in {path.name}"
    path.write_text(before.replace(old, new), encoding="utf-8")


def _run(command: str, shown: tuple[str, ...], folder: Path) -> Ran:
    own = {name: value for name, value in os.environ.items() if not name.startswith(("PYTEST_", "COV_"))}
    own |= {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "GITHUB_STEP_SUMMARY": str(folder / "summary.md"),
        "COLUMNS": "200",
    }
    own.pop("CI", None)  # where it is set, nothing may be accepted
    start = _spent()
    done = subprocess.run(
        command,
        cwd=folder,
        env=own,
        shell=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    printed = tuple(done.stdout.splitlines())
    return Ran(command=command, shown=shown, printed=printed, code=done.returncode, seconds=_spent() - start)


def _spent() -> float:
    """Processor time of the commands so far: unlike the clock's, it is the same on a busy machine."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def alike(line: str) -> str:
    """A line without its numbers, its spaces and the width of rules: what has to be the same anywhere."""
    return re.sub(r"={2,}|_{2,}|-{3,}", "=", re.sub(r"\s+", " ", NUMBER.sub("#", line))).strip()


def missing(ran: Ran) -> list[str]:
    """Lines that the page shows and that were not printed, in that order; a line of … stands for any."""
    rest = iter([alike(line) for line in ran.printed])
    return [line for line in ran.shown if alike(line) not in {"…", ""} and alike(line) not in rest]
