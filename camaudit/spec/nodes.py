"""YAML nodes to plain data, with the place of every key and value; nothing is raised, mistakes are noted."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from camaudit.spec.core import TAG, Loader, convert, refused_tag, syntax_error, unreadable
from camaudit.spec.document import Document, Mistake, Path, Place, split

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_VALUES = 20_000
"""Far more than a person writes; aliases of aliases reach it quickly."""

_MERGE = "<<"


class _Stopped(Exception):  # noqa: N818 - it ends the reading, whose mistakes are already noted
    """The document cannot be read any further."""


def load(text: str) -> Document:
    """Read a text; its mistakes are in the document, nothing is raised."""
    loader = None
    try:
        loader = Loader(text)
        root = loader.get_single_node()
    except yaml.reader.ReaderError as error:
        return Document(data=None, mistakes=(unreadable(error, text),))
    except yaml.MarkedYAMLError as error:
        return Document(data=None, mistakes=(syntax_error(error, text),))
    except ValueError as error:  # a \U escape beyond Unicode
        return Document(data=None, mistakes=(Mistake(Place(0, 0, 1), (), f"not valid YAML: {error}"),))
    finally:
        if loader is not None:
            loader.dispose()
    if root is None:
        return Document(data=None, mistakes=(Mistake(Place(0, 0, 1), (), "the file is empty"),))
    return _Builder(text).build(root)


class _Builder:
    """Walks the nodes once, filing data, places and mistakes."""

    def __init__(self, text: str) -> None:
        self.lines = split(text)
        self.mistakes: list[Mistake] = []
        self.keys: dict[Path, Place] = {}
        self.values: dict[Path, Place] = {}
        self.blocks: set[Path] = set()
        self.open: set[int] = set()
        self.count = 0

    def build(self, root: yaml.Node) -> Document:
        try:
            data = self.value(root, ())
        except _Stopped:
            data = None
        return Document(
            data=data,
            mistakes=tuple(self.mistakes),
            keys=self.keys,
            values=self.values,
            blocks=frozenset(self.blocks),
        )

    def value(self, node: yaml.Node, path: Path) -> Any:
        self.values[path] = self.place(node)
        self.tick(node, path)
        if id(node) in self.open:
            self.stop(node, path, "this anchor contains an alias of itself")
        if isinstance(node, yaml.ScalarNode):
            if not node.value and node.style is None:
                self.blocks.add(path)
            return self.scalar(node, path)
        if isinstance(node, yaml.CollectionNode) and not node.flow_style:
            self.blocks.add(path)
        self.open.add(id(node))
        try:
            if isinstance(node, yaml.MappingNode):
                return self.mapping(node, path)
            return self.sequence(node, path)
        finally:
            self.open.discard(id(node))

    def sequence(self, node: yaml.Node, path: Path) -> list[Any]:
        self.standard_tag(node, path, "seq")
        return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]

    def mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        self.standard_tag(node, path, "map")
        result: dict[str, Any] = {}
        merged: list[tuple[yaml.Node, yaml.Node]] = []
        for key_node, value_node in node.value:
            if _is_merge(key_node):
                merged.append((key_node, value_node))
                continue
            key = self.key(key_node, path)
            if key is None:
                continue
            if key in result:
                first = self.keys[*path, key].line + 1
                self.note(
                    key_node, (*path, key), f"this key stands twice, first in line {first}; keep one of them"
                )
                continue
            self.keys[*path, key] = self.place(key_node)
            result[key] = self.value(value_node, (*path, key))
        for key_node, value_node in merged:
            self.merge(key_node, value_node, path, result)
        return result

    def merge(self, key_node: yaml.Node, node: yaml.Node, path: Path, result: dict[str, Any]) -> None:
        """File the keys of ``<<: *anchor`` that the mapping does not have itself."""
        for source in node.value if isinstance(node, yaml.SequenceNode) else [node]:
            if not isinstance(source, yaml.MappingNode):
                self.note(
                    key_node, (*path, _MERGE), "merges mappings only: write <<: *anchor or <<: [*one, *two]"
                )
                continue
            if id(source) in self.open:
                self.stop(key_node, path, "this anchor contains an alias of itself")
            for name_node, value_node in _merged_pairs(source, set()):
                self.tick(key_node, path)
                key = self.key(name_node, path)
                if key is not None and key not in result:
                    self.keys[*path, key] = self.place(name_node)
                    result[key] = self.value(value_node, (*path, key))

    def key(self, node: yaml.Node, path: Path) -> str | None:
        """A key as text, numbers as they are written; None, with the mistake noted, for what is neither."""
        if isinstance(node, yaml.ScalarNode):
            key = self.scalar(node, path)
            if isinstance(key, int | float) and not isinstance(key, bool):
                return str(node.value)
            if isinstance(key, str):
                return key
            found = node.value or "nothing"
        else:
            found = "a list" if isinstance(node, yaml.SequenceNode) else "a mapping"
        self.note(node, path, f"a key must be text, got {found}; put it in quotes if text is meant")
        return None

    def scalar(self, node: yaml.ScalarNode, path: Path) -> Any:
        text = node.value
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self.note(node, path, "holds half a surrogate pair, which is no character")
            return ""
        kind = node.tag.removeprefix(TAG)
        if kind in {"str", "!"}:
            return text
        try:
            return convert(kind, text)
        except (KeyError, ValueError) as error:
            self.note(node, path, str(error.args[0]))
            return None

    def standard_tag(self, node: yaml.Node, path: Path, kind: str) -> None:
        if node.tag not in {TAG + kind, "!"}:
            self.note(node, path, refused_tag(node.tag))

    def tick(self, node: yaml.Node, path: Path) -> None:
        self.count += 1
        if self.count > MAX_VALUES:
            self.stop(node, path, f"more than {MAX_VALUES:,} values once its aliases are written out")

    def note(self, node: yaml.Node, path: Path, message: str) -> None:
        self.mistakes.append(Mistake(self.place(node), path, message))

    def stop(self, node: yaml.Node, path: Path, message: str) -> None:
        self.note(node, path, message)
        raise _Stopped

    def place(self, node: yaml.Node) -> Place:
        start, end = node.start_mark, node.end_mark
        line = self.lines[start.line] if start.line < len(self.lines) else ""
        written = len(line.rstrip())
        last = end.column if end.line == start.line else written
        return Place(start.line, start.column, max(min(last, written), start.column + 1))


def _is_merge(node: yaml.Node) -> bool:
    return isinstance(node, yaml.ScalarNode) and node.value == _MERGE and node.style is None


def _merged_pairs(node: yaml.MappingNode, seen: set[int]) -> Iterator[tuple[yaml.Node, yaml.Node]]:
    """The pairs of a merged mapping, those that it merges itself after its own, each mapping once."""
    if id(node) in seen:
        return
    seen.add(id(node))
    yield from ((key, value) for key, value in node.value if not _is_merge(key))
    for key, value in node.value:
        if _is_merge(key):
            for source in value.value if isinstance(value, yaml.SequenceNode) else [value]:
                if isinstance(source, yaml.MappingNode):
                    yield from _merged_pairs(source, seen)
