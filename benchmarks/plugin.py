"""What the plugin costs a pytest run without audits: paired runs with and without it, interleaved.

    python benchmarks/plugin.py --runs 30

Prints the median time of each, the median of the paired differences with a 95 % interval (bootstrap),
and which heavy modules were loaded (there must be none).
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HEAVY = ("torch", "torchvision", "numpy", "pandas", "pydantic", "jinja2")
TEST = "def test_nothing():\n    pass\n"
PROBE = f"""
import sys

def test_modules():
    print("LOADED", sorted(set({HEAVY!r}) & set(sys.modules)))
"""


def once(folder: Path, *arguments: str) -> float:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments, "test_nothing.py"]
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
    return time.perf_counter() - started


def loaded(folder: Path) -> str:
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    command = [sys.executable, "-m", "pytest", "-q", "-s", "-p", "camaudit.pytest_plugin", "test_modules.py"]
    done = subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True, text=True)
    return next(line for line in done.stdout.splitlines() if "LOADED" in line).partition("LOADED ")[2]


def interval(values: list[float]) -> tuple[float, float]:
    rng = random.Random(0)
    medians = sorted(statistics.median(rng.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[1949]


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "test_nothing.py").write_text(TEST, encoding="utf-8")
        (folder / "test_modules.py").write_text(PROBE, encoding="utf-8")
        once(folder), once(folder, "-p", "camaudit.pytest_plugin")
        without: list[float] = []
        with_plugin: list[float] = []
        for number in range(options.runs):
            pair = [(without, ()), (with_plugin, ("-p", "camaudit.pytest_plugin"))]
            for times, arguments in pair if number % 2 else reversed(pair):
                times.append(once(folder, *arguments))
        modules = loaded(folder)
    differences = [after - before for before, after in zip(without, with_plugin, strict=True)]
    low, high = interval(differences)
    found = {
        "runs": options.runs,
        "without_ms": 1e3 * statistics.median(without),
        "with_ms": 1e3 * statistics.median(with_plugin),
        "difference_ms": 1e3 * statistics.median(differences),
        "interval_ms": [1e3 * low, 1e3 * high],
        "heavy_modules": modules,
    }
    print(f"pytest without the plugin   {found['without_ms']:7.1f} ms (median of {options.runs})")
    print(f"pytest with the plugin      {found['with_ms']:7.1f} ms")
    shown = f"95 % [{1e3 * low:.1f}, {1e3 * high:.1f}]"
    print(f"paired difference           {found['difference_ms']:7.1f} ms, {shown}")
    print(f"heavy modules loaded        {modules}")
    if options.json:
        options.json.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
