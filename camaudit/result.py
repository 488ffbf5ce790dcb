"""What an audit found: plain dataclasses, a versioned JSON file, no torch and no pandas.

`FORMAT_VERSION` history: 1 — first; 2 — several named maps per sample (`SampleRow.maps`, `map_name`),
`CheckResult.shows`, a check's `maps` and `trust`; 3 — `CheckResult.hypotheses`, `Finding.p` and `word`;
4 — `CheckResult.attacked`; 5 — `CheckResult.paired` and `rocs`.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal

from camaudit.errors import ResultError
from camaudit.exhibits import Attacked, Hypothesis, NamedMap, Pair, Paired, Roc, Strike, Version
from camaudit.integrity import write_whole

if TYPE_CHECKING:
    from pathlib import Path

FORMAT_VERSION = 5

Status = Literal["PASS", "FAIL", "INCONCLUSIVE", "SKIP", "ERROR"]
SEVERITY: tuple[Status, ...] = ("PASS", "SKIP", "INCONCLUSIVE", "FAIL", "ERROR")
"""From best to worst; the worst finding decides a check, the worst check an audit."""


@dataclass(frozen=True, kw_only=True)
class Control:
    """What a map that never saw the model scores on the same images: the ground under a number."""

    name: str
    title: str
    value: float
    lower: float
    upper: float
    n: int
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One estimated number: of the whole check, or of one class or size quartile (`by`, `level`).

    `value`, `lower` and `upper` are NaN where nothing could be estimated; `n` counts the samples used
    and `undefined` the samples without a number, by reason. `gate` is the rule in words, `bound` its
    number. A finding without a gate is shown and decides nothing. `low` and `high` are the ends of what
    the number can be, None where it has none.
    """

    name: str
    title: str
    value: float
    lower: float
    upper: float
    confidence: float
    n: int
    interval: str
    column: str
    by: str | None = None
    level: str | None = None
    status: Status | None = None
    reason: str = ""
    gate: str = ""
    bound: float | None = None
    direction: Literal["at_least", "at_most"] | None = None
    n_needed: int | None = None
    p: float | None = None
    """Of the effect being none, adjusted for all hypotheses of the check, where it was tested."""
    word: str = ""
    """What the check calls its status: ``SHORTCUT``."""
    severity: Literal["fail", "warn"] = "fail"
    low: float | None = 0.0
    high: float | None = 1.0
    chance: float | None = None
    chance_text: str = ""
    undefined: dict[str, int] = field(default_factory=dict)
    controls: tuple[Control, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Population:
    """Sample counts that add up: found = usable + unusable, drawn ≤ usable, drawn = used + lost.

    `lost` are drawn samples that broke while they were read or run, by reason.
    """

    data: str
    found: int = 0
    unusable: dict[str, int] = field(default_factory=dict)
    unusable_examples: tuple[str, ...] = ()
    drawn: int = 0
    used: int = 0
    lost: dict[str, int] = field(default_factory=dict)
    lost_examples: tuple[str, ...] = ()
    seed: int = 0
    by: str | None = None
    sha256: str = ""
    """Of the lines ``id sha256-of-its-image label`` of the samples used, sorted: the identity of the data."""

    @property
    def sentence(self) -> str:
        """``n=300 of 1,842 (seed 7, by label)``."""
        usable = self.found - sum(self.unusable.values())
        how = ", ".join(filter(None, [f"seed {self.seed}", f"by {self.by}" if self.by else ""]))
        drawn = f"n={self.used:,} of {usable:,}" + (f" ({how})" if self.drawn < usable else "")
        left_out = sum(self.unusable.values()) + sum(self.lost.values())
        return drawn + (f", {left_out:,} left out" if left_out else "")


@dataclass(frozen=True, kw_only=True)
class SampleRow:
    """One sample that the report shows: numbers by column, and the evidence files beside the result."""

    id: str
    label: str | None
    predicted: str | None
    values: dict[str, float]
    undefined: dict[str, str] = field(default_factory=dict)
    label_score: float | None = None
    predicted_score: float | None = None
    group: str | None = None
    image: str | None = None
    """PNG of the network's input, relative to the result's folder."""
    masks: dict[str, str] = field(default_factory=dict)
    """Region name → PNG (0 and 255) of the same size."""
    map: str | None = None
    """The key of this sample's raw map in `evidence/maps.npz`."""
    map_status: str = "ok"
    map_max: float | None = None
    map_name: str = ""
    """What `map` is, where there are `maps` beside it: ``label: cat``."""
    maps: tuple[NamedMap, ...] = ()
    """Further maps of the same picture, to be shown side by side with `map` on its scale."""
    file: str | None = None
    sha256: str | None = None
    failing: bool = False


TrustLevel = Literal["good", "limited", "poor", "unknown"]


@dataclass(frozen=True, kw_only=True)
class Trust:
    """How far a check's maps can be trusted: a level by declared rules, a line, the checks it comes from."""

    level: TrustLevel
    text: str
    checks: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """One check: `status` decides; `outcome` is what was found before `expect: fail` turned it round."""

    id: str
    kind: str
    title: str
    status: Status
    outcome: Status
    headline: str
    question: str
    rule: str
    answer: str
    limits: tuple[str, ...] = ()
    description: str = ""
    expect: Literal["pass", "fail"] = "pass"
    severity: Literal["fail", "warn"] = "fail"
    line: int = 1
    model: str = "model"
    population: Population | None = None
    findings: tuple[Finding, ...] = ()
    parameters: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    columns: dict[str, str] = field(default_factory=dict)
    """Columns of samples.csv that belong to this check, with their titles; the first one ranks samples."""
    histogram: tuple[float, ...] = ()
    """The ranking column's values of all samples (NaN left out), for the histogram."""
    rows: tuple[SampleRow, ...] = ()
    """The samples shown: failing ones, then worst, best and random ones."""
    hypotheses: tuple[Hypothesis, ...] = ()
    """What was suspected and changed in images, each with a finding of its name."""
    attacked: Attacked | None = None
    """What attacks or corruptions were made, within which rules, and what came of the images."""
    paired: tuple[Paired, ...] = ()
    """Columns of samples.csv that hold a number before and after something, to be drawn as pairs."""
    rocs: tuple[Roc, ...] = ()
    """The curves behind findings that are an AUC."""
    shows: str = ""
    """What the samples shown are, where the check picks them: ``misclassified images``."""
    command: str = ""
    blocks: bool = True
    """Whether this check makes the run fail; decided with the status, shown by everybody else."""
    maps: dict[str, str] = field(default_factory=dict)
    """What its maps are: method, layer, call, relu, target as the spec has them; empty without maps."""
    trust: Trust | None = None
    """What the run's sanity checks say of these maps (`camaudit.trust`); None without maps."""


@dataclass(frozen=True, kw_only=True)
class ModelRecord:
    """The identity of one network of the audit."""

    name: str
    factory: str
    classes: int
    parameters: int
    weights: str | None
    weights_sha256: str | None
    fingerprint: str
    preprocess: str
    layers: dict[str, str] = field(default_factory=dict)
    """Layer → why it was chosen."""


@dataclass(frozen=True, kw_only=True)
class AuditResult:
    """Everything that a report, a terminal, JUnit or a later judge needs."""

    name: str
    description: str = ""
    spec_file: str = ""
    spec_text: str = ""
    spec_sha256: str = ""
    created: str = ""
    duration: float = 0.0
    checks: tuple[CheckResult, ...] = ()
    not_run: tuple[str, ...] = ()
    """Ids of checks of the spec that this run left out (`-k`): the run is then partial."""
    models: tuple[ModelRecord, ...] = ()
    environment: dict[str, str] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    timings: dict[str, float] = field(default_factory=dict)
    comparisons: int = 0
    files: dict[str, str] = field(default_factory=dict)
    """sha256 of the files written beside the result."""
    format_version: int = FORMAT_VERSION

    @property
    def status(self) -> Status:
        """The worst status of the checks; ERROR where there is none: empty is never green."""
        if not self.checks:
            return "ERROR"
        return max((check.status for check in self.checks), key=SEVERITY.index)

    @property
    def blocks(self) -> bool:
        """Whether the run fails."""
        return not self.checks or any(check.blocks for check in self.checks)

    def to_json(self) -> str:
        """The versioned file: sorted by nothing but the order of the fields, NaN as null."""
        return json.dumps(_finite(asdict(self)), indent=1, ensure_ascii=False, allow_nan=False) + "\n"

    def write(self, path: Path) -> None:
        """Write atomically: a reader sees the old file or the new one."""
        write_whole(path, self.to_json().encode("utf-8"))

    @classmethod
    def read(cls, path: Path) -> AuditResult:
        """Read a result file. Raises `ResultError` where it is none, or of a later version."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise ResultError(f"cannot be read: {error.strerror}", where=str(path)) from None
        except ValueError as error:
            raise ResultError(f"is not a camaudit result: {error}", where=str(path)) from None
        version = data.get("format_version") if isinstance(data, dict) else None
        if not isinstance(version, int) or version > FORMAT_VERSION:
            raise ResultError(
                f"has format version {version!r}, this camaudit reads up to {FORMAT_VERSION}",
                where=str(path),
                hint="install the camaudit that wrote it, or run the audit again",
            )
        try:
            return cls.from_dict(data)
        except (KeyError, TypeError, AttributeError) as error:
            problem = f"is damaged or was edited: {type(error).__name__}: {error}"
            raise ResultError(problem, where=str(path), hint="run the audit again") from None

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> AuditResult:
        """The reverse of `to_json`."""
        checks = tuple(_check(item) for item in data["checks"])
        models = tuple(ModelRecord(**item) for item in data["models"])
        rest = {key: data[key] for key in _names(cls) - {"checks", "models"} if key in data}
        return cls(**_tuples(rest), checks=checks, models=models)


def _check(data: dict[str, Any]) -> CheckResult:
    population = data["population"]
    return CheckResult(
        **_tuples(
            {
                **data,
                "population": Population(**_tuples(population)) if population else None,
                "histogram": [float("nan") if value is None else value for value in data["histogram"]],
                "findings": [_finding(item) for item in data["findings"]],
                "trust": Trust(**_tuples(data["trust"])) if data.get("trust") else None,
                "rows": [_row(item) for item in data["rows"]],
                "hypotheses": [_hypothesis(item) for item in data.get("hypotheses", ())],
                "attacked": _attacked(data["attacked"]) if data.get("attacked") else None,
                "paired": [Paired(**_tuples(item)) for item in data.get("paired", ())],
                "rocs": [_roc(item) for item in data.get("rocs", ())],
            }
        )
    )


def _hypothesis(data: dict[str, Any]) -> Hypothesis:
    pairs = tuple(
        Pair(**{**pair, "versions": tuple(Version(**item) for item in pair["versions"])})
        for pair in data["pairs"]
    )
    return Hypothesis(**_tuples({**data, "pairs": pairs}))


def _roc(data: dict[str, Any]) -> Roc:
    return Roc(**{**data, "points": tuple((x, y) for x, y in data["points"])})


def _attacked(data: dict[str, Any]) -> Attacked:
    strikes = tuple(
        Strike(**{**item, "maps": tuple(NamedMap(**one) for one in item["maps"])}) for item in data["strikes"]
    )
    tables = {name: tuple(map(tuple, data[name])) for name in ("threat", "cells", "transitions")}
    return Attacked(**_tuples({**data, **tables, "strikes": strikes}))


def _row(data: dict[str, Any]) -> SampleRow:
    maps = tuple(NamedMap(**item) for item in data.get("maps", ()))
    return SampleRow(**{**data, "values": _nan(data["values"]), "maps": maps})


def _finding(data: dict[str, Any]) -> Finding:
    controls = tuple(Control(**_nan(item, "value", "lower", "upper")) for item in data["controls"])
    return Finding(**{**_nan(data, "value", "lower", "upper"), "controls": controls})


def _names(kind: type) -> set[str]:
    return {item.name for item in fields(kind)}


def _tuples(data: dict[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in data.items()}


def _nan(data: dict[str, Any], *keys: str) -> dict[str, Any]:
    chosen = keys or tuple(data)
    return {key: float("nan") if value is None and key in chosen else value for key, value in data.items()}


def _finite(value: Any) -> Any:
    """NaN and infinities as null: JSON has no others."""
    if isinstance(value, float) and (value != value or value in {float("inf"), float("-inf")}):  # noqa: PLR0124
        return None
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    return value
