"""Builds report folders as the engine leaves them: a rich one of all verdicts, and the odd ones."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image, ImageDraw

from camaudit.result import AuditResult, CheckResult, Control, Finding, ModelRecord, Population, SampleRow

if TYPE_CHECKING:
    from pathlib import Path

NAN = float("nan")

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "../../../etc/passwd",
    "\u05e7\u05d5\u05d1\u05e5-\u202e\u0645\u0631\u062d\u0628\u0627\u202c.png",
    "a" * 300,
    "two words & more\nlines\x1b[31mred\x00",
    "{{ 7 * 7 }}{% raw %}",
    "a/b#c?d=e%20f",
)
"""Names that want to be markup, commands, folders or directions."""

CONTROLS = (
    Control(
        name="centre_prior", title="a fixed blob in the centre", value=0.34, lower=0.31, upper=0.37, n=296
    ),
    Control(
        name="shuffled_mask",
        title="the same map against another image's mask",
        value=0.29,
        lower=0.26,
        upper=0.32,
        n=290,
        note="undefined for 6",
    ),
)

COLUMNS = {
    "energy_inside": "energy inside the mask",
    "energy_inside.centre_prior": "a fixed blob in the centre",
    "energy_inside.chance": "chance level",
}

BREEDS = (
    "chihuahua",
    "pekinese",
    "shih tzu",
    "beagle",
    "bloodhound",
    "redbone",
    "whippet",
    "saluki",
    "otterhound",
)


def finding(**changes: Any) -> Finding:
    """A passing whole-check number."""
    base = Finding(
        name="energy_inside",
        title="energy inside the mask",
        value=0.712,
        lower=0.694,
        upper=0.729,
        confidence=0.95,
        n=296,
        interval="percentile bootstrap of the mean, 2000 resamples",
        column="energy_inside",
        status="PASS",
        reason="the interval [0.69, 0.73] lies at or above 0.6",
        gate="at least 0.6",
        bound=0.6,
        direction="at_least",
        chance=0.303,
        chance_text="the share of the image that the mask covers",
        undefined={"all-zero map": 3, "empty mask": 1},
        controls=CONTROLS,
    )
    return replace(base, **changes)


def check(**changes: Any) -> CheckResult:
    """A passing check without samples."""
    base = CheckResult(
        id="on-the-dog",
        kind="overlap",
        title="Attention on a region",
        status="PASS",
        outcome="PASS",
        blocks=False,
        headline="on-the-dog: PASS: energy_inside: the interval [0.69, 0.73] lies at or above 0.6",
        question="Does the network's attention lie on the object?",
        rule="gate: at least 0.6, undecided counts as failed; 95 % confidence",
        answer="energy_inside: the interval [0.69, 0.73] lies at or above 0.6",
        limits=(
            "Overlap says where the map lies, not what the answer depends on.",
            "A map is coarse: what is smaller than one of its cells cannot be told from its surroundings.",
        ),
        description="A classifier of dogs should look at dogs, not at the lawns they stand on.",
        line=14,
        population=population(),
        findings=(finding(),),
        parameters={
            "map method": "gradcam",
            "target": "predicted",
            "relu": "as the method's paper does",
            "resize": "bilinear, align_corners=False",
            "metric": "energy_inside",
            "gate": "{'at_least': 0.6}",
        },
        columns=COLUMNS,
        histogram=tuple(np.clip(np.random.default_rng(1).normal(0.71, 0.13, 296), 0, 1).tolist()),
        command="camaudit run audits/dogs.audit.yaml --check on-the-dog",
    )
    return replace(base, **changes)


def population(**changes: Any) -> Population:
    """Counts that add up to 300 used samples."""
    base = Population(
        data="dogs",
        found=1900,
        unusable={"no mask": 50, "unreadable": 8},
        unusable_examples=("img_0007: no file matches mask/img_0007.png", "img_0031: truncated JPEG"),
        drawn=302,
        used=300,
        lost={"decoding failed": 2},
        lost_examples=("img_1203: broken data stream",),
        seed=7,
        by="label",
    )
    return replace(base, **changes)


def audit(checks: tuple[CheckResult, ...], **changes: Any) -> AuditResult:
    """An audit of those checks."""
    base = AuditResult(
        name="dogs",
        description="Breeds of dogs: does the network look at the dog, and would it without the collar?",
        spec_file="audits/dogs.audit.yaml",
        spec_text="version: 1\nname: dogs\nmodel:\n  factory: models.dogs:load  # <b>not bold</b>\n\tx: y\n",
        spec_sha256="3f" * 32,
        created="2031-05-04T10:20:30+00:00",
        duration=124.6,
        checks=checks,
        models=(
            ModelRecord(
                name="model",
                factory="models.dogs:load",
                classes=120,
                parameters=25_557_032,
                weights="weights/dogs.safetensors",
                weights_sha256="9f2c" * 16,
                fingerprint="d41d8cd98f00b204",
                preprocess="shorter side 256 (bilinear), crop 224, mean and std of ImageNet",
                layers={"layer4.2": "last layer with more than one place, found by a dry run: 7 × 7"},
            ),
        ),
        environment={"python": "3.11.2", "torch": "2.9.0", "git": "0a1b2c3d (with uncommitted changes)"},
        timings={"maps": 93.2, "metrics": 4.1},
        comparisons=9,
        files={"samples.csv": "ab" * 32, "evidence/maps.npz": "cd" * 32},
    )
    return replace(base, **changes)


def rich(folder: Path, *, samples: int = 16, side: int = 224) -> AuditResult:
    """An audit with every verdict, written into `folder` with its evidence."""
    rows = evidence(folder, samples, side=side)
    checks = (
        check(rows=rows, findings=(finding(), *sizes(), warned())),
        failing(rows),
        check(
            id="decoy-network",
            status="PASS",
            outcome="FAIL",
            expect="fail",
            headline="decoy-network: PASS: failed, as a known-bad control must",
            answer="failed, as a known-bad control must. energy_inside: [0.19, 0.24] lies below 0.6",
            findings=(finding(value=0.213, lower=0.19, upper=0.24, status="FAIL", reason="below 0.6"),),
            model="decoy",
            rows=rows[:2],
        ),
        check(
            id="small-dogs",
            status="INCONCLUSIVE",
            outcome="INCONCLUSIVE",
            blocks=True,
            headline="small-dogs: INCONCLUSIVE: the interval [0.55, 0.68] holds 0.6",
            answer="energy_inside: the interval [0.55, 0.68] holds the bound 0.6: too few samples to decide",
            findings=(
                finding(
                    value=0.617,
                    lower=0.552,
                    upper=0.679,
                    n=28,
                    status="INCONCLUSIVE",
                    n_needed=410,
                    undefined={},
                ),
            ),
            population=population(drawn=28, used=28, lost={}, lost_examples=()),
            histogram=tuple(np.clip(np.random.default_rng(2).normal(0.62, 0.2, 28), 0, 1).tolist()),
        ),
        error(),
        skip(),
    )
    result = audit(
        checks, not_run=("under-pgd", "one-pixel"), warnings=("UserWarning: a module is used twice",)
    )
    result.write(folder / "result.json")
    return result


def failing(rows: tuple[SampleRow, ...] = ()) -> CheckResult:
    """A failing check with classes, one of which has no number."""
    return check(
        id="not-the-collar",
        title="Attention away from a region",
        status="FAIL",
        outcome="FAIL",
        blocks=True,
        line=24,
        headline="not-the-collar: FAIL: energy_inside: the interval [0.26, 0.37] lies above 0.05",
        answer="energy_inside: the interval [0.26, 0.37] lies above 0.05",
        question="Does the network's attention lie away from the region “collar”?",
        rule="gate: at most 0.05; 95 % confidence",
        findings=(
            finding(
                value=0.314,
                lower=0.263,
                upper=0.371,
                status="FAIL",
                gate="at most 0.05",
                bound=0.05,
                direction="at_most",
                reason="the interval [0.26, 0.37] lies above 0.05",
            ),
            *classes(),
        ),
        histogram=tuple(np.random.default_rng(3).beta(1.2, 2.6, 296).tolist()),
        rows=rows,
        warnings=("energy_inside [saluki]: FAIL: 0.41 lies above 0.05",),
    )


def error() -> CheckResult:
    """A check that could not be carried out: no findings, no rows, no histogram."""
    reason = "data.dogs: 120 of 300 images could not be read, allowed are 0\n  hint: mend the files"
    return check(
        id="sanity",
        kind="sanity",
        title="Can the maps be trusted?",
        status="ERROR",
        outcome="ERROR",
        blocks=True,
        question="Do the maps show this network, or would they look the same whatever it had learned?",
        headline=f"sanity: ERROR: {reason}",
        answer=reason,
        findings=(),
        histogram=(),
        population=None,
        columns={},
        parameters={},
        description="",
        limits=(),
    )


def skip() -> CheckResult:
    """A check that was skipped."""
    return check(
        id="on-gpu",
        status="SKIP",
        outcome="SKIP",
        headline="needs a GPU, none was found",
        answer="needs a GPU, none was found",
        findings=(),
        histogram=(),
        population=None,
    )


def classes() -> tuple[Finding, ...]:
    """Numbers by class."""
    rng = np.random.default_rng(4)
    found = []
    for index, name in enumerate(BREEDS):
        value, half = float(rng.uniform(0.02, 0.45)), float(rng.uniform(0.02, 0.08))
        gated = index % 4 != 3
        found.append(
            finding(
                name=f"energy_inside [{name}]",
                value=value,
                lower=max(0.0, value - half),
                upper=value + half,
                n=33 if gated else 11,
                by="class",
                level=name,
                status=("FAIL" if value - half > 0.05 else "INCONCLUSIVE") if gated else None,
                severity="warn",
                gate="at most 0.05" if gated else "",
                bound=0.05 if gated else None,
                direction="at_most" if gated else None,
                reason="" if gated else "not gated: n=11 is below min_n=30",
                undefined={"empty mask": 1} if index == 2 else {},
                controls=(),
            )
        )
    undefined = finding(
        name="energy_inside [basenji]",
        value=NAN,
        lower=NAN,
        upper=NAN,
        n=0,
        by="class",
        level="basenji",
        status=None,
        gate="",
        bound=None,
        direction=None,
        reason="no number",
        undefined={"empty mask": 9},
        controls=(),
    )
    return (*found, undefined)


def sizes() -> tuple[Finding, ...]:
    """Numbers by size quartile."""
    levels = (
        "Q1 smallest, 0.8-9.1 % of the image",
        "Q2, 9.2-21.7 %",
        "Q3, 21.9-38.0 %",
        "Q4 largest, 38.4-77.2 %",
    )
    return tuple(
        finding(
            name=f"energy_inside [{level}]",
            value=0.52 + 0.11 * index,
            lower=0.49 + 0.11 * index,
            upper=0.55 + 0.11 * index,
            n=74,
            by="object size",
            level=level,
            status=None,
            gate="",
            bound=None,
            direction=None,
            reason="",
            undefined={},
            controls=(),
        )
        for index, level in enumerate(levels)
    )


def warned() -> Finding:
    """A class that falls short and only warns."""
    return finding(
        name="energy_inside [chihuahua]",
        value=0.41,
        lower=0.35,
        upper=0.44,
        n=33,
        by="class",
        level="chihuahua",
        status="FAIL",
        severity="warn",
        gate="at least 0.45",
        bound=0.45,
        reason="below 0.45",
        undefined={},
        controls=(),
    )


def evidence(folder: Path, count: int, *, side: int = 224) -> tuple[SampleRow, ...]:
    """Draw `count` dogs with collars, their masks and maps; return their rows, the first third failing."""
    (folder / "evidence").mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(5)
    maps, rows = {}, []
    for index in range(count):
        stem, centre = f"evidence/{index:04d}", rng.uniform(0.35, 0.65, 2)
        picture, masks = _dog(rng, side, centre)
        picture.save(folder / f"{stem}.png")
        for name, mask in masks.items():
            mask.save(folder / f"{stem}-{name}.png")
        maps[f"m{index:06d}"] = _map(rng, centre, index)
        failing_ = index < count // 3
        rows.append(
            SampleRow(
                id=f"img_{rng.integers(10_000):04d}_{index}",
                label=BREEDS[index % len(BREEDS)],
                predicted=BREEDS[(index + (index % 3 == 0)) % len(BREEDS)],
                label_score=float(rng.uniform(0.2, 0.9)),
                predicted_score=float(rng.uniform(0.4, 0.99)),
                values={
                    "energy_inside": NAN
                    if index == 1
                    else float(rng.uniform(0.1, 0.55) if failing_ else 0.8),
                    "energy_inside.centre_prior": float(rng.uniform(0.2, 0.4)),
                    "energy_inside.chance": 0.31,
                },
                undefined={"energy_inside": "all-zero map"} if index == 1 else {},
                image=f"{stem}.png",
                masks={name: f"{stem}-{name}.png" for name in masks},
                map=f"m{index:06d}",
                map_status="all-zero" if index == 1 else "ok",
                map_max=float(np.abs(maps[f"m{index:06d}"]).max()),
                file=f"data/images/img_{index:04d}.jpg",
                sha256=f"{index:02x}" * 32,
                failing=failing_,
            )
        )
    np.savez_compressed(folder / "evidence" / "maps.npz", **maps)
    return tuple(rows)


def _dog(
    rng: np.random.Generator, side: int, centre: np.ndarray
) -> tuple[Image.Image, dict[str, Image.Image]]:
    rows, _ = np.mgrid[0:side, 0:side] / side
    sky, lawn = np.array([150, 180, 215]), rng.integers((60, 110, 40), (110, 160, 80))
    ground = np.where((rows > 0.6)[..., None], lawn, sky - 40 * rows[..., None])
    noisy = ground + rng.normal(0, 9, (side, side, 3))
    picture = Image.fromarray(np.clip(noisy, 0, 255).astype(np.uint8))
    x, y, r = centre[0] * side, centre[1] * side, side * rng.uniform(0.12, 0.2)
    shapes = {
        "object": [
            (x - 1.5 * r, y - r * 0.4, x + 1.5 * r, y + 1.4 * r),
            (x - r, y - 1.6 * r, x + r * 0.6, y),
        ],
        "collar": [(x - 0.8 * r, y - 0.25 * r, x + 0.4 * r, y + 0.12 * r)],
    }
    colours = {"object": tuple(rng.integers((90, 60, 30), (200, 160, 110)).tolist()), "collar": (190, 30, 40)}
    masks = {}
    for name, boxes in shapes.items():
        mask = Image.new("L", (side, side))
        for box in boxes:
            ImageDraw.Draw(mask).ellipse(box, fill=255)
            ImageDraw.Draw(picture).ellipse(box, fill=colours[name])
        masks[name] = mask
    return picture, masks


def _map(rng: np.random.Generator, centre: np.ndarray, index: int) -> np.ndarray:
    if index == 1:
        return np.zeros((7, 7), np.float32)
    y, x = (np.mgrid[0:7, 0:7] + 0.5) / 7
    near = np.exp(-((x - centre[0]) ** 2 + (y - centre[1]) ** 2) / 0.03)
    return (rng.uniform(0.8, 3.0) * near + rng.normal(0, 0.12, (7, 7))).astype(np.float32)
