"""Audits the zoo, and writes the figures into docs/zoo.md and docs/pictures/zoo.svg."""

from __future__ import annotations

import math
import time
from itertools import product
from typing import TYPE_CHECKING

import torch

from . import table
from .audit import DETECTORS, PARTS, N, answers, answers_of
from .cues import CUES
from .grid import HELD_OUT, entries
from .picture import draw
from .store import ROOT, ZOO, read_truth, weights_file
from .training import NEGATIVE, POSITIVE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from camaudit.stats import Interval

    from .table import Zoo

PAGE = ROOT / "docs/zoo.md"
PICTURE = ROOT / "docs/pictures/zoo.svg"
START, END = "<!-- figures: written by python -m benchmarks.shortcuts score -->", "<!-- end of figures -->"
AGAIN, AGAIN_END = (
    "<!-- figures: written by python -m benchmarks.shortcuts score --seed 1 -->",
    "<!-- end of figures of seed 1 -->",
)


def score(
    *, full: bool = False, seed: int = 0, folder: Path = ZOO, page: Path = PAGE, picture: Path = PICTURE
) -> None:
    """Run every detector on every network that has none of its answers yet, then write page and picture.

    Of another seed's zoo, the page has a part of its own, without thresholds: it has no cues to fix them on.
    """
    torch.set_num_threads(1)
    zoo = read(full=full, folder=folder, seed=seed)
    text = "\n".join(unseen(zoo) if seed else report(zoo, full=full))
    print(text)
    marks = (AGAIN, AGAIN_END) if seed else (START, END)
    page.write_text(between(page.read_text(encoding="utf-8"), text, marks), encoding="utf-8")
    if not seed:
        picture.write_text(draw(zoo), encoding="utf-8")


def read(*, full: bool, folder: Path, seed: int = 0) -> Zoo:
    """The audited zoo. Raises `SystemExit` where it has not been built whole."""
    wanted = entries(full=full, seed=seed)
    missing = [entry.name for entry in wanted if not weights_file(entry, folder).exists()]
    if missing:
        raise SystemExit(
            f"{len(missing)} of {len(wanted)} networks are not built yet, {missing[0]} for one: "
            f"run python -m benchmarks.shortcuts build{' --full' if full else ''} first"
        )
    scored_first = sorted(wanted, key=lambda entry: entry.world.cue not in HELD_OUT)
    for part, (number, entry) in product(PARTS, enumerate(scored_first, 1)):
        started = time.perf_counter()
        answers_of(part, entry, folder)
        print(f"{part} {number}/{len(wanted)} {entry.name} {time.perf_counter() - started:.0f} s", flush=True)
    return table.Zoo(
        networks=tuple(
            table.Scored(entry=entry, truth=read_truth(entry, folder), answers=answers(entry, folder))
            for entry in wanted
        )
    )


def between(page: str, text: str, marks: tuple[str, str] = (START, END)) -> str:
    """The page with `text` in place of what stood between its two marks."""
    start, end = marks
    before, _, rest = page.partition(start)
    _, mark, after = rest.partition(end)
    if not mark:
        raise SystemExit(f"docs/zoo.md has lost its marks {start} and {end}")
    return f"{before}{start}\n\n{text}\n\n{end}{after}"


def unseen(zoo: Zoo) -> Iterator[str]:
    """What needs no threshold, as Markdown: of networks that were trained for nothing but this."""
    decided = zoo.decided
    yield (
        f"{len(zoo.networks)} networks, {N} audited pictures each: {int(decided.guilty.sum())} rely on their "
        f"cue, {int((~decided.guilty).sum())} do not, "
        f"{len(zoo.networks) - len(decided.networks)} lie between."
    )
    yield ""
    yield from _head(("detector", "AUROC", "on the object", "off the object"))
    for name in DETECTORS:
        yield _line(name, *(_number(value) for value in table.aurocs(decided, name)))
    yield ""
    yield from _verdicts(zoo, {"": True})


def report(zoo: Zoo, *, full: bool) -> Iterator[str]:
    """All tables, as Markdown."""
    decided = zoo.decided
    held = decided.where(lambda item: item.held_out)
    yield (
        f"{len(zoo.networks)} networks{' (the full zoo)' if full else ''}, {N} audited pictures each. "
        f"{int(decided.guilty.sum())} rely on their cue (r ≥ {POSITIVE:.2f}), "
        f"{int((~decided.guilty).sum())} do not (|r| ≤ {NEGATIVE:.2f}), "
        f"{len(zoo.networks) - len(decided.networks)} lie between and are not scored. "
        f"Held-out cues ({', '.join(HELD_OUT)}): {int(held.guilty.sum())} rely, "
        f"{int((~held.guilty).sum())} do not."
    )
    yield from ("", *_main(zoo), "", *_own(zoo), "", *_cues(zoo), "", *_kinds(zoo))


def _main(zoo: Zoo) -> Iterator[str]:
    yield (
        "Held-out cues; an alarm is a score above the threshold that the other four cues fixed at 5 % false "
        "alarms:"
    )
    yield ""
    yield from _head(
        (
            "detector",
            "AUROC",
            "on the object",
            "off the object",
            "caught",
            "false alarms",
            "caught *",
            "false alarms *",
            "rank corr. with r",
        )
    )
    for row in table.rows(zoo):
        yield _line(
            row.detector,
            *(_number(value) for value in (row.auroc, row.on_object, row.off_object)),
            *(_percent(value) for value in (row.caught, row.false, row.caught_located, row.false_located)),
            _plain(row.correlation),
        )
    yield ""
    yield "\\* with the tint left out of what fixes the threshold: a diffuse cue has no region to declare."


def _own(zoo: Zoo) -> Iterator[str]:
    yield "What the check says by itself, on all cues; nothing of it is tuned on the zoo:"
    yield ""
    yield from _verdicts(zoo, {"": True, ", without tint": False})


def _verdicts(zoo: Zoo, settings: dict[str, bool]) -> Iterator[str]:
    """Of each setting (its name's end → whether the diffuse cue is in it), the checks' own words."""
    yield from _head(
        (
            "setting",
            "innocent with p ≤ .05",
            "innocent called SHORTCUT",
            "guilty called SHORTCUT",
            "guilty cleared",
            "refused: innocent, guilty",
        )
    )
    for mark, diffuse in settings.items():
        for row in table.calibration(zoo, diffuse=diffuse):
            shares = (row.significant, row.accused, row.convicted, row.cleared)
            refused = ", ".join(map(str, row.refused))
            yield _line(row.detector + mark, *(_percent(value) for value in shares), refused)


def _cues(zoo: Zoo) -> Iterator[str]:
    yield "AUROC within each cue:"
    yield ""
    yield from _head(("cue", "where", "rely / do not", *DETECTORS))
    for cue, values in table.by_cue(zoo).items():
        guilty = zoo.decided.where(lambda item, cue=cue: item.entry.world.cue == cue).guilty  # type: ignore[misc]
        held = " (held out)" if cue in HELD_OUT else ""
        counts = f"{int(guilty.sum())} / {int((~guilty).sum())}"
        yield _line(cue + held, CUES[cue].place, counts, *(_plain(value) for value in values.values()))


def _kinds(zoo: Zoo) -> Iterator[str]:
    yield "Alarms by kind of network, held-out cues, at the thresholds marked *:"
    yield ""
    yield from _head(("kind", "networks", "of these rely", *DETECTORS))
    for kind, (count, guilty, alarms) in table.by_kind(zoo).items():
        yield _line(kind, str(count), str(guilty), *(str(value) for value in alarms.values()))


def _head(names: Iterable[str]) -> tuple[str, str]:
    titles = tuple(names)
    return _line(*titles), _line(*["---"] * len(titles))


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"


def _number(value: Interval) -> str:
    return f"{_plain(value.value)} [{_plain(value.lower)}, {_plain(value.upper)}]"


def _percent(value: Interval) -> str:
    return f"{100 * value.value:.0f} % [{100 * value.lower:.0f}, {100 * value.upper:.0f}]"


def _plain(value: float) -> str:
    return "–" if math.isnan(value) else f"{value:.2f}"
