"""Where tests find a browser, and what becomes of them where there is none."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, NoReturn

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-dev-shm-usage"]


def missing() -> str:
    """Why no browser can be had; nothing where one can."""
    if find_spec("playwright") is None:
        return "needs playwright: pip install 'camaudit[dev]'"
    if executable() is None:
        return "needs a Chromium browser: install chromium, or name one by the variable CHROMIUM"
    return ""


def executable() -> str | None:
    """The browser: the variable CHROMIUM, else what is called ``chromium``."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium")


def give_up(reason: str) -> NoReturn:
    """Skip with the reason; in CI fail, since nobody reads there what was skipped."""
    if os.environ.get("CI"):
        pytest.fail(f"{reason} (skipped where the variable CI is not set)")
    pytest.skip(reason)


@contextmanager
def started() -> Iterator[Any]:
    """A headless Chromium through Playwright."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        chromium = running.chromium.launch(executable_path=executable(), args=FLAGS)
        yield chromium
        chromium.close()


@contextmanager
def watched(browser: Any, page_file: Path) -> Iterator[Callable[..., Any]]:
    """Opens the page; at the end nothing may have gone wrong or left the folder."""
    contexts, problems = [], []

    def open_page(fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
        page.on("requestfailed", lambda request: problems.append(f"failed: {request.url}"))
        page.on("request", lambda request: stays(request.url, page_file.parent, problems))
        page.goto(page_file.as_uri() + fragment)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert problems == []


def stays(url: str, folder: Path, problems: list[str]) -> None:
    if not url.startswith(folder.as_uri() + "/"):
        problems.append(f"asked for {url}")
