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
    """One picture: its file, what is run, and which parts of the report it shows below each other.

    A part goes from its first to its last element.
    """

    file: str
    audit: str
    parts: tuple[tuple[str, str], ...]
    width: int = 900
    scale: float = SCALE


CHECKS: dict[str, tuple[str, ...]] = {
    "collar": (
        "on-the-animal",
        "collar-network-on-the-animal",
        "not-the-collar",
        "collar-network-not-the-collar",
    ),
    "digits": (),
}
"""Audit → the checks that are run for the pictures; all of them where none is named."""
TUTORIAL = "shapes"

SHOTS = (
    Shot(
        file="report.png",
        audit="digits",
        parts=(
            ("#_verdict", "#_verdict .finding"),
            ("#_checks", "#_checks table"),
            ("#decoy-on-the-strokes .plates > li", "#decoy-on-the-strokes .plates > li"),
        ),
        width=950,
        scale=1,
    ),
    Shot(file="intervention.webp", audit="collar", parts=(("#_checks table", "#_checks table"),), width=1000),
    Shot(
        file="samples.webp",
        audit="digits",
        parts=(("#decoy-on-the-strokes .scale", "#decoy-on-the-strokes .plates > li:nth-child(3)"),),
    ),
    Shot(file="tutorial.webp", audit=TUTORIAL, parts=(("#_verdict", "#_checks table"),), width=950),
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


def cut(page: Page, first: str, last: str) -> Image.Image:
    """The stretch of a page from one element to another."""
    boxes = [page.locator(place).first.bounding_box() for place in (first, last)]
    known = [box for box in boxes if box is not None]
    if len(known) < len(boxes):
        sys.exit(f"{page.url} has no {first} or no {last}")
    left = min(box["x"] for box in known) - MARGIN
    right = max(box["x"] + box["width"] for box in known) + MARGIN
    top, bottom = known[0]["y"] - MARGIN, known[1]["y"] + known[1]["height"] + MARGIN
    clip = {"x": left, "y": top, "width": right - left, "height": bottom - top}
    return Image.open(BytesIO(page.screenshot(clip=clip, full_page=True))).convert("RGB")  # type: ignore[arg-type]


def draw(page: Page, shot: Shot, reports: Path) -> None:
    """Cut a picture out of a report."""
    page.set_viewport_size({"width": shot.width, "height": 900})
    page.goto((reports / shot.audit / "index.html").as_uri())
    page.add_style_tag(content=STYLE)
    page.evaluate("document.querySelectorAll('img').forEach(image => image.loading = 'eager')")
    page.wait_for_load_state("networkidle")
    parts = [cut(page, first, last) for first, last in shot.parts]
    size = (max(part.width for part in parts), sum(part.height for part in parts))
    picture = Image.new("RGB", size, parts[0].getpixel((0, 0)))
    top = 0
    for part in parts:
        picture.paste(part, (0, top))
        top += part.height
    # A palette would be as small, and would tear the scales of colour into bands.
    picture.save(HOME / shot.file, quality=QUALITY, method=6, optimize=True)


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
        for shot in SHOTS:
            page = browser.new_page(color_scheme="light", device_scale_factor=shot.scale)
            draw(page, shot, reports)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
