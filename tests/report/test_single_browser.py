"""The report as one file, and the index, in a real browser; skipped, with the reason, where there is none."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING, Any

import pytest

from tests.report import pages

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two audits, one of them run three times, one broken result, and the one file of the first alone."""
    home = tmp_path_factory.mktemp("reports")
    pages.indexed(home)
    (home / "mailed").mkdir()
    shutil.move(home / "dogs/report.html", home / "mailed/report.html")
    return home


def visit(browser: Any, file: Path, allowed: set[str], **options: Any) -> tuple[Any, list[str]]:
    """A page, and what went wrong on it: errors, and requests for files that are not `allowed`."""
    page = browser.new_page(**options)
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
    page.on("requestfailed", lambda request: wrong.append(f"failed: {request.url[:80]}"))

    def asked(request: Any) -> None:
        if not request.url.startswith("data:") and request.url.rpartition("/")[2] not in allowed:
            wrong.append(f"asked for {request.url[:80]}")

    page.on("request", asked)
    page.goto(file.as_uri())
    return page, wrong


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_one_file_shows_everything_by_itself(browser: Any, reports: Path, scheme: str, width: int) -> None:
    page, wrong = visit(
        browser,
        reports / "mailed/report.html",
        {"report.html"},
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    page.eval_on_selector_all(
        "img", "all => Promise.all(all.map(one => { one.loading = 'eager'; return one.decode() }))"
    )
    assert page.locator("img").count() > 50
    assert page.eval_on_selector_all("img", "all => all.filter(one => !one.naturalWidth).length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator(".masthead").evaluate("one => getComputedStyle(one).display") == "flex"
    assert page.locator(".tools input[type=search]").count() > 0, "its script runs"
    assert wrong == []
    page.close()


def test_one_file_prints_its_pictures_though_nobody_scrolled_to_them(browser: Any, reports: Path) -> None:
    page, wrong = visit(browser, reports / "mailed/report.html", {"report.html"})
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    shown = page.eval_on_selector_all("img", "all => new Set(all.map(one => one.src)).size")
    printed = page.pdf()
    assert shown > 20
    assert printed.count(b"/Subtype /Image") >= shown
    assert wrong == []
    page.close()


def test_one_file_lets_nothing_else_run(browser: Any, reports: Path) -> None:
    page, wrong = visit(browser, reports / "mailed/report.html", {"report.html"})
    assert wrong == []
    page.evaluate(
        "() => { const one = document.createElement('script'); one.textContent = 'window.ran = 1';"
        " document.body.append(one); const img = document.createElement('img');"
        " img.src = 'other.png'; document.body.append(img); }"
    )
    page.wait_for_timeout(200)
    assert page.evaluate("window.ran") is None
    assert all("Content Security Policy" in text or "failed" in text or "asked" in text for text in wrong)
    assert any("Content Security Policy" in text for text in wrong)
    page.close()


def test_one_file_without_scripts(browser: Any, reports: Path) -> None:
    context = browser.new_context(java_script_enabled=False)
    page, wrong = visit(context, reports / "mailed/report.html", {"report.html"})
    assert page.locator("h4").count() == 14 + 14 + 2
    assert page.locator(".masthead").is_visible()
    assert wrong == []
    context.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_the_index_fits_and_asks_for_its_style_only(
    browser: Any, reports: Path, scheme: str, width: int
) -> None:
    page, wrong = visit(
        browser,
        reports / "index.html",
        {"index.html", "style.css", "index.css"},
        viewport={"width": width, "height": 900},
        color_scheme=scheme,
    )
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.eval_on_selector_all("details", "all => all.forEach(one => one.open = true)")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    charts = page.locator("svg.trend")
    assert charts.count() >= 4
    assert charts.first.locator("circle").count() == 3
    box = charts.first.bounding_box()
    assert box["width"] > 200
    assert page.locator("text=broken: result.json").is_visible()
    assert page.locator("table.numbers").first.is_visible()
    assert wrong == []
    page.close()


def test_the_index_leads_to_the_reports(browser: Any, reports: Path) -> None:
    page, wrong = visit(browser, reports / "index.html", {"index.html", "style.css", "index.css"})
    assert wrong == []
    page.locator("text=The whole report of dogs").click()
    page.wait_for_load_state()
    assert page.locator("h1").inner_text() == "Audit of dogs"
    page.close()
