"""axe-core finds nothing that keeps people out of any sort of page: light, dark, open, printed, narrow."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from tests.browser import give_up
from tests.report.pages import PAGES

pytestmark = [pytest.mark.browser, pytest.mark.slow]

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = "tags => axe.run(document, {runOnly: {type: 'tag', values: tags}, resultTypes: ['violations']})"
OPEN = "all => all.forEach(one => one.open = true)"


@pytest.fixture(scope="module")
def axe() -> str:
    """The script, from the package that bundles it."""
    found = find_spec("axe_playwright_python")
    if found is None or found.origin is None:
        give_up("needs axe-playwright-python: pip install 'camaudit[dev]'")
    return (Path(found.origin).parent / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module", params=PAGES)
def page_file(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return PAGES[request.param](tmp_path_factory.mktemp("axe"))


def violations(page: Any, axe: str) -> list[str]:
    page.evaluate(axe)
    found = page.evaluate(RUN, TAGS)
    return [
        f"{item['id']} ({item['impact']}): {item['help']}: "
        + "; ".join(node["html"][:160] + " " + " ".join(node["target"]) for node in item["nodes"][:3])
        for item in found["violations"]
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_people_out(browser: Any, axe: str, page_file: Path, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, viewport={"width": 1280, "height": 900})
    page = context.new_page()
    try:
        page.goto(page_file.as_uri())
        assert violations(page, axe) == [], "as it opens"
        page.eval_on_selector_all("details", OPEN)
        assert violations(page, axe) == [], "all opened"
        page.emulate_media(media="print", color_scheme=scheme)
        assert violations(page, axe) == [], "printed"
        page.emulate_media(media="screen", color_scheme=scheme)
        page.set_viewport_size({"width": 400, "height": 900})
        assert violations(page, axe) == [], "on a telephone"
    finally:
        context.close()


def test_axe_finds_what_is_wrong(browser: Any, axe: str, tmp_path: Path) -> None:
    """The test of the test: a page that keeps people out does not pass."""
    file = tmp_path / "bad.html"
    file.write_text(
        "<!doctype html><title>x</title><img src='x.png'><p style='color:#ddd'>pale", encoding="utf-8"
    )
    page = browser.new_page()
    page.goto(file.as_uri())
    found = " ".join(violations(page, axe))
    page.close()
    assert "image-alt" in found
    assert "color-contrast" in found
    assert "html-has-lang" in found
