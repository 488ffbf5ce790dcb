"""What Python tests get from the plugin: audits whose answers explain themselves, and maps of an image.

Neither pytest nor torch is imported here; the plugin makes the fixtures, the engine does the work.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path
from typing import TYPE_CHECKING, Any

from camaudit import registry
from camaudit.errors import CheckError, SpecError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import numpy as np
    import pandas as pd
    from PIL import Image
    from torch import Tensor, nn

    from camaudit.classifier import Classifier
    from camaudit.engine.look import ImageMap
    from camaudit.evidence import Aim, MapRequest
    from camaudit.plugin_desk import Desk
    from camaudit.result import AuditResult, CheckResult, Finding
    from camaudit.spec.audit import AuditSpec
    from camaudit.spec.types import MapsSpec

SUFFIX = ".audit.yaml"
_WORST = 3


@dataclass(kw_only=True)
class Witness:
    """The test that is running: what it asked lands in its JUnit properties and beside its failure."""

    item: Any = None
    notes: list[str] = field(default_factory=list)

    def begin(self, item: Any) -> None:
        """A test begins, or none is running any more."""
        self.item, self.notes = item, []

    def asked(self, audit: str, check: CheckResult) -> None:
        """Put the numbers of a check that a test asked for on that test, once."""
        if self.item is None:
            return
        for name, value in properties(check, f"camaudit_{audit}::{check.id}"):
            if (name, value) not in self.item.user_properties:
                self.item.user_properties.append((name, value))

    def note(self, text: str) -> None:
        """Keep what is to be told if the test fails."""
        if text not in self.notes:
            self.notes.append(text)


def properties(check: CheckResult, prefix: str) -> Iterable[tuple[str, str]]:
    """A check's status and gated numbers as names and texts, for JUnit."""
    yield f"{prefix}_status", check.status
    for item in check.findings:
        if item.status is not None:
            yield f"{prefix}_{item.name}", f"{item.value:.6g}"
            yield f"{prefix}_{item.name}_interval", f"[{item.lower:.6g}, {item.upper:.6g}]"


@dataclass(frozen=True, kw_only=True, eq=False)
class Verdict:
    """Whether a check (or an audit) ended in one way: true or false, and it says why.

    An ERROR is neither: it raises `CheckError`, so that neither ``assert audit.check("x").passed`` nor
    ``assert not …`` can hold on what could not be measured.
    """

    status: str
    wanted: str
    brief: str
    text: str
    witness: Witness = field(repr=False)

    def __bool__(self) -> bool:
        __tracebackhide__ = True
        if self.status == "ERROR":
            raise CheckError(self.text, hint="an ERROR has neither passed nor failed: mend what it names")
        if self.status != self.wanted:
            self.witness.note(self.text)
        return self.status == self.wanted

    def __eq__(self, other: object) -> bool:
        return bool(self) is other if isinstance(other, bool) else NotImplemented

    __hash__ = None  # type: ignore[assignment] # its truth may raise

    def __repr__(self) -> str:
        return f"<{self.brief}>"


@dataclass(frozen=True, kw_only=True, eq=False)
class Checked:
    """One check of an audit that was run."""

    result: CheckResult
    """All that was found."""
    audit: AuditResult
    page: str
    _folder: Path
    _witness: Witness = field(repr=False)

    @property
    def id(self) -> str:
        """The check's id."""
        return self.result.id

    @property
    def passed(self) -> Verdict:
        """Whether it is a PASS: true, false and the reason why, or `CheckError` where it is an ERROR."""
        return self._verdict("PASS")

    @property
    def failed(self) -> Verdict:
        """Whether it is a FAIL. INCONCLUSIVE and SKIP are neither passed nor failed; an ERROR raises."""
        return self._verdict("FAIL")

    def assert_passes(self) -> None:
        """Raise `AssertionError` with the whole story unless it is a PASS, `CheckError` for an ERROR."""
        __tracebackhide__ = True
        verdict = self._verdict("PASS", Witness())  # the error tells the story: no second time beside it
        if not verdict:
            raise AssertionError(verdict.text)

    @property
    def estimate(self) -> Finding:
        """The number that decided: `value` in [`lower`, `upper`], from `n` samples, against `gate`.

        Raises `CheckError` where the check is an ERROR or has no number.
        """
        from camaudit.report.findings import deciding

        self._sound()
        found = deciding(self.result)
        if found is None:
            raise CheckError(f"{self.id} has no number: {self.result.answer}", where=self.audit.spec_file)
        return found

    @property
    def samples(self) -> pd.DataFrame:
        """All its samples by id: label, predicted, group, its numbers, and why one is missing (`undefined`).

        Raises `CheckError` where the check is an ERROR.
        """
        from camaudit.scores import read_csv

        self._sound()
        return read_csv(self._folder / "samples.csv", self.id, tuple(self.result.columns))

    def __repr__(self) -> str:
        return f"<check {self.id}>"

    def _sound(self) -> None:
        __tracebackhide__ = True
        self._witness.asked(self.audit.name, self.result)
        if self.result.status == "ERROR":
            raise CheckError(self._text, hint="an ERROR has no numbers to rely on: mend what it names")

    @property
    def _text(self) -> str:
        from camaudit.report.text import failure

        return failure(self.result, self.audit, self.page)

    def _verdict(self, wanted: str, witness: Witness | None = None) -> Verdict:
        self._witness.asked(self.audit.name, self.result)
        brief = _brief(self.result, self.audit.name, self.page)
        return Verdict(
            status=self.result.status,
            wanted=wanted,
            brief=brief,
            text=self._text,
            witness=witness or self._witness,
        )


def _brief(check: CheckResult, audit: str, page: str) -> str:
    """One line, short enough for pytest to show it whole: verdict, number, interval, gate, worst samples."""
    from camaudit.report.findings import deciding
    from camaudit.report.text import line
    from camaudit.report.words import printable

    found = deciding(check)
    if found is None or check.status in {"ERROR", "SKIP"}:
        told = next(iter(check.answer.splitlines()), "")
    else:
        told = f"{line(replace(found, controls=(), chance=None))} (n={found.n})"
    worst = ", ".join(row.id for row in check.rows[:_WORST]) if check.status != "PASS" else ""
    parts = [f"{audit}::{check.id} {check.status}: {told}", f"worst: {worst}" if worst else "", page]
    return printable("; ".join(filter(None, parts)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Audited:
    """An audit that was run, or those of its checks that were asked for."""

    result: AuditResult
    """All that was found so far; it may hold more checks than were asked for here."""
    ids: tuple[str, ...]
    report: Path
    """The report's folder; its pages are written when the session ends."""
    _look_up: Callable[[str], Checked] = field(repr=False)

    @property
    def checks(self) -> tuple[Checked, ...]:
        """The checks, in the spec's order."""
        return tuple(self.check(item) for item in self.ids)

    def check(self, check_id: str) -> Checked:
        """One of the checks. Raises `SpecError` for an id that was not asked for."""
        if check_id not in self.ids:
            raise SpecError(
                f"audit {self.result.name!r} has no check {check_id!r} here"
                f"{registry.did_you_mean(check_id, self.ids)}",
                where=self.result.spec_file,
                hint=f"the checks are: {', '.join(self.ids)}",
            )
        return self._look_up(check_id)

    @property
    def passed(self) -> Verdict:
        """Whether every check is a PASS; the worst one explains. Baselines left behind are an ERROR here."""
        from camaudit.result import SEVERITY

        return max((item.passed for item in self.checks), key=lambda item: SEVERITY.index(item.status))  # type: ignore[arg-type]

    def __repr__(self) -> str:
        return f"<audit {self.result.name}>"


@dataclass(kw_only=True, repr=False)
class AuditFixture:
    """The fixture `camaudit_audit`: runs audits, once per session each, for tests written in Python."""

    desk: Desk
    witness: Witness
    root: Path
    prune: tuple[str, ...] = ()
    """Patterns of folder names that are not searched for specs."""
    _known: dict[str, list[Path]] | None = None
    _broken: dict[Path, SpecError] = field(default_factory=dict)

    def __call__(self, audit: str | Path, *, checks: Sequence[str] | None = None) -> Audited:
        """Run an audit, or some of its checks; what this session has run already is not run again.

        `audit` is the `name` in a spec anywhere below pytest's rootdir, or the path of a spec, relative to
        the rootdir. Raises `SpecError` for a name that no spec or more than one has, for a spec that cannot
        be read, and for an unknown check.
        """
        __tracebackhide__ = True
        spec = self.spec(audit)
        wanted = [check.id for check in spec.checks] if checks is None else list(dict.fromkeys(checks))
        self.desk.ensure(spec, wanted)
        extra = [] if checks is not None else self.desk.beyond(spec)
        return Audited(
            result=self.desk.holding(spec.name, wanted[0])[0],
            ids=(*wanted, *extra),
            report=self.desk.folder(spec.name),
            _look_up=lambda check_id: self._checked(spec.name, check_id),
        )

    def __repr__(self) -> str:
        return "<camaudit_audit>"

    def _checked(self, audit: str, check_id: str) -> Checked:
        result, folder = self.desk.holding(audit, check_id)
        check = next(item for item in result.checks if item.id == check_id)
        page = self.desk.shown(self.desk.folder(audit) / "index.html")
        return Checked(result=check, audit=result, page=page, _folder=folder, _witness=self.witness)

    def spec(self, audit: str | Path) -> AuditSpec:
        """The spec of that name or path. Raises `SpecError` as a call does."""
        text = str(audit)
        found = self.root / audit if _is_path(audit) else self._named(text)
        if not found.is_file():
            raise SpecError("there is no such spec", where=text, hint=f"paths are relative to {self.root}")
        return self.desk.read(found)

    def _named(self, name: str) -> Path:
        known = self._specs()
        broken = [error for path, error in self._broken.items() if path.name == f"{name}{SUFFIX}"]
        if name not in known and broken:
            raise broken[0]
        if name not in known:
            names = ", ".join(sorted(known)) or "none was found"
            raise SpecError(
                f"there is no audit {name!r}{registry.did_you_mean(name, known)}",
                where=str(self.root),
                hint=f"the audits are: {names}; a path to a *{SUFFIX} will do as well",
            )
        if len(known[name]) > 1:
            files = ", ".join(path.relative_to(self.root).as_posix() for path in known[name])
            raise SpecError(
                f"{len(known[name])} specs have the name {name!r}: {files}",
                where=str(self.root),
                hint="give the path of the one that is meant",
            )
        return known[name][0]

    def _specs(self) -> dict[str, list[Path]]:
        """The specs below the rootdir by name, looked up once."""
        if self._known is None:
            self._known = {}
            for path in sorted(_specs_below(self.root, self.prune)):
                try:
                    name = self.desk.read(path, register=False).name
                except SpecError as error:
                    self._broken[path] = error
                else:
                    self._known.setdefault(name, []).append(path)
        return self._known


def _is_path(audit: str | Path) -> bool:
    return isinstance(audit, Path) or audit.endswith(SUFFIX) or "/" in audit


def _specs_below(root: Path, prune: tuple[str, ...]) -> Iterable[Path]:
    for folder, below, files in os.walk(root):
        below[:] = [
            name
            for name in below
            if not any(fnmatch(name, pattern) for pattern in prune)
            and not Path(folder, name, "pyvenv.cfg").is_file()
        ]
        yield from (Path(folder, name) for name in files if name.endswith(SUFFIX))


@dataclass(kw_only=True, repr=False)
class MapFixture:
    """The fixture `attention_map`: where a network looks in one image."""

    audits: AuditFixture
    device: str = "cpu"
    _networks: dict[tuple[Path, str], Classifier] = field(default_factory=dict)

    def __call__(
        self,
        network: str | Path | nn.Module | Classifier,
        image: Path | Image.Image | np.ndarray | Tensor,
        *,
        mask: Path | np.ndarray | None = None,
        check: str | None = None,
        method: str | None = None,
        layer: str | None = None,
        target: str | int | None = None,
        label: int | None = None,
    ) -> ImageMap:
        """The map of `image` and what it scores on `mask`, with the numbers that an audit would find.

        `network` is an audit's name or the path of its spec (its network, preprocessing and `maps`; those of
        one of its checks with `check`), a `Classifier`, or a torch module in eval mode that takes pixels in
        [0, 1]. `image` is a file, a PIL image or a uint8 array [h, w, 3], which are decoded and preprocessed
        as an audit's are, or a float tensor [3, h, w] in [0, 1], taken as it is. `mask` is a file or a bool
        array of the image's size. `method`, `layer` and `target` (``"predicted"``, ``"label"``, a class's
        name or index) are the spec's where left out; Grad-CAM of the last spatial layer for the predicted
        class where there is none. `label` is the image's class index, for a target that needs it.

        Raises `SpecError`, `ModelError`, `DataError` or `MapError` for what does not fit.
        """
        __tracebackhide__ = True
        from camaudit.engine.look import look

        chosen, request, base = self._source(network, check)
        changes = {"method": method, "layer": layer, "target": None if target is None else _aim(target)}
        given = {key: value for key, value in changes.items() if value is not None}
        return look(chosen, image, replace(request, **given), mask=mask, label=label, base=base)

    def __repr__(self) -> str:
        return "<attention_map>"

    def _source(self, network: Any, check: str | None) -> tuple[Classifier, MapRequest, Path]:
        """The network, the map that is wanted unless more is said, and where its spec's functions lie."""
        from camaudit.classifier import Classifier
        from camaudit.evidence import MapRequest

        if isinstance(network, str | Path):
            spec = self.audits.spec(network)
            maps, model = _of_check(spec, check)
            return self._loaded(spec, model), _request(maps), spec.base
        if check is not None:
            raise SpecError("a check can be named beside an audit only", where=f"check={check!r}")
        chosen = network if isinstance(network, Classifier) else Classifier(module=network)
        return chosen, MapRequest(method="gradcam", layer="auto", target="predicted"), Path()

    def _loaded(self, spec: AuditSpec, model: str) -> Classifier:
        from camaudit.classifier import load
        from camaudit.plan import MAIN, model_key

        if (spec.file, model) not in self._networks:
            chosen = spec.model if model == MAIN else spec.models[model]
            self._networks[spec.file, model] = load(
                chosen, spec.base, name=model_key(model), device=self.device
            )
        return self._networks[spec.file, model]


def _of_check(spec: AuditSpec, check_id: str | None) -> tuple[MapsSpec, str]:
    from camaudit.plan import MAIN, make

    if check_id is None:
        return spec.maps, MAIN
    (planned,) = make(spec, [check_id]).checks
    own = planned.of.spec if planned.of is not None else planned.spec
    return own.maps or spec.maps, planned.model


def _request(maps: MapsSpec) -> MapRequest:
    from camaudit.checks.overlap import map_request

    return map_request(maps)


def _aim(target: str | int) -> Aim:
    from camaudit.evidence import Named

    return target if isinstance(target, int) or target in {"predicted", "label"} else Named(name=target)  # type: ignore[return-value]
