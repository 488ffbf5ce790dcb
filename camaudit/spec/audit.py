"""The type of a whole audit file, put together from the tables of checks and of data sources."""

from __future__ import annotations

from functools import cache, reduce
from operator import or_
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Discriminator, Field, PrivateAttr, Tag, create_model

from camaudit import registry
from camaudit.spec.base import SourceSpec  # noqa: TC001 - pydantic reads the annotation at run time
from camaudit.spec.types import AuditBase, CheckSpec, Identifier

if TYPE_CHECKING:
    from collections.abc import Callable


class AuditSpec(AuditBase):
    """What the user meant. `data` and `checks` hold the types that the tables list."""

    data: dict[Identifier, SourceSpec]
    checks: tuple[CheckSpec, ...]

    _file: Path = PrivateAttr(default=Path("audit.yaml"))
    _lines: dict[str, int] = PrivateAttr(default_factory=dict)
    _source: str = PrivateAttr(default="")

    @property
    def file(self) -> Path:
        """Where it was read from."""
        return self._file

    @property
    def base(self) -> Path:
        """The folder that relative paths start from: the spec's own."""
        return self._file.parent

    @property
    def source(self) -> str:
        """The text as read; goes into the record."""
        return self._source

    def line_of(self, check_id: str) -> int:
        """The line where a check starts (1 where unknown)."""
        return self._lines.get(check_id, 1)


@cache
def audit_type() -> type[AuditSpec]:
    """The audit type with every member of the tables admitted."""
    checks = {name: registry.find("check", name).spec for name in registry.names("check")}
    sources = {name: registry.find("data", name) for name in registry.names("data")}
    check: Any = Annotated[_union(checks), Discriminator(_kind)]
    source: Any = Annotated[_union(sources), Discriminator(_source_key(tuple(sources)))]
    return create_model(
        "AuditSpec",
        __base__=AuditSpec,
        __doc__=AuditSpec.__doc__,
        data=(Annotated[dict[Identifier, source], Field(min_length=1)], ...),
        checks=(Annotated[tuple[check, ...], Field(min_length=1)], ...),
    )


def _union(members: dict[str, Any]) -> Any:
    return reduce(or_, (Annotated[member, Tag(name)] for name, member in members.items()))


def _kind(value: Any) -> str | None:
    kind = value.get("kind") if isinstance(value, dict) else getattr(value, "kind", None)
    return kind if isinstance(kind, str) else None


def _source_key(sources: tuple[str, ...]) -> Callable[[Any], str | None]:
    def key(value: Any) -> str | None:
        present = value if isinstance(value, dict) else getattr(type(value), "model_fields", {})
        found = [name for name in sources if name in present]
        return found[0] if len(found) == 1 else None

    return key
