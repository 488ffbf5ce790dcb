"""Draws the pictures of reports beside it from real runs of `audits/` and of the tutorial.

    pip install playwright
    python docs/pictures/make.py --browser /usr/bin/chromium

`--reports` keeps the reports in a folder, and takes those that lie there already.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from playwright.sync_api import Page

HOME = Path(__file__).resolve().parent
ROOT = HOME.parents[1]
SCALE = 1.5
QUALITY = 85
MARGIN = 12
STYLE = "* { content-visibility: visible !important; } .tools { display: none !important; }"
"""What is off the screen is drawn as well; what only helps to search is not."""


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One picture: what is run, and which parts of the report it shows, from the first to the last."""

    name: str
    audit: str
    first: str
    last: str
    width: int = 900


CHECKS = {
    "collar": (
        "on-the-animal",
        "collar-network-on-the-animal",
        "not-the-collar",
        "collar-network-not-the-collar",
    ),
    "digits": ("on-the-strokes", "decoy-on-the-strokes"),
}
"""Audit → the checks that are run for the pictures."""
TUTORIAL = "shapes"

SHOTS = (
    Shot(name="intervention", audit="collar", first="#_checks table", last="#_checks table", width=1000),
    Shot(
        name="samples",
        audit="digits",
        first="#decoy-on-the-strokes .scale",
        last="#decoy-on-the-strokes .plates > li:nth-child(3)",
    ),
    Shot(name="tutorial", audit=TUTORIAL, first="#_verdict", last="#_checks table", width=950),
)


def run_tutorial(reports: Path) -> None:
    """Carry out the tutorial as far as its first report."""
    sys.path.insert(0, str(ROOT))
    from tests.docs.tutorial import carry_out

    with tempfile.TemporaryDirectory() as folder:
        carry_out("tutorial.md", Path(folder), until="camaudit run")
        shutil.copytree(Path(folder) / "reports" / TUTORIAL, reports / TUTORIAL)


def run(audit: str, reports: Path) -> None:
    """Run the checks of an audit."""
    only = [word for check in CHECKS[audit] for word in ("--check", check)]
    spec = ROOT / "audits" / f"{audit}.audit.yaml"
    command = [sys.executable, "-m", "camaudit", "run", str(spec), *only, "--reports", str(reports)]
    done = subprocess.run(command, cwd=ROOT, check=False)  # noqa: S603 - its own command line
    if done.returncode not in {0, 1} or not (reports / audit / "index.html").is_file():
        sys.exit(f"{spec.name}: the run gave exit code {done.returncode}")


def draw(page: Page, shot: Shot, reports: Path) -> None:
    """Cut a picture out of a report."""
    page.set_viewport_size({"width": shot.width, "height": 900})
    page.goto((reports / shot.audit / "index.html").as_uri())
    page.add_style_tag(content=STYLE)
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    first, last = (page.locator(place).first.bounding_box() for place in (shot.first, shot.last))
    if first is None or last is None:
        sys.exit(f"{shot.name}: the report of {shot.audit} has no {shot.first} or no {shot.last}")
    left = min(first["x"], last["x"]) - MARGIN
    right = max(box["x"] + box["width"] for box in (first, last)) + MARGIN
    top, bottom = first["y"] - MARGIN, last["y"] + last["height"] + MARGIN
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    picture = Image.open(BytesIO(page.screenshot(clip=clip, full_page=True)))  # type: ignore[arg-type]
    # A palette would be as small, and would tear the scales of colour into bands.
    picture.convert("RGB").save(HOME / f"{shot.name}.webp", quality=QUALITY, method=6)


def main() -> None:
    """Run what is needed and draw everything."""
    from playwright.sync_api import sync_playwright

    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--browser", help="a Chromium; playwright's own if left out")
    options.add_argument("--reports", type=Path, help="where reports are kept")
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as player:
        reports = (given.reports or Path(folder)).resolve()
        for audit in (*CHECKS, TUTORIAL):
            if not (reports / audit / "index.html").is_file():
                run_tutorial(reports) if audit == TUTORIAL else run(audit, reports)
        browser = player.chromium.launch(executable_path=given.browser, args=["--no-sandbox"])
        page = browser.new_page(color_scheme="light", device_scale_factor=SCALE)
        for shot in SHOTS:
            draw(page, shot, reports)
        browser.close()


if __name__ == "__main__":
    main()
