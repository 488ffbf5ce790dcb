"""One pixel: what camaudit's searches find and cost, beside each other, two libraries and the paper.

Four parts, each kept in pieces under ``reports/one_pixel``, so that a run that was cut goes on where it was:
`speed` (queries per second against the bare forward), `searches` (guided, sweep and the paper's differential
evolution on the same images), `peers` (torchattacks and ART at the same number of queries), and the table.
From the repository's root, as a module: ``python -m benchmarks.one_pixel --write docs/one_pixel.md``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
import warnings
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks import cifar
from benchmarks.one_pixel_table import END, START, table
from benchmarks.page import fill
from camaudit.classifier import Classifier
from camaudit.engine.allocation import pages_kept
from camaudit.perturb.attacks import find
from camaudit.perturb.budget import Budget, distance, rounded
from camaudit.perturb.one_pixel import Evolution, Guided, Oracle, Sweep, paint, run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from camaudit.perturb.one_pixel.oracle import Answers
    from camaudit.perturb.one_pixel.run import Search

    Ask = Callable[[Tensor, int, int], tuple[Tensor, int]]
    """Image [3, h, w], label, seed → changed image, queries."""

FOLDER = Path("reports/one_pixel")
PIECE = 20
"""Images per file."""
SEARCHES: dict[str, Search] = {"guided": Guided(), "sweep": Sweep(), "evolution": Evolution()}
PEER_GENERATIONS = 20
PEER_MEMBERS = 400
N = {
    "lenet.guided": 500,
    "lenet.sweep": 500,
    "lenet.evolution": 500,
    "resnet8.guided": 500,
    "resnet8.sweep": 100,
    "resnet8.evolution": 100,
    "resnet20.guided": 500,
    "resnet20.sweep": 40,
    "resnet20.evolution": 40,
}
"""Initially correct images for each search: what a quiet core does in two hours."""
BATCH = {"lenet": 512, "resnet8": 64, "resnet20": 64}
"""Candidates asked at once: what one core is fastest with."""
PARTS = ("speed", "peers", "searches")
PEER_N = {"ours": 100, "torchattacks": 100, "torchattacks_default": 100, "art": 20}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of one image; `place` is its number in the test set."""

    place: int
    label: int
    success: bool = False
    queries: int = 0
    predicted: int | None = None
    candidate: list[list[float]] | None = None


def main() -> None:
    """Run what is missing, and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS)
    parser.add_argument(
        "--n", nargs="+", default=[], metavar="KEY=N", help=f"images, of {', '.join([*N, *PEER_N])}"
    )
    parser.add_argument("--only", nargs="+", metavar="KEY", help="of the searches or peers, these alone")
    parser.add_argument("--art", type=Path, help="a folder that holds ART, if it is not installed")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--kept", action="store_true", help="run nothing: tables of what is there")
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the tables between this file's marks")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    FOLDER.mkdir(parents=True, exist_ok=True)
    if options.art:
        sys.path.append(str(options.art))
    given = dict(item.split("=") for item in options.n)
    if not options.kept:
        measure(options.parts, {key: int(n) for key, n in given.items()}, options.only)
    text = table(FOLDER)
    print(text)
    if options.write:
        write(options.write, text)


def measure(parts: Sequence[str], given: Mapping[str, int], only: Sequence[str] | None) -> None:
    """Run what is missing of the parts."""
    with pages_kept():  # as a run does
        if "speed" in parts:
            speed()
        for part, sizes, function in (("peers", PEER_N, peer), ("searches", N, searched)):
            for key in sizes if part in parts else ():
                if not only or key in only:
                    function(key, given.get(key, sizes[key]))


def write(path: Path, text: str) -> None:
    """Put the tables between the marks of a page."""
    fill(path, START, END, text)


def searched(key: str, n: int) -> None:
    """One search on the first n correct images of one network, in pieces."""
    name, _, search = key.partition(".")
    classifier = cifar.network(name)
    pixels, labels, places = cifar.correct(classifier, n)

    def rows(start: int, end: int) -> list[Row]:
        oracle = Oracle(classifier, pixels[start:end], labels[start:end], batch=BATCH[name])
        found = run(oracle, SEARCHES[search], seeds=places[start:end])
        return [
            Row(
                place=places[start + item.row],
                label=int(labels[start + item.row]),
                success=item.success,
                queries=item.queries,
                predicted=item.predicted,
                candidate=None if item.candidate is None else item.candidate.tolist(),
            )
            for item in found
        ]

    _pieces(key, n, rows)


def peer(key: str, n: int) -> None:
    """Another library's one-pixel attack on the first n correct images of LeNet, or ours at its budget."""
    classifier = cifar.network("lenet")
    pixels, labels, places = cifar.correct(classifier, n)
    try:
        ask = PEERS[key](classifier)
    except ImportError as missing:
        print(f"peers.{key}: left out, {missing}", flush=True)
        return

    def rows(start: int, end: int) -> list[Row]:
        return [
            _judged(classifier, pixels[row], Row(place=places[row], label=int(labels[row])), ask)
            for row in range(start, end)
        ]

    _pieces(f"peers.{key}", n, rows)


def _judged(classifier: Classifier, clean: Tensor, row: Row, ask: Ask) -> Row:
    """Success is another answer to the image as 8 bits hold it, with one pixel changed at most."""
    found, queries = ask(clean, row.label, row.place)
    changed = rounded(found)[None]
    predicted = int(cifar.answers(classifier, changed)[0])
    within = float(distance(clean[None], changed, "l0")) <= 1
    return replace(row, success=predicted != row.label and within, queries=queries, predicted=predicted)


class Counting(nn.Module):
    """A network that counts the images that it is asked about."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module
        self.asked = 0

    def forward(self, images: Tensor) -> Tensor:
        """The network's answer."""
        self.asked += len(images)
        answer: Tensor = self.module(images)
        return answer


def _ours(classifier: Classifier) -> Ask:
    search = Evolution(population=PEER_MEMBERS, generations=PEER_GENERATIONS)

    def ask(image: Tensor, label: int, seed: int) -> tuple[Tensor, int]:
        (found,) = run(Oracle(classifier, image[None], torch.tensor([label])), search, seeds=[seed])
        changed = image if found.candidate is None else paint(image[None], found.candidate[None])[0]
        return changed, found.queries

    return ask


def _torchattacks(steps: int, popsize: int) -> Callable[[Classifier], Ask]:
    def made(classifier: Classifier) -> Ask:
        counting = Counting(classifier.module).eval()
        seen = Classifier(module=counting, preprocess=classifier.preprocess)
        attack = find("torchattacks.OnePixel").make(
            {"steps": steps, "popsize": popsize, "inf_batch": 512}, Budget(norm="l0", eps=1)
        )

        def ask(image: Tensor, label: int, seed: int) -> tuple[Tensor, int]:
            counting.asked = 0
            found = attack(seen, image[None], torch.tensor([label]), seeds=[seed])
            return found[0], counting.asked

        return ask

    return made


def _art(classifier: Classifier) -> Ask:
    from art.attacks.evasion import PixelAttack
    from art.estimators.classification import PyTorchClassifier

    counting = Counting(nn.Sequential(_Normalised(classifier), classifier.module)).eval()
    seen = PyTorchClassifier(
        model=counting,
        loss=nn.CrossEntropyLoss(),
        input_shape=(3, 32, 32),
        nb_classes=10,
        clip_values=(0, 1),
        device_type="cpu",
    )

    def ask(image: Tensor, label: int, seed: int) -> tuple[Tensor, int]:
        counting.asked = 0
        np.random.seed(seed)  # noqa: NPY002 - what ART draws from
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            attack = PixelAttack(seen, th=1, es=1, max_iter=PEER_GENERATIONS, verbose=False)
            found = attack.generate(image[None].numpy(), np.eye(10)[[label]])
        return torch.from_numpy(np.asarray(found[0], dtype=np.float32)), counting.asked

    return ask


class _Normalised(nn.Module):
    """Preprocessing as a module."""

    def __init__(self, classifier: Classifier) -> None:
        super().__init__()
        self._preprocess = classifier.preprocess

    def forward(self, images: Tensor) -> Tensor:
        """Normalised images."""
        return self._preprocess.normalise(images)


PEERS = {
    "ours": _ours,
    "torchattacks": _torchattacks(PEER_GENERATIONS, PEER_MEMBERS),
    "torchattacks_default": _torchattacks(10, 10),
    "art": _art,
}


class Noting(Oracle):
    """Notes which images a search asks about, one after the other."""

    def __init__(self, classifier: Classifier, images: Tensor, labels: Tensor, batch: int) -> None:
        super().__init__(classifier, images, labels, batch=batch)
        self.rows: list[np.ndarray] = []

    def ask(self, rows: np.ndarray, candidates: np.ndarray) -> Answers:
        """Answers to candidates."""
        self.rows.append(rows)
        return super().ask(rows, candidates)


def speed(rounds: int = 7) -> None:
    """Queries per second of each search against the bare forward of as many images, taken in turns.

    Seconds of this process, not of the clock: what else runs on the machine matters less.
    """
    for name, images in (("lenet", 16), ("resnet8", 3), ("resnet20", 2)):
        path = FOLDER / f"speed.{name}.json"
        if path.is_file():
            continue
        classifier = cifar.network(name)
        pixels, labels, _ = cifar.correct(classifier, 60)
        resisting = _resisting(classifier, pixels, labels, images)
        ratios: dict[str, list[float]] = {search: [] for search in SEARCHES}
        bare: list[float] = []
        for _ in range(rounds):
            for search in _short():
                oracle = Noting(classifier, pixels[resisting], labels[resisting], BATCH[name])
                begun = time.process_time()
                run(oracle, search)
                mine = oracle.asked / (time.process_time() - begun)
                bare.append(_bare(oracle))
                ratios[search.name].append(mine / bare[-1])
        path.write_text(json.dumps({"bare": statistics.median(bare), "ratios": ratios}) + "\n")
        print(f"speed.{name}: {statistics.median(bare):.0f} images per second", flush=True)


def _short() -> Iterator[Search]:
    yield Guided()
    yield Sweep()
    yield Evolution(generations=7)


def _resisting(classifier: Classifier, pixels: Tensor, labels: Tensor, n: int) -> list[int]:
    """Images that nothing flips soon, so that every batch is full."""
    found = run(Oracle(classifier, pixels, labels), Guided())
    return [item.row for item in found if not item.success][:n]


def _bare(oracle: Noting) -> float:
    """Images per second: forwards, and nothing else, of the images that were asked about, in full batches.

    The same images in the same order: a batch that holds one image over and over is answered up to a quarter
    faster than one of many.
    """
    rows, seconds = np.concatenate(oracle.rows), 0.0
    for start in range(0, len(rows), oracle.batch):
        images = oracle.images[torch.from_numpy(rows[start : start + oracle.batch])]
        begun = time.process_time()
        with torch.inference_mode():
            oracle.network.logits(images)
        seconds += time.process_time() - begun
    return len(rows) / seconds


def _pieces(key: str, n: int, rows: Callable[[int, int], list[Row]]) -> None:
    """Files of `PIECE` images each; those that are there are left alone."""
    for start in range(0, n, PIECE):
        path = FOLDER / f"{key}.{start:04}.json"
        if path.is_file():
            continue
        end = min(start + PIECE, n)
        begun = time.process_time()
        found = rows(start, end)
        seconds = time.process_time() - begun
        content = {"seconds": seconds, "rows": [vars(row) for row in found]}
        path.write_text(json.dumps(content) + "\n", encoding="utf-8")
        print(
            f"{key} {end}/{n}: {sum(row.success for row in found)}/{len(found)}, {seconds:.0f} s", flush=True
        )


if __name__ == "__main__":
    main()
