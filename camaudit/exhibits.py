"""What a report shows of images that were changed to test a network: pairs, strikes, and the maps named."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class NamedMap:
    """One of several maps of a sample: `key` in `evidence/maps.npz`, None where `status` says why not.

    `name` is what the check calls it (``predicted``), `explains` the class it explains in this sample, if
    that is one class.
    """

    name: str
    explains: str | None = None
    key: str | None = None
    status: str = "ok"
    largest: float | None = None

    @property
    def text(self) -> str:
        """``predicted: cat``."""
        return self.name if self.explains is None else f"{self.name}: {self.explains}"


@dataclass(frozen=True, kw_only=True)
class Version:
    """One picture of a pair: the image as it was, or changed, and what the network answers to it.

    `donor` is the id of the sample that gave the region.
    """

    role: Literal["before", "control", "after"]
    image: str | None = None
    """PNG, relative to the result's folder."""
    answer: str | None = None
    donor: str | None = None


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One image before, with the region of a donor of its own class (control), and of another's (after)."""

    sample: str
    label: str | None
    versions: tuple[Version, ...]


@dataclass(frozen=True, kw_only=True)
class Hypothesis:
    """A region that was suspected: by whom and why, and pictures of what was changed to test it.

    `name` is that of its finding. `origin` says whether somebody named it or maps proposed it; a column
    of the data's ``metadata`` is no region: its findings are the accuracy gap and the worst group.
    """

    name: str
    origin: Literal["named", "proposed", "metadata"]
    why: str
    notes: tuple[str, ...] = ()
    pairs: tuple[Pair, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Two columns of a check's table that hold one number of each sample, before and after something.

    `title` says what the number is, `names` what before and after are: ``("accepted", "now")``.
    """

    title: str
    before: str
    after: str
    names: tuple[str, str]


@dataclass(frozen=True, kw_only=True)
class Roc:
    """The ROC curve under which the AUC of the finding of that name lies, averaged over classes.

    `points` are shares of the other images and of the own ones above a threshold, both rising.
    """

    finding: str
    points: tuple[tuple[float, float], ...]


@dataclass(frozen=True, kw_only=True)
class Strike:
    """One image before and after an attack or a corruption, with what the network answers and its maps.

    `change` says what was done, `outcome` what came of it (``flipped``). `image` and `changed` are lossless
    PNGs relative to the result's folder. `maps` are named ``before``, ``after, same class`` and so on.
    """

    sample: str
    label: str | None
    change: str
    outcome: str
    before: str | None = None
    after: str | None = None
    image: str | None = None
    changed: str | None = None
    maps: tuple[NamedMap, ...] = ()
    note: str = ""


@dataclass(frozen=True, kw_only=True)
class Attacked:
    """What was done to the images of a check, within which rules, and what came of it.

    `threat` is the frozen threat model, or the corruptions: term and text. `cells` count images by outcome
    and by whether the map moved: outcome, moved, not moved, without a number. `transitions` count changed
    answers: from, to, how many. `words` are sentences that hold for this run and no other.
    """

    threat: tuple[tuple[str, str], ...]
    cells: tuple[tuple[str, int, int, int], ...] = ()
    transitions: tuple[tuple[str, str, int], ...] = ()
    words: tuple[str, ...] = ()
    strikes: tuple[Strike, ...] = ()
