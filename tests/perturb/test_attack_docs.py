"""docs/attacks.md says of every class and every corruption what the tables say."""

from __future__ import annotations

from pathlib import Path

import pytest

from camaudit.perturb.attacks import find
from camaudit.perturb.attacks.defects import DEFECTS, EVERYWHERE, FAULTS
from camaudit.perturb.corruptions import CORRUPTIONS

PAGE = (Path(__file__).parents[2] / "docs/attacks.md").read_text(encoding="utf-8")
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]] for line in PAGE.splitlines() if line.startswith("| ")
]


@pytest.mark.parametrize("name", DEFECTS)
def test_every_class_has_its_rows(name):
    member = find(f"torchattacks.{name}")
    rows = [row for row in ROWS if row[0].removesuffix(" ✓") == f"`{name}`"]
    norms = {"linf"} if name == "VANILA" else {*member.norms} or {"–"}
    assert {row[1] for row in rows} == norms
    for row in rows:
        assert row[0].endswith("✓") is not bool(member.doubt)
        own = [fault for fault in DEFECTS[name] if fault not in EVERYWHERE]
        assert row[-1] == (", ".join(own) or "–")


def test_the_list_of_trusted_attacks():
    trusted = [name for name in DEFECTS if not find(f"torchattacks.{name}").doubt]
    written = PAGE.partition("**Marked ✓ below**: ")[2].partition(".")[0].replace(" and ", ", ")
    assert sorted(written.replace("\n", " ").split(", ")) == sorted(trusted)


@pytest.mark.parametrize("fault", FAULTS)
def test_every_word_is_explained(fault):
    (row,) = [row for row in ROWS if row[0] == fault]
    assert row[1].startswith(FAULTS[fault])


def test_every_corruption_has_its_row():
    assert [row[0].strip("`") for row in ROWS if row[0].strip("`") in CORRUPTIONS] == list(CORRUPTIONS)
