"""The slider over two pictures, in a real browser: keys, pointer, paper, and the page without scripts."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.report.test_style import STATIC

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PAGE = """<!DOCTYPE html><html lang="en"><head><title>x</title><link rel="stylesheet" href="style.css">
<link rel="stylesheet" href="compare.css"><script src="compare.js" defer></script></head><body><main>
<figure class="compare" id="plain"><img src="red.png" alt="old"><img src="blue.png" alt="new"></figure>
<figure class="compare beside" id="beside" data-before="May" data-after="&lt;b&gt;June"><div><img src="red.png" alt="old"></div><div><img src="blue.png" alt="new"></div><figcaption>two</figcaption></figure>
<figure class="compare" id="alone"><img src="red.png" alt="old"></figure>
</main></body></html>"""  # noqa: E501
LEFT_AND_RIGHT = [(0.25, (255, 0, 0)), (0.75, (0, 0, 255))]


@pytest.fixture
def visit(browser: Any, tmp_path: Path) -> Iterator[Callable[..., Any]]:
    for name in ("style.css", "compare.css", "compare.js"):
        shutil.copy(STATIC / name, tmp_path)
    for name, colour in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (40, 30), colour).save(tmp_path / f"{name}.png")
    (tmp_path / "index.html").write_text(PAGE, encoding="utf-8")
    contexts, problems = [], []

    def open_page(**options: Any) -> Any:
        context = browser.new_context(**{"viewport": {"width": 900, "height": 900}, **options})
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.goto((tmp_path / "index.html").as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def colours(page: Any, tmp_path: Path, *, figure: str = "plain") -> list[tuple[int, int, int]]:
    """What is seen in the stage at a quarter and at three quarters of its width."""
    page.locator(f"#{figure} .stage").screenshot(path=tmp_path / "seen.png")
    with Image.open(tmp_path / "seen.png") as seen:
        return [
            seen.convert("RGB").getpixel((int(at * seen.width), seen.height // 2)) for at, _ in LEFT_AND_RIGHT
        ]  # type: ignore[misc]


@pytest.mark.browser
@pytest.mark.slow
def test_keys_move_the_line_and_say_where_it_is(visit: Any, tmp_path: Path) -> None:
    page = visit()
    assert colours(page, tmp_path) == [colour for _, colour in LEFT_AND_RIGHT]
    page.keyboard.press("Tab")
    said = "document.activeElement.getAttribute('aria-valuetext')"
    assert page.evaluate(said) == "left 50 % before, right 50 % after"
    page.keyboard.press("Home")
    assert colours(page, tmp_path) == [(0, 0, 255)] * 2
    assert page.evaluate(said) == "left 0 % before, right 100 % after"
    page.keyboard.press("End")
    assert colours(page, tmp_path) == [(255, 0, 0)] * 2
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(said) == "left 99 % before, right 1 % after"


@pytest.mark.browser
@pytest.mark.slow
def test_a_pointer_drags_the_line(visit: Any, tmp_path: Path) -> None:
    page = visit()
    box = page.locator("#plain .stage").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] * 0.5, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    page.mouse.up()
    assert page.locator("#plain input").input_value() == "90"
    page.mouse.move(box["x"] + box["width"] * 0.1, middle)
    assert page.locator("#plain input").input_value() == "90", "let go is let go"
    assert colours(page, tmp_path) == [(255, 0, 0)] * 2


@pytest.mark.browser
@pytest.mark.slow
def test_pictures_may_stay_beside_it_and_names_stay_text(visit: Any) -> None:
    page = visit()
    assert page.locator("#plain img").count() == 2
    assert page.locator("#beside img").count() == 4
    assert page.locator("#beside .stage img:not([alt=''])").count() == 0
    assert page.locator("#beside .sides").inner_text().split() == ["May", "<b>June"]
    assert page.locator("#beside b").count() == 0
    assert page.locator("#beside > :last-child").inner_text() == "two"
    assert page.locator("#alone input").count() == 0


@pytest.mark.browser
@pytest.mark.slow
@pytest.mark.parametrize("how", [{"java_script_enabled": False}, {"print": True}])
def test_without_scripts_and_on_paper_they_stand_side_by_side(visit: Any, how: dict[str, bool]) -> None:
    page = visit(**{key: value for key, value in how.items() if key != "print"})
    if how.get("print"):
        page.emulate_media(media="print")
    old, new = (page.locator("#plain img").nth(number).bounding_box() for number in (0, 1))
    assert old["y"] == new["y"]
    assert old["x"] + old["width"] <= new["x"]
    assert page.locator("input:visible").count() == 0
    assert page.locator("#beside img:visible").count() == 2


@pytest.mark.browser
@pytest.mark.slow
def test_it_needs_no_room_of_its_own_on_a_narrow_screen(visit: Any) -> None:
    page = visit(viewport={"width": 360, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_the_slider_fetches_and_runs_nothing() -> None:
    script, style = ((STATIC / f"compare.{kind}").read_text(encoding="utf-8") for kind in ("js", "css"))
    for text in (script, style):
        assert "//" not in re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE)
        assert "@import" not in text
        assert "url(" not in text
    for word in ("fetch(", "XMLHttpRequest", "import(", "eval(", "innerHTML", "sendBeacon", "localStorage"):
        assert word not in script
