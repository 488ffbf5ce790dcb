"""Progress of long work: a bar on a terminal, plain rate-limited lines elsewhere."""

from __future__ import annotations

import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Tick = Callable[[str, int, int], None]

SECONDS = 10.0


@contextmanager
def progress(name: str) -> Iterator[Tick]:
    """Give a function to call with a label, what is done, and how much there is."""
    if not sys.stderr.isatty():
        yield _lines(name)
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, int] = {}

        def tick(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(f"{name}: {label}", total=total)
            bars.update(tasks[label], completed=done)  # type: ignore[arg-type]

        yield tick


def _lines(name: str) -> Tick:
    last = time.monotonic()

    def tick(label: str, done: int, total: int) -> None:
        nonlocal last
        if time.monotonic() - last >= SECONDS:
            last = time.monotonic()
            print(f"{name}: {label}: {done} of {total} images", file=sys.stderr, flush=True)  # noqa: T201

    return tick
