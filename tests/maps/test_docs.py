"""docs/maps.md says of every method what the table says."""

from __future__ import annotations

from pathlib import Path

import pytest

from camaudit.maps import METHODS

PAGE = Path(__file__).parents[2] / "docs/maps.md"
ROWS = {
    line.split("|")[1].strip().strip("`"): [cell.strip() for cell in line.split("|")[2:-1]]
    for line in PAGE.read_text(encoding="utf-8").splitlines()
    if line.startswith("| `")
}


@pytest.mark.parametrize("name", METHODS)
def test_every_method_has_its_row(name: str) -> None:
    place, _, _, cost, evidence, source = ROWS[name]
    method = METHODS[name]
    assert place == method.at
    assert evidence == ("yes" if method.evidence else "no")
    assert (cost == "–") is (not method.cost)
    assert source.split(",")[0] == method.source.split(",")[0]
