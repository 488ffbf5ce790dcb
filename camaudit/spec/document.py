"""Plain data with the place of every key and value in the text that it was read from."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

Path = tuple[str | int, ...]
"""Keys and positions from the root of a document to a value."""

_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")


class Place(NamedTuple):
    """A stretch of one line of a spec: `line` and `column` count from 0, `end` is the column behind it."""

    line: int
    column: int
    end: int


class Mistake(NamedTuple):
    """Something wrong, before it is rendered as a `Problem`."""

    place: Place
    path: Path
    message: str


@dataclass(frozen=True, kw_only=True)
class Document:
    """Plain data with the place of every key and value, and the mistakes of the YAML itself."""

    data: Any
    mistakes: tuple[Mistake, ...] = ()
    keys: dict[Path, Place] = field(default_factory=dict)
    """Where the key stands that a value is filed under."""
    values: dict[Path, Place] = field(default_factory=dict)
    blocks: frozenset[Path] = frozenset()
    """Values that no stretch of a line shows: block mappings, block lists, and nothing at all.

    A mistake about one of them points at its key.
    """

    def place(self, path: Path) -> Place:
        """Where a value stands, or the nearest thing around it."""
        while path and path not in self.values:
            path = path[:-1]
        if path in self.blocks and path in self.keys:
            return self.keys[path]
        return self.values.get(path, Place(0, 0, 1))

    def key(self, path: Path) -> Place:
        """Where a value's key stands."""
        return self.keys.get(path) or self.place(path)


def child(data: Any, key: str | int) -> Any:
    """What is filed under a key or position; None where there is nothing."""
    if isinstance(data, dict):
        return data.get(key)
    if isinstance(data, list) and isinstance(key, int) and key < len(data):
        return data[key]
    return None


def split(text: str) -> list[str]:
    """The lines of a text as YAML counts them."""
    return _BREAK.split(text)
