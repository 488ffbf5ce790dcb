"""The generated parts of the site, as Markdown: commands, members of the tables, keys of a spec.

All of it is read from what the program itself reads, so that a new command, member or kind of check shows up
by itself. Help texts and tables load without pydantic, numpy and torch; kinds of check and data sources do
not, and are read from the JSON schema in the package, which a test keeps current.
"""

from __future__ import annotations

import json
import re
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from camaudit import cli, registry
from camaudit.commands.listing import TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

SCHEMA = Path(__file__).resolve().parents[1] / "camaudit/spec/audit.schema.json"
WIDTH = 100
MANY = 10
"""Of more values than these only the number is told; the page of members has them."""

PATTERNS = {
    r"^[A-Za-z0-9][A-Za-z0-9._-]*$": "a name",
    r"^[A-Za-z0-9][A-Za-z0-9_-]*$": "a name",
    r"^[A-Za-z_][A-Za-z0-9_]*$": "a name",
    r"^[A-Za-z_][\w.]*:.+$": "`module:callable`",
    r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$": "`module:callable`",
    r"^(iou|box_iou)@[0-9.]+$": "`iou@…`, `box_iou@…`",
    r"^[0-9a-f]{64}$": "64 hexadecimal digits",
    r"\.json$": "a `.json` file",
}
"""What texts of a pattern are called. Fractions are told by their slash."""


def commands() -> str:
    """Every command's help, as the terminal shows it."""
    return "\n".join(_command(name) for name in ("", *cli.COMMANDS))


def _command(name: str) -> str:
    title = f"camaudit {name}".strip()
    parent = click.Context(cli.cli)
    command = cli.cli.get_command(parent, name) if name else cli.cli
    assert command is not None
    context = click.Context(
        command,
        info_name=title,
        terminal_width=WIDTH,
        max_content_width=WIDTH,
        help_option_names=["-h", "--help"],
    )
    return f"## {title}\n\n```text\n{command.get_help(context)}\n```\n"


def maps() -> str:
    """The table of map methods."""
    return _listed("maps")


def metrics() -> str:
    """The table of metrics."""
    return _listed("metrics")


def attacks() -> str:
    """The table of attacks."""
    return _listed("attacks")


def corruptions() -> str:
    """The table of corruptions."""
    return _listed("corruptions")


def _listed(part: str) -> str:
    head, rows = TABLES[part]()
    return _table([cell.capitalize() for cell in head], ([f"`{first}`", *rest] for first, *rest in rows))


def checks() -> str:
    """Kinds of check and what they ask, with links to their keys."""
    return _table(
        ["Kind", "What it asks"], ([f"[`{kind}`](spec.md#{kind})", _what(own)] for kind, own in _kinds())
    )


def sources() -> str:
    """Data sources and what they read, with links to their keys."""
    return _table(
        ["Key", "What it reads"], ([f"[`{key}`](spec.md#data-{key})", _what(own)] for key, own in _sources())
    )


def keys() -> str:
    """Every key of a spec: the file, data sources, kinds of check, and the parts that these share."""
    schema = _schema()
    common = _common([own for _, own in _kinds()])
    return "\n".join(
        [
            _section("The file", "the-file", schema, schema["properties"], level=2),
            "## Data sources\n",
            *(_section(f"`{key}`", f"data-{key}", own, own["properties"]) for key, own in _sources()),
            "## Checks\n",
            _section("Keys of every check", "every-check", {}, common),
            *(_section(f"`{kind}`", kind, own, _beyond(own, common)) for kind, own in _kinds()),
            "## Parts\n",
            *(_section(*_place(name), own, own["properties"]) for name, own in _parts()),
        ]
    )


PARTS: dict[str, Callable[[], str]] = {
    "commands": commands,
    "maps": maps,
    "metrics": metrics,
    "attacks": attacks,
    "corruptions": corruptions,
    "checks": checks,
    "sources": sources,
    "keys": keys,
}
"""What a page may ask for."""


@cache
def _schema() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(SCHEMA.read_text(encoding="utf-8"))
    return found


def _kinds() -> list[tuple[str, dict[str, Any]]]:
    """Kinds of check and their types."""
    schema = _schema()
    names = [_name(item["$ref"]) for item in schema["properties"]["checks"]["items"]["oneOf"]]
    return [(_place(name)[1], schema["$defs"][name]) for name in names]


def _sources() -> list[tuple[str, dict[str, Any]]]:
    """Keys of data sources and their types."""
    schema = _schema()
    (values,) = schema["properties"]["data"]["patternProperties"].values()
    names = [_name(item["$ref"]) for item in values["oneOf"]]
    return [(_place(name)[1].removeprefix("data-"), schema["$defs"][name]) for name in names]


def _parts() -> Iterator[tuple[str, dict[str, Any]]]:
    """Types that are neither a kind of check nor a data source."""
    for name, own in _schema()["$defs"].items():
        if _place(name)[1].startswith("part-"):
            yield name, own


@cache
def _place(name: str) -> tuple[str, str]:
    """What a type is called on the page, and its anchor."""
    properties = _schema()["$defs"][name]["properties"]
    if "kind" in properties:
        kind = properties["kind"]["const"]
        return f"`{kind}`", kind
    for key in registry.names("data"):
        if name.endswith("Source") and key in properties:
            return f"`{key}`", f"data-{key}"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removesuffix("Spec")).lower()
    return words, f"part-{words.replace(' ', '-')}"


def _common(kinds: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Properties that all kinds have; as most of them have them."""
    shared = set.intersection(*(set(own["properties"]) for own in kinds)) - {"kind", "gate"}
    found = {}
    for key in kinds[0]["properties"]:
        if key in shared:
            written = [json.dumps(own["properties"][key], sort_keys=True) for own in kinds]
            found[key] = json.loads(max(written, key=written.count))
    return found


def _beyond(own: dict[str, Any], common: dict[str, Any]) -> dict[str, Any]:
    """A kind's properties that are not those of every check."""
    return {
        key: value for key, value in own["properties"].items() if key != "kind" and common.get(key) != value
    }


def _section(
    title: str, anchor: str, own: dict[str, Any], properties: dict[str, Any], *, level: int = 3
) -> str:
    required = set(own.get("required", ()))
    rows = (
        [f"`{key}`", _takes(value), _default(value, needed=key in required), _what(value)]
        for key, value in sorted(properties.items(), key=lambda item: item[0] not in required)
    )
    table = _table(["Key", "Takes", "Default", ""], rows)
    more = "\nFurther keys are allowed.\n" if own.get("additionalProperties") else ""
    return f"{'#' * level} {title} {{#{anchor}}}\n\n{_what(own)}\n\n{table}{more}"


def _takes(value: dict[str, Any]) -> str:
    """What a key may hold, in words."""
    if "$ref" in value:
        title, anchor = _place(_name(value["$ref"]))
        return f"[{title}](#{anchor})"
    if "const" in value:
        return _code(value["const"])
    if "enum" in value:
        values = value["enum"]
        return f"one of [{len(values)} names](members.md)" if len(values) > MANY else _codes(values)
    for choice in ("anyOf", "oneOf"):
        if choice in value:
            return " or ".join(dict.fromkeys(_takes(item) for item in value[choice]))
    return _typed(value)


def _typed(value: dict[str, Any]) -> str:
    kind = value.get("type")
    if kind == "array":
        items = value.get("prefixItems")
        return f"[{', '.join(map(_takes, items))}]" if items else f"list of: {_takes(value.get('items', {}))}"
    if kind == "object":
        (held, *_) = (*value.get("patternProperties", {}).values(), value.get("additionalProperties", {}))
        return f"names, each with: {_takes(held)}" if isinstance(held, dict) and held else "names and values"
    if kind == "string":
        pattern = value.get("pattern", "")
        return "a fraction" if "/" in pattern else PATTERNS[pattern] if pattern else "text"
    words = {"integer": "a whole number", "number": "a number", "boolean": "`true`, `false`", "null": "null"}
    ends = [
        f"{sign} {value[key]}"
        for key, sign in (
            ("minimum", "≥"),
            ("exclusiveMinimum", ">"),
            ("maximum", "≤"),
            ("exclusiveMaximum", "<"),
        )
        if key in value
    ]
    return " ".join([words[kind] if kind else "anything", *([", ".join(ends)] if ends else [])])


def _default(value: dict[str, Any], *, needed: bool) -> str:
    if needed:
        return "**needed**"
    default = _bare(value.get("default"))
    return "" if default in (None, "", [], {}) else _code(default)


def _bare(default: Any) -> Any:
    """A default without the keys that are left out of it."""
    if isinstance(default, dict):
        return {key: _bare(item) for key, item in default.items() if item is not None}
    return default


def _what(own: dict[str, Any]) -> str:
    text = " ".join(own.get("description", "").split())
    return re.sub(r"``(.+?)``", r"`\1`", text)


def _name(reference: str) -> str:
    return reference.rpartition("/")[2]


def _code(value: Any) -> str:
    if isinstance(value, str):
        return f"`{value}`"
    text = re.sub(r'"(\w+)"', r"\1", json.dumps(value, ensure_ascii=False))
    return f"`{text}`"


def _codes(values: Iterable[Any]) -> str:
    return ", ".join(map(_code, values))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |\n" for line in lines)
