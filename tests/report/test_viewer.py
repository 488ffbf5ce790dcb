"""The large view of a sample in a real browser: click, keys, address, sliders, and the page without it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import numpy as np
import pytest
from PIL import Image

from camaudit import report
from camaudit.exhibits import Attacked, Hypothesis, NamedMap, Pair, Strike, Version
from tests.browser import watched
from tests.report import fixture

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

pytestmark = [pytest.mark.browser, pytest.mark.slow]

ODD = "it's -- a `name`; $(rm -rf)\u202e\n%2F/é"
OPACITY = "getComputedStyle(document.querySelector('.viewer .top')).opacity"


def _attacked(folder: Path) -> Attacked:
    for number in range(2):
        Image.new("RGB", (8, 8), (90, 60 * number, 30)).save(folder / f"evidence/strike-0000{number}.png")
    stored = dict(np.load(folder / "evidence/maps.npz"))
    np.savez(folder / "evidence/maps.npz", **stored, s=np.eye(2, dtype=np.float32))
    strike = Strike(
        sample="one",
        label="cat",
        change="PGD",
        outcome="flipped",
        before="cat",
        after="dog",
        image="evidence/strike-00000.png",
        changed="evidence/strike-00001.png",
        maps=(NamedMap(name="before", explains="cat", key="s"),),
    )
    return Attacked(threat=(("attack", "PGD"),), strikes=(strike, replace(strike, sample="two")))


def _hypothesis() -> Hypothesis:
    versions = tuple(
        Version(role=role, image=f"evidence/pair-{number}.png", answer=answer)
        for number, (role, answer) in enumerate((("before", "cat"), ("after", "dog")))
    )
    pair = Pair(sample="p", label="cat", versions=versions)
    return Hypothesis(name="collar", origin="named", why="somebody said so", pairs=(pair,))


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    rows = fixture.evidence(folder, 5, side=32)
    for number in range(2):
        Image.new("RGB", (8, 8), (90, 60 * number, 30)).save(folder / f"evidence/pair-{number}.png")
    rows = tuple(
        replace(row, id=name, failing=False)
        for row, name in zip(rows, ("one", "two", ODD, "-four", "lost"), strict=True)
    )
    rows = (*rows[:4], replace(rows[4], image=None, masks={}, map=None))
    check = fixture.check(
        rows=rows, maps={"method": "gradcam"}, attacked=_attacked(folder), hypotheses=(_hypothesis(),)
    )
    fixture.audit((check,), spec_file="audits/my dogs.audit.yaml").write(folder / "result.json")
    return report.write(folder)


@pytest.fixture
def visit(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    with watched(browser, page_file) as open_page:
        yield open_page


def row(page: Any, name: str) -> Any:
    return page.locator(f'.plates li[id="on-the-dog/{quote(name, safe="")}"]')


def focused(page: Any) -> str:
    return page.evaluate("document.activeElement.textContent")


def test_a_click_opens_that_picture_and_the_way_back_closes(visit: Any) -> None:
    page = visit()
    dialog = page.locator("dialog.viewer")
    assert dialog.is_hidden()
    before = page.url
    row(page, "one").locator(".outline img").click()
    assert dialog.is_visible()
    assert page.url.endswith("#on-the-dog/one?view=outline")
    assert dialog.locator("[aria-pressed=true]").all_inner_texts() == ["Mask outline", "Blend"]
    assert dialog.get_by_role("heading").inner_text().startswith("one")
    assert "1 of 5" in dialog.locator(".place").inner_text()
    page.go_back()
    dialog.wait_for(state="hidden")
    assert page.url == before
    assert focused(page) == "one"
    page.go_forward()
    dialog.wait_for(state="visible")


def test_keys_open_turn_the_pages_and_close(visit: Any) -> None:
    page = visit("#on-the-dog")
    row(page, "one").locator("h4 a").focus()
    page.keyboard.press("Enter")
    dialog = page.locator("dialog.viewer")
    assert dialog.is_visible()
    assert page.url.endswith("#on-the-dog/one?view=map"), "its map over its input"
    page.keyboard.press("ArrowRight")
    page.keyboard.press("j")
    assert page.url.endswith("?view=map")
    assert "3 of 5" in dialog.locator(".place").inner_text()
    page.keyboard.press("ArrowLeft")
    assert page.url.endswith("#on-the-dog/two?view=map")
    for _ in range(30):
        page.keyboard.press("Tab")
        inside = page.evaluate(
            "document.activeElement === document.body || !!document.activeElement.closest('dialog')"
        )
        assert inside, "the rest of the page is out of reach"
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_url("**/index.html#on-the-dog")
    assert focused(page) == "two", "where the reader got to"
    page.keyboard.press("Tab")
    assert focused(page) == "Enlarge"
    page.keyboard.press("Enter")
    assert dialog.is_visible()


def test_an_address_leads_into_the_view_and_esc_to_the_row(visit: Any) -> None:
    page = visit("#on-the-dog/two?view=raw&under=outline&opacity=40")
    dialog = page.locator("dialog.viewer")
    assert dialog.is_visible()
    assert page.evaluate(OPACITY) == "0.4"
    assert dialog.locator("select").input_value() == "outline"
    page.keyboard.press("Escape")
    dialog.wait_for(state="hidden")
    page.wait_for_url("**#on-the-dog/two")
    assert row(page, "two").is_visible()
    plain = visit("#on-the-dog/two")
    assert plain.locator("dialog.viewer").is_hidden(), "the plain address leads to the row"
    wrong = visit("#on-the-dog/one?view=nothing&by=magic&opacity=many&under=x")
    assert wrong.locator("dialog.viewer").is_visible()
    assert wrong.evaluate(OPACITY) == "1"
    assert visit("#on-the-dog/nobody?view=map").locator("dialog.viewer").is_hidden()


def test_the_slider_of_opacity_shows_what_lies_below(visit: Any) -> None:
    page = visit("#on-the-dog/one?view=map")
    slider = page.get_by_role("slider", name="Opacity of what lies on top")
    assert page.evaluate(OPACITY) == "1"
    slider.fill("30")
    assert page.evaluate(OPACITY) == "0.3"
    assert page.locator(".viewer .opacity output").inner_text() == "30 %"
    slider.press("ArrowLeft")
    assert page.evaluate(OPACITY) == "0.29", "arrows on a slider are its own"
    assert page.url.endswith("#on-the-dog/one?view=map&opacity=29")
    page.locator(".viewer .strip").get_by_role("button", name="Raw map").click()
    assert page.evaluate(OPACITY) == "0.29"
    assert page.locator(".viewer .easel .reach").count() == 1
    under, over = (page.locator(".viewer .stack img").nth(place).bounding_box() for place in (0, 1))
    assert under == over


def test_what_is_known_of_the_sample_stands_beside_its_pictures(visit: Any) -> None:
    page = visit("#on-the-dog/one?view=map")
    told = page.locator(".viewer .particulars").inner_text()
    for text in ("energy inside", "label", "predicted", "largest", "sha256"):
        assert text in told
    ends = page.locator(".viewer .scale .ramp").inner_text()
    assert ends == page.locator(".samples .scale .ramp").inner_text()
    code = page.locator(".viewer .repeat code").inner_text()
    assert code == "camaudit show 'audits/my dogs.audit.yaml::on-the-dog' one"


def test_commands_are_quoted_for_a_shell(visit: Any) -> None:
    import subprocess

    page = visit()
    for name in (ODD, "-four"):
        row(page, name).get_by_role("button").click()
        code = page.locator(".viewer .repeat code").inner_text()
        assert code.isprintable()
        line = code.replace("camaudit", "printf '%s\\0'", 1)
        said = subprocess.run(["bash", "-c", line], capture_output=True, check=True).stdout.decode()
        words = [word for word in said.split("\0")[:-1] if word != "--"]
        assert words == ["show", "audits/my dogs.audit.yaml::on-the-dog", name]
        page.keyboard.press("Escape")
        page.locator("dialog.viewer").wait_for(state="hidden")


def test_attacked_images_and_pairs_have_a_slider_between_before_and_after(visit: Any) -> None:
    page = visit("#on-the-dog/one/changed?view=changed&by=slide")
    sides = page.locator(".viewer .compare .sides span")
    assert sides.all_inner_texts() == ["as it was", "changed"]
    page.get_by_role("slider", name="From as it was to changed").press("End")
    assert (
        page.locator(".viewer .compare .stage").evaluate("one => one.style.getPropertyValue('--at')")
        == "100%"
    )
    assert "cat before, dog after" in page.locator(".viewer .particulars").inner_text()
    assert page.locator(".viewer .scale .ramp").inner_text().split() == ["0", "1"]
    assert page.locator(".viewer .strip button").count() == 4
    page.keyboard.press("j")
    assert "2 of 2" in page.locator(".viewer .place").inner_text(), (
        "the next attacked image, not the next row"
    )
    pair = visit("#on-the-dog/p/collar?view=after&by=beside")
    assert pair.locator(".viewer .easel figure img").count() == 2
    assert "answer: dog" in pair.locator(".viewer .particulars").inner_text()


def test_a_sample_without_pictures_has_nothing_to_enlarge(visit: Any) -> None:
    page = visit()
    assert row(page, "lost").locator(".enlarge").count() == 0
    assert row(page, "one").locator(".enlarge").count() == 1
    page = visit("#on-the-dog/lost?view=map")
    assert "Input: the input was not kept" in page.locator(".viewer .easel").inner_text()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 400])
def test_it_fits_every_screen(visit: Any, scheme: str, width: int) -> None:
    for by in ("blend", "slide", "beside"):
        page = visit(
            f"#on-the-dog/one?view=map&by={by}", viewport={"width": width, "height": 800}, color_scheme=scheme
        )
        assert page.evaluate("document.documentElement.scrollWidth") <= width
        box = page.locator("dialog.viewer").bounding_box()
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= width
        wide = "one => one.scrollWidth <= one.clientWidth"
        assert page.locator(".viewer .bench").evaluate(wide)
        ground = page.locator("dialog.viewer").evaluate("one => getComputedStyle(one).backgroundColor")
        assert ground == ("rgb(255, 255, 255)" if scheme == "light" else "rgb(21, 24, 27)")


def test_on_paper_and_without_scripts_it_is_not_there(visit: Any) -> None:
    page = visit("#on-the-dog/one?view=map")
    page.emulate_media(media="print")
    assert page.locator("dialog.viewer").is_hidden()
    assert row(page, "one").is_visible()
    plain = visit(java_script_enabled=False)
    assert plain.locator("dialog, .enlarge").count() == 0
    assert (
        "camaudit show 'audits/my dogs.audit.yaml::on-the-dog' SAMPLE"
        in plain.locator(".show").text_content()
    )
    assert plain.locator(".strikes figure, .pairs figure").count() == 2 * 4 + 2
