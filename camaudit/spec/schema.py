"""The JSON schema of an audit file, for editors: made from the types, so from the tables of members."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic.json_schema import GenerateJsonSchema

from camaudit.spec.audit import audit_type

if TYPE_CHECKING:
    from pydantic_core import CoreSchema

FILE = Path(__file__).with_name("audit.schema.json")
"""The committed copy, of the built-in members; what editors are pointed at."""


class _Generator(GenerateJsonSchema):
    """Pydantic's generator without a title for every field, which repeats its name."""

    def field_title_should_be_set(self, _: CoreSchema) -> bool:
        return False


def schema() -> dict[str, Any]:
    """The schema as data (JSON Schema, draft 2020-12), with third parties' members where installed."""
    made = audit_type().model_json_schema(schema_generator=_Generator)
    return {**made, "$schema": GenerateJsonSchema.schema_dialect, "title": "camaudit audit"}


def text() -> str:
    """The schema as its file holds it: sorted keys, an indent of 2, a newline at the end."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"
