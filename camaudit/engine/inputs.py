"""What samples bring for the network beside their pixels, one row per image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Sample
    from camaudit.data.stream import Loaded

NUMBERS = "biuf"
"""Kinds of numpy types that a network can take: truth values, whole numbers, floats."""


def refuse_unequal(samples: Sequence[Sample]) -> None:
    """Raise `DataError` unless all samples bring numbers of the same names, shapes and types."""
    if not samples:
        return
    first = _described(samples[0])
    for sample in samples:
        for name, values in sample.inputs.items():
            if not isinstance(values, np.ndarray) or values.dtype.kind not in NUMBERS:
                found = values.dtype if isinstance(values, np.ndarray) else type(values).__name__
                raise DataError(
                    f"input {name!r} is {found}; an array of numbers is needed", where=f"sample {sample.id}"
                )
            if values.dtype.kind == "f" and not np.isfinite(values).all():
                raise DataError(f"input {name!r} is not finite", where=f"sample {sample.id}")
        if _described(sample) != first:
            raise DataError(
                f"it brings {_text(sample)}, and sample {samples[0].id} brings {_text(samples[0])}",
                where=f"sample {sample.id}",
                hint="all samples need the same inputs in the same shape: pad questions to one length",
            )


def bound(network: Classifier, loaded: Sequence[Loaded]) -> Classifier:
    """The network, to be asked about these samples in this order."""
    names = loaded[0].sample.inputs
    return network.given(
        {
            name: torch.from_numpy(np.stack([item.sample.inputs[name] for item in loaded])).to(network.device)
            for name in names
        }
    )


def _described(sample: Sample) -> dict[str, tuple[str, tuple[int, ...]]]:
    return {name: (str(np.asarray(values).dtype), np.shape(values)) for name, values in sample.inputs.items()}


def _text(sample: Sample) -> str:
    told = [f"{name} ({dtype} {list(shape)})" for name, (dtype, shape) in _described(sample).items()]
    return ", ".join(told) or "no inputs"
