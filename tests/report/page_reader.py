"""Reads a report page strictly: what a lenient browser would mend is an error here."""

from __future__ import annotations

from dataclasses import dataclass, field
from html.parser import HTMLParser

VOID = {"meta", "link", "img", "br", "hr", "input"}


@dataclass
class Node:
    """An element with its attributes, children and own text."""

    tag: str
    attributes: dict[str, str]
    children: list[Node] = field(default_factory=list)
    own: str = ""

    @property
    def text(self) -> str:
        """All text inside."""
        return self.own + "".join(child.text for child in self.children)

    def all(self, tag: str | None = None, **attributes: str) -> list[Node]:
        """Every element below of that tag and with those attributes (`class_` matches one class)."""
        wanted_class = attributes.pop("class_", None)
        found = []
        for child in self.children:
            fits = tag in {None, child.tag}
            fits = fits and (
                wanted_class is None or wanted_class in child.attributes.get("class", "").split()
            )
            fits = fits and all(child.attributes.get(key) == value for key, value in attributes.items())
            found += ([child] if fits else []) + child.all(
                tag, **attributes, **({"class_": wanted_class} if wanted_class else {})
            )
        return found


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Node("", {})
        self.open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in attrs]
        assert len(names) == len(set(names)), f"<{tag}> has an attribute twice: {names}"
        node = Node(tag, {name: value or "" for name, value in attrs})
        self.open[-1].children.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.open[-1].children.append(Node(tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        assert self.open[-1].tag == tag, f"</{tag}> closes <{self.open[-1].tag}> at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        self.open[-1].own += data


def read(html: str) -> Node:
    """The tree of a page. Fails where a tag is not closed, or closed in the wrong order."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    assert [node.tag for node in reader.open] == [""], f"not closed: {[node.tag for node in reader.open]}"
    return reader.root
