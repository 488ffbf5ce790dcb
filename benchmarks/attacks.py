"""Every class of torchattacks on a trained CIFAR-10 network: what it finds, and what is left after 8 bits.

Asked through camaudit's adapter, verified as the engine does: initially correct images only, range and budget
measured anew, a violation is neither success nor failure. One file per class under ``reports/attacks``, so
that a run that was cut goes on. From the repository's root, as a module:
``python -m benchmarks.attacks --write docs/attacks.md``.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from benchmarks import cifar
from benchmarks.page import fill
from camaudit import stats
from camaudit.engine.allocation import pages_kept
from camaudit.perturb.attacks import ATTACKS, find
from camaudit.perturb.attacks.defects import DEFECTS, EVERYWHERE, FAULTS
from camaudit.perturb.budget import Budget, rounded, violations
from camaudit.verdict import format_interval

if TYPE_CHECKING:
    from collections.abc import Iterator

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.perturb.budget import Norm

    Chosen = tuple[Tensor, Tensor, list[int]]
    """Images, labels, places in the test set."""

FOLDER = Path("reports/attacks")
START, END = "<!-- table: python -m benchmarks.attacks -->", "<!-- end of table -->"
EPS: dict[Norm, float] = {"linf": 2 / 255, "l2": 0.25, "l0": 5}
"""Small, so that attacks differ: at 8/255 nearly all of them flip every image of an undefended network."""
N = 50


def main() -> None:
    """Run what is missing, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--network", choices=list(cifar.NETWORKS), default="lenet")
    parser.add_argument("--n", type=int, default=N)
    parser.add_argument("--only", nargs="+", metavar="CLASS")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--kept", action="store_true", help="run nothing: a table of what is there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table between this file's marks")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    classifier = cifar.network(options.network)
    pixels, labels, places = cifar.correct(classifier, options.n)
    for name in () if options.kept else cases(options.only):
        path = _path(options.network, *name)
        if not path.is_file():
            with pages_kept():  # as a run does; JSMA is many times slower without
                found = measured(classifier, (pixels, labels, places), *name)
            path.write_text(json.dumps(found) + "\n", encoding="utf-8")
            print(path.stem, found, flush=True)
    text = "\n".join(table(options.network))
    print(text)
    if options.write:
        write(options.write, text)


def cases(only: list[str] | None = None) -> Iterator[tuple[str, Norm | None]]:
    """Every class that can be made, in each norm that it keeps a budget in."""
    for full in ATTACKS:
        name = full.partition(".")[2]
        member = find(full)
        if name in {"MultiAttack", "LGV"} or (only and name not in only):
            continue
        norms: tuple[Norm | None, ...] = ("linf",) if name == "VANILA" else member.norms or (None,)
        for norm in norms:
            yield name, norm


def measured(classifier: Classifier, chosen: Chosen, name: str, norm: Norm | None) -> dict[str, Any]:
    """What a class finds on these images with its own parameters."""
    pixels, labels, places = chosen
    budget = None if norm is None else Budget(norm=norm, eps=EPS[norm])
    attack = find(f"torchattacks.{name}").make({}, budget)
    begun = time.process_time()
    changed = attack(classifier, pixels, labels, seeds=places)
    seconds = time.process_time() - begun
    wrong = [None] * len(pixels) if budget is None else violations(pixels, changed, budget)
    valid = torch.tensor([item is None for item in wrong])
    flipped, kept = (cifar.answers(classifier, item) != labels for item in (changed, rounded(changed)))
    return {
        "n": len(pixels),
        "invalid": int((~valid).sum()),
        "float": int((flipped & valid).sum()),
        "rounded": int((kept & valid).sum()),
        "seconds": seconds,
    }


def _path(network: str, name: str, norm: Norm | None) -> Path:
    return FOLDER / f"{network}.{name}.{norm or 'none'}.json"


def table(network: str) -> Iterator[str]:
    """Markdown: a row for every class and norm."""
    yield (
        f"{cifar.NETWORKS[network].title}; "
        + ", ".join(Budget(norm=norm, eps=eps).text for norm, eps in EPS.items())
        + "; each class with its own default parameters."
    )
    yield ""
    yield "| class | budget in | n | success | after 8 bits | s per image | bare, it fails |"
    yield "| --- | --- | --- | --- | --- | --- | --- |"
    for name, norm in cases():
        path = _path(network, name, norm)
        faults = ", ".join(fault for fault in DEFECTS[name] if fault not in EVERYWHERE) or "–"
        mark = "" if find(f"torchattacks.{name}").doubt else " ✓"
        if not path.is_file():
            yield f"| `{name}`{mark} | {norm or '–'} | not run | – | – | – | {faults} |"
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        invalid = f", {found['invalid']} invalid" if found["invalid"] else ""
        yield (
            f"| `{name}`{mark} | {norm or '–'} | {found['n']}{invalid} | {_share(found, 'float')} | "
            f"{_share(found, 'rounded')} | {found['seconds'] / found['n']:.2g} | {faults} |"
        )
    yield ""
    yield "What the words mean:"
    yield ""
    yield "| bare, it fails | what it does |"
    yield "| --- | --- |"
    for fault, words in FAULTS.items():
        where = "; all that ask the network" if fault in EVERYWHERE else ""
        yield f"| {fault} | {words}{where} |"


def _share(found: dict[str, int], key: str) -> str:
    valid = found["n"] - found["invalid"]
    if not valid:
        return "–"
    interval = stats.wilson(found[key], valid)
    return format_interval(interval.value, interval.lower, interval.upper)


def write(path: Path, text: str) -> None:
    """Put the table between the marks of a page."""
    fill(path, START, END, text)


if __name__ == "__main__":
    main()
