"""What an audit takes to run: names resolved, equal work merged, emptiness refused. Printable, torch-free."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

from camaudit import registry
from camaudit.errors import SpecError
from camaudit.evidence import SCENE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from camaudit.evidence import Column, Condition, LayoutAim, MapRequest
    from camaudit.spec.audit import AuditSpec
    from camaudit.spec.types import CalibrationSpec, CheckSpec, SampleSpec

T = TypeVar("T")

MAIN = "model"
"""The name of the audit's own network, beside the names of `models`."""


def model_key(name: str) -> str:
    """Where a network stands in the spec: ``model``, or ``models.NAME``."""
    return MAIN if name == MAIN else f"models.{name}"


@dataclass(frozen=True, kw_only=True)
class CheckPlan:
    """One check with everything that the audit's defaults left open filled in."""

    spec: CheckSpec
    kind: str
    model: str
    data: str
    sample: SampleSpec
    calibration: CalibrationSpec | None
    confidence: float
    columns: dict[str, Column]
    method: str
    line: int
    of: CheckPlan | None = None
    """The check whose numbers this one compares; all but the spec is its own."""

    @property
    def id(self) -> str:
        """The check's id."""
        return self.spec.id

    @property
    def together(self) -> str:
        """Why a sample's numbers rest on other samples, see `Kind.together`; also those that it compares."""
        why: str = registry.find("check", (self.of or self).kind).together
        return why


@dataclass(frozen=True, kw_only=True)
class Pass:
    """One walk of one network over one drawn sample: the work of its checks, each piece once."""

    model: str
    data: str
    sample: SampleSpec
    checks: tuple[CheckPlan, ...]
    calibration: CalibrationSpec | None = None

    @property
    def columns(self) -> tuple[Column, ...]:
        """The distinct numbers, in order of first use."""
        return _distinct(column for check in self.checks for column in check.columns.values())

    @property
    def maps(self) -> tuple[MapRequest, ...]:
        """The distinct maps."""
        return _distinct(request for column in self.columns for request in column.maps)

    @property
    def regions(self) -> tuple[str, ...]:
        """The mask regions that are read."""
        return _distinct(column.region for column in self.columns if column.region is not None)

    @property
    def boxes(self) -> tuple[str, ...]:
        """The regions whose boxes are needed."""
        wanted = (column for column in self.columns if column.boxes)
        return _distinct(column.region for column in wanted if column.region is not None)

    @property
    def scenes(self) -> bool:
        """Whether the masks of all classes that an image shows are needed."""
        return any(column.metric == SCENE for column in self.columns)

    @property
    def conditions(self) -> tuple[Condition, ...]:
        """The distinct conditions of the network."""
        return _distinct(request.condition for request in self.maps)

    @property
    def forwards(self) -> int:
        """Forwards per image: maps of one layer and condition share one."""
        return len(forward_groups(self.maps))

    @property
    def costs(self) -> dict[str, str]:
        """What methods take per image and map beside their forward, in words."""
        methods = [registry.find("map", request.method) for request in self.maps]
        return {method.name: method.cost for method in methods if method.cost}

    @property
    def asked_again(self) -> int:
        """Forwards per image of insertion and deletion; all orders of one map are asked for together."""
        reveals = [(column.map, column.reveal) for column in self.columns if column.reveal is not None]
        asked = {(request, replace(reveal, order="map")) for request, reveal in reveals}
        return sum(reveal.forwards for _, reveal in asked)

    @property
    def forwards_apart(self) -> int:
        """Forwards per image if every check ran by itself and every map took one."""
        return sum(
            len({request for column in check.columns.values() for request in column.maps})
            for check in self.checks
        )


ForwardGroup = tuple["Condition", str, "int | None", "LayoutAim", str]

PIXELS = "input"
"""The layer of maps at the pixels, which look at none."""


def forward_groups(maps: Iterable[MapRequest]) -> dict[ForwardGroup, list[MapRequest]]:
    """Maps by what one forward can give: condition, layer, call and layout, looked at in the same way."""
    groups: dict[ForwardGroup, list[MapRequest]] = {}
    for request in maps:
        at = registry.find("map", request.method).at
        place: tuple[str, int | None, LayoutAim] = (
            (PIXELS, None, "auto") if at == "pixels" else (request.layer, request.call, request.layout)
        )
        groups.setdefault((request.condition, *place, at), []).append(request)
    return groups


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Everything that `engine.run` will do."""

    spec: AuditSpec
    checks: tuple[CheckPlan, ...]
    passes: tuple[Pass, ...]
    not_run: tuple[str, ...] = ()

    def text(self) -> str:
        """The plan as lines for a person."""
        lines = [f"audit {self.spec.name}: {len(self.checks)} checks, {len(self.passes)} passes"]
        for number, item in enumerate(self.passes, start=1):
            n = f"at most {item.sample.n} images" if item.sample.n else "all images"
            drawn = f"{n}, seed {item.sample.seed}" + (f", by {item.sample.by}" if item.sample.by else "")
            lines.append(f"pass {number}: network {item.model} on data {item.data} ({drawn})")
            if item.calibration is not None:
                lines.append(f"  thresholds are tuned on {item.calibration.text(item.data)}")
            lines.append(
                f"  {item.forwards} forwards per image instead of {item.forwards_apart}; "
                f"{len(item.maps)} maps, {len(item.columns)} numbers"
            )
            lines += [f"  {name} takes {cost} besides" for name, cost in item.costs.items()]
            if item.asked_again:
                lines.append(f"  insertion and deletion take at most {item.asked_again} forwards besides")
            lines += [f"  {check.id} ({check.kind}): {_asked(check)}" for check in item.checks]
        if self.not_run:
            lines.append(f"left out: {', '.join(self.not_run)}")
        return "\n".join(lines)


def _asked(check: CheckPlan) -> str:
    """The numbers of a check, and what it takes besides."""
    if check.of is not None:
        return f"compares the numbers of {check.of.id} with those of a baseline"
    costs = registry.find("check", check.kind).costs
    return ", ".join(check.columns) + (f"; then {costs(check.spec)}" if costs is not None else "")


def make(spec: AuditSpec, only: Collection[str] | None = None) -> Plan:
    """Plan all checks, or those whose ids are in `only`. Raises `SpecError` where nothing would run."""
    chosen = [check for check in spec.checks if only is None or check.id in only]
    unknown = set(only or ()) - {check.id for check in spec.checks}
    if unknown:
        name = min(unknown)
        ids = [check.id for check in spec.checks]
        raise SpecError(
            f"there is no check {name!r}{registry.did_you_mean(name, ids)}",
            where=str(spec.file),
            hint=f"the checks are: {', '.join(ids)}",
        )
    if not chosen:
        raise SpecError("no check is left to run: an empty audit is never green", where=str(spec.file))
    checks = tuple(_check(spec, check) for check in chosen)
    left_out = tuple(check.id for check in spec.checks if check not in chosen)
    return Plan(spec=spec, checks=checks, passes=_passes(checks), not_run=left_out)


def _check(spec: AuditSpec, check: CheckSpec) -> CheckPlan:
    maps = check.maps or spec.maps
    kind = registry.find("check", check.kind)
    confidence = check.confidence or spec.defaults.confidence
    if kind.compares:
        of = _check(spec, next(item for item in spec.checks if item.id == getattr(check, "of", None)))
        line = spec.line_of(check.id)
        return replace(of, spec=check, kind=check.kind, confidence=confidence, line=line, of=of)
    return CheckPlan(
        spec=check,
        kind=check.kind,
        model=check.model or MAIN,
        data=check.data or next(iter(spec.data)),
        sample=check.sample or spec.defaults.sample,
        calibration=getattr(check, "calibration", None),
        confidence=confidence,
        columns=kind.columns(check, maps),
        method=maps.method,
        line=spec.line_of(check.id),
    )


def _passes(checks: tuple[CheckPlan, ...]) -> tuple[Pass, ...]:
    """Checks that need other regions walk apart: a sample without a collar must not be lost to the rest."""
    groups: dict[tuple[str, str, SampleSpec, CalibrationSpec | None, frozenset[str]], list[CheckPlan]] = {}
    for check in checks:
        regions = frozenset(column.region for column in check.columns.values() if column.region is not None)
        key = (check.model, check.data, check.sample, check.calibration, regions)
        groups.setdefault(key, []).append(check)
    return tuple(
        Pass(model=model, data=data, sample=sample, calibration=calibration, checks=tuple(members))
        for (model, data, sample, calibration, _), members in groups.items()
    )


def _distinct(items: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(items))
