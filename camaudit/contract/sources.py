"""What every data source keeps."""

from __future__ import annotations

import os
from contextlib import chdir
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any
from unittest.mock import patch

from camaudit.contract.clause import contract, is_a, require
from camaudit.contract.keys import require_described, require_strict
from camaudit.data.geometry import Geometry
from camaudit.data.sample import Listing, Sample, Unusable
from camaudit.data.stream import Lost, stream
from camaudit.spec.base import SourceSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from camaudit.contract.clause import Contract

SIDE = 12
"""What images are resized to; masks have to fit them."""


class OpenedError(RuntimeError):
    """What opening a picture raises where none may be opened."""


@dataclass(frozen=True, kw_only=True)
class _Case:
    source: type[SourceSpec]
    keys: Mapping[str, Any]
    base: Path
    classes: tuple[str, ...]

    def listing(self, classes: Sequence[str] | None = None, base: Path | None = None) -> Listing:
        """What it lists, with the network's classes as given."""
        found = self.source(**self.keys).listing(self.base if base is None else base, classes)
        require(isinstance(found, Listing), f"listing returned {type(found).__name__}, not a Listing")
        return found

    def entry(self) -> None:
        is_source = isinstance(self.source, type) and issubclass(self.source, SourceSpec)
        require(is_source, f"it is {self.source!r}, not a subclass of SourceSpec")
        is_a(self.source(**self.keys), self.source)
        require_described(self.source)

    def strict(self) -> None:
        require_strict(self.source, self.keys)

    def listed(self) -> None:
        listing = self.listing(self.classes)
        strangers = [item for item in listing.samples if not isinstance(item, Sample)]
        require(not strangers, f"it lists {strangers[:1]} among the samples")
        others = [item for item in listing.unusable if not isinstance(item, Unusable)]
        require(not others, f"it lists {others[:1]} among the unusable")
        require(listing.samples, "it lists no usable sample here: nothing can be tried")
        silent = [item.id for item in listing.unusable if not item.reason]
        require(not silent, f"unusable without a reason: {silent[:3]}")
        ids = [item.id for item in listing.samples]
        odd = [key for key in ids if not isinstance(key, str) or not key]
        require(not odd, f"ids are texts that are not empty, not {odd[:3]}")
        double = sorted({key for key in ids if ids.count(key) > 1})
        require(not double, f"ids stand twice: {double[:3]}; make_listing makes them unusable")

    def labels(self) -> None:
        for item in self.listing(self.classes).samples:
            if item.label is None:
                continue
            text = f"{item.id}: label {item.label!r} is no number of {len(self.classes)} classes"
            require(isinstance(item.label, int) and 0 <= item.label < len(self.classes), text)
            own = self.classes[item.label]
            text = (
                f"{item.id}: label {item.label} is {own!r} to the network and {item.label_name!r} to the data"
            )
            require(item.label_name in {None, own}, text)

    def unknown_labels(self) -> None:
        whole = self.listing(self.classes)
        labels = {item.id: item.label for item in whole.samples if item.label is not None}
        if not labels:
            return
        last = max(labels.values())
        require(last > 0, "all samples are of the first class: nothing can be tried")
        # The last one, since labels may be numbers as well as names.
        gone, found = self.classes[last], self.listing(self.classes[:last])
        text = f"without the class {gone!r} it finds {found.found} samples in place of {whole.found}"
        require(found.found == whole.found, f"{text}: what is not usable is listed with a reason")
        kept = sorted(item.id for item in found.samples if labels.get(item.id) == last)
        require(not kept, f"the network does not know the class {gone!r}, and these are usable: {kept[:3]}")

    def unclassed(self) -> None:
        number, whole = self.listing(None).found, self.listing(self.classes).found
        require(
            number == whole, f"without the network's classes it finds {number} samples in place of {whole}"
        )

    def twice(self) -> None:
        first, second = self.listing(self.classes), self.listing(self.classes)
        same = [item.id for item in first.samples] == [item.id for item in second.samples]
        require(same, "two listings have other samples or another order")
        require(first.unusable == second.unusable, "two listings have other unusable samples")

    def anywhere(self) -> None:
        here = [item.id for item in self.listing(self.classes).samples]
        with TemporaryDirectory() as elsewhere, chdir(elsewhere):
            there = [item.id for item in self.listing(self.classes).samples]
        require(here == there, "it lists other samples from another working folder: paths start at `base`")

    def unopened(self) -> None:
        def refuse(*_given: Any, **_keys: Any) -> Any:
            raise OpenedError

        with patch("PIL.Image.open", refuse):
            try:
                self.listing(self.classes)
            except OpenedError as opened:
                raise AssertionError("listing opens pictures: a million of them would take hours") from opened

    def loads(self) -> None:
        samples = self.listing(self.classes).samples
        geometry = Geometry(resize=SIDE, crop=SIDE)
        for item in samples:
            (found,) = stream([item], geometry, regions=list(item.masks), workers=0)
            why = f"{found.reason}: {found.detail}" if isinstance(found, Lost) else ""
            require(not why, f"{item.id} is listed as usable and cannot be had: {why}")


def of_source(
    source: type[SourceSpec],
    keys: Mapping[str, Any],
    *,
    base: Path | str,
    classes: Sequence[str],
) -> Contract:
    """What a data source keeps, tried on data of yours: few samples will do.

    `keys` are what a spec would say of it, `base` the folder that its paths start from, `classes` the names
    of the network's classes, in order. Clauses: a frozen spec with documented keys that refuses others;
    samples of unique ids, and reasons for the unusable; labels of the network, and what it does not know
    listed as unusable; as many samples without classes; the same twice, and from any working folder; no
    picture opened; all that is listed as usable loads, with its masks.
    """
    case = _Case(source=source, keys=keys, base=Path(os.path.abspath(base)), classes=tuple(classes))  # noqa: PTH100 - links stay
    clauses: list[tuple[str, Callable[[], None]]] = [
        ("entry", case.entry),
        ("frozen and strict", case.strict),
        ("samples and reasons", case.listed),
        ("labels", case.labels),
        ("unknown labels", case.unknown_labels),
        ("without classes", case.unclassed),
        ("the same twice", case.twice),
        ("any working folder", case.anywhere),
        ("no picture is opened", case.unopened),
        ("what is listed loads", case.loads),
    ]
    name = source.__name__ if isinstance(source, type) else type(source).__name__
    return contract(f"data source {name}", clauses)
