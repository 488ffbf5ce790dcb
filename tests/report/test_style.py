"""Contrast of every colour that carries text or meaning, in both themes, computed from the style sheet."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from camaudit import report

STATIC = Path(report.__file__).parent / "static"
STYLE = (STATIC / "style.css").read_text(encoding="utf-8")
FILES = {path.name: path.read_text(encoding="utf-8") for path in STATIC.iterdir()}
TONES = ("pass", "fail", "inconclusive", "skip", "error")


def themes() -> dict[str, dict[str, str]]:
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    light, dark, printed = (dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block)) for block in blocks)
    assert set(light) == set(dark), "a colour has no counterpart in the dark"
    assert set(printed) == set(light), "a colour has no counterpart on paper"
    return {"light": light, "dark": dark, "print": printed}


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [value / 12.92 if value <= 0.04045 else ((value + 0.055) / 1.055) ** 2.4 for value in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def test_contrast_of_black_and_white_is_known() -> None:
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


@pytest.mark.parametrize("theme", ["light", "dark", "print"])
def test_text_can_be_read(theme: str) -> None:
    colours = themes()[theme]
    grounds = ["paper", "panel", *(f"{tone}-tint" for tone in TONES)]
    texts = [(name, ground) for name in ("ink", "muted", "link") for ground in grounds]
    texts += [(tone, ground) for tone in TONES for ground in ("paper", "panel", f"{tone}-tint")]
    poor = {pair: contrast(colours[pair[0]], colours[pair[1]]) for pair in texts}
    assert not {pair: ratio for pair, ratio in poor.items() if ratio < 4.5}


def test_nothing_is_fetched_from_elsewhere() -> None:
    for name, text in FILES.items():
        assert "//" not in re.sub(r"(^|\s)//.*$", "", text, flags=re.MULTILINE), name
        assert "@import" not in text
        assert re.findall(r"url\((.*?)\)", text) == ['"img/scale.webp"'] * (name == "style.css"), name
        for word in (
            "fetch(",
            "XMLHttpRequest",
            "import(",
            "eval(",
            "innerHTML",
            "sendBeacon",
            "localStorage",
        ):
            assert word not in text, name
