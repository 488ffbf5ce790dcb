"""The page of a comparison in a real browser: slider by keys, narrow and wide, light and dark."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.browser import stays
from tests.report import pages

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return pages.compared(tmp_path_factory.mktemp("diff"))


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_sticks_out_and_nothing_is_fetched(
    browser: Any,
    page_file: Path,
    width: int,
    scheme: str,
) -> None:
    problems: list[str] = []
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page = context.new_page()
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("request", lambda request: stays(request.url, page_file.parent, problems))
    page.goto(page_file.as_uri())
    page.eval_on_selector_all(
        "img", "all => Promise.all(all.map(one => { one.loading = 'eager'; return one.decode() }))"
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor") != "rgb(255, 255, 255)"
    assert dark == (scheme == "dark")
    assert page.locator(".slider").count() == 10
    assert problems == []
    context.close()


def test_a_slider_is_moved_by_keys_and_seen_with_focus(browser: Any, page_file: Path) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(page_file.as_uri())
    slider = page.locator(".compare input[type=range]").first
    page.locator(".twins h4 a").first.focus()
    page.keyboard.press("Tab")
    assert slider.evaluate("one => one === document.activeElement")
    page.keyboard.press("ArrowRight")
    assert slider.get_attribute("aria-valuetext") == "left 51 % before, right 49 % after"
    assert slider.evaluate("one => getComputedStyle(one).outlineStyle") == "solid"
    assert (
        page.locator(".stage").first.evaluate("one => getComputedStyle(one).getPropertyValue('--at')")
        == "51%"
    )
    page.close()
