"""Labels as the data writes them → class index and class name."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from camaudit.data.sample_error import SampleError
from camaudit.errors import DataError
from camaudit.paths import resolve
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LabelMap = dict[str, str | int] | str | None
"""What labels of the data are called among the model's classes: a table, or a JSON file that holds one."""


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Reads labels. `classes` are the model's (None: unknown), `names` renames the data's labels first.

    A label is a class's name or its index. Where any class is itself named by a number, numbers are names
    only: reading them as either would mix the two up in silence.
    """

    classes: tuple[str, ...] | None
    names: Mapping[str, str | int] | None = None

    def read(self, text: str) -> tuple[int | None, str | None]:
        """Index and name of the class; either may be None where `classes` is.

        Raises `SampleError` for labels that are not in `names` (if given) or not among the classes, and for
        a name that several classes share.
        """
        if self.names is None:
            return self._class_of(text)
        if text not in self.names:
            raise SampleError(
                f"label {text!r} is not in `labels`{did_you_mean(text, self.names)}", reason="unknown label"
            )
        return self._class_of(self.names[text])

    def key(self, text: str) -> tuple[int | None, str | None]:
        """What two labels share if and only if they mean the same class; never raises."""
        try:
            return self.read(text)
        except SampleError:
            return None, f"unknown: {text}"

    def _class_of(self, label: str | int) -> tuple[int | None, str | None]:
        if self.classes is None:
            index = _index(label)
            return (index, None) if index is not None else (None, str(label))
        places = [index for index, name in enumerate(self.classes) if name == label]
        if len(places) == 1:
            return places[0], self.classes[places[0]]
        if places:
            raise SampleError(
                f"label {label!r} is the name of the classes {places}; write the index",
                reason="unknown label",
            )
        index = _index(label)
        numbered = isinstance(label, str) and any(_index(name) is not None for name in self.classes)
        if index is None or numbered or index >= len(self.classes):
            raise SampleError(self._unknown(label, index, numbered=numbered), reason="unknown label")
        return index, self.classes[index]

    def _unknown(self, label: str | int, index: int | None, *, numbered: bool) -> str:
        assert self.classes is not None
        if index is not None and not numbered:
            return f"label {label} is out of range: the model's classes are 0 to {len(self.classes) - 1}"
        suggestion = did_you_mean(str(label), self.classes)
        return f"label {label!r} is none of the model's {len(self.classes)} classes{suggestion}"


def make_labels(classes: Sequence[str] | None, names: LabelMap, base: Path = Path()) -> Labels:
    """Labels for one data source. Raises `DataError` where the file of `names` cannot be used."""
    known = None if classes is None else tuple(classes)
    return Labels(classes=known, names=_read_names(names, base) if isinstance(names, str) else names)


def _read_names(text: str, base: Path) -> dict[str, str | int]:
    path = resolve(text, base)
    table = read_json(path)
    if not isinstance(table, dict) or not table:
        raise DataError("a JSON object from label to class is needed", where=str(path))
    odd = [key for key, value in table.items() if isinstance(value, bool) or not isinstance(value, str | int)]
    if odd:
        raise DataError(
            f"label {odd[0]!r} maps to {table[odd[0]]!r}; one class name or index is needed",
            where=str(path),
            hint="each label of the data stands for exactly one class of the model",
        )
    return table


def read_json(path: Path) -> object:
    """The content of a JSON file. Raises `DataError` where it is missing or is no JSON."""
    try:
        return json.loads(path.read_bytes())
    except OSError as failure:
        raise DataError(failure.strerror or str(failure), where=str(path)) from failure
    except ValueError as failure:
        raise DataError(f"this is no JSON: {failure}", where=str(path)) from failure


def _index(label: str | int) -> int | None:
    if isinstance(label, int):
        return label if label >= 0 else None
    return int(label) if label.isascii() and label.isdigit() else None
