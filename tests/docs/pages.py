"""The code blocks of a page: files, commands with what they print, and pieces of a spec, by their titles."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).parents[2] / "docs"
BLOCK = re.compile(r'^```(\w+)(?: title="([^"]+)")?\n(.*?)^```$', flags=re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, kw_only=True)
class Block:
    language: str
    title: str
    text: str


def blocks(page: str) -> list[Block]:
    """All of a page of docs/, in order."""
    text = (DOCS / page).read_text(encoding="utf-8")
    return [Block(language=found[1], title=found[2] or "", text=found[3]) for found in BLOCK.finditer(text)]


def write(folder: Path, block: Block) -> Path:
    """Put a block into the file that its title names."""
    path = folder / block.title
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(block.text, encoding="utf-8")
    return path
