"""The report in a real browser; skipped, with the reason, where there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from camaudit import report
from camaudit.result import Trust
from tests.browser import stays, watched
from tests.report import fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.slow]

BROKEN = """cells => cells.flatMap(cell => {
  const broken = [], walker = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const node = walker.currentNode;
    if (node.parentElement.closest("svg")) continue;
    for (const word of node.data.matchAll(/[\\p{L}\\p{N}.,]+/gu)) {
      const range = document.createRange();
      range.setStart(node, word.index);
      range.setEnd(node, word.index + word[0].length);
      if (new Set([...range.getClientRects()].map(box => Math.round(box.top))).size > 1) broken.push(word[0]);
    }
  }
  return broken;
})"""
"""Words and numbers of the given cells that stand on more than one line."""
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    fixture.rich(folder, samples=14, side=32)
    return report.write(folder)


@pytest.fixture
def visit(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    with watched(browser, page_file) as open_page:
        yield open_page


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 1000, 720, 400])
def test_nothing_sticks_out_and_every_picture_loads(visit: Any, scheme: str, width: int) -> None:
    page = visit(viewport={"width": width, "height": 900}, color_scheme=scheme)
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    page.eval_on_selector_all(
        "img", "all => Promise.all(all.map(one => { one.loading = 'eager'; return one.decode() }))"
    )
    assert page.eval_on_selector_all("img", "all => all.filter(one => !one.naturalWidth).length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", [1280, 1201, 1000, 900, 720, 400])
def test_tables_break_no_word_and_no_number(browser: Any, tmp_path: Path, width: int) -> None:
    trust = Trust(level="unknown", text="of unknown trust: no sanity check", checks=())
    checks = (fixture.failing(), fixture.check(trust=trust, findings=(fixture.finding(), fixture.warned())))
    fixture.audit(checks).write(tmp_path / "result.json")
    page = browser.new_page(viewport={"width": width, "height": 900})
    page.goto(report.write(tmp_path).as_uri())
    assert "maps of unknown trust" in page.locator(".checks").inner_text()
    assert page.eval_on_selector_all(".checks td, .sortable td, .counts th", BROKEN) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.close()


def test_on_a_telephone_numbers_stand_below_their_name(visit: Any) -> None:
    page = visit(viewport={"width": 400, "height": 900})
    row = page.locator(".sortable tbody tr").first
    name, count = (row.locator(part).bounding_box() for part in ("th", "td >> nth=0"))
    assert name["x"] == count["x"]
    assert name["y"] + name["height"] <= count["y"]


def test_a_name_and_its_button_stand_apart(visit: Any) -> None:
    page = visit()
    name, button = (page.locator(part).first.bounding_box() for part in (".plates h4 a", ".plates .enlarge"))
    assert button["x"] - (name["x"] + name["width"]) >= 4


def test_long_names_of_numbers_do_not_widen_a_narrow_page(browser: Any, tmp_path: Path) -> None:
    long = fixture.finding(name="hirescam_randomised_similarity [head]", n=12_345, value=-0.012, lower=-0.345)
    fixture.audit((fixture.check(findings=(long, long)),)).write(tmp_path / "result.json")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto(report.write(tmp_path).as_uri())
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    page.close()


def test_without_scripts_everything_is_there(visit: Any) -> None:
    page = visit(java_script_enabled=False)
    assert page.locator("h4").count() == 14 + 14 + 2
    assert page.locator(".tools").count() == 0
    assert page.locator("table.numbers").count() == 3


def test_under_the_default_policy_of_jenkins(browser: Any, page_file: Path) -> None:
    context = browser.new_context()
    page = context.new_page()
    blocked: list[str] = []
    page.on("console", lambda message: blocked.append(message.text) if message.type == "error" else None)
    page.route(
        "**/*",
        lambda route: route.fulfill(
            path=page_file.parent / route.request.url.removeprefix("http://report.test/"),
            headers={"Content-Security-Policy": JENKINS},
        ),
    )
    page.goto("http://report.test/index.html")
    page.locator(".plates img").first.scroll_into_view_if_needed()
    page.wait_for_timeout(500)
    scripts = [name for name in report.STATIC if name.endswith(".js")]
    refused = ("Blocked script execution", *scripts)
    assert [text for text in blocked if not any(name in text for name in refused)] == []
    assert len(blocked) == len(scripts), "the policy refuses the scripts and nothing else"
    assert page.locator(".masthead").evaluate("one => getComputedStyle(one).display") == "flex"
    assert page.locator(".plates img").first.evaluate("one => one.naturalWidth") > 0
    context.close()


def test_a_deep_link_unfolds_and_shows_its_sample(visit: Any, page_file: Path) -> None:
    plain = visit()
    anchor = plain.locator("details.more li").last.get_attribute("id")
    page = visit(f"#{anchor}")
    sample = page.locator(f'li[id="{anchor}"]')
    assert sample.is_visible()
    page.wait_for_timeout(300)
    assert sample.evaluate("one => Math.abs(one.getBoundingClientRect().top) < innerHeight / 2")


def test_search_order_and_state_in_the_address(visit: Any) -> None:
    page = visit("#not-the-collar")
    section = page.locator('section[id="not-the-collar"] section.samples')
    section.locator("input[type=search]").fill("chihuahua")
    shown = section.locator(".plates > li:visible")
    assert 0 < shown.count() < 14
    assert all("chihuahua" in text for text in shown.all_text_contents())
    assert f"{shown.count()} of 14 shown" in section.locator("output").inner_text()
    assert page.url.endswith("#not-the-collar?q=chihuahua")
    section.locator("input[type=search]").fill("")
    section.locator("select").select_option("energy inside")
    page.eval_on_selector_all("details.more", "all => all.forEach(one => one.open = true)")
    values = section.locator("dt", has_text="energy inside").evaluate_all(
        "all => all.map(one => one.nextElementSibling.textContent)"
    )
    numbers = [float(text) for text in values if not text.startswith("–")]
    assert numbers == sorted(numbers)
    assert values[-1].startswith("–"), "undefined comes last"
    address = page.url
    again = visit("#" + address.partition("#")[2])
    kept = again.locator('section[id="not-the-collar"] section.samples select').input_value()
    assert kept == "energy inside"


def test_tables_sort_by_number_and_say_so(visit: Any) -> None:
    page = visit()
    table = page.locator('section[id="not-the-collar"] table.numbers').first
    head = table.locator("th", has_text="Estimate")
    head.locator("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    shown = [text.split()[0] for text in table.locator("tbody .estimate").all_inner_texts()]
    numbers = [float(text) for text in shown if text != "–"]
    assert numbers == sorted(numbers)
    assert shown[-1] == "–"
    head.locator("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"


def test_keys_walk_the_samples_and_find_the_search(visit: Any) -> None:
    page = visit()
    focused = "document.activeElement.closest('li')?.id"
    page.keyboard.press("j")
    first = page.evaluate(focused)
    page.keyboard.press("j")
    second = page.evaluate(focused)
    page.keyboard.press("ArrowUp")
    assert first
    assert second not in {None, first}
    assert page.evaluate(focused) == first
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.type") == "search"
    page.keyboard.type("j/k")
    assert page.evaluate("document.activeElement.value") == "j/k", "keys that are typed are text"


def test_the_way_by_tab_starts_at_the_content_and_is_visible(visit: Any) -> None:
    page = visit()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "To the content"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("Tab")
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"


def test_it_prints_on_paper_with_the_sign_off(visit: Any) -> None:
    page = visit(color_scheme="dark")
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.locator(".contents").is_hidden()
    assert page.locator(".signature").is_visible()
    assert page.locator(".legend dl").is_visible(), "what the words mean is printed, folded or not"
    buttons = page.eval_on_selector_all("th button", "all => all.map(one => getComputedStyle(one).display)")
    assert set(buttons) == {"contents"}, "a head repeated on the next page is drawn without buttons"
    assert page.pdf()[:5] == b"%PDF-"


def test_hostile_names_run_nothing(browser: Any, tmp_path: Path) -> None:
    rows = tuple(
        fixture.SampleRow(id=name, label=name, predicted=name, values={"energy_inside": 0.1}, failing=True)
        for name in fixture.HOSTILE
    )
    levels = tuple(fixture.finding(by="class", level=name) for name in fixture.HOSTILE)
    checks = tuple(
        fixture.check(id=name, title=name, rows=rows, findings=(fixture.finding(), *levels))
        for name in fixture.HOSTILE
    )
    fixture.audit(checks, name=fixture.HOSTILE[0]).write(tmp_path / "result.json")
    file = report.write(tmp_path)
    page = browser.new_page(viewport={"width": 400, "height": 900})
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: stays(request.url, tmp_path, said))
    page.goto(file.as_uri())
    page.locator(".tools input[type=search]").first.fill("<script>")
    assert page.evaluate("document.documentElement.scrollWidth") <= 400
    assert page.locator("script").count() == sum(name.endswith(".js") for name in report.STATIC)
    assert said == []
    page.close()
