"""What every part of a spec keeps: frozen, strict, and each of its keys described."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from camaudit.contract.clause import refuses, require

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from camaudit.spec.base import StrictModel

UNKNOWN = "no_such_key"


def require_strict(part: type[StrictModel], keys: Mapping[str, Any]) -> None:
    """Require that it is frozen and refuses keys that it does not know: a misspelt one would do nothing."""
    made = part(**keys)
    first = next(iter(part.model_fields))
    refuses(
        lambda: setattr(made, first, getattr(made, first)), ValidationError, f"another value for {first!r}"
    )
    refuses(lambda: part(**{**keys, UNKNOWN: 1}), ValidationError, f"the key {UNKNOWN!r}")


def require_described(part: type[StrictModel], but: Collection[str] = ()) -> None:
    """Require a description of every key, `but` of these: it is what an editor and the reference show."""
    nameless = [key for key, field in part.model_fields.items() if not field.description and key not in but]
    require(not nameless, f"keys without a description: {', '.join(nameless)}")
