"""Samples from the user's own code."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from camaudit.data.labels import make_labels
from camaudit.data.pairing import make_listing
from camaudit.data.sample import Listing, Sample, Unusable
from camaudit.data.sample_error import SampleError
from camaudit.errors import CamauditError, DataError
from camaudit.modules import inside, load_callable
from camaudit.spec.base import SourceSpec
from camaudit.spec.types import Reference  # noqa: TC001 - pydantic reads the annotation at run time

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


class FactorySource(SourceSpec):
    """A callable that returns samples."""

    factory: Reference
    """``module:callable`` returning a `Listing` or an iterable of `Sample`; the spec's folder comes first."""
    arguments: dict[str, Any] = {}  # noqa: RUF012 - pydantic copies defaults
    """Keyword arguments for the callable."""

    def listing(self, base: Path, classes: Sequence[str] | None) -> Listing:
        """Samples in the order of the callable, their labels checked against `classes`."""
        factory = load_callable(self.factory, base)
        try:
            with inside(base):
                result = factory(**self.arguments)
                found: tuple[Any, ...] = (
                    (*result.samples, *result.unusable) if isinstance(result, Listing) else tuple(result)
                )
        except CamauditError:
            raise
        except Exception as failure:  # the user's code may raise anything
            raise DataError(
                f"the callable raised {type(failure).__name__}: {failure}",
                where=self.factory,
                hint="it must return an iterable of camaudit.Sample",
            ) from failure
        strangers = [item for item in found if not isinstance(item, Sample | Unusable)]
        if strangers:
            raise DataError(f"it gave {type(strangers[0]).__name__}, not camaudit.Sample", where=self.factory)
        odd = [item for item in found if not isinstance(item.id, str) or not item.id]
        if odd:
            raise DataError(f"an id is a text that is not empty, not {odd[0].id!r}", where=self.factory)
        return make_listing((_checked(item, classes) for item in found), where=self.factory)


def _checked(item: Sample | Unusable, classes: Sequence[str] | None) -> Sample | Unusable:
    """Hold label and label_name against the model's classes, and fill in the one that is missing."""
    if isinstance(item, Unusable):
        return item
    try:
        label, name = _label(item, classes)
    except SampleError as refusal:
        return Unusable(id=item.id, reason=refusal.reason, detail=refusal.detail)
    return replace(item, label=label, label_name=name)


def _label(item: Sample, classes: Sequence[str] | None) -> tuple[int | None, str | None]:
    if classes is None:
        return None if item.label is None else int(item.label), item.label_name
    if item.label is None:
        return (None, None) if item.label_name is None else make_labels(classes, None).read(item.label_name)
    index, name = make_labels(classes, {"": int(item.label)}).read("")
    if item.label_name not in {None, name}:
        raise SampleError(
            f"label {index} is {name!r} to the model and {item.label_name!r} to the data",
            reason="unknown label",
        )
    return index, name
