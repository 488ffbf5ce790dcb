"""One file for e-mail: the pages with style, script and pictures inside, and no more of them than fit."""

from __future__ import annotations

import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING

from camaudit.errors import ResultError
from camaudit.report import html, numbers, view
from camaudit.report.words import printable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from camaudit.report.plates import Sheet
    from camaudit.report.scores import Scores
    from camaudit.result import AuditResult, CheckResult

NAME = "report.html"
MOST_BYTES = 10_000_000
"""What mail servers let pass, with some room."""

_TYPES = {".webp": "image/webp", ".png": "image/png", ".svg": "image/svg+xml"}
_STYLE = re.compile(r'<link rel="stylesheet" href="([^"]+)">')
_SCRIPT = re.compile(r'<script src="([^"]+)"[^>]*></script>')
_ATTRIBUTE = re.compile(r'(\s[a-z-]+)="((?:img|evidence)/[^"<>]+)"')
_URL = re.compile(r"url\(\"([^\")]+)\"\)")
_LINK = re.compile(r'<a href="(?!#)[^"]*"')


def single(
    result: AuditResult,
    sheets: Sequence[Sheet],
    problems: Sequence[str],
    folder: Path,
    *,
    scores: Mapping[str, Scores] = MappingProxyType({}),
    most: int = MOST_BYTES,
) -> bytes:
    """The report as one page that needs no other file, at most `most` bytes of UTF-8.

    Where not all samples fit, every check shows its first ones, as many as do, and the page says how many
    are left out and where they are. Raises `ResultError` where not even the words fit.
    """
    longest = max((_longest(check) for check in result.checks), default=0)

    def written(count: int) -> bytes:
        return inlined(_page(result, sheets, scores, problems, count), folder).encode(
            "utf-8", errors="replace"
        )

    page = written(longest)
    if len(page) <= most:
        return page
    fits, low, high = None, 0, longest - 1
    while low <= high:
        middle = (low + high) // 2
        page = written(middle)
        if len(page) <= most:
            fits, low = page, middle + 1
        else:
            high = middle - 1
    if fits is None:
        raise ResultError(
            f"takes more than {most:,} bytes as one file, even without a sample",
            where=str(folder),
            hint="send the folder as an archive instead",
        )
    return fits


def _longest(check: CheckResult) -> int:
    """The length of the check's longest list of pictures."""
    strikes = len(check.attacked.strikes) if check.attacked is not None else 0
    return max(len(check.rows), strikes, *(len(item.pairs) for item in check.hypotheses), 0)


def _page(
    result: AuditResult,
    sheets: Sequence[Sheet],
    scores: Mapping[str, Scores],
    problems: Sequence[str],
    most: int,
) -> str:
    """The page with at most so many pictured samples in each list."""
    shown = replace(result, checks=tuple(_cut(check, most) for check in result.checks))
    cut = [replace(sheet, plates=sheet.plates[:most], strikes=sheet.strikes[:most]) for sheet in sheets]
    notice = "; ".join(_left_out(result, most))
    if notice:
        notice = (
            f"This file leaves samples out, to stay below {MOST_BYTES // 1_000_000} MB ({notice}). "
            "All of them are in the report's folder, in index.html; their numbers are in samples.csv."
        )
    return html.render(view.page(shown, cut, scores, tuple(problems)), notice=notice)


def _cut(check: CheckResult, most: int) -> CheckResult:
    attacked = check.attacked
    if attacked is not None:
        attacked = replace(attacked, strikes=attacked.strikes[:most])
    hypotheses = tuple(replace(item, pairs=item.pairs[:most]) for item in check.hypotheses)
    return replace(check, rows=check.rows[:most], attacked=attacked, hypotheses=hypotheses)


def _left_out(result: AuditResult, most: int) -> Iterator[str]:
    """What is not shown, by check."""
    for check in result.checks:
        lists = {"sample": len(check.rows), "pair": sum(len(item.pairs) for item in check.hypotheses)}
        lists["attacked image"] = len(check.attacked.strikes) if check.attacked is not None else 0
        kept = {
            "sample": min(most, len(check.rows)),
            "pair": sum(min(most, len(item.pairs)) for item in check.hypotheses),
            "attacked image": min(most, lists["attacked image"]),
        }
        for word, number in lists.items():
            if number > kept[word]:
                yield f"{printable(check.id)}: {kept[word]} of {numbers.count(number, word)} shown"


def inlined(text: str, folder: Path) -> str:
    """A page with all that it links put inside, and a policy that lets nothing else run or load.

    Whatever style sheet, script and picture the page names is taken; links to other files become text.
    """
    styles, scripts = [], []

    def style(found: re.Match[str]) -> str:
        sheet = _URL.sub(lambda one: f'url("{_data(folder / one[1])}")', _static(found[1]))
        styles.append(sheet.replace("</", "<\\/"))
        return f"<style>{styles[-1]}</style>"

    def script(found: re.Match[str]) -> str:
        scripts.append(_static(found[1]).replace("</script", "<\\/script").replace("<!--", "<\\!--"))
        return ""

    # Pictures and links first: what is put inside afterwards is nobody's markup.
    text = _LINK.sub("<a", text)
    text = _ATTRIBUTE.sub(lambda one: f'{one[1]}="{_data(folder / one[2])}"', text)
    text = _SCRIPT.sub(script, text)
    text = _STYLE.sub(style, text)
    policy = "; ".join(
        [
            "default-src 'none'",
            "img-src data: blob:",
            f"style-src {_hashes(styles)}",
            f"script-src {_hashes(scripts)}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )
    head = f'<meta charset="utf-8">\n<meta http-equiv="Content-Security-Policy" content="{policy}">'
    # Scripts that waited for the page go to its end.
    end = "".join(f"<script>{one}</script>\n" for one in scripts)
    before, _, after = text.replace('<meta charset="utf-8">', head, 1).rpartition("</body>")
    return f"{before}{end}</body>{after}"


def _static(name: str) -> str:
    return (files("camaudit.report") / "static" / name).read_text(encoding="utf-8")


def _data(path: Path) -> str:
    """A picture as a data: URI."""
    return f"data:{_TYPES[path.suffix]};base64,{b64encode(path.read_bytes()).decode()}"


def _hashes(texts: Sequence[str]) -> str:
    hashed = (b64encode(sha256(text.encode()).digest()).decode() for text in texts)
    return " ".join(f"'sha256-{one}'" for one in hashed) or "'none'"
