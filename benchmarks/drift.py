"""How small a drift a drift check finds, and how often it fires without one: resampled from real differences.

The noise is that of the audit `drift`: paired differences of the scores of networks of one recipe, by image,
from the committed baselines. Their mean is taken off and a known drop put in its place; n images are drawn
from them again and again, and each draw is estimated and judged as the check does it. From the repository's
root: ``python -m benchmarks.drift --write docs/drift.md``.
"""

from __future__ import annotations

import argparse
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.page import fill
from camaudit import stats, verdict
from camaudit.baseline import Baseline

if TYPE_CHECKING:
    from collections.abc import Iterator

FOLDER = Path("audits/baselines")
FILES = ("strokes", "strokes-seed2", "strokes-seed3")
DROPS = (0.0, 0.01, 0.02, 0.03)
SIZES = (50, 100, 200, 400)
UNPAIRED = 200
NORMAL = 1.96
START, END = "<!-- table: python -m benchmarks.drift -->", "<!-- end of table -->"


def differences(first: Baseline, second: Baseline) -> np.ndarray:
    """Of the scores, image by image, where both have one."""
    pairs = [(row.value, second.rows[key].value) for key, row in first.rows.items()]
    return np.array([one - other for one, other in pairs if one is not None and other is not None])


def alarms(noise: np.ndarray, drop: float, n: int, draws: int, rng: np.random.Generator) -> int:
    """How many of the draws of n images FAIL a gate that allows no mean drop at all."""
    found = 0
    for _ in range(draws):
        drawn = rng.choice(noise, n) + drop
        interval = stats.bootstrap_mean(drawn, bounds=(-2.0, 2.0), resamples=2000)
        found += verdict.judge(interval, bound=0.0, direction="at_most").status == "FAIL"
    return found


def unpaired(one: np.ndarray, other: np.ndarray, n: int, draws: int, rng: np.random.Generator) -> int:
    """The same with images of their own for either network, by Welch's interval: what pairing is worth."""
    found = 0
    for _ in range(draws):
        left, right = rng.choice(one, n), rng.choice(other, n)
        error = np.sqrt(left.var(ddof=1) / n + right.var(ddof=1) / n)
        found += (left.mean() - right.mean()) / error > NORMAL
    return found


def scores(item: Baseline) -> np.ndarray:
    """Of the images that have one, around 0."""
    values = np.array([row.value for row in item.rows.values() if row.value is not None])
    centred: np.ndarray = values - values.mean()
    return centred


def lines(draws: int, seed: int = 0) -> Iterator[str]:
    """The tables, in Markdown."""
    rng = np.random.default_rng(seed)
    baselines = {name: Baseline.read(FOLDER / f"{name}.json") for name in FILES}
    yield "| networks compared | images | mean difference | sd of the differences |"
    yield "| --- | --- | --- | --- |"
    pooled = []
    for one, other in combinations(FILES, 2):
        found = differences(baselines[one], baselines[other])
        pooled.append(found - found.mean())
        yield f"| {one}, {other} | {len(found)} | {found.mean():.3f} | {found.std(ddof=1):.3f} |"
    noise = np.concatenate(pooled)
    yield ""
    yield "| true drop | " + " | ".join(f"n = {n}" for n in SIZES) + f" | n = {UNPAIRED}, unpaired |"
    yield "| --- " * (len(SIZES) + 2) + "|"
    for drop in DROPS:
        cells = [_share(alarms(noise, drop, n, draws, rng), draws) for n in SIZES]
        apart = unpaired(
            scores(baselines[FILES[0]]) + drop, scores(baselines[FILES[2]]), UNPAIRED, draws, rng
        )
        yield f"| {drop:g} | " + " | ".join([*cells, _share(apart, draws)]) + " |"


def _share(k: int, n: int) -> str:
    found = stats.wilson(k, n)
    return f"{100 * found.value:.0f} % [{100 * found.lower:.0f}, {100 * found.upper:.0f}]"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=1000)
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between this file's marks")
    options = parser.parse_args()
    table = "\n".join(lines(options.draws))
    print(table)
    if options.write:
        fill(options.write, START, END, table)


if __name__ == "__main__":
    main()
