"""What every part of a spec shares: strict frozen models, numbers written as fractions, names from tables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
)
from pydantic_core import CoreSchema, core_schema

from camaudit import registry

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from camaudit.data.sample import Listing


def _make_scalars_strict(schema: Any) -> None:
    if isinstance(schema, dict):
        if schema.get("type") in {"bool", "float", "int", "str"}:
            schema["strict"] = True
        for part in schema.values():
            _make_scalars_strict(part)
    elif isinstance(schema, list | tuple):
        for part in schema:
            _make_scalars_strict(part)


class StrictModel(BaseModel):
    """A frozen part of a spec that refuses unknown keys, NaN, and values of another type.

    Numbers, booleans and text are never turned into one another: ``n: true`` and ``relu: "no"`` are
    mistakes. (`strict` of pydantic's configuration would refuse lists for tuples as well.)
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        use_attribute_docstrings=True,
        protected_namespaces=(),
    )

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        schema = handler(source)
        _make_scalars_strict(schema)
        return schema


_DECIMAL = r"[-+]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,3})?"
_NUMBER = re.compile(rf"\s*({_DECIMAL})\s*(?:/\s*({_DECIMAL})\s*)?")


def _number(value: Any) -> Any:
    """Read the texts ``8/255`` and ``"1e-3"`` as numbers; leave the rest to pydantic."""
    if isinstance(value, str):
        match = _NUMBER.fullmatch(value)
        divisor = float(match[2] or 1) if match else 0.0
        if match is None or divisor == 0:
            raise ValueError(f"must be a number such as 0.03, 8/255 or 1e-3, got {value[:60]!r}")
        return float(match[1]) / divisor
    return value


def loose_number(value: Any) -> Any:
    """The texts ``8/255`` and ``1e-3`` as numbers, anything else as it is: for keys whose type is unknown."""
    if not isinstance(value, str) or _NUMBER.fullmatch(value) is None:
        return value
    return _number(value)


Number = Annotated[
    float,
    BeforeValidator(_number),
    WithJsonSchema({"anyOf": [{"type": "number"}, {"type": "string", "pattern": f"^{_NUMBER.pattern}$"}]}),
]
"""A float; a fraction such as ``8/255`` may be written."""

Share = Annotated[Number, AfterValidator(lambda value: _within(value, 0.0, 1.0))]
"""A number from 0 to 1."""


def _within(value: float, low: float, high: float) -> float:
    if not low <= value <= high:
        raise ValueError(f"must lie between {low:g} and {high:g}, got {value:g}")
    return value


@dataclass(frozen=True)
class _Member:
    """Admits the names of a registry table; looks into the table when it is used, not when it is imported."""

    table: str
    base: Callable[[str], str]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_after_validator_function(self.known, handler(source))

    def __get_pydantic_json_schema__(self, _: CoreSchema, __: GetJsonSchemaHandler) -> dict[str, Any]:
        plain: list[str] = []
        extended: list[str] = []
        # Members themselves are looked at only where they can have one: an attack's loads torch.
        asked = registry.TABLES[self.table].parameters
        for name in registry.names(self.table):
            takes = asked and registry.find(self.table, name).parameter is not None
            (extended if takes else plain).append(name)
        names = {"type": "string", "enum": plain}
        if not extended:
            return names
        return {"anyOf": [names, {"type": "string", "pattern": f"^({'|'.join(extended)})@[0-9.]+$"}]}

    def known(self, name: str) -> str:
        """The name itself. Raises `ValueError` with a suggestion where the table does not hold it."""
        allowed = registry.names(self.table)
        if self.base(name) not in allowed:
            kind = registry.TABLES[self.table].kind
            near = registry.did_you_mean(name, allowed)
            raise ValueError(f"unknown {kind} {name!r}{near or ';'} allowed: {', '.join(allowed)}")
        return name


def member_of(table: str, base: Callable[[str], str] = lambda name: name) -> Any:
    """A text type that only admits names of a registry table; the schema lists them."""
    return _Member(table, base)


class SourceSpec(StrictModel):
    """Common keys of every data source. A source adds its own and says how to list its samples."""

    allow_unusable: Share = 0.0
    """The share of listed samples that may be unusable (no mask, unreadable, unknown label …) before the
    checks on this data become an ERROR. Every unusable sample is listed with its reason either way."""

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """List the samples; `base` is the folder that relative paths start from. No pixel is read."""
        raise NotImplementedError
