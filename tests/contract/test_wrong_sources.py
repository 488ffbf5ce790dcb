"""Data sources that are wrong on purpose are refused, by the right clause, in words."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from camaudit import contract
from camaudit.data.sample import Listing, Sample, Unusable
from camaudit.spec.base import SourceSpec
from tests.contract.wrong import refused
from tests.data import files


class Right(SourceSpec):
    """Pictures in a folder, a class each."""

    pictures: str
    """The folder."""

    def listing(self, base, classes):
        names = sorted(path.name for path in (base / self.pictures).iterdir())
        samples, unusable = [], []
        for number, name in enumerate(names):
            if classes is not None and name[0] not in classes:
                unusable.append(Unusable(id=name, reason="unknown label"))
            else:
                label = None if classes is None else classes.index(name[0])
                samples.append(self.sample(base, name, number, label))
        return Listing(samples=tuple(samples), unusable=tuple(unusable))

    def sample(self, base, name, number, label):
        return Sample(id=name, image=base / self.pictures / name, label=label)


class Mutable(Right, frozen=False):
    pass


class Loose(Right, extra="ignore"):
    pass


class Nameless(Right):
    other: int = 0


class Nothing(Right):
    def listing(self, base, classes):
        return Listing(samples=())


class Bare(Right):
    def listing(self, base, classes):
        return list(super().listing(base, classes).samples)


class Twice(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), id="one")


class Silent(Right):
    def listing(self, base, classes):
        found = super().listing(base, classes)
        return replace(found, unusable=(Unusable(id="x", reason=""),))


class Renumbered(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), label=None if label is None else label + 7)


class Renamed(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), label_name="z")


class Dropping(Right):
    def listing(self, base, classes):
        return replace(super().listing(base, classes), unusable=())


class Guessing(Right):
    def listing(self, base, classes):
        return super().listing(base, None if classes is None else ("a", "b"))


class Needy(Right):
    def listing(self, base, classes):
        return Listing(samples=()) if classes is None else super().listing(base, classes)


class Shuffled(Right):
    def listing(self, base, classes):
        found = super().listing(base, classes)
        return replace(found, samples=tuple(random.sample(found.samples, len(found.samples))))


class Homely(Right):
    def listing(self, base, classes):
        found = super().listing(base, classes)
        return found if Path.cwd().name == "home" else Listing(samples=found.samples[:1])


class Opening(Right):
    def sample(self, base, name, number, label):
        with Image.open(base / self.pictures / name):
            return super().sample(base, name, number, label)


class Broken(Right):
    def sample(self, base, name, number, label):
        return replace(super().sample(base, name, number, label), image=base / "nowhere.png")


@pytest.fixture
def home(tmp_path, monkeypatch):
    folder = tmp_path / "home"
    for number in range(8):
        files.image(folder / f"pictures/{'ab'[number % 2]}{number}.png")
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize(
    ("source", "clause", "words"),
    [
        (dict, "entry", "not a subclass of SourceSpec"),
        (Nameless, "entry", "keys without a description: other"),
        (Mutable, "frozen and strict", "another value for 'allow_unusable' has to be refused"),
        (Loose, "frozen and strict", "the key 'no_such_key' has to be refused"),
        (Nothing, "samples and reasons", "no usable sample"),
        (Bare, "samples and reasons", "listing returned list, not a Listing"),
        (Twice, "samples and reasons", r"ids stand twice: \['one'\]"),
        (Silent, "samples and reasons", r"unusable without a reason: \['x'\]"),
        (Renumbered, "labels", "label 7 is no number of 2 classes"),
        (Renamed, "labels", "is 'a' to the network and 'z' to the data"),
        (Dropping, "unknown labels", "without the class 'b' it finds 4 samples in place of 8"),
        (Guessing, "unknown labels", r"does not know the class 'b', and these are usable: .'b1"),
        (Needy, "without classes", "it finds 0 samples in place of 8"),
        (Shuffled, "the same twice", "another order"),
        (Homely, "any working folder", "paths start at `base`"),
        (Opening, "no picture is opened", "listing opens pictures"),
        (Broken, "what is listed loads", "is listed as usable and cannot be had"),
    ],
)
def test_wrong_sources(home, source, clause, words):
    random.seed(4)
    refused(
        contract.of_source(source, {"pictures": "pictures"}, base=home, classes=("a", "b")), clause, words
    )


def test_a_right_source_keeps_everything(home):
    contract.of_source(Right, {"pictures": "pictures"}, base="", classes=("a", "b")).hold()
