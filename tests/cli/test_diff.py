"""`camaudit diff` on two runs of a small audit, end to end: what it tells, and what it refuses to tell."""

from __future__ import annotations

import csv
import json
import shutil

import pytest
import yaml

from camaudit.cli import main
from camaudit.result import FORMAT_VERSION
from tests.report.page_reader import read
from tests.small_audit import drift, overlap, write

HALF = '''

def half():
    """It sees the dark ground as well, so that evidence leaks off the square."""
    network = Colours()
    torch.nn.init.constant_(network.features[0].bias, 0.1)
    torch.nn.init.eye_(network.head.weight)
    return network
'''
CHECKS = (overlap(), overlap("off-the-rest", mask="object", gate={"at_least": 0.5}))


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A folder with two runs: `before` of the good network, `after` of one whose evidence leaks."""
    folder = tmp_path_factory.mktemp("diff")
    spec = write(folder / "audits", *CHECKS)
    with (folder / "audits/squares_nets.py").open("a", encoding="utf-8") as file:
        file.write(HALF)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert main(["run", str(spec), "--reports", "before"]) == 0
        data = yaml.safe_load(spec.read_text())
        data["model"]["factory"] = "squares_nets:half"
        data["checks"][0]["gate"] = {"at_least": 0.75}
        spec.write_text(yaml.safe_dump(data, sort_keys=False))
        assert main(["run", str(spec), "--reports", "after"]) == 1
    return folder


@pytest.fixture
def runs(home, tmp_path, monkeypatch):
    """Copies of the two, to be spoiled."""
    monkeypatch.chdir(tmp_path)
    for name in ("before", "after"):
        shutil.copytree(home / name / "squares", tmp_path / name)
    return tmp_path


def edit(folder, change):
    """Change a result as data."""
    file = folder / "result.json"
    data = json.loads(file.read_text())
    change(data)
    file.write_text(json.dumps(data))


def edit_table(folder, change):
    """Change the rows of samples.csv, and pass the file off as what the run wrote."""
    with (folder / "samples.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if change(row) is not False]
    with (folder / "samples.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    edit(folder, lambda data: data["files"].pop("samples.csv"))


def told(capsys, *arguments):
    """What a successful comparison says."""
    assert main(["diff", "before", "after", *arguments]) == 0
    return capsys.readouterr().out


def page(folder):
    return read((folder / "index.html").read_text(encoding="utf-8"))


def test_two_runs(runs, capsys):
    out = told(capsys, "--worst", "3")
    assert "the verdict of 2 changed: on-the-square PASS → FAIL and off-the-rest PASS → FAIL" in out
    assert "model: built by: squares_nets:good → squares_nets:half" in out
    assert "data: nothing changed" in out
    assert "12 images before, 12 after, 12 the same in both" in out
    assert "rule: gate: at least 0.7" in out
    assert out.count("(n=12, worse)") == 2
    assert out.count("square-") == 6
    assert out.splitlines()[-1] == f"page: {(runs / 'after/diff/index.html').as_uri()}"


def test_the_difference_is_that_of_the_tables(runs, capsys):
    tables = []
    for name in ("before", "after"):
        with (runs / name / "samples.csv").open(encoding="utf-8") as file:
            tables.append(
                {
                    row["id"]: float(row["energy_inside"])
                    for row in csv.DictReader(file)
                    if row["check"] == "on-the-square"
                }
            )
    old, new = tables
    drops = {key: old[key] - new[key] for key in old}
    mean = sum(drops.values()) / len(drops)
    assert mean > 0.1
    out = told(capsys)
    assert f"Δ energy_inside: −{mean:.2f} [" in out
    listed = [line.split(":")[0].strip() for line in out.splitlines() if line.startswith("    square-")]
    assert listed[:10] == sorted(drops, key=lambda key: (-drops[key], key))[:10]


def test_the_page_shows_old_and_new_maps_side_by_side(runs, capsys):
    told(capsys, "--worst", "4")
    found = page(runs / "after/diff")
    figures = found.all("figure", class_="compare")
    assert len(figures) == 8
    assert all(len(figure.all("img")) == 2 for figure in figures)
    sources = [image.attributes["src"] for image in found.all("img")]
    assert all((runs / "after/diff" / source).is_file() for source in sources)
    assert [item.attributes["href"] for item in found.all("link")] == ["style.css", "compare.css", "diff.css"]
    assert [item.attributes.get("src") for item in found.all("script")] == ["compare.js"]
    assert not [node for node in found.all() if "style" in node.attributes]
    assert {item.text for item in found.all("del")} >= {"-  factory: squares_nets:good"}
    assert {item.text for item in found.all("ins")} >= {"+  factory: squares_nets:half"}


def test_a_run_and_itself_differ_in_nothing(runs, capsys):
    assert main(["diff", "before", "before/result.json", "--output", "page"]) == 0
    out = capsys.readouterr().out
    assert "Nothing that is gated differs in the 2 checks in both." in out
    for part in ("model", "data", "environment", "spec"):
        assert f"{part}: nothing changed" in out
    assert "Δ energy_inside: 0.00 (n=12)" in out
    assert "map distance: 0.00 (n=12)" in out
    assert "No image got worse." in page(runs / "page").text
    assert not page(runs / "page").all("figure", class_="compare")


def test_what_cannot_be_compared_has_no_difference(runs, capsys):
    def otherwise(data):
        data["checks"][0]["parameters"]["metric"] = "kappa_mass"
        data["checks"][1]["maps"]["method"] = "hirescam"

    edit(runs / "after", otherwise)
    out = told(capsys)
    assert "not comparable: another metric: energy_inside → kappa_mass" in out
    assert "not comparable: another map method: gradcam → hirescam" in out
    assert "Δ" not in out
    assert "square-" not in out
    found = page(runs / "after/diff")
    assert found.text.count("not comparable") == 2
    assert not found.all("ol", class_="twins")


def test_other_images_are_counted_and_left_out(runs, capsys):
    edit(runs / "after", lambda data: [item["population"].update(sha256="0") for item in data["checks"]])

    def otherwise(row):
        changes = {
            "square-0": {"sha256": "f" * 64},
            "square-1": {"label": "blue"},
            "square-2": {"object_share": "0.9"},
        }
        row.update(changes.get(row["id"], {}))
        return row["id"] != "square-3"

    edit_table(runs / "after", otherwise)
    out = told(capsys)
    assert "12 images before, 11 after, 8 the same in both; left out:" in out
    for reason in (
        "1 another image of the same id",
        "1 another label",
        "1 another mask",
        "1 only in the first",
    ):
        assert reason in out
    assert "(n=8, worse)" in out
    assert "square-0:" not in out


def test_without_hashes_the_same_id_is_not_the_same_image(runs, capsys):
    edit(runs / "after", lambda data: [item["population"].update(sha256="0") for item in data["checks"]])
    edit_table(runs / "after", lambda row: row.update(sha256=""))
    out = told(capsys)
    assert "12 no hash in both says that it is the same image" in out
    assert "not comparable: no image is the same in both" in out
    assert "Δ" not in out


def test_a_table_that_was_edited_is_not_believed(runs, capsys):
    file = runs / "after/samples.csv"
    file.write_text(file.read_text().replace("0.", "0.9", 3))
    edit(runs / "after", lambda data: [item.update(rows=item["rows"][:5]) for item in data["checks"]])
    out = told(capsys)
    assert (
        "samples.csv is not the file that this run wrote: only the 5 that the report shows are known" in out
    )
    assert "Δ" not in out, "samples that were picked for being bad stand for no others"
    assert out.count("    square-") == 10


def test_maps_and_inputs_that_were_not_kept_are_named(runs, capsys):
    (runs / "after/evidence/all_maps.npz").unlink()
    for path in [*(runs / "before/evidence").glob("*.png"), *(runs / "after/evidence").glob("*.png")]:
        path.write_bytes(path.read_bytes() + b"x")
    out = told(capsys)
    assert "maps not compared: evidence/all_maps.npz is missing" in out
    found = page(runs / "after/diff")
    assert not found.all("figure", class_="compare")
    assert "Map after: red: evidence/all_maps.npz is missing" in found.text
    assert "is not the file that this run wrote" in found.text
    assert "Maps alone" in found.text


def test_checks_of_one_run_only_and_checks_that_broke(runs, capsys):
    def broken(data):
        data["checks"][1]["id"] = "new-check"
        data["checks"][0] |= {
            "status": "ERROR",
            "outcome": "ERROR",
            "findings": [],
            "rows": [],
            "population": None,
        }
        data["checks"][0] |= {"answer": "the weights hold NaN", "columns": {}}

    edit(runs / "after", broken)
    edit_table(runs / "after", lambda row: row["check"] != "on-the-square")
    out = told(capsys)
    assert "on-the-square: PASS → ERROR" in out
    assert "only in the first: off-the-rest (PASS)" in out
    assert "only in the second: new-check (FAIL)" in out
    assert "not comparable: no sample of the second run is known" in out
    assert "the weights hold NaN" in page(runs / "after/diff").text


def test_two_audits_are_compared_by_the_ids_of_their_checks(runs, capsys):
    edit(runs / "after", lambda data: data.update(name="circles", format_version=1))
    out = told(capsys, "--no-page")
    assert "Two audits, squares and circles" in out
    assert f"Results of two formats, {FORMAT_VERSION} and 1" in out
    assert "page:" not in out
    assert not (runs / "after/diff").exists()


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (["before", "nothing"], "nothing: cannot be read"),
        (["before", "empty"], "empty/result.json: cannot be read: No such file"),
        (["before", "."], "name one of them: after, before"),
        (["before", "broken"], "is not a camaudit result"),
        (["before", "newer"], "has format version 99"),
        (["before", "before/samples.csv"], "one is a run and the other a baseline"),
        (["before", "after", "--output", "before"], "is the folder of a report"),
    ],
)
def test_what_cannot_be_read_is_an_error(runs, capsys, arguments, text):
    for name, content in (("empty", None), ("broken", "{"), ("newer", '{"format_version": 99}')):
        (runs / name).mkdir()
        if content is not None:
            (runs / name / "result.json").write_text(content)
    for path in () if arguments[1] != "." else ("empty", "broken", "newer"):
        shutil.rmtree(runs / path)
    assert main(["diff", *arguments]) == 1
    assert text in capsys.readouterr().err


def test_a_second_comparison_leaves_nothing_of_the_first(runs, capsys):
    told(capsys)
    assert len(list((runs / "after/diff/img").glob("*-before.webp"))) == 20
    told(capsys, "--worst", "1")
    assert len(list((runs / "after/diff/img").glob("*-before.webp"))) == 2


def test_a_baseline_gets_a_page_in_the_report(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.chdir(tmp_path)
    spec = write(tmp_path / "audits", overlap(), drift())
    with (tmp_path / "audits/squares_nets.py").open("a", encoding="utf-8") as file:
        file.write(HALF)
    main(["run", "audits"])
    assert main(["accept", f"{spec}::no-drift", "--by", "A. Person", "--reason", "first"]) == 0
    spec.write_text(spec.read_text().replace("squares_nets:good", "squares_nets:half"))
    main(["run", "audits"])
    capsys.readouterr()
    assert main(["diff", f"{spec}::no-drift", "--worst", "2"]) == 0
    out = capsys.readouterr().out
    assert "mean drop (above 0 is worse): 0." in out
    folder = tmp_path / "reports/squares/diff-no-drift"
    assert out.splitlines()[-1] == f"page: {(folder / 'index.html').as_uri()}"
    found = page(folder)
    assert "by A. Person: first." in found.text
    assert [item.attributes["data-before"] for item in found.all("figure", class_="compare")] == [
        "accepted"
    ] * 2
    assert all((folder / image.attributes["src"]).is_file() for image in found.all("img"))
    main(["run", "audits"])
    assert not (folder / "index.html").exists(), "a page of an earlier run must not pass for this one's"
