"""What must fit together across a spec. Reads the plain data, so it reports beside mistakes elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from camaudit import registry
from camaudit.spec.document import Mistake
from camaudit.spec.phrases import quote
from camaudit.spec.types import MapsSpec

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.spec.document import Document, Path

MAIN = "model"
"""The name that the audit's own network goes by; see `camaudit.plan.MAIN`."""


def broken(document: Document) -> Iterator[Mistake]:
    """Every rule that the document breaks, wherever the parts that a rule needs are there."""
    checks = _checks(document.data)
    yield from _repeated_ids(checks, document)
    yield from _unknown_data(checks, document)
    yield from _unknown_models(checks, document)
    yield from _tuned_on_audited(checks, document)
    yield from _toothless_controls(checks, document)
    yield from _pictures_as_evidence(checks, document)
    yield from _nothing_to_compare(checks, document)


def _checks(data: Any) -> dict[Path, dict[str, Any]]:
    checks = data.get("checks") if isinstance(data, dict) else None
    listed = enumerate(checks) if isinstance(checks, list) else ()
    return {("checks", index): check for index, check in listed if isinstance(check, dict)}


def _names(document: Document, part: str) -> list[str] | None:
    """The names under `data` or `models`; None where that part is broken itself."""
    value = document.data.get(part, {}) if isinstance(document.data, dict) else None
    return [str(name) for name in value] if isinstance(value, dict) else None


def _repeated_ids(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    first: dict[str, int] = {}
    for path, check in checks.items():
        name, place = check.get("id"), document.place((*path, "id"))
        if not isinstance(name, str):
            continue
        if name in first:
            text = f"the id {quote(name)} is taken by the check in line {first[name]}; ids are unique"
            yield Mistake(place, (*path, "id"), text)
        first.setdefault(name, place.line + 1)


def _unknown_data(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    names = _names(document, "data")
    if not names:
        return
    for path, check in checks.items():
        name = check.get("data")
        if name is None and len(names) > 1:
            yield Mistake(document.place(path), path, f'needs the key "data", one of {", ".join(names)}')
        elif isinstance(name, str) and name not in names:
            text = _no_such("data set", name, names)
            yield Mistake(document.place((*path, "data")), (*path, "data"), text)


def _unknown_models(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    names = _names(document, "models")
    if names is None:
        return
    if MAIN in names:
        text = f'"{MAIN}" is the name of the audit\'s own network; choose another'
        yield Mistake(document.key(("models", MAIN)), ("models", MAIN), text)
    for path, check in checks.items():
        name = check.get("model")
        if isinstance(name, str) and name not in names:
            own = "; leave the key out for the audit's own network"
            text = _no_such("network in models", name, names) + (own if name == MAIN or not names else "")
            yield Mistake(document.place((*path, "model")), (*path, "model"), text)


def _tuned_on_audited(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    """Calibration on a data set that does not exist, or on the audited one itself."""
    names = _names(document, "data")
    for path, check in checks.items():
        calibration = check.get("calibration")
        name = calibration.get("data") if isinstance(calibration, dict) else None
        if not names or not isinstance(name, str):
            continue
        place = (*path, "calibration", "data")
        if name not in names:
            yield Mistake(document.place(place), place, _no_such("data set", name, names))
        elif name == check.get("data", names[0]):
            text = (
                f"{quote(name)} is the data that is audited, and thresholds may not be tuned on it; "
                'leave "data" out to split "n" samples off, or name another data set'
            )
            yield Mistake(document.place(place), place, text)


def _toothless_controls(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    for path, check in checks.items():
        if check.get("expect") == "fail" and check.get("severity") == "warn":
            text = '"expect: fail" marks a control that must fail, so "severity: warn" would switch it off'
            yield Mistake(document.place((*path, "severity")), (*path, "severity"), text)


def _pictures_as_evidence(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    """Gates on maps of methods that are pictures only."""
    for path, check in checks.items():
        own = isinstance(check.get("maps"), dict)
        maps = check["maps"] if own else document.data.get("maps", {})
        method = maps.get("method", MapsSpec().method) if isinstance(maps, dict) else None
        if _gated(check) and isinstance(method, str) and not _is_evidence(method):
            place = (*path, "maps", "method") if own else ("maps", "method")
            text = f"{quote(method)} makes pictures, not evidence: no gate may rest on it"
            yield Mistake(document.place(place), place, text)


def _nothing_to_compare(checks: dict[Path, dict[str, Any]], document: Document) -> Iterator[Mistake]:
    """A check `of` which another one compares: it has to exist, and to measure something itself."""
    kinds = {check["id"]: check.get("kind") for check in checks.values() if isinstance(check.get("id"), str)}
    for path, check in checks.items():
        name = check.get("of")
        if check.get("kind") != "drift" or not isinstance(name, str):
            continue
        place = (*path, "of")
        allowed = [key for key, kind in kinds.items() if kind != "drift"]
        if name not in kinds:
            yield Mistake(document.place(place), place, _no_such("check", name, allowed))
        elif kinds[name] == "drift":
            text = f"{quote(name)} compares and measures nothing itself; allowed: {', '.join(allowed)}"
            yield Mistake(document.place(place), place, text)


def _gated(check: dict[str, Any]) -> bool:
    """Whether a check decides something: its kind has a gate, written or by default."""
    kind = check.get("kind")
    if isinstance(kind, str) and kind in registry.names("check"):
        return "gate" in registry.find("check", kind).spec.model_fields
    return "gate" in check


def _is_evidence(method: str) -> bool:
    """Whether a gate may rest on a method's maps; an unknown name is reported where it stands."""
    return method not in registry.names("map") or bool(registry.find("map", method).evidence)


def _no_such(what: str, name: str, names: list[str]) -> str:
    listed = f"; there are: {', '.join(names)}" if names else ""
    return f"there is no {what} {quote(name)}{registry.did_you_mean(name, names) or listed}"
