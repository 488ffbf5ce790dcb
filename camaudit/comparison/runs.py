"""Two runs, of one audit or of two, check by check."""

from __future__ import annotations

from dataclasses import replace
from math import inf, isfinite
from typing import TYPE_CHECKING

from camaudit.comparison import changes
from camaudit.comparison.comparable import layers_note, why_not, worse_of
from camaudit.comparison.paired import MOST_CELLS, Pairs
from camaudit.comparison.record import CheckComparison, Comparison, Difference, Numbers, Side
from camaudit.comparison.worst import worst

if TYPE_CHECKING:
    from collections.abc import Iterable

    from camaudit.comparison.kept import Run
    from camaudit.comparison.record import Worse
    from camaudit.result import CheckResult, Finding, ModelRecord

NAMED = 3
"""Checks that are named where many were left out."""
MOST_COLUMNS = 6
"""Numbers of one check whose differences are told: the ranking one, and those that are estimated."""


def of_runs(old: Run, new: Run, most: int) -> Comparison:
    """Everything that differs between two runs, with the `most` worst images of every check."""
    mine, its = ({item.id: item for item in run.result.checks} for run in (old, new))
    both = [(mine[name], its[name]) for name in mine if name in its]
    return Comparison(
        title="Two runs compared",
        before=_side(old, "before"),
        after=_side(new, "after"),
        checks=tuple(_check(old, new, before, after, most) for before, after in both),
        only_before=tuple((item.id, item.status) for item in mine.values() if item.id not in its),
        only_after=tuple((item.id, item.status) for item in its.values() if item.id not in mine),
        model=changes.models(old.result, new.result),
        data=changes.data(both),
        spec_lines=changes.spec_lines(old.result, new.result),
        environment=changes.environments(old.result, new.result),
        notes=tuple(_notes(old, new)),
    )


def _side(run: Run, word: str) -> Side:
    result = run.result
    return Side(
        word=word,
        name=result.name,
        place=str(run.folder),
        created=result.created,
        status=result.status,
        folder=run.folder,
    )


def _notes(old: Run, new: Run) -> Iterable[str]:
    before, after = old.result, new.result
    if before.name != after.name:
        yield f"Two audits, {before.name} and {after.name}: checks of the same id are taken for each other's."
    if before.format_version != after.format_version:
        yield (
            f"Results of two formats, {before.format_version} and {after.format_version}: what the older one "
            "does not hold is not compared."
        )
    for word, result in (("first", before), ("second", after)):
        if result.not_run:
            names = ", ".join(result.not_run[:NAMED]) + (" …" if len(result.not_run) > NAMED else "")
            yield f"The {word} run is partial: {len(result.not_run)} of its checks were left out ({names})."
        if not result.spec_text:
            yield f"The {word} run did not record its spec."


def _check(old: Run, new: Run, before: CheckResult, after: CheckResult, most: int) -> CheckComparison:
    found = CheckComparison(
        id=after.id,
        title=after.title,
        statuses=(before.status, after.status),
        reasons=(before.answer or before.headline, after.answer or after.headline),
        numbers=tuple(sorted(_numbers(before, after, of_all=True), key=lambda item: not item.gated)),
        levels=tuple(item for item in _numbers(before, after, of_all=False) if item.differs),
        changes=changes.settings(before, after),
        incomparable=why_not(before, after),
        notes=tuple(filter(None, [layers_note(before, after)])),
    )
    networks = [_network(run, check) for run, check in ((old, before), (new, after))]
    pairs = Pairs(
        old=old.kept(before),
        new=new.kept(after),
        same_data=_same_data(before, after),
        same_view=_same(networks, "preprocess"),
        same_network=_same(networks, "fingerprint"),
        confidence=_confidence(after),
    )
    found = replace(found, pairing=pairs.pairing, answers=None if pairs.pairing.partial else pairs.answers)
    lacking = [word for word, side in (("first", pairs.old), ("second", pairs.new)) if not side.samples]
    why = f"no sample of the {' and the '.join(lacking)} run is known" if lacking else ""
    if not why and not pairs.ids:
        why = "no image is the same in both"
    if why and not found.incomparable:
        found = replace(found, incomparable=(why,))
    if found.incomparable:
        return found
    return _subtracted(found, pairs, (old, before), (new, after), most=most)


def _subtracted(
    found: CheckComparison,
    pairs: Pairs,
    first: tuple[Run, CheckResult],
    second: tuple[Run, CheckResult],
    *,
    most: int,
) -> CheckComparison:
    """The same with differences, maps and worst images."""
    (old, before), (new, after) = first, second
    worse = _worse(old, new, before, after)
    ranking = next(iter(after.columns), "")
    no_distance = _no_distance(pairs)
    return replace(
        found,
        # The mean of samples that were picked for being bad would say nothing of all.
        differences=() if pairs.pairing.partial else tuple(_differences(pairs, before, after, worse)),
        distance=None if no_distance else pairs.distance(pairs.distances(pairs.ids)),
        no_distance=no_distance,
        worse=worse,
        ranking=after.columns.get(ranking, ranking),
        worst=worst(pairs, ranking, worse=worse, most=most, runs=(old, new)),
        died=pairs.died(ranking),
    )


def _no_distance(pairs: Pairs) -> str:
    """Why the maps of all images are not compared; empty where they are."""
    if not pairs.same_view:
        return "the two networks see pictures otherwise (preprocessing), so their maps lie on other pixels"
    lacking = pairs.old.no_maps or pairs.new.no_maps
    if lacking or pairs.pairing.partial:
        return lacking or pairs.pairing.partial[0]
    if pairs.cells > MOST_CELLS:
        return f"the maps have {pairs.cells:,} cells in all: only those of the worst images are compared"
    return ""


def _differences(pairs: Pairs, before: CheckResult, after: CheckResult, worse: Worse) -> Iterable[Difference]:
    ranking = next(iter(after.columns), "")
    estimated = [item.column for item in after.findings if item.by is None]
    wanted = [name for name in dict.fromkeys([ranking, *estimated]) if name in after.columns]
    for name in [name for name in wanted if name in before.columns][:MOST_COLUMNS]:
        own = next((item for item in after.findings if item.by is None and item.column == name), None)
        side = {"at_least": "low", "at_most": "high"}.get((own.direction if own else None) or "")
        yield pairs.difference(
            name,
            after.columns[name],
            worse=worse if name == ranking else side,  # type: ignore[arg-type]
            bounds=_bounds(own),
        )


def _bounds(finding: Finding | None) -> tuple[float, float]:
    """What a difference of two numbers of this kind can be."""
    if finding is None or finding.low is None or finding.high is None:
        return -inf, inf
    width = finding.high - finding.low
    return (-width, width) if isfinite(width) else (-inf, inf)


def _worse(old: Run, new: Run, before: CheckResult, after: CheckResult) -> Worse:
    """The way that both sides call worse; None where they disagree or nothing tells."""
    was, now = worse_of(old.result, before), worse_of(new.result, after)
    return was if was == now else None


def _numbers(before: CheckResult, after: CheckResult, *, of_all: bool) -> Iterable[Numbers]:
    """Whole-check numbers of either side; else those of single classes or sizes."""
    mine, its = (
        {item.name: item for item in check.findings if (item.by is None) == of_all}
        for check in (before, after)
    )
    for name in dict.fromkeys([*its, *mine]):
        yield Numbers(name=name, before=mine.get(name), after=its.get(name))


def _network(run: Run, check: CheckResult) -> ModelRecord | None:
    return next((item for item in run.result.models if item.name == check.model), None)


def _same(networks: list[ModelRecord | None], name: str) -> bool:
    """Whether a fact of both networks is known and the same."""
    one, other = networks
    return one is not None and other is not None and getattr(one, name) == getattr(other, name)


def _same_data(before: CheckResult, after: CheckResult) -> bool:
    hashes = [item.population.sha256 if item.population is not None else "" for item in (before, after)]
    return bool(hashes[0]) and hashes[0] == hashes[1]


def _confidence(check: CheckResult) -> float:
    return next((item.confidence for item in check.findings), 0.95)
