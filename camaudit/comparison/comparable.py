"""Why the numbers of one check in two runs cannot be subtracted, and which way they get worse."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit import registry
from camaudit.comparison.changes import LAYER, decides, fields_of
from camaudit.errors import CamauditError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.comparison.record import Worse
    from camaudit.result import AuditResult, CheckResult

MAPS = {
    "method": "map method",
    "layer": "layer",
    "call": "call of the layer",
    "relu": "finish of the maps",
    "target": "target of the maps",
}


def why_not(before: CheckResult, after: CheckResult) -> tuple[str, ...]:
    """Reasons against subtracting the numbers of a check; empty where there is none.

    Another kind, another number, other maps, or another value of any parameter that decides the numbers. The
    network, the gates, the sample and words may differ: which images are the same is told one by one.
    """
    if before.kind != after.kind:
        return (f"another kind of check: {before.kind} → {after.kind}",)
    return tuple(dict.fromkeys([*_number(before, after), *_maps(before, after), *_parameters(before, after)]))


def layers_note(before: CheckResult, after: CheckResult) -> str:
    """What to know where the same wish was met by other layers; empty where it was not."""
    was, now = (
        sorted(key.removeprefix(LAYER) for key in item.parameters if key.startswith(LAYER))
        for item in (before, after)
    )
    if was == now or not was or not now:
        return ""
    return f"Maps are of other layers: {', '.join(was)} before, {', '.join(now)} after."


def worse_of(result: AuditResult, check: CheckResult) -> Worse:
    """Which way the ranking number of a check gets worse: as its spec says, else its gate, else None."""
    from camaudit.spec.read import read_text

    try:
        spec = read_text(result.spec_text, result.spec_file or "spec")
        own = next((item for item in spec.checks if item.id == check.id), None)
        if own is not None:
            worse: Worse = registry.find("check", check.kind).worst(own)
            return worse
    except CamauditError:
        pass  # a spec of another version, or of members that are not installed here: its gates still tell
    ranking = next(iter(check.columns), "")
    sides = {item.direction for item in check.findings if item.column == ranking and item.direction}
    return {"at_least": "low", "at_most": "high"}[sides.pop()] if len(sides) == 1 else None  # type: ignore[return-value]


def _number(before: CheckResult, after: CheckResult) -> Iterable[str]:
    was, now = (next(iter(item.columns), None) for item in (before, after))
    if was is not None and now is not None and was != now:
        yield f"another number: {was} → {now}"


def _maps(before: CheckResult, after: CheckResult) -> Iterable[str]:
    # Results of format 1 say nothing of maps but what the parameters hold.
    if before.maps and after.maps:
        for key, text in MAPS.items():
            was, now = before.maps.get(key), after.maps.get(key)
            if was != now:
                yield f"another {text}: {was} → {now}"


def _parameters(before: CheckResult, after: CheckResult) -> Iterable[str]:
    # Target and finish of maps stand in both places.
    told = {"target", "relu"} if before.maps and after.maps else set()
    for key in dict.fromkeys([*before.parameters, *after.parameters]):
        was, now = (_value(item, key) for item in (before, after))
        if decides(before.kind, key) and key not in told and was != now:
            yield f"another {key}: {was or 'none'} → {now or 'none'}"


def _value(check: CheckResult, key: str) -> str | None:
    """A recorded setting, or the default of a key that a version before did not have."""
    if key in check.parameters:
        return check.parameters[key]
    field = (fields_of(check.kind) or {}).get(key)
    if field is None or field.is_required() or field.default is None:
        return None
    return str(field.get_default(call_default_factory=True))
