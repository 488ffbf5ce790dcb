"""One sample at every layer, as one PNG: what `camaudit show` writes."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from camaudit.report import pictures

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

PANEL = 224
"""The shorter side of a panel is enlarged to about this."""
GAP, CAPTION, TITLE, COLUMNS = 12, 34, 40, 6
INK, FAINT, PAPER = (24, 28, 33), (95, 102, 112), (255, 255, 255)


@dataclass(frozen=True, kw_only=True)
class Panel:
    """A picture with two lines below it."""

    picture: Image.Image
    caption: str
    note: str = ""


def draw(
    path: Path,
    *,
    image: NDArray[np.uint8],
    masks: Mapping[str, NDArray[np.bool_]],
    maps: Sequence[tuple[str, NDArray[np.float32] | None, str]],
    title: str,
) -> None:
    """Write input, mask outlines, and per layer the positive evidence over the grey input.

    Every layer has its own scale, written below it: layers differ by orders of magnitude.
    """
    picture = Image.fromarray(image)
    factor = max(1, round(PANEL / min(picture.size)))
    shown = picture.resize((picture.width * factor, picture.height * factor), Image.Resampling.NEAREST)
    panels = [Panel(picture=shown, caption="input", note=f"{picture.width} x {picture.height} px")]
    if masks:
        lines = [(mask, colour) for mask, (_, colour) in zip(masks.values(), pictures.OUTLINES, strict=False)]
        panels.append(Panel(picture=pictures.outline(shown, lines), caption="masks", note=", ".join(masks)))
    panels += [_panel(shown, layer, raw, status) for layer, raw, status in maps]
    _page(panels, title).save(path)


def _panel(shown: Image.Image, layer: str, raw: NDArray[np.float32] | None, status: str) -> Panel:
    if raw is None or not np.isfinite(raw).all():
        return Panel(picture=Image.new("RGB", shown.size, (235, 236, 238)), caption=layer, note=status)
    scale = float(np.maximum(raw, 0).max())
    size = f"{raw.shape[0]} x {raw.shape[1]}, max {scale:.3g}"
    return Panel(
        picture=pictures.overlay(shown, raw, scale),
        caption=layer,
        note=size if status == "ok" else f"{size}, {status}",
    )


def _page(panels: Sequence[Panel], title: str) -> Image.Image:
    columns = min(COLUMNS, len(panels))
    width, height = panels[0].picture.size
    rows = ceil(len(panels) / columns)
    page = Image.new(
        "RGB",
        (GAP + columns * (width + GAP), TITLE + GAP + rows * (height + CAPTION + GAP)),
        PAPER,
    )
    pen = ImageDraw.Draw(page)
    pen.text((GAP, GAP), _fitting(pen, title, page.width - 2 * GAP, _font(18)), fill=INK, font=_font(18))
    for number, panel in enumerate(panels):
        left = GAP + number % columns * (width + GAP)
        top = TITLE + GAP + number // columns * (height + CAPTION + GAP)
        page.paste(panel.picture, (left, top))
        for line, (text, colour) in enumerate(((panel.caption, INK), (panel.note, FAINT))):
            place = (left, top + height + 3 + 15 * line)
            pen.text(place, _fitting(pen, text, width, _font(12)), fill=colour, font=_font(12))
    return page


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)


def _fitting(
    pen: ImageDraw.ImageDraw, text: str, width: int, font: ImageFont.ImageFont | ImageFont.FreeTypeFont
) -> str:
    """The text, with dots for what does not fit."""
    if pen.textlength(text, font=font) <= width:
        return text
    while text and pen.textlength(text + "…", font=font) > width:
        text = text[:-1]
    return text + "…"
