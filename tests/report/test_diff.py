"""The page and the lines of a comparison, of runs as the engine leaves them and of the odd ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pytest

from camaudit.comparison import Run, of_runs
from camaudit.integrity import sha256
from camaudit.report.diff import text, words, write
from tests.report import fixture
from tests.report.page_reader import Node, read

if TYPE_CHECKING:
    from pathlib import Path

    from camaudit.comparison import CheckComparison
    from camaudit.result import CheckResult

IDS = [f"dog-{number:02d}" for number in range(24)]


def run(
    folder: Path,
    values: dict[str, float],
    *,
    predicted: dict[str, str] | None = None,
    maps: dict[str, np.ndarray] | None = None,
    check: CheckResult | None = None,
    groups: dict[str, str] | None = None,
    **changes: Any,
) -> Run:
    """A run of one check with that number of each image, and its table and maps as the engine writes them."""
    (folder / "evidence").mkdir(parents=True)
    own = check or fixture.check(population=fixture.population(used=len(values), sha256="a" * 64))
    pd.DataFrame(
        {
            "check": own.id,
            "id": list(values),
            "label": "dog",
            "predicted": [(predicted or {}).get(key, "dog") for key in values],
            "group": [(groups or {}).get(key, "") for key in values],
            "sha256": [f"{number:064d}" for number in range(len(values))],
            "object_share": 0.25,
            "energy_inside": list(values.values()),
            "undefined": ["energy_inside: all-zero map" if np.isnan(own) else "" for own in values.values()],
        }
    ).to_csv(folder / "samples.csv", index=False)
    shown = maps if maps is not None else {key: ramp(number) for number, key in enumerate(values)}
    np.savez(
        folder / "evidence/all_maps.npz",
        **{
            f"{own.id}/ids": np.array(list(shown)),
            f"{own.id}/shapes": np.array([raw.shape for raw in shown.values()]).reshape(-1, 2),
            f"{own.id}/values": np.concatenate([raw.ravel() for raw in shown.values()] or [np.zeros(0)]),
        },
    )
    files = {name: sha256(folder / name) for name in ("samples.csv", "evidence/all_maps.npz")}
    fixture.audit((own,), **{"files": files, **changes}).write(folder / "result.json")
    return Run.read(folder)


def ramp(number: int) -> np.ndarray:
    return np.roll(np.linspace(0, 1, 49, dtype=np.float32), number).reshape(7, 7)


def compared(tmp_path: Path, old: dict[str, float], new: dict[str, float], **changes: Any) -> CheckComparison:
    """The only check of two runs of these numbers."""
    before = run(tmp_path / "a", old)
    return of_runs(before, run(tmp_path / "b", new, **changes), 10).checks[0]


def page(tmp_path: Path, old: Run, new: Run) -> Node:
    return read(write(of_runs(old, new, 10), tmp_path / "page").read_text(encoding="utf-8"))


def even(value: float) -> dict[str, float]:
    """Numbers around one, alike in every run."""
    return {key: value + 0.01 * (number % 5) for number, key in enumerate(IDS)}


def other_network() -> Any:
    (model,) = fixture.audit(()).models
    return (replace(model, fingerprint="another"),)


def test_after_minus_before_with_its_interval(tmp_path: Path) -> None:
    found = compared(tmp_path, even(0.7), even(0.5), models=other_network())
    (difference,) = found.differences
    assert difference.interval.value == pytest.approx(-0.2)
    assert difference.interval.n == 24
    assert words.judged(difference) == "worse"
    assert words.delta(difference).startswith("−0.2")
    assert len(found.worst) == 10
    assert found.pairing is not None
    assert (found.pairing.paired, found.pairing.left_out) == (24, {})


def test_a_network_and_itself_differ_by_nothing_and_that_is_exact(tmp_path: Path) -> None:
    found = compared(tmp_path, even(0.7), even(0.7))
    assert found.differences[0].exact
    assert words.delta(found.differences[0]) == "0.00"
    assert not found.worst
    assert not found.gated_differs


def test_a_network_of_the_same_weights_whose_numbers_moved_is_not_called_the_same(tmp_path: Path) -> None:
    """A fingerprint is of weights, classes and preprocessing: code may have changed."""
    found = compared(tmp_path, even(0.7), even(0.5))
    assert found.differences[0].unexplained
    assert words.reads(found.differences[0]).startswith("worse; not explained: weights and preprocessing")
    other = compared(tmp_path / "other", even(0.7), even(0.5), models=other_network())
    assert not other.differences[0].unexplained
    assert words.reads(other.differences[0]) == "worse"


def test_equal_numbers_of_two_networks_are_not_exact(tmp_path: Path) -> None:
    """That 24 images show no difference leaves room for one."""
    found = compared(tmp_path, even(0.7), even(0.7), models=other_network())
    assert not found.differences[0].exact
    assert found.differences[0].interval.lower < -0.05


def test_groups_are_resampled_as_a_whole(tmp_path: Path) -> None:
    new = {
        key: value - (0.4 if number < 12 else 0.0) for number, (key, value) in enumerate(even(0.7).items())
    }
    groups = {key: "one" if number < 12 else "two" for number, key in enumerate(IDS)}
    found = compared(tmp_path, even(0.7), new, models=other_network(), groups=groups)
    assert "over 2 groups" in found.differences[0].interval.method


def test_answers_lost_and_won(tmp_path: Path) -> None:
    found = compared(tmp_path, even(0.7), even(0.7), predicted=dict.fromkeys(IDS[:3], "cat"))
    assert found.answers is not None
    assert (found.answers.changed, found.answers.lost, found.answers.won) == (3, 3, 0)
    assert "3 of 24 images answered otherwise; right answers lost: 3, won: 0" in words.answers(found.answers)


def test_a_number_that_died_is_told(tmp_path: Path) -> None:
    found = compared(tmp_path, even(0.7), even(0.7) | {"dog-03": float("nan")})
    assert found.died == ("dog-03",)
    assert found.differences[0].undefined == {"no number after: all-zero map": 1}
    assert "dog-03" not in [item.id for item in found.worst]


def test_the_reason_of_every_column_is_found(tmp_path: Path) -> None:
    """Names of columns hold colons, and reasons hold what else parts a cell."""
    names = ("blur 2", "blur 2: right", "energy_inside")
    own = fixture.check(
        columns=dict.fromkeys(names, ""), population=fixture.population(used=1, sha256="a" * 64)
    )
    made = run(tmp_path / "a", {"dog": float("nan")}, check=own)
    table = pd.read_csv(tmp_path / "a/samples.csv", dtype=str)
    told = "blur 2: no mask; none at all; blur 2: right: no label: none; energy_inside: all-zero map"
    table.assign(**{"blur 2": "", "blur 2: right": "", "undefined": told}).to_csv(
        tmp_path / "a/samples.csv", index=False
    )
    result = replace(made.result, files={})
    assert Run(folder=made.folder, result=result).kept(own).samples["dog"].why == {
        "blur 2": "no mask; none at all",
        "blur 2: right": "no label: none",
        "energy_inside": "all-zero map",
    }


def test_map_distance_is_of_native_maps_and_names_what_has_none(tmp_path: Path) -> None:
    maps = {key: ramp(number) for number, key in enumerate(IDS[:20])}
    maps["dog-00"] = -maps["dog-00"]
    maps["dog-01"] = np.zeros((3, 3), dtype=np.float32)
    found = compared(tmp_path, even(0.7), even(0.5), maps=maps)
    assert found.distance is not None
    assert found.distance.interval.value == pytest.approx(2 / 19)
    assert found.distance.undefined == {"maps of unlike size": 1, "no map after: not kept in this run": 4}


def test_another_preprocessing_keeps_numbers_and_drops_maps(tmp_path: Path) -> None:
    (model,) = fixture.audit(()).models
    changed = (replace(model, preprocess="crop 128", fingerprint="x"),)
    found = compared(tmp_path, even(0.7), even(0.5), models=changed)
    assert found.differences
    assert found.distance is None
    assert "pictures otherwise" in found.no_distance


def test_a_gate_that_turned_round_has_no_worse_side(tmp_path: Path) -> None:
    turned = fixture.check(
        population=fixture.population(used=24, sha256="a" * 64),
        findings=(fixture.finding(direction="at_most", gate="at most 0.6"),),
    )
    found = compared(tmp_path, even(0.7), even(0.5), check=turned)
    assert found.worse is None
    assert words.heading(found) == "The 10 images that changed by most"
    assert found.gated_differs


@pytest.mark.parametrize("n", [0, 1])
def test_few_samples_give_no_interval_and_no_crash(tmp_path: Path, n: int) -> None:
    some = dict(list(even(0.7).items())[:n])
    before = run(tmp_path / "a", some)
    after = run(tmp_path / "b", {key: value - 0.3 for key, value in some.items()}, models=other_network())
    found = of_runs(before, after, 10)
    (check,) = found.checks
    if n:
        assert words.delta(check.differences[0]) == "−0.30"
        assert words.judged(check.differences[0]) == "undecided"
    else:
        assert check.incomparable == ("no sample of the first and the second run is known",)
    assert page(tmp_path, before, after).all("section", class_="check")


def test_hostile_names_stay_text_and_in_the_folder(tmp_path: Path) -> None:
    for name in ("a", "b"):
        names = dict.fromkeys(fixture.HOSTILE, 0.7 if name == "a" else 0.3)
        checks = fixture.check(
            id=fixture.HOSTILE[0],
            title=fixture.HOSTILE[1],
            population=fixture.population(used=len(names), sha256="a" * 64),
            parameters={"metric": "energy_inside", fixture.HOSTILE[3]: name},
        )
        run(
            tmp_path / name,
            names,
            predicted={key: f"{key}{name}" for key in names},
            check=replace(checks, kind="kind of somebody"),
            name=fixture.HOSTILE[2],
            spec_text=f"{fixture.HOSTILE[0]}\n{name}\x1b[31m",
        )
    before, after = Run.read(tmp_path / "a"), Run.read(tmp_path / "b")
    found = page(tmp_path, before, after)
    assert len(found.all("script")) == 1
    assert not [node for node in found.all() if any(name.startswith("on") for name in node.attributes)]
    assert "\u202e" not in found.text
    assert "\x1b" not in found.text
    written = {path.relative_to(tmp_path / "page").as_posix() for path in (tmp_path / "page").rglob("*.*")}
    assert all(name.isascii() and len(name) < 40 for name in written)
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b", "page"}
    for line in text.lines(of_runs(before, after, 10)):
        assert line.isprintable()


def test_hostile_ids_are_images_like_others(tmp_path: Path) -> None:
    old = dict.fromkeys((*fixture.HOSTILE, "=1+1"), 0.7)
    found = compared(tmp_path, old, {key: 0.3 + 0.01 * place for place, key in enumerate(old)})
    # A table of lines cannot hold every control character as it was; none may get lost for it.
    assert found.pairing is not None
    assert found.pairing.paired == len(old)
    assert {item.id for item in found.worst} >= {fixture.HOSTILE[0], fixture.HOSTILE[2], "=1+1"}


def test_runs_of_every_verdict_compare(tmp_path: Path) -> None:
    """Checks that failed, broke, were skipped, expected to fail; results without their table."""
    for name in ("a", "b"):
        fixture.rich(tmp_path / name, samples=6, side=32)
    before, after = Run.read(tmp_path / "a"), Run.read(tmp_path / "b")
    found = of_runs(before, after, 10)
    assert len(found.checks) == 6
    assert words.sentence(found).startswith("Nothing that is gated differs in the 6 checks in both.")
    assert "cannot be compared number by number" in words.sentence(found)
    assert all(not check.differences for check in found.checks), "samples.csv is missing"
    shown = page(tmp_path, before, after).text
    assert shown.count("Nothing that is recorded changed.") == 3
    assert "No line of it changed." in shown


def test_a_class_that_is_gated_counts_as_gated(tmp_path: Path) -> None:
    for name, value in (("a", 0.7), ("b", 0.4)):
        own = fixture.finding(name="energy_inside [saluki]", by="class", level="saluki", value=value)
        counted = fixture.population(used=24, sha256="a" * 64)
        run(
            tmp_path / name,
            even(0.7),
            check=fixture.check(population=counted, findings=(fixture.finding(), own)),
        )
    found = of_runs(Run.read(tmp_path / "a"), Run.read(tmp_path / "b"), 10)
    assert words.sentence(found).startswith(
        "No verdict changed; of 1 check in both, gated numbers of 1 differ"
    )
    assert "energy_inside [saluki] 0.70 → 0.40" in words.levels(found.checks[0])


def test_what_cannot_be_compared_is_no_all_clear(tmp_path: Path) -> None:
    own = fixture.check(population=fixture.population(used=24, sha256="a" * 64), parameters={"mask": "other"})
    before, after = run(tmp_path / "a", even(0.7)), run(tmp_path / "b", even(0.7), check=own)
    assert "1 cannot be compared number by number." in words.sentence(of_runs(before, after, 10))


def test_no_check_in_both_is_said(tmp_path: Path) -> None:
    one = run(tmp_path / "a", even(0.7))
    other = run(tmp_path / "b", even(0.7), check=fixture.check(id="another"))
    found = of_runs(one, other, 10)
    assert words.sentence(found) == "No check is in both, so nothing can be compared."
    assert "In one of them only" in page(tmp_path, one, other).text


def test_nothing_is_inline_and_everything_is_local(tmp_path: Path) -> None:
    before = run(tmp_path / "a", even(0.7))
    root = page(tmp_path, before, run(tmp_path / "b", even(0.5)))
    assert not root.all("style")
    assert not [node for node in root.all() if "style" in node.attributes]
    assert all(not node.own.strip() for node in root.all("script"))
    sources = [
        node.attributes.get("src") or node.attributes["href"]
        for node in root.all()
        if node.tag in {"img", "link", "script"}
    ]
    assert sources
    assert all((tmp_path / "page" / source).is_file() for source in sources)
    ids = [node.attributes["id"] for node in root.all() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
