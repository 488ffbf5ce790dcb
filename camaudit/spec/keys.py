"""Which keys the types allow at a place of a spec: for did-you-mean."""

from __future__ import annotations

from types import UnionType
from typing import TYPE_CHECKING, Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel

from camaudit import registry
from camaudit.spec.types import CheckSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.spec.document import Path


def allowed_keys(root: type, path: Path, data: Any) -> tuple[str, ...]:
    """Names of the fields of the types that may stand at `path`, in the order of their definition."""
    types: list[Any] = [root]
    for depth, key in enumerate(path, start=1):
        data = data[key]
        types = [inner for outer in types for inner in _inside(outer, key)]
        if depth == 2:  # noqa: PLR2004 - an entry of `checks` or `data`: its type is named by a tag
            types = [_tagged(path[0], data)] if path[0] in {"checks", "data"} else types
    models = [kind for outer in types for kind in _flat(outer) if _is_model(kind)]
    return tuple(
        dict.fromkeys(field.alias or name for model in models for name, field in model.model_fields.items())
    )


def _tagged(part: str | int, data: Any) -> Any:
    if part == "checks":
        kind = data.get("kind")
        known = isinstance(kind, str) and kind in registry.names("check")
        return registry.find("check", kind).spec if known else CheckSpec
    return next(registry.find("data", name) for name in registry.names("data") if name in data)


def _inside(annotation: Any, key: str | int) -> Iterator[Any]:
    """The types of what is filed under `key` in a value of type `annotation`."""
    for kind in _flat(annotation):
        origin, arguments = get_origin(kind), get_args(kind)
        if _is_model(kind):
            yield from (
                field.annotation for name, field in kind.model_fields.items() if key in {name, field.alias}
            )
        elif origin is dict:
            yield arguments[1]
        elif origin in {tuple, list} and isinstance(key, int):
            yield arguments[key] if key < len(arguments) and arguments[-1] is not Ellipsis else arguments[0]


def _flat(annotation: Any) -> Iterator[Any]:
    """A type without its annotations, and the members of a union."""
    origin = get_origin(annotation)
    if origin is Annotated:
        yield from _flat(get_args(annotation)[0])
    elif origin in {Union, UnionType}:
        for member in get_args(annotation):
            yield from _flat(member)
    else:
        yield annotation


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)
