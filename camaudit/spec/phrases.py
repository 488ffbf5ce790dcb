"""One pydantic error as a sentence in plain English: what is allowed, what was written, what to do."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from camaudit import registry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic_core import ErrorDetails

_EXPECTED = {
    "bool_type": "true or false",
    "dict_type": "a mapping (key: value)",
    "float_type": "a number",
    "int_type": "a whole number",
    "list_type": "a list",
    "model_attributes_type": "a mapping (key: value)",
    "model_type": "a mapping (key: value)",
    "string_type": "text",
    "tuple_type": "a list",
}
_BOUNDS = {
    "greater_than": ("greater than", "gt"),
    "greater_than_equal": ("at least", "ge"),
    "less_than": ("less than", "lt"),
    "less_than_equal": ("at most", "le"),
}
_PATTERNS = {
    "^[A-Za-z0-9][A-Za-z0-9._-]*$": "must be letters, digits, '.', '_' and '-', a letter or digit first",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "must be written module:callable",
    r"^[A-Za-z_][\w.]*:.+$": "must be written module:callable, torchvision:NAME or export:FILE.pt2",
    "^[0-9a-f]{64}$": "must be 64 hexadecimal digits in lower case",
}


def quote(value: Any) -> str:
    """A value as a message shows it."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a mapping"
    if isinstance(value, list | tuple):
        return "a list"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:56]}…{text[-1]}"  # noqa: PLR2004 - fits one line of a terminal


def expected(error: ErrorDetails) -> str | None:
    """What was needed, where the value is of another type altogether."""
    if error["type"] == "no_member":
        return join(error["ctx"]["phrases"], "or")
    if error["type"] == "literal_error":
        return join(literals(error), "or")
    return _EXPECTED.get(error["type"])


def sentence(error: ErrorDetails) -> str:
    """The sentence about one value: what is allowed, and what was found."""
    context: Mapping[str, Any] = error.get("ctx", {})
    if error["type"] == "value_error":
        return str(context["error"])
    if error["type"] == "missing":
        return f"needs an entry number {int(error['loc'][-1]) + 1}"
    size = _size(error["type"], context)
    return size or f"{_allowed(error, context)}, got {_written(error, context)}"


def _allowed(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    needed = expected(error)
    if needed:
        return f"must be {needed}"
    if error["type"] in _BOUNDS:
        words, name = _BOUNDS[error["type"]]
        return f"must be {words} {context[name]:g}"
    if error["type"] == "string_pattern_mismatch":
        return _PATTERNS.get(context["pattern"], f"must match {context['pattern']}")
    return re.sub("^Input should be", "must be", error["msg"])


def _written(error: ErrorDetails, context: Mapping[str, Any]) -> str:
    """The value as it was written, with what is near to it or how it should be written."""
    value = error["input"]
    names = literals(error) if error["type"] == "literal_error" else context.get("names", ())
    return quote(value) + _near(value, names) + _advice(error["type"], value)


def _size(kind: str, context: Mapping[str, Any]) -> str | None:
    if kind == "too_short":
        least = context["min_length"]
        return f"must hold at least {least} {'entry' if least == 1 else 'entries'}, got none"
    if kind == "too_long":
        return f"must hold at most {context['max_length']} entries, got {context['actual_length']}"
    if kind == "string_too_long":
        return f"must have at most {context['max_length']} characters"
    return None


def _advice(kind: str, value: Any) -> str:
    if kind == "string_type" and isinstance(value, int | float):
        return "; put it in quotes"
    if kind in {"tuple_type", "list_type"} and isinstance(value, str):
        return "; write it in square brackets"
    if kind == "bool_type" and isinstance(value, str) and value.lower() in {"yes", "on", "no", "off"}:
        return f"; write {'true' if value.lower() in {'yes', 'on'} else 'false'}"
    return ""


def literals(error: ErrorDetails) -> list[str]:
    """``'a', 'b' or 1`` → ``"a"``, ``"b"``, ``1``."""
    expected = error.get("ctx", {})["expected"]
    return [f'"{text}"' if text else number for text, number in re.findall(r"'([^']*)'|(-?\d+)", expected)]


def join(words: Sequence[str], last: str) -> str:
    """``a, b or c``."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} {last} {words[-1]}"


def _near(value: Any, names: Sequence[str]) -> str:
    bare = [name.strip('"') for name in names]
    return registry.did_you_mean(value, bare) if isinstance(value, str) else ""
