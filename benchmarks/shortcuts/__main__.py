"""``python -m benchmarks.shortcuts build`` trains the zoo, ``score`` audits it; ``--full``: 792."""

from __future__ import annotations

import argparse

from .build import build
from .score import score


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shortcuts", description=__doc__)
    parser.add_argument("action", choices=("build", "score"))
    parser.add_argument("--full", action="store_true", help="792 networks instead of 64")
    parser.add_argument(
        "--seed",
        type=int,
        default=0,
        help="32 other networks of the held-out cues (not with --full)",
    )
    parser.add_argument(
        "--limit", type=int, help="build: train at most so many, then stop; the next call goes on"
    )
    given = parser.parse_args()
    if given.full and given.seed:
        parser.error("--full has three seeds of its own")
    if given.action == "build":
        build(full=given.full, seed=given.seed, limit=given.limit)
    else:
        score(full=given.full, seed=given.seed)


if __name__ == "__main__":
    main()
