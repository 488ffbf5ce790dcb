"""Reads measured figures back out of an audit's README, so that tests hold the page to them."""

from __future__ import annotations

import re


def cells(text: str, row: str, nth: int = 0) -> list[float]:
    """The numbers that lead the cells of the nth table row called `row`; 97.5 % is 0.975."""
    line = [line for line in text.splitlines() if line.startswith(f"| {row} |")][nth]
    heads = [re.match(r"([-−\d.]+)( %)?", cell.strip()) for cell in line.split("|")[2:-1]]
    return [float(head[1].replace("−", "-")) / (100 if head[2] else 1) for head in heads if head]
