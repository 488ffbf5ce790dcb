"""One report folder for each sort of page: all verdicts, and each kind of check with exhibits of its own."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from camaudit import report
from camaudit.exhibits import Attacked, Hypothesis, NamedMap, Pair, Strike, Version
from camaudit.result import Trust
from tests.report import fixture

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


def written(folder: Path, *checks: CheckResult) -> Path:
    """The page of these checks."""
    fixture.audit(checks).write(folder / "result.json")
    return report.write(folder)


PAGES: dict[str, Callable[[Path], Path]] = {
    "verdicts": rich,
    "attacked": attacked,
    "shortcut": shortcut,
    "named maps": named_maps,
}
