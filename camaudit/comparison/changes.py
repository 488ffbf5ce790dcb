"""What is not the same in two records: networks, data, spec, environment. Facts only, side by side."""

from __future__ import annotations

from difflib import unified_diff
from typing import TYPE_CHECKING

from camaudit import registry
from camaudit.baseline import LEFT_OUT
from camaudit.comparison.record import Change, Part
from camaudit.errors import CamauditError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pydantic.fields import FieldInfo

    from camaudit.result import AuditResult, CheckResult, ModelRecord, Population

DATA_HASH = "sha256 of the data used"
MAIN = "model"
"""The name of the audit's own network, as `plan.MAIN`."""
GATES = {"gate", "per_class"}
OF_MAPS = ("map method", "layout", "target", "relu", "resize")
"""Parameters about maps, which a spec has in a key of their own."""
LAYER = "layer "
"""In front of the layer's name, in a check's parameters."""


def models(old: AuditResult, new: AuditResult) -> Part:
    """Networks that only one has, and every fact of a network of both that differs."""
    mine, its = ({item.name: item for item in result.models} for result in (old, new))
    changes: list[Change] = []
    for name in dict.fromkeys([*mine, *its]):
        before, after = mine.get(name), its.get(name)
        facts = [_network(item) if item is not None else {} for item in (before, after)]
        if before is None or after is None:
            there = tuple("there" if item is not None else None for item in (before, after))
            changes.append(Change(term=f"network {name}", before=there[0], after=there[1]))
            continue
        changes += [
            Change(
                term=item.term if name == MAIN else f"{name}: {item.term}",
                before=item.before,
                after=item.after,
            )
            for item in differing(*facts)
        ]
    same = {name for name in mine.keys() & its.keys() if mine[name].fingerprint == its[name].fingerprint}
    notes = [
        f"Network “{name}” has the same fingerprint in both: weights, classes and preprocessing are the "
        "same. Its code is not compared."
        for name in sorted(same)
    ]
    return Part(changes=tuple(changes), notes=tuple(notes))


def _network(model: ModelRecord) -> dict[str, str]:
    return {
        "built by": model.factory,
        "weights": model.weights or "none loaded from a file",
        "weights sha256": model.weights_sha256 or "none",
        "fingerprint": model.fingerprint,
        "parameters": f"{model.parameters:,}",
        "classes": f"{model.classes:,}",
        "preprocessing": model.preprocess,
        **{f"{LAYER}{name}": why for name, why in model.layers.items()},
    }


def data(pairs: Iterable[tuple[CheckResult, CheckResult]]) -> Part:
    """What differs in the samples of the checks of both, said once for all checks of which it is true."""
    found: dict[tuple[tuple[str, str | None, str | None], ...], list[str]] = {}
    for before, after in pairs:
        facts = [{} if item.population is None else _drawn(item.population) for item in (before, after)]
        changes = differing(*facts)
        if changes:
            key = tuple((item.term, item.before, item.after) for item in changes)
            found.setdefault(key, []).append(before.id)
    return Part(
        changes=tuple(
            Change(term=f"{term} ({', '.join(ids)})", before=was, after=now)
            for key, ids in found.items()
            for term, was, now in key
        )
    )


def _drawn(population: Population) -> dict[str, str]:
    return {
        "data": population.data,
        "found": f"{population.found:,}",
        "unusable": f"{sum(population.unusable.values()):,}",
        "drawn": f"{population.drawn:,}",
        "used": f"{population.used:,}",
        "seed": str(population.seed),
        "drawn by": population.by or "chance alone",
        "sha256 of ids, images and labels": population.sha256 or "not recorded",
    }


def environments(old: AuditResult, new: AuditResult) -> Part:
    """Versions, machine and commit that differ."""
    return Part(changes=differing(old.environment, new.environment))


def settings(before: CheckResult, after: CheckResult) -> tuple[Change, ...]:
    """What differs in how one check is meant: rule, parameters, network, what its maps are."""
    facts = [_settings(check) for check in (before, after)]
    return differing(*facts)


def _settings(check: CheckResult) -> dict[str, str]:
    # The rule holds the gates in words.
    own = {key: text for key, text in check.parameters.items() if asked(check.kind, key) and key not in GATES}
    layer = {"layer of the maps": check.maps["layer"]} if "layer" in check.maps else {}
    return {"kind": check.kind, "network": check.model, "rule": check.rule, **layer, **own}


def asked(kind: str, key: str) -> bool:
    """Whether a recorded parameter is what the check was asked, and not what the run found on its way."""
    if key.startswith(LAYER) or key == DATA_HASH:
        return False
    fields = fields_of(kind)
    return fields is None or key in fields or key in OF_MAPS


def decides(kind: str, key: str) -> bool:
    """Whether a parameter decides a check's numbers, and not only its verdict."""
    return asked(kind, key) and key not in LEFT_OUT


def fields_of(kind: str) -> Mapping[str, FieldInfo] | None:
    """The keys of a kind's spec; None where the kind is not known here: then every parameter counts."""
    try:
        fields: Mapping[str, FieldInfo] = registry.find("check", kind).spec.model_fields
    except CamauditError:
        return None
    return fields


def spec_lines(old: AuditResult, new: AuditResult) -> tuple[str, ...]:
    """A unified diff of the two specs; empty where they are the same text."""
    return tuple(
        unified_diff(
            old.spec_text.splitlines(),
            new.spec_text.splitlines(),
            fromfile=old.spec_file or "spec",
            tofile=new.spec_file or "spec",
            lineterm="",
        )
    )


def differing(before: Mapping[str, str], after: Mapping[str, str]) -> tuple[Change, ...]:
    """The facts that are not the same, in the order of the first."""
    return tuple(
        Change(term=term, before=before.get(term), after=after.get(term))
        for term in dict.fromkeys([*before, *after])
        if before.get(term) != after.get(term)
    )
