"""Pydantic's errors as mistakes: each at its place, once, and of the member of a union that was meant."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from camaudit import registry
from camaudit.spec.base import SourceSpec
from camaudit.spec.document import Mistake
from camaudit.spec.keys import allowed_keys
from camaudit.spec.phrases import expected, join, literals, quote, sentence
from camaudit.spec.types import CheckSpec, VacuousGateError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from pydantic_core import ErrorDetails

    from camaudit.spec.document import Document, Path

TAGGED = {"checks": "check", "data": "data"}
"""The parts of a spec whose entries are a tagged union, and the registry table that their tags come from."""


@dataclass(frozen=True, kw_only=True)
class _Found:
    """An error by its place in the data; `branches` are the members of plain unions that pydantic tried."""

    path: Path
    error: ErrorDetails
    branches: tuple[tuple[int, str], ...] = ()
    key: bool = False

    @property
    def kind(self) -> str:
        return self.error["type"]


def translate(errors: Sequence[ErrorDetails], document: Document, root: type) -> list[Mistake]:
    """Mistakes for pydantic's errors about a document whose type is `root`."""
    untagged = [item["loc"] for item in errors if _is_untagged(item)]
    common = [item for path in untagged for item in _common_keys(path, _at(document.data, path))]
    located = [_locate(error, document.data) for error in (*errors, *common)]
    found = [item for item in _choose(located) if not _is_echo(item)]
    unknown = [item.path for item in found if item.kind == "extra_forbidden"]
    suggested = {(*path[:-1], _suggestion(path, document.data, root)) for path in unknown}
    mistakes = list(_missing([item for item in found if item.path not in suggested], document))
    for item in found:
        if _is_untagged(item.error):
            mistakes.append(_untagged(item.path, document))
        elif item.kind == "extra_forbidden":
            mistakes.append(_unknown_key(item.path, document, root))
        elif not _is_missing_key(item):
            mistakes.append(_mistake(item, document))
    return mistakes


def unknown_keys(errors: Sequence[ErrorDetails], data: Any) -> list[Path]:
    """Where the keys stand that no type knows."""
    return [_locate(error, data).path for error in errors if error["type"] == "extra_forbidden"]


def _locate(error: ErrorDetails, data: Any) -> _Found:
    """Follow an error's loc through the data; what does not lead anywhere names a member of a union."""
    path: list[str | int] = []
    branches: list[tuple[int, str]] = []
    loc = error["loc"]
    for index, item in enumerate(loc):
        if item == "[key]":
            return _Found(path=tuple(path), error=error, branches=tuple(branches), key=True)
        if index == 2 and loc[0] in TAGGED:  # noqa: PLR2004 - checks, 0, <tag>
            continue
        inside = (
            item in data if isinstance(data, dict) else isinstance(data, list) and item in range(len(data))
        )
        if inside or (error["type"] == "missing" and index == len(loc) - 1):
            path.append(item)
            data = data[item] if inside else None
        else:
            branches.append((len(path), str(item)))
    return _Found(path=tuple(path), error=error, branches=tuple(branches))


def _choose(found: list[_Found]) -> list[_Found]:
    """For every plain union keep the errors of the member that was meant, or one error that names all."""
    chosen = [item for item in found if not item.branches]
    unions: dict[Path, dict[str, list[_Found]]] = defaultdict(lambda: defaultdict(list))
    for item in found:
        if item.branches:
            depth, tag = item.branches[0]
            unions[item.path[:depth]][tag].append(replace(item, branches=item.branches[1:]))
    for path, members in unions.items():
        resolved = [_choose(items) for items in members.values()]
        meant = [
            items
            for items in resolved
            if not any(item.path == path and expected(item.error) for item in items)
        ]
        fewest = min(meant, key=len) if meant else [_merged(resolved)]
        chosen += fewest
    return chosen


def _merged(members: list[list[_Found]]) -> _Found:
    errors = [item for items in members for item in items if expected(item.error)]
    allowed = [name for item in errors if item.kind == "literal_error" for name in literals(item.error)]
    types = [expected(item.error) for item in errors if item.kind != "literal_error"]
    phrases = list(dict.fromkeys([*allowed, *types]))
    first = errors[0]
    context = {"phrases": phrases, "names": allowed}
    return replace(first, error={**first.error, "type": "no_member", "ctx": context})


def _is_untagged(error: ErrorDetails) -> bool:
    """Whether an entry of `checks` or `data` is of no known kind."""
    untagged = error["type"] in {"union_tag_invalid", "union_tag_not_found"}
    return untagged and len(error["loc"]) == 2 and error["loc"][0] in TAGGED  # noqa: PLR2004 - checks, 0


def _is_missing_key(item: _Found) -> bool:
    return item.kind == "missing" and isinstance(item.path[-1], str)


def _is_echo(item: _Found) -> bool:
    """Pydantic counts valid entries only: a list of one broken entry is "too short" as well."""
    return item.kind == "too_short" and len(item.error["input"]) >= item.error.get("ctx", {})["min_length"]


def _missing(found: list[_Found], document: Document) -> Iterator[Mistake]:
    """One mistake for all keys that a mapping lacks."""
    lacking: dict[Path, list[str]] = defaultdict(list)
    for item in found:
        if _is_missing_key(item):
            lacking[item.path[:-1]].append(f'"{item.path[-1]}"')
    for path, names in lacking.items():
        word = "key" if len(names) == 1 else "keys"
        yield Mistake(document.place(path), path, f"needs the {word} {join(names, 'and')}")


def _mistake(item: _Found, document: Document) -> Mistake:
    error, path = item.error, item.path
    raised = error.get("ctx", {}).get("error")
    if isinstance(raised, VacuousGateError):
        path = _bound_path(raised, path, document.data)
    message = sentence(item.error)
    if item.kind == "missing":
        return Mistake(document.place(path[:-1]), path[:-1], message)
    return Mistake(document.key(path) if item.key else document.place(path), path, message)


def _unknown_key(path: Path, document: Document, root: type) -> Mistake:
    suggestion = _suggestion(path, document.data, root)
    allowed = [name for name in allowed_keys(root, path[:-1], document.data) if name is not None]
    hint = f', did you mean "{suggestion}"?' if suggestion else f"; allowed: {', '.join(allowed)}"
    return Mistake(document.key(path), path, f"unknown key{hint}")


def _suggestion(path: Path, data: Any, root: type) -> str | None:
    """The key that was probably meant: near, and not there yet."""
    parent = _at(data, path[:-1])
    free = [name for name in allowed_keys(root, path[:-1], data) if name not in parent]
    return registry.nearest(str(path[-1]), free)


def _untagged(path: Path, document: Document) -> Mistake:
    """Why an entry of `checks` or `data` is of no known kind."""
    entry = _at(document.data, path)
    if not isinstance(entry, dict):
        return Mistake(document.place(path), path, f"must be a mapping (key: value), got {quote(entry)}")
    return _kind(path, entry, document) if path[0] == "checks" else _source(path, entry, document)


def _kind(path: Path, entry: dict[str, Any], document: Document) -> Mistake:
    kinds = registry.names("check")
    if "kind" in entry:
        place, value = (*path, "kind"), entry["kind"]
        near = registry.did_you_mean(value, kinds) if isinstance(value, str) else ""
        text = f"unknown kind of check {quote(value)}{near or ';'} allowed: {', '.join(kinds)}"
        return Mistake(document.place(place), place, text)
    free = set(CheckSpec.model_fields) - entry.keys()
    for key in entry:
        if key not in CheckSpec.model_fields and registry.nearest(str(key), free) == "kind":
            return Mistake(document.key((*path, key)), (*path, key), 'unknown key, did you mean "kind"?')
    listed = ", ".join(kinds)
    return Mistake(document.place(path), path, f'needs the key "kind", one of {listed}')


def _common_keys(path: Path, entry: Any) -> list[ErrorDetails]:
    """Errors in the keys that every check has, for a check of no known kind."""
    if path[0] != "checks" or not isinstance(entry, dict):
        return []
    known = {key: value for key, value in entry.items() if key in CheckSpec.model_fields}
    try:
        CheckSpec.model_validate({**known, "kind": "unknown"})
    except ValidationError as error:
        errors = error.errors(include_url=False)
        return [{**item, "loc": (*path, "unknown", *item["loc"])} for item in errors]
    return []


def _source(path: Path, entry: dict[str, Any], document: Document) -> Mistake:
    sources = registry.names("data")
    given = [name for name in entry if name in sources]
    if len(given) > 1:
        place = (*path, given[1])
        text = f'a data set has one source, and "{given[0]}" is given already; make two data sets of them'
        return Mistake(document.key(place), place, text)
    for key in entry:
        near = registry.nearest(str(key), sources)
        if near and key not in SourceSpec.model_fields:
            return Mistake(document.key((*path, key)), (*path, key), f'unknown key, did you mean "{near}"?')
    text = f"needs a source, one of the keys {', '.join(sources)}"
    return Mistake(document.place(path), path, text)


def _bound_path(error: VacuousGateError, path: Path, data: Any) -> Path:
    """The bound that an error about a gate means, somewhere below the check that raised it."""
    inside = _at(data, path)
    for key, value in inside.items() if isinstance(inside, dict) else ():
        if key == error.side and error.is_bound(value):
            return (*path, key)
        deeper = _bound_path(error, (*path, key), data)
        if deeper != (*path, key):
            return deeper
    return path


def _at(data: Any, path: Path) -> Any:
    for item in path:
        data = data[item]
    return data
