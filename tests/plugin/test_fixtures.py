"""The fixtures for Python tests, as docs/python_tests.md promises them."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from tests.small_audit import drift, overlap, result, write

PAGE = (Path(__file__).parents[2] / "docs/python_tests.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)
FAILING = {"gate": {"at_most": 0.1}}


@pytest.fixture
def project(project, monkeypatch):
    monkeypatch.setenv("COLUMNS", "400")
    monkeypatch.delenv("CI", raising=False)
    project.makeini("[pytest]\naddopts = -p no:cacheprovider -p no:xdist\n")
    return project


def run(project, *arguments):
    return project.runpytest_inprocess(*arguments)


def recipe(project, number, **names):
    """A recipe of the page on the small audit: names are replaced, nothing else."""
    text = RECIPES[number]
    for old, new in names.items():
        text = text.replace(old.replace("_", "-"), new)
    project.makepyfile(test_recipe=text.replace('"dogs"', '"squares"').replace('"dog"', '"red"'))


def test_recipe_of_a_check(project):
    write(project.path / "audits", overlap("on-the-dog"))
    recipe(project, 0)
    run(project, "test_recipe.py").assert_outcomes(passed=2)
    assert len(result(project.path / "reports/squares")["checks"]) == 1
    assert (project.path / "reports/squares/index.html").is_file()


def test_recipe_of_two_networks(project):
    write(
        project.path / "audits",
        overlap("on-the-dog"),
        overlap("old-on-the-dog", model="old"),
        models={"old": {"factory": "squares_nets:good", "classes": ["red", "green"]}},
    )
    recipe(project, 1)
    run(project, "test_recipe.py").assert_outcomes(passed=1)


def test_recipe_of_an_image(project):
    write(project.path / "audits")
    images = project.mkdir("images")
    for old, new in {"0.png": "rex.png", "0-mask.png": "rex-mask.png"}.items():
        (project.path / "audits/images" / old).rename(images / new)
    recipe(project, 2)
    run(project, "test_recipe.py").assert_outcomes(passed=2)


def test_there_are_three_recipes():
    assert len(RECIPES) == 3


def test_a_failure_explains_itself(project):
    write(project.path, overlap("first"), overlap("upside-down", **FAILING))
    project.makepyfile(
        """
        def test_plain(camaudit_audit):
            assert camaudit_audit("squares").check("upside-down").passed

        def test_method(camaudit_audit):
            camaudit_audit("squares").check("upside-down").assert_passes()

        def test_whole(camaudit_audit):
            assert camaudit_audit("squares").passed

        def test_the_other_way(camaudit_audit):
            assert camaudit_audit("squares").check("first").failed
        """
    )
    outcome = run(project, "test_a_failure_explains_itself.py", "--junitxml=out.xml")
    outcome.assert_outcomes(failed=4)
    brief = "*<squares::upside-down FAIL: * at most 0.1 (n=12); worst: square-*; reports/squares/*>*"
    outcome.stdout.fnmatch_lines([f"E {brief}", "*- camaudit -*", "squares.audit.yaml:*: upside-down: FAIL*"])
    outcome.stdout.fnmatch_lines(["E *AssertionError: squares.audit.yaml:*: upside-down: FAIL*"])
    for name in ("test_plain", "test_whole"):
        outcome.stdout.fnmatch_lines([f"FAILED *::{name} - {brief}"])
    outcome.stdout.fnmatch_lines(["E *<squares::first PASS: *"])
    outcome.stdout.no_fnmatch_line("*fixtures.py*")
    cases = {case.get("name"): case for case in ET.parse(project.path / "out.xml").iter("testcase")}
    told = {item.get("name"): item.get("value") for item in cases["test_plain"].iter("property")}
    assert told["camaudit_squares::upside-down_status"] == "FAIL"
    assert float(told["camaudit_squares::upside-down_energy_inside"]) > 0.9
    assert not any("first" in name for name in told)


def test_an_error_is_neither_passed_nor_failed(project):
    model = {"factory": "squares_nets:raising", "classes": ["red", "green"]}
    write(project.path, overlap("broken"), model=model)
    project.makepyfile(
        """
        import pytest
        from camaudit.errors import CheckError

        @pytest.mark.parametrize("ask", [
            lambda check: bool(check.passed), lambda check: not check.passed,
            lambda check: check.passed == False, lambda check: check.passed != True,
            lambda check: bool(check.failed), lambda check: not check.failed,
            lambda check: check.estimate, lambda check: check.samples,
            lambda check: check.assert_passes(),
        ])
        def test_raises(camaudit_audit, ask):
            with pytest.raises(CheckError, match="out of luck"):
                ask(camaudit_audit("squares").check("broken"))

        def test_whole(camaudit_audit):
            with pytest.raises(CheckError, match="out of luck"):
                assert not camaudit_audit("squares").passed

        def test_plain(camaudit_audit):
            assert camaudit_audit("squares").check("broken").passed
        """
    )
    outcome = run(project, "test_an_error_is_neither_passed_nor_failed.py")
    outcome.assert_outcomes(passed=10, failed=1)
    outcome.stdout.fnmatch_lines(["E *CheckError: *broken: ERROR: *out of luck*"])


def test_verdicts_compare_as_truths(project):
    write(project.path, overlap("first"), overlap("upside-down", **FAILING))
    project.makepyfile(
        """
        def test_it(camaudit_audit):
            audit = camaudit_audit("squares")
            good, bad = audit.check("first"), audit.check("upside-down")
            assert good.passed == True and bad.passed == False and bad.failed and not good.failed
            assert (good.passed == "PASS") is False
            assert good.estimate.lower <= good.estimate.value <= good.estimate.upper and good.estimate.n == 12
            frame = good.samples
            assert set(frame.index) == {f"square-{n}" for n in range(12)}
            assert abs(frame.energy_inside.mean() - good.estimate.value) < 1e-6
            assert set(frame.label) == {"red", "green"} and frame.undefined.isna().all()
            assert [check.id for check in audit.checks] == ["first", "upside-down"]
        """
    )
    run(project, "test_verdicts_compare_as_truths.py").assert_outcomes(passed=1)


def test_what_cannot_be_found_is_told(project):
    write(project.path / "a")
    write(project.path / "b", name="circles")
    write(project.path / "c", name="circles")
    (project.path / "c/broken.audit.yaml").write_text("version: 1\nname: [", encoding="utf-8")
    project.makepyfile(
        """
        import pytest
        from camaudit.errors import SpecError

        @pytest.mark.parametrize("name, message", [
            ("sqares", 'no audit \\'sqares\\', did you mean "squares".*\\n.*circles, squares'),
            ("circles", "2 specs have the name 'circles': b/circles.audit.yaml, c/circles.audit.yaml"),
            ("b/nothing.audit.yaml", "there is no such spec"),
            ("broken", "broken.audit.yaml"),
        ])
        def test_refused(camaudit_audit, name, message):
            with pytest.raises(SpecError, match=message):
                camaudit_audit(name)

        def test_checks(camaudit_audit):
            with pytest.raises(SpecError, match="no check 'on-the-sqare', did you mean"):
                camaudit_audit("squares", checks=["on-the-sqare"])
            with pytest.raises(SpecError, match="never green"):
                camaudit_audit("squares", checks=[])
            with pytest.raises(SpecError, match="no check 'other' here"):
                camaudit_audit("squares").check("other")

        def test_by_path(camaudit_audit):
            assert camaudit_audit("b/circles.audit.yaml").passed
        """
    )
    run(project, "test_what_cannot_be_found_is_told.py").assert_outcomes(passed=6)


COUNTING = """
import pytest
from camaudit import plugin_desk

@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session):
    from camaudit import engine
    before, runs = engine.run, []

    def counted(plan, *rest):
        runs.append([check.id for check in plan.checks])
        return before(plan, *rest)

    engine.run = counted
    found = yield
    engine.run = before
    print("RUNS", "; ".join(",".join(ids) for ids in runs))
    return found
"""


def test_everything_runs_once_and_ends_in_one_report(project):
    write(project.path / "audits", overlap("first"), overlap("second"), overlap("third"))
    project.makeconftest(COUNTING)
    project.makepyfile(
        test_some="""
        def test_first(camaudit_audit):
            assert camaudit_audit("squares", checks=["first"]).passed

        def test_again(camaudit_audit):
            audit = camaudit_audit("squares", checks=["first", "second"])
            assert audit.passed and len(audit.check("first").samples) == 12
        """
    )
    outcome = run(project, "-s", "test_some.py")
    outcome.stdout.fnmatch_lines(["*RUNS first; second", "*partial run: 1 check left out: third*"])
    found = result(project.path / "reports/squares")
    assert [check["id"] for check in found["checks"]] == ["first", "second"]
    assert found["not_run"] == ["third"]
    for check in found["checks"]:
        assert all((project.path / "reports/squares" / row["image"]).is_file() for row in check["rows"])
    assert not (project.path / "reports/squares/.parts").exists()
    run(project, "-s", "test_some.py", "audits").stdout.fnmatch_lines(["*RUNS first; second; third"])
    outcome = run(project, "-s", "audits", "test_some.py")
    outcome.stdout.fnmatch_lines(["*RUNS first,second,third"])
    assert result(project.path / "reports/squares")["not_run"] == []


def test_deselected_tests_run_nothing(project):
    write(project.path / "audits")
    project.makepyfile(
        """
        def test_asks(camaudit_audit):
            camaudit_audit("squares")

        def test_other():
            pass
        """
    )
    run(project, "-k", "other").assert_outcomes(passed=1, deselected=2)
    assert not (project.path / "reports").exists()


def test_a_complete_run_tells_of_baselines_left_behind_and_a_partial_one_does_not(project):
    from camaudit.baseline import accept

    write(project.path / "audits", overlap(), drift())
    run(project, "audits").assert_outcomes(passed=1, failed=1)
    candidate = project.path / "reports/squares/baselines/no-drift.json"
    for name in ("squares", "old"):
        accept(candidate, project.path / f"audits/baselines/{name}.json", by="A", reason="first")
    project.makepyfile(
        test_it="""
        import pytest
        from camaudit.errors import CheckError

        def test_partial(camaudit_audit):
            assert camaudit_audit("squares", checks=["no-drift"]).passed

        def test_complete(camaudit_audit):
            with pytest.raises(CheckError, match="no check names old.json"):
                assert camaudit_audit("squares").passed
        """
    )
    run(project, "test_it.py::test_partial").assert_outcomes(passed=1)
    run(project, "test_it.py::test_complete").assert_outcomes(passed=1)
    (project.path / "audits/baselines/old.json").unlink()
    outcome = run(project, "test_it.py::test_complete")
    outcome.stdout.fnmatch_lines(["*DID NOT RAISE*"])


def test_maps_are_those_of_the_audit(project):
    write(project.path / "audits", maps={"method": "hirescam", "target": "label"})
    project.makepyfile(
        """
        from pathlib import Path
        import numpy as np
        import pytest
        from PIL import Image
        from camaudit.errors import DataError, MapError, SpecError

        def test_numbers(camaudit_audit, attention_map):
            audit = camaudit_audit("squares")
            maps = np.load(audit.report / "evidence/all_maps.npz")
            ids, size = list(maps["on-the-square/ids"]), 16 * 16
            frame = audit.check("on-the-square").samples
            for n in (0, 3):
                row = ids.index(f"square-{n}")
                raw = maps["on-the-square/values"][row * size : (row + 1) * size].reshape(16, 16)
                image, mask = Path(f"audits/images/{n}.png"), Path(f"audits/images/{n}-mask.png")
                found = attention_map("squares", image, mask=mask, label=n % 2)
                assert np.array_equal(found.raw, raw)
                assert found.method == "hirescam" and found.target == n % 2
                assert abs(found.overlap() - frame.energy_inside[f"square-{n}"]) < 1e-8
                pixels = np.asarray(Image.open(image))
                drawn = np.asarray(Image.open(mask))
                again = attention_map("squares", pixels, mask=drawn, check="on-the-square", label=n % 2)
                assert np.array_equal(again.raw, raw)
            gradcam = attention_map("squares", image, method="gradcam", target="green")
            assert gradcam.target_name == "green" and gradcam.values.shape == (16, 16)

        def test_refused(attention_map):
            image = Path("audits/images/0.png")
            with pytest.raises(MapError, match="no label"):
                attention_map("squares", image)
            found = attention_map("squares", image, target="predicted")
            with pytest.raises(MapError, match="no mask was given"):
                found.overlap()
            found = attention_map("squares", image, target=0, mask=np.zeros((16, 16), dtype=bool))
            with pytest.raises(MapError, match="energy_inside is undefined here: empty mask"):
                found.overlap()
            with pytest.raises(MapError, match="does not compare a map with a mask"):
                found.overlap("spearman")
            with pytest.raises(SpecError, match="beside an audit only"):
                attention_map(object(), image, check="on-the-square")
            with pytest.raises(DataError, match="nothing.png"):
                attention_map("squares", Path("nothing.png"), target=0)
            with pytest.raises(DataError, match="a Path, a PIL image, a uint8 array or a tensor"):
                attention_map("squares", "audits/images/0.png", target=0)
        """
    )
    run(project, "test_maps_are_those_of_the_audit.py").assert_outcomes(passed=2)


@pytest.mark.slow
@pytest.mark.parametrize("dist", ["loadfile", "load"])
def test_with_xdist(project, dist):
    project.makeini("[pytest]\naddopts = -p no:cacheprovider\n")
    write(project.path / "audits", overlap("first"), overlap("second"))
    text = "def test_it(camaudit_audit):\n    assert camaudit_audit('squares', checks=['{}']).passed\n"
    project.makepyfile(test_a=text.format("first"), test_b=text.format("second"))
    files = ("test_a.py", "test_b.py")
    outcome = project.runpytest_subprocess("-n", "2", "--dist", dist, "--junitxml=out.xml", *files)
    outcome.assert_outcomes(passed=2)
    found = result(project.path / "reports/squares")
    assert [check["id"] for check in found["checks"]] == ["first", "second"]
    assert {check["status"] for check in found["checks"]} == {"PASS"}
    assert found["not_run"] == []
    assert not (project.path / "reports/squares/.parts").exists()
    names = {item.get("name") for item in ET.parse(project.path / "out.xml").iter("property")}
    assert {"camaudit_squares::first_status", "camaudit_squares::second_status"} <= names


def test_texts_of_the_table_come_back_as_they_were(tmp_path):
    import pandas as pd

    from camaudit.scores import Table, samples_of, write_csv

    frame = pd.DataFrame(
        {
            "label": ["0", None],
            "predicted": ["-1", "NA"],
            "group": [None, None],
            "map_status": ["ok", "all-zero"],
            "object_share": [0.25, np.nan],
            "score": [0.123456789, np.nan],
        },
        index=["=cmd", "plain"],
    )
    table = Table(frame=frame, reasons={"score": {"plain": "all-zero map"}})
    write_csv({"a": table}, tmp_path / "samples.csv")
    found = samples_of(tmp_path / "samples.csv", "a", ["score"])
    assert list(found.index) == ["=cmd", "plain"]
    assert list(found.label.dropna().items()) == [("=cmd", "0")]
    assert list(found.predicted) == ["-1", "NA"]
    assert found.score["=cmd"] == 0.123456789
    assert np.isnan(found.score["plain"])
    assert list(found.undefined.dropna().items()) == [("plain", "score: all-zero map")]
