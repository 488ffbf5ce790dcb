"""Who is attacked: labelled images that the network classifies correctly, loaded in batches of one size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.checks.perturbed import IS_TARGET, NO_LABEL, NOT_FINITE, WRONG_BEFORE
from camaudit.data.stream import Loaded, Lost, stream
from camaudit.engine.streaming import batches
from camaudit.errors import DataError, MapError
from camaudit.evidence import Named
from camaudit.targets import select

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.engine.streaming import Walk


def excluded(sample: Sample, walk: Walk, target: int | None = None) -> str | None:
    """Why an image is not attacked; None where it is."""
    answer = walk.collector.details[sample.id].answer
    if sample.label is None:
        return NO_LABEL
    if answer is None:
        return NOT_FINITE
    if answer != sample.label:
        return WRONG_BEFORE
    return IS_TARGET if sample.label == target else None


def loaded_batches(
    samples: Sequence[Sample], walk: Walk, mask: str | None, *, workers: int, size: int | None = None
) -> Iterator[list[Loaded]]:
    """The samples with their pixels, and their masks of `mask` if one is named, in batches of one image size.

    Raises `DataError` where one cannot be read again.
    """
    regions = () if mask is None else (mask,)
    return batches(
        _all(stream(samples, walk.classifier.preprocess.geometry, regions=regions, workers=workers)),
        size or walk.batch_size,
    )


def _all(items: Iterator[Loaded | Lost]) -> Iterator[Loaded]:
    for item in items:
        if isinstance(item, Lost):
            raise DataError(f"{item.reason}: {item.detail}", where=f"sample {item.sample.id}")
        yield item


def masks_of(loaded: Sequence[Loaded], mask: str | None, device: torch.device) -> Tensor | None:
    """Masks bool [n, h, w], if one is named."""
    if mask is None:
        return None
    return torch.from_numpy(np.stack([item.masks[mask] for item in loaded])).to(device)


def class_index(target: int | str | None, network: Classifier) -> int | None:
    """The index of the class that a targeted attack aims at. Raises `MapError` for one that there is not."""
    if target is None:
        return None
    outputs = network.outputs
    if isinstance(target, int) and target >= outputs:
        raise MapError(
            f"target {target}: the network has {outputs} outputs, so 0 to {outputs - 1} are allowed"
        )
    if isinstance(target, int):
        return target
    found = select(Named(name=target), torch.zeros(1, outputs), classes=network.classes)
    return int(found[0])


def class_name(index: int, network: Classifier) -> str:
    """A class as reports name it."""
    names = network.classes
    return names[index] if names is not None and index < len(names) else str(index)
