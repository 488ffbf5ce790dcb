"""A baseline and what was measured since, held against each other as two runs are."""

from __future__ import annotations

from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from camaudit.comparison.changes import differing
from camaudit.comparison.kept import NAN, Kept, Sample
from camaudit.comparison.paired import Pairs
from camaudit.comparison.record import CheckComparison, Comparison, Numbers, Part, Side
from camaudit.comparison.worst import worst
from camaudit.errors import BaselineError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from typing import Any

    from camaudit.baseline import Baseline
    from camaudit.comparison.kept import Run
    from camaudit.comparison.record import Worse
    from camaudit.result import CheckResult


def of_baselines(
    old: Baseline,
    new: Baseline,
    *,
    places: tuple[Path, Path],
    most: int,
    run: Run | None = None,
    check: CheckResult | None = None,
    accepted: Mapping[str, Any] | None = None,
) -> Comparison:
    """A baseline and its candidate. `run` and its drift `check` bring pictures and the verdict, if there.

    `accepted` is the baseline's line in the history. Raises `BaselineError` where the two cannot be compared.
    """
    unlike = old.fingerprint.unlike(new.fingerprint)
    if unlike:
        raise BaselineError(f"not comparable: they were measured with {', and with '.join(unlike)}")
    rows = {row.id: row for row in check.rows} if check is not None else {}
    # The pictures are of both; what else a row holds is of this run.
    kept = _kept(old), replace(_kept(new), rows=rows)
    same = old.fingerprint.weights == new.fingerprint.weights
    pairs = Pairs(old=kept[0], new=kept[1], same_data=True, same_view=True, same_network=same)
    name = new.fingerprint.audit
    return Comparison(
        title="A baseline and what was measured since",
        before=Side(
            word="accepted",
            name=name,
            place=str(places[0]),
            created=str((accepted or {}).get("when", "")),
            folder=run.folder if run is not None else None,
        ),
        after=Side(
            word="now",
            name=name,
            place=str(places[1]),
            created=run.result.created if run is not None else "",
            status=check.status if check is not None else None,
            folder=run.folder if run is not None else None,
        ),
        checks=(_check(pairs, new, check, run, most=most),),
        model=_networks(old, new, same=same),
        data=Part(notes=("The same samples, images and labels.",)),
        environment=Part(changes=differing(old.fingerprint.versions, new.fingerprint.versions)),
        notes=tuple(_notes(accepted)),
    )


def _kept(item: Baseline) -> Kept:
    column = item.fingerprint.column
    samples = {
        key: Sample(
            label=row.label,
            predicted=row.predicted,
            values={column: NAN if row.value is None else float(f"{row.value:.7g}")},
            why={column: row.reason} if row.reason else {},
        )
        for key, row in item.rows.items()
    }
    maps = {key: row.map.values.astype(np.float32) for key, row in item.rows.items() if row.map is not None}
    return Kept(samples=samples, maps=maps, no_maps="" if maps else "there is no map in the file")


def _check(
    pairs: Pairs, new: Baseline, check: CheckResult | None, run: Run | None, *, most: int
) -> CheckComparison:
    column = new.fingerprint.column
    worse: Worse = "low" if new.fingerprint.worse == "low" else "high"
    lacking = pairs.old.no_maps or pairs.new.no_maps
    return CheckComparison(
        id=check.id if check is not None else new.fingerprint.check,
        title=f"{column} of {new.fingerprint.check}",
        statuses=(None, check.status if check is not None else None),
        reasons=("", check.answer if check is not None else ""),
        numbers=tuple(
            Numbers(name=item.name, before=None, after=item)
            for item in (check.findings if check is not None else ())
            if item.by is None
        ),
        pairing=pairs.pairing,
        differences=(pairs.difference(column, column, worse=worse, bounds=(-inf, inf)),),
        distance=None if lacking else pairs.distance(pairs.distances(pairs.ids)),
        no_distance=lacking,
        answers=pairs.answers,
        worse=worse,
        ranking=column,
        worst=worst(pairs, column, worse=worse, most=most, runs=(None, run)),
        died=pairs.died(column),
    )


def _networks(old: Baseline, new: Baseline, *, same: bool) -> Part:
    facts = [
        {"fingerprint": item.fingerprint.weights, "layers of the maps": ", ".join(item.fingerprint.layers)}
        for item in (old, new)
    ]
    alike = "Weights, classes and preprocessing are those that were accepted. Code is not compared."
    notes = (alike,) if same else ()
    return Part(changes=differing(*facts), notes=notes)


def _notes(accepted: Mapping[str, Any] | None) -> Iterable[str]:
    if accepted is not None:
        yield (
            f"Accepted {accepted.get('when', 'at an unknown time')} by {accepted.get('by', 'nobody named')}: "
            f"{accepted.get('reason', 'no reason given')}."
        )
