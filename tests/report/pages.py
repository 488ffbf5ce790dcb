"""One folder for each sort of page: all verdicts, kinds of check, the one file, the index, comparisons."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from camaudit import report
from camaudit.baseline import Baseline, history
from camaudit.comparison import Run, of_baselines, of_runs
from camaudit.exhibits import Attacked, Hypothesis, NamedMap, Pair, Strike, Version
from camaudit.report import diff, index, runs
from camaudit.result import AuditResult, Trust
from tests.engine import test_drift
from tests.report import fixture
from tests.report.test_diff import even, other_network, run

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from camaudit.result import CheckResult


def rich(folder: Path) -> Path:
    """Every verdict, with samples."""
    fixture.rich(folder, samples=8, side=32)
    return report.write(folder)


def strikes(folder: Path, **changes: Any) -> Attacked:
    """One flipped image with two maps, written into the evidence."""
    evidence = folder / "evidence"
    evidence.mkdir(exist_ok=True)
    clean = np.full((8, 8, 3), 100, dtype=np.uint8)
    changed = clean.copy()
    changed[2, 3] = (105, 97, 255)
    Image.fromarray(clean).save(evidence / "strike-00000.png")
    Image.fromarray(changed).save(evidence / "strike-00001.png")
    np.savez(evidence / "maps.npz", a=np.eye(4, dtype=np.float32), b=-2 * np.eye(4, dtype=np.float32))
    strike = Strike(
        sample="img_7",
        label="cat",
        change="row 2, column 3",
        outcome="flipped",
        before="cat",
        after="dog",
        image="evidence/strike-00000.png",
        changed="evidence/strike-00001.png",
        maps=(NamedMap(name="before", explains="cat", key="a"), NamedMap(name="after", key="b")),
        note="found by guided",
    )
    base = Attacked(
        threat=(("budget", "L∞ ≤ 8/255"), ("goal", "untargeted")),
        cells=(("flipped", 3, 4, 0), ("not flipped", 5, 1234, 2)),
        transitions=(("cat", "dog", 7), ("<b>dog</b>", "cat", 1)),
        words=("no corner-colour flip exists",),
        strikes=(strike,),
    )
    return replace(base, **changes)


def attacked(folder: Path) -> Path:
    """Images before and after an attack, the rules, the cells and the transitions."""
    check = fixture.check(id="under-attack", kind="adversarial", attacked=strikes(folder))
    return written(folder, check)


def shortcut(folder: Path) -> Path:
    """What was suspected, with pairs of pictures."""
    evidence = folder / "evidence"
    evidence.mkdir()
    roles = ("before", "control", "after")
    for number, role in enumerate(roles):
        Image.fromarray(np.full((8, 8, 3), 90 + 40 * number, dtype=np.uint8)).save(evidence / f"{role}.png")
    versions = tuple(
        Version(
            role=role, image=f"evidence/{role}.png", answer="cat", donor=None if role == "before" else "b"
        )
        for role in roles
    )
    suspected = (
        Hypothesis(
            name="collar",
            origin="named",
            why="somebody named it",
            notes=("12 images have none",),
            pairs=(Pair(sample="a", label="cat", versions=versions),),
        ),
        Hypothesis(name="hot spot 1", origin="proposed", why="maps light it up in 40 % of images"),
    )
    findings = (
        fixture.finding(name="collar", title="reliance on collar", status="FAIL", word="SHORTCUT", p=0.001),
        fixture.finding(name="hot spot 1", title="reliance on hot spot 1", status="INCONCLUSIVE", p=0.4),
    )
    return written(
        folder,
        fixture.check(
            id="not-the-collar",
            kind="shortcut",
            status="FAIL",
            outcome="FAIL",
            blocks=True,
            hypotheses=suspected,
            findings=findings,
        ),
    )


def named_maps(folder: Path) -> Path:
    """Several maps of one picture, as of errors and drift, and a line of trust."""
    rows = fixture.evidence(folder, 4, side=32)
    maps = (NamedMap(name="label", explains="beagle", key="m000001", largest=1.0),)
    rows = tuple(replace(row, map_name="predicted: redbone", maps=maps) for row in rows)
    trust = Trust(level="limited", text="of limited trust: 12 % are all zero", checks=("sanity",))
    return written(
        folder,
        fixture.check(
            id="where-it-errs", kind="errors", rows=rows, shows="misclassified images", trust=trust
        ),
    )


def one_file(folder: Path) -> Path:
    """Every verdict, as one file."""
    rich(folder)
    report.write(folder, single=True)
    return folder / "report.html"


def indexed(home: Path) -> Path:
    """The index over an audit that ran three times and a result that cannot be read."""
    (home / "dogs").mkdir()
    result = fixture.rich(home / "dogs", samples=14, side=32)
    for day in (1, 2):
        runs.append(home / "dogs", replace(result, created=f"2031-05-0{day}T00:00:00+00:00"))
    report.write(home / "dogs", single=True)
    (home / "broken").mkdir()
    (home / "broken/result.json").write_text("{")
    return index.write([home], home / "index.html")


def compared(folder: Path) -> Path:
    """Two runs that differ in everything a page tells, one image with a name that has no end."""
    old = run(folder / "a", even(0.7) | {"a" * 300: 0.9})
    new = run(
        folder / "b",
        even(0.5) | {"a" * 300: 0.1},
        models=other_network(),
        spec_text=f"version: 1\nname: {'b' * 300}\n",
        not_run=("c" * 80,),
        environment={"python": "d" * 200},
    )
    return diff.write(of_runs(old, new, 10), folder / "page")


def drifted(folder: Path) -> Path:
    """A network that answers as before and looks elsewhere, held against its baseline."""
    with pytest.MonkeyPatch.context() as patched:
        patched.delenv("CI", raising=False)  # baselines are accepted by a person, not by CI
        test_drift.accept_first(folder)
    result = test_drift.carried_out(test_drift.swapped(folder), folder / "out")
    result.write(folder / "out/result.json")
    return report.write(folder / "out")


def against_baseline(folder: Path) -> Path:
    """The comparison of that baseline with what was measured since, with the pictures of the run."""
    run_folder = drifted(folder).parent
    result = AuditResult.read(run_folder / "result.json")
    places = (folder / "audits/baselines/squares.json", run_folder / "baselines/no-drift.json")
    found = of_baselines(
        *(Baseline.read(place) for place in places),
        places=places,
        most=4,
        run=Run(folder=run_folder, result=result),
        check=test_drift.found(result),
        accepted=history(places[0])[-1],
    )
    return diff.write(found, folder / "page")


def written(folder: Path, *checks: CheckResult) -> Path:
    """The page of these checks."""
    fixture.audit(checks).write(folder / "result.json")
    return report.write(folder)


PAGES: dict[str, Callable[[Path], Path]] = {
    "verdicts": rich,
    "attacked": attacked,
    "shortcut": shortcut,
    "named maps": named_maps,
    "drift": drifted,
    "one file": one_file,
    "index": indexed,
    "comparison": compared,
    "comparison with a baseline": against_baseline,
}
