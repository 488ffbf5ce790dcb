"""How far the maps of a check can be trusted on its network, in one line, from the run's `sanity` checks.

The rules are the functions of `_RULES` with the bounds below: a part is good, weak or bad by its whole
interval. One bad part makes the maps ``poor``. A weak one makes them ``limited``, and so does a network
that was not asked whether its answers follow the maps. A line changes no verdict. Torch-free.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from camaudit.result import Trust
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from camaudit.result import CheckResult, Finding, TrustLevel

KIND = "sanity"
SIMILAR = 0.5
"""Rank correlation with the maps of redrawn parameters: up to here maps change, beyond they do not."""
EMPTY = 0.1
"""Share of all-zero maps, and of images without a number, that is let pass."""
AGREE = 0.3
"""Rank correlation with occlusion from which on maps agree with it (the Grad-CAM paper's figure is 0.25)."""
ALIKE = 0.5
"""Mean rank correlation between methods from which on they show the same."""

Grade = Literal["good", "weak", "bad"]
_GRADES: tuple[Grade, ...] = ("good", "weak", "bad")
_WORDS: dict[TrustLevel, str] = {
    "good": "sound as far as tested",
    "limited": "of limited trust",
    "poor": "not to be trusted",
    "unknown": "of unknown trust",
}
NOT_ASKED = "not asked whether the answer follows them"


@dataclass(frozen=True, kw_only=True)
class Part:
    """What one number says about the maps."""

    grade: Grade
    text: str


def with_trust(checks: Sequence[CheckResult]) -> tuple[CheckResult, ...]:
    """The checks of one run, each that rests on maps with its line."""
    return tuple(replace(check, trust=_trust(check, checks)) for check in checks)


def _trust(check: CheckResult, checks: Sequence[CheckResult]) -> Trust | None:
    if not check.maps or check.kind == KIND:
        return None
    same = [other for other in checks if other.kind == KIND and _same_maps(check, other)]
    sane = [other for other in same if other.outcome not in {"ERROR", "SKIP"}]
    names = tuple(other.id for other in same)
    if not same:
        what = f"{check.maps['method']} at layer {check.maps['layer']} on network {check.model}"
        return _said("unknown", [f"no sanity check of {what} in this run"], names)
    if not sane:
        return _said("unknown", [f"{', '.join(names)} could not be carried out"], names)
    parts = list(_parts(sane))
    texts = [part.text for part in parts]
    asked = any(item.name in _FAITHFUL for other in sane for item in other.findings)
    if not asked:
        texts.append(NOT_ASKED)
    level: TrustLevel = "good" if asked and all(part.grade == "good" for part in parts) else "limited"
    if any(part.grade == "bad" for part in parts):
        level = "poor"
    return _said(level, [*texts, *_elsewhere(check, sane)], names)


def _said(level: TrustLevel, parts: Sequence[str], names: tuple[str, ...]) -> Trust:
    source = f" [{', '.join(names)}]" if names else ""
    return Trust(level=level, text=f"{_WORDS[level]}: {', '.join(parts)}{source}", checks=names)


def _same_maps(check: CheckResult, other: CheckResult) -> bool:
    """Whether both look at one network in one way; what is explained, and on which data, may differ."""
    keys = ("method", "layer", "call", "relu")
    return check.model == other.model and all(check.maps.get(key) == other.maps.get(key) for key in keys)


def _elsewhere(check: CheckResult, sane: Sequence[CheckResult]) -> Iterator[str]:
    targets = {other.maps["target"] for other in sane} - {check.maps["target"]}
    if targets:
        yield f"seen for target {' and '.join(sorted(targets))}"
    own = check.population.data if check.population is not None else None
    data = {other.population.data for other in sane if other.population is not None} - {own}
    if data and own is not None:
        yield f"seen on data {' and '.join(sorted(data))}"


def _parts(sane: Sequence[CheckResult]) -> Iterator[Part]:
    """One part per rule; where several checks or stages have a say, the worst has it."""
    for prefix, rule in _RULES.items():
        found = [
            _graded(item, rule)
            for other in sane
            for item in other.findings
            if item.by is None and item.name.partition(" ")[0] == prefix
        ]
        if found:
            yield max(found, key=lambda part: _GRADES.index(part.grade))


def _graded(item: Finding, rule: Callable[[Finding], Part]) -> Part:
    """The rule's part; a number that many images do not have is weak at best."""
    part = rule(item)
    missing = sum(item.undefined.values())
    if missing <= EMPTY * (item.n + missing):
        return part
    text = f"{part.text} (undefined for {missing:,} of {item.n + missing:,})"
    return Part(grade=max(part.grade, "weak", key=_GRADES.index), text=text)


def _randomised(item: Finding) -> Part:
    grade = _graded_by(item.upper <= SIMILAR, item.lower > SIMILAR)
    words = {"good": "change", "weak": "may not change", "bad": "do not change"}
    return Part(grade=grade, text=f"{words[grade]} with the parameters (ρ {_shown(item, SIMILAR)})")


def _all_zero(item: Finding) -> Part:
    shown = format_interval(item.value, item.lower, item.upper, EMPTY, percent=True)
    return Part(grade=_graded_by(item.upper <= EMPTY, item.lower > EMPTY), text=f"{shown} all-zero")


def _occlusion(item: Finding) -> Part:
    grade = _graded_by(item.lower >= AGREE, item.upper <= 0)
    words = {"good": "agree", "weak": "agree only in part", "bad": "do not agree"}
    text = f"{words[grade]} with occlusion (ρ {_shown(item, AGREE)})"
    return _beside_the_blob(item, grade, text)


def _methods(item: Finding) -> Part:
    grade: Grade = "good" if item.lower >= ALIKE else "weak"
    words = "methods agree" if grade == "good" else "methods disagree in part"
    return Part(grade=grade, text=f"{words} (ρ {_shown(item, ALIKE)})")


def _gain(item: Finding) -> Part:
    """Against 0, whatever its size: probabilities of a network that is never sure move little."""
    grade = _graded_by(item.lower > 0, item.upper <= 0)
    words = {"good": "beats", "weak": "may not beat", "bad": "does not beat"}
    name = item.name.partition("_")[0]
    return _beside_the_blob(item, grade, f"{name} {words[grade]} random order (by {_shown(item, 0.0)})")


def _beside_the_blob(item: Finding, grade: Grade, text: str) -> Part:
    """What a blob in the centre may reach too is no merit of the maps: their whole interval must be above."""
    blob = next((other.value for other in item.controls if other.name == "centre_prior"), None)
    if blob is None or grade == "bad" or item.lower > blob:
        return Part(grade=grade, text=text)
    return Part(grade="weak", text=f"{text}, not clearly more than a blob in the centre ({blob:.2g})")


def _graded_by(good: bool, bad: bool) -> Grade:
    return "good" if good else "bad" if bad else "weak"


def _shown(item: Finding, bound: float) -> str:
    return format_interval(item.value, item.lower, item.upper, bound)


_RULES: dict[str, Callable[[Finding], Part]] = {
    "randomised_similarity": _randomised,
    "all_zero": _all_zero,
    "occlusion_agreement": _occlusion,
    "insertion_gain": _gain,
    "deletion_gain": _gain,
    "method_agreement": _methods,
}
_FAITHFUL = {"occlusion_agreement", "insertion_gain", "deletion_gain"}
"""Numbers for which the network was asked again."""
