"""Templates to text: everything is escaped, every missing name is an error, every name stays harmless."""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from camaudit.report.words import printable

if TYPE_CHECKING:
    from typing import Any

    from camaudit.report.view import Page

_PRE = re.compile(r"(<pre[ >].*?</pre>)", re.DOTALL)
_INDENT = re.compile(r"\n\s+")


def render(page: Page, *, notice: str = "") -> str:
    """The whole page. Nothing in it runs, loads from elsewhere or carries a style of its own.

    `notice` is what a reader must know of this rendering before anything else.
    """
    return fill("page.html", page=page, notice=notice)


def fill(template: str, **names: Any) -> str:
    """A template's text."""
    return _slim(_environment().get_template(template).render(**names))


@cache
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("camaudit.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_harmless,
    )


def _harmless(value: Any) -> Any:
    """Spell out control and direction characters of every text that comes from data; keep its line breaks."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    return "\n".join(printable(line.replace("\t", "    ")) for line in value.split("\n"))


def _slim(text: str) -> str:
    """Without indentation and empty lines, outside of <pre>: they would be a fifth of a large report."""
    parts = _PRE.split(text)
    return "".join(part if part.startswith("<pre") else _INDENT.sub("\n", part) for part in parts)
