"""A file to an `AuditSpec`, or every mistake in it at once, each with file, line and column."""

from __future__ import annotations

import unicodedata
from copy import deepcopy
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from camaudit import registry
from camaudit.errors import Problem, SpecError
from camaudit.spec import nodes, rules
from camaudit.spec.audit import AuditSpec, audit_type
from camaudit.spec.document import Mistake, Place, child, split
from camaudit.spec.messages import translate, unknown_keys
from camaudit.spec.phrases import quote
from camaudit.spec.types import CheckSpec

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pydantic_core import ErrorDetails

    from camaudit.spec.document import Path as Keys

SUFFIX = ".audit.yaml"
MAX_BYTES = 1 << 20
"""A spec is written by hand; what is longer is another kind of file."""
MAX_SNIPPET = 100


def read(path: str | Path) -> AuditSpec:
    """Read an audit file.

    The result knows its file, its text and the line of each check (`AuditSpec.file`, `.source`,
    `.line_of`). Raises `SpecError` with every mistake located (`SpecError.problems`), or with `where` and
    `hint` where there is no text to point into: no such file, a folder, too long.
    """
    path = Path(path)
    raw = _bytes(path)
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = raw[: error.start].decode("utf-8", errors="replace")
        lines = split(before)
        place = Place(len(lines) - 1, len(lines[-1]), len(lines[-1]) + 1)
        message = f"the byte 0x{raw[error.start]:02X} is not UTF-8; save the file as UTF-8"
        raise _error([Mistake(place, (), message)], before, path, None) from None
    return read_text(text, path)


def read_text(text: str, file: str | Path) -> AuditSpec:
    """Read an audit from its text; `file` names it in errors, relative paths start from its folder."""
    file = Path(file)
    document = nodes.load(text)
    mistakes = list(document.mistakes)
    spec = None
    if isinstance(document.data, dict):
        try:
            spec = audit_type().model_validate(document.data)
        except ValidationError as error:
            errors = error.errors(include_url=False)
            mistakes += translate(errors + _hidden(errors, document.data), document, audit_type())
        mistakes += rules.broken(document)
    elif not mistakes:
        message = f"an audit is a mapping (version: 1, name: …), got {quote(document.data)}"
        mistakes.append(Mistake(document.place(()), (), message))
    if mistakes or spec is None:
        raise _error(mistakes, text, file, document.data)
    spec._file, spec._source = file, text  # noqa: SLF001 - what only the reader knows
    spec._lines = {  # noqa: SLF001 - as above
        check.id: document.values["checks", index].line + 1 for index, check in enumerate(spec.checks)
    }
    return spec


def _hidden(errors: list[ErrorDetails], data: dict[str, Any]) -> list[ErrorDetails]:
    """What pydantic did not come to: it checks a gate's sense only in a check without any other mistake.

    Looks again without what cannot matter to a gate: unknown keys, and the keys that every check has.
    """
    pruned = deepcopy(data)
    for path in unknown_keys(errors, data):
        parent: Any = pruned
        for key in path[:-1]:
            parent = parent[key]
        parent.pop(path[-1], None)
    checks = pruned.get("checks")
    for check in checks if isinstance(checks, list) else ():
        if isinstance(check, dict):
            for key in CheckSpec.model_fields.keys() - {"kind"}:
                check.pop(key, None)
            check["id"] = "any"
    try:
        audit_type().model_validate(pruned)
    except ValidationError as error:
        known = {item["loc"] for item in errors}
        again = error.errors(include_url=False)
        return [item for item in again if item["type"] == "value_error" and item["loc"] not in known]
    return []


def _bytes(path: Path) -> bytes:
    try:
        if path.is_dir():
            raise SpecError("is a folder, an audit is a file", where=str(path), hint=_hint(path))
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise SpecError(
                f"is {size:,} bytes long, an audit has at most {MAX_BYTES:,}",
                where=str(path),
                hint="lists of samples belong into a manifest (CSV or JSON lines)",
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise SpecError(
            "there is no such file", where=str(path), hint=_hint(path.parent, path.name)
        ) from None
    except OSError as error:
        raise SpecError(f"cannot be read: {error.strerror}", where=str(path)) from None
    except ValueError as error:  # a null character in the path
        raise SpecError(f"is no path: {error}", where=repr(str(path))) from None


def _hint(folder: Path, name: str = "") -> str:
    """The audits that are there, the nearest first."""
    found = sorted(item.name for item in folder.glob(f"*{SUFFIX}")) if folder.is_dir() else []
    near = registry.nearest(name, found)
    if near:
        return f"did you mean {folder / near}?"
    return (
        f"audits in {folder}: {', '.join(found)}"
        if found
        else "camaudit init IMAGES_FOLDER writes a first audit"
    )


def _error(mistakes: Iterable[Mistake], text: str, file: Path, data: Any) -> SpecError:
    """One `SpecError` for all mistakes, in the order of the file, each said once."""
    distinct: dict[tuple[Place, str], Mistake] = {}
    for item in mistakes:
        distinct.setdefault((item.place, item.message), item)
    lines = split(text)
    problems = [
        Problem(
            message=item.message,
            path=_shown(item.path, data),
            file=_relative(file),
            line=item.place.line + 1,
            column=item.place.column + 1,
            snippet=_snippet(lines, item.place),
        )
        for item in sorted(distinct.values(), key=_order)
    ]
    count = "1 mistake" if len(problems) == 1 else f"{len(problems)} mistakes"
    return SpecError(f"the audit cannot be used: {count}", where=_relative(file), problems=problems)


def _order(mistake: Mistake) -> tuple[int, int]:
    return mistake.place.line, mistake.place.column


def _relative(file: Path) -> str:
    """The file as seen from the working folder, where it lies inside."""
    try:
        return file.relative_to(Path.cwd()).as_posix()
    except (ValueError, OSError):
        return str(file)


def _shown(path: Keys, data: Any) -> str:
    """``checks.on-the-dog.gate``: a check goes by its id where it has one, other positions by number."""
    text = ""
    for depth, key in enumerate(path):
        inner = child(data, key)
        name = inner.get("id") if depth == 1 and path[0] == "checks" and isinstance(inner, dict) else None
        if isinstance(name, str) and name.isprintable() and name:
            text += f".{name}"
        elif isinstance(key, int) and not isinstance(data, dict):
            text += f"[{key}]"
        else:
            text += f".{key}"
        data = inner
    return _printable(text.removeprefix("."), "?")


def _printable(text: str, substitute: str) -> str:
    """Without letters that would move the cursor or colour the terminal."""
    return "".join(letter if letter.isprintable() else substitute for letter in text)


def _snippet(lines: list[str], place: Place) -> str:
    """The line with carets under the stretch that is meant; cut to a window where it is long."""
    line = lines[place.line] if place.line < len(lines) else ""
    start = max(0, place.column - MAX_SNIPPET // 2) if len(line) > MAX_SNIPPET else 0
    shown = "".join(
        letter if letter.isprintable() else " " for letter in line[start : start + MAX_SNIPPET]
    ).rstrip()
    margin = _width(shown[: place.column - start])
    end = min(place.end - start, MAX_SNIPPET)
    carets = "^" * max(1, _width(shown[place.column - start : end]))
    number = str(place.line + 1)
    return f"  {number} | {shown}\n  {' ' * len(number)} | {' ' * margin}{carets}"


def _width(text: str) -> int:
    """Columns of a terminal: wide letters take two, combining ones none."""
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in text)
    return len(text) + wide - sum(unicodedata.combining(letter) > 0 for letter in text)
