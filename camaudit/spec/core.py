"""A narrow core of YAML 1.2 on PyYAML's composer: what a scalar means, and syntax errors in plain words.

Only ``true`` and ``false`` are booleans (``no``, ``on`` and ``yes`` stay text), ``1e-3`` is a number,
dates stay text, and so do the spellings that YAML versions disagree about: ``017``, ``0o17``, ``1:30``,
``1_000``.
"""

from __future__ import annotations

import re
from typing import Any

import yaml

from camaudit.spec.document import Mistake, Place, split

MAX_DEPTH = 40
TAG = "tag:yaml.org,2002:"
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[-+]?(?:(?:0|[1-9][0-9]*)?\.[0-9]+|(?:0|[1-9][0-9]*)\.?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = {".inf": float("inf"), "+.inf": float("inf"), "-.inf": float("-inf"), ".nan": float("nan")}
_TRUE = ("true", "True", "TRUE")
_BOOL = (*_TRUE, "false", "False", "FALSE")
_NULL = ("null", "Null", "NULL", "~", "")
_MAX_DIGITS = 300


class Loader(yaml.SafeLoader):
    """PyYAML's composer with the resolver of this module, and a limit to the depth."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - the name and form are PyYAML's

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self.depth = 0

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Compose one node. Raises `yaml.MarkedYAMLError` where it lies too deep."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            mark = self.peek_event().start_mark  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
        try:
            node: yaml.Node | None = super().compose_node(parent, index)
        finally:
            self.depth -= 1
        return node


for _tag, _pattern, _first in (
    ("null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""]),
    ("bool", re.compile(f"^(?:{'|'.join(_BOOL)})$"), list("tTfF")),
    ("int", re.compile(f"^{_INT.pattern}$"), list("-+0123456789")),
    ("float", re.compile(rf"^(?:{_FLOAT.pattern}|[-+]?\.inf|\.nan)$"), list("-+0123456789.")),
):
    Loader.add_implicit_resolver(TAG + _tag, _pattern, _first)


def convert(kind: str, text: str) -> Any:
    """The value of a scalar of a kind (``int`` …). Raises `ValueError` where its tag does not fit it."""
    if kind == "null" and text in _NULL:
        return None
    if kind == "bool" and text in _BOOL:
        return text in _TRUE
    if kind in {"int", "float"} and len(text) > _MAX_DIGITS:
        raise ValueError(f"a number of {len(text)} characters; put it in quotes if text is meant")
    if kind == "int" and _INT.fullmatch(text):
        return int(text)
    if kind == "float" and (_FLOAT.fullmatch(text) or text in _SPECIAL):
        return _SPECIAL[text] if text in _SPECIAL else float(text)
    if kind in {"null", "bool", "int", "float"}:
        raise ValueError(f"{text!r} does not fit its tag !!{kind}; leave the tag out")
    raise ValueError(refused_tag(TAG + kind))


def refused_tag(tag: str) -> str:
    """The message about a tag that no audit needs."""
    shown = "!!" + tag.removeprefix(TAG) if tag.startswith(TAG) else tag
    return f"the tag {shown} is not allowed: an audit holds text, numbers, true and false, lists and mappings"


_WORDS = (
    ("'\\t'", "a tab: YAML is indented with spaces"),
    (
        "mapping values are not allowed here",
        'a ":" that does not belong here; put text that holds ": " in quotes',
    ),
    ("could not find expected ':'", 'a ":" is missing after this key'),
    ("found undefined alias", "this alias has no anchor: write &name at the value that it stands for"),
    ("expected a single document in the stream", 'a second document ("---"); an audit file holds one'),
    ("found unexpected end of stream", "the text ends within quotes"),
    ("<stream end>", "the text ends while a bracket or a key is still open"),
    ("expected ',' or", "a bracket of another kind is open, or a comma is missing"),
    ("expected <block end>", "the indentation does not fit the lines above"),
    ("did not find expected", "the indentation or a bracket does not fit what comes before"),
)


def syntax_error(error: yaml.MarkedYAMLError, text: str) -> Mistake:
    """What the parser stumbled over, where, and in plain words where they are known."""
    mark = error.problem_mark or error.context_mark
    lines = split(text)
    line, column = (mark.line, mark.column) if mark else (0, 0)
    while line > 0 and not lines[line][:column].strip() and not lines[line].strip():
        line, column = line - 1, len(lines[line - 1])  # the end of the text: point behind its last word
    problem = error.problem or error.context or "cannot be read"
    plain = next((words for sign, words in _WORDS if sign in f"{error.context} {problem}"), None)
    return Mistake(Place(line, column, column + 1), (), plain or f"not valid YAML: {problem}")


def unreadable(error: yaml.reader.ReaderError, text: str) -> Mistake:
    """A character that YAML does not allow."""
    lines = split(text[: error.position])
    code = ord(error.character) if isinstance(error.character, str) else error.character
    message = f"the character U+{code:04X} is not allowed in YAML; write it as an escape in double quotes"
    return Mistake(Place(len(lines) - 1, len(lines[-1]), len(lines[-1]) + 1), (), message)
