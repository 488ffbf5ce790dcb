"""What `benchmarks.one_pixel` found, as Markdown."""

from __future__ import annotations

import json
import statistics
from collections import Counter
from typing import TYPE_CHECKING, Any

from camaudit import stats
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

START, END = "<!-- table: python -m benchmarks.one_pixel -->", "<!-- end of table -->"
TITLES = {"lenet": "LeNet", "resnet8": "ResNet-8", "resnet20": "ResNet-20"}
SEARCHES = {"guided": "guided", "sweep": "sweep", "evolution": "DE 400 × 100"}
PEERS = {
    "ours": "camaudit, DE rand/1 400 × 20",
    "torchattacks": "torchattacks.OnePixel, 400 × 20",
    "torchattacks_default": "torchattacks.OnePixel, its default 10 × 10",
    "art": "ART PixelAttack, 400 × 20",
}
PUBLISHED = (
    ("AllConv", "CIFAR-10 test set, untargeted", "22.60 %", "Su et al. 2019, not checked against the paper"),
    ("NiN", "CIFAR-10 test set, untargeted", "35.20 %", "the same"),
    ("VGG16", "CIFAR-10 test set, untargeted", "31.40 %", "the same"),
    (
        "VGG16, AllConv, NiN",
        "Kaggle CIFAR-10, any of nine targets",
        "67.97 %",
        "the abstract of its preprint",
    ),
)
Rows = list[dict[str, Any]]


def kept(folder: Path, key: str) -> Rows:
    """All rows that are there, in order of their images."""
    return [
        row
        for path in sorted(folder.glob(f"{key}.[0-9]*.json"))
        for row in json.loads(path.read_text(encoding="utf-8"))["rows"]
    ]


def seconds(folder: Path, key: str) -> float:
    """How much of a processor it took, over all pieces."""
    files = folder.glob(f"{key}.[0-9]*.json")
    return float(sum(json.loads(path.read_text(encoding="utf-8"))["seconds"] for path in files))


def table(folder: Path) -> str:
    """All tables of what is there."""
    parts = [_successes(folder), _pairs(folder), _overlaps(folder), _peers(folder), _speed(folder)]
    return "\n\n".join("\n".join(part) for part in map(list, parts))


def _successes(folder: Path) -> Iterator[str]:
    yield "### Success on initially correct images of the CIFAR-10 test set, untargeted, on 8-bit pixels"
    yield ""
    yield "| network | search | n | success | queries, mean | median | at most |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for network, title in TITLES.items():
        for search, name in SEARCHES.items():
            rows = kept(folder, f"{network}.{search}")
            if rows:
                queries = [row["queries"] for row in rows]
                yield (
                    f"| {title} | {name} | {len(rows)} | {_share(rows)} | {statistics.mean(queries):,.0f} | "
                    f"{statistics.median(queries):,.0f} | {max(queries):,} |"
                )
    yield ""
    yield "Published, with DE 400 × 100, on other networks:"
    yield ""
    yield "| network | data and goal | success | source |"
    yield "| --- | --- | --- | --- |"
    for network, data, number, source in PUBLISHED:
        yield f"| {network} | {data} | {number} | {source} |"


def _pairs(folder: Path) -> Iterator[str]:
    yield "### Against DE 400 × 100, paired on the same images"
    yield ""
    yield "| network | search | n | both | it alone | DE alone | neither | difference | queries, of DE's |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- | --- |"
    for network, title in TITLES.items():
        for search in ("guided", "sweep", "guided, then DE"):
            pairs = _paired(folder, network, search)
            if pairs:
                cells = Counter((mine["success"], other["success"]) for mine, other in pairs)
                gap = stats.bootstrap_mean(
                    [mine["success"] - other["success"] for mine, other in pairs], bounds=(-1.0, 1.0)
                )
                cost = sum(mine["queries"] for mine, _ in pairs) / sum(other["queries"] for _, other in pairs)
                yield (
                    f"| {title} | {search} | {len(pairs)} | {cells[True, True]} | {cells[True, False]} | "
                    f"{cells[False, True]} | {cells[False, False]} | "
                    f"{format_interval(gap.value, gap.lower, gap.upper)} | {cost:.3f} |"
                )


def _paired(folder: Path, network: str, search: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    by_place = {row["place"]: row for row in kept(folder, f"{network}.evolution")}
    mine = kept(folder, f"{network}.{search.partition(',')[0]}")
    pairs = [(row, by_place[row["place"]]) for row in mine if row["place"] in by_place]
    return [(_then(*pair), pair[1]) for pair in pairs] if "then" in search else pairs


def _then(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """The first search, and the second where the first finds nothing."""
    if first["success"]:
        return first
    return {"success": second["success"], "queries": first["queries"] + second["queries"]}


def _overlaps(folder: Path) -> Iterator[str]:
    yield "### Which search found which images"
    yield ""
    combinations = [(g, s, e) for g in (True, False) for s in (True, False) for e in (True, False)]
    yield "| network | n | " + " | ".join(map(_named, combinations)) + " |"
    yield "| --- | --- |" + " --- |" * len(combinations)
    for network, title in TITLES.items():
        found = [
            {row["place"]: row["success"] for row in kept(folder, f"{network}.{search}")}
            for search in SEARCHES
        ]
        places = set.intersection(*map(set, found))
        if places:
            cells = Counter(tuple(one[place] for one in found) for place in places)
            yield (
                f"| {title} | {len(places)} | " + " | ".join(str(cells[item]) for item in combinations) + " |"
            )


def _named(found: tuple[bool, bool, bool]) -> str:
    words = [word for word, hit in zip(("guided", "sweep", "DE"), found, strict=True) if hit]
    return " + ".join(words) or "none"


def _peers(folder: Path) -> Iterator[str]:
    yield "### Other libraries, LeNet, differential evolution with as many members and generations"
    yield ""
    yield "| attack | n | success | on the images all saw | queries, mean | at most | queries per second |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    fewest = min((len(kept(folder, f"peers.{key}")) or 10**9 for key in PEERS), default=0)
    for key, title in PEERS.items():
        rows = kept(folder, f"peers.{key}")
        if not rows:
            yield f"| {title} | not run | – | – | – | – | – |"
            continue
        queries = [row["queries"] for row in rows]
        pace = sum(queries) / seconds(folder, f"peers.{key}")
        yield (
            f"| {title} | {len(rows)} | {_share(rows)} | {_share(rows[:fewest])} | "
            f"{statistics.mean(queries):,.0f} | {max(queries):,} | {pace:,.0f} |"
        )


def _speed(folder: Path) -> Iterator[str]:
    yield "### Queries per second, as a share of the bare forward's (seconds of one thread)"
    yield ""
    yield "| network | bare forward, images per second | guided | sweep | DE |"
    yield "| --- | --- | --- | --- | --- |"
    for network, title in TITLES.items():
        path = folder / f"speed.{network}.json"
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8"))
            cells = [_ratio(found["ratios"][search]) for search in SEARCHES]
            yield f"| {title} | {found['bare']:,.0f} | " + " | ".join(cells) + " |"


def _ratio(values: list[float]) -> str:
    low, _, high = statistics.quantiles(values, n=4)
    return f"{statistics.median(values):.3f} ± {(high - low) / 2:.3f}"


def _share(rows: Rows) -> str:
    found = stats.wilson(sum(row["success"] for row in rows), len(rows))
    return format_interval(found.value, found.lower, found.upper)
