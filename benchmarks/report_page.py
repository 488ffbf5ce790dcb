"""How long the page of a large report takes to write and to open: ``python -m benchmarks.report_page``.

Opening is measured in Chromium from the navigation to the load event, the median of some, each time with an
empty cache. It is a figure to look at, and no test: it depends on the machine.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
OPENED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"


def main() -> None:
    """Print the size of the page, and the seconds that it takes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=2_000)
    parser.add_argument("--times", type=int, default=5)
    asked = parser.parse_args()
    sys.path.insert(0, str(ROOT))
    from camaudit import report

    # The tests' own page and browser; the type checker looks at neither.
    browsers, pages = import_module("tests.browser"), import_module("tests.report.test_size")
    if reason := browsers.missing():
        raise SystemExit(reason)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        pages.many(folder, asked.samples)
        begun = time.perf_counter()
        page = report.write(folder)
        print(f"{asked.samples} samples: page of {page.stat().st_size / 1e6:.2f} MB")
        print(f"written in {time.perf_counter() - begun:.2f} s")
        with browsers.started() as browser:
            seconds = [_opened(browser, page.as_uri()) for _ in range(asked.times)]
    middle = statistics.median(seconds)
    print(f"opened in {middle:.2f} s (median of {asked.times}; slowest {max(seconds):.2f} s)")


def _opened(browser: Any, address: str) -> float:
    context = browser.new_context()
    page = context.new_page()
    page.goto(address, wait_until="load")
    page.wait_for_function("performance.getEntriesByType('navigation')[0].loadEventEnd > 0")
    seconds = float(page.evaluate(OPENED)) / 1000
    context.close()
    return seconds


if __name__ == "__main__":
    main()
