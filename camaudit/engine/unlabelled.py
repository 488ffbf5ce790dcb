"""Samples without a label, where a map of the label is asked for: no number, with a reason."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from camaudit.evidence import Contrast, Counterfactual, LogLikelihood

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from torch import Tensor

    from camaudit.data.stream import Loaded
    from camaudit.evidence import Aim, MapRequest

NO_LABEL = "the sample has no label"


def asks_label(aim: Aim) -> bool:
    """Whether a target is made of the label's logit. A function sees for itself which labels are missing."""
    if isinstance(aim, Contrast):
        return "label" in (aim.of, aim.against)
    return (aim.of if isinstance(aim, Counterfactual | LogLikelihood) else aim) == "label"


def filled(aim: Aim, labels: Tensor, logits: Tensor) -> Tensor:
    """The labels [n] with the prediction where there is none, so that the rest of a batch can be explained.

    Whatever is made of those rows has no meaning: `lacks_label` says which they are.
    """
    return torch.where(labels < 0, logits.argmax(1), labels) if asks_label(aim) else labels


def lacks_label(requests: Iterable[MapRequest], loaded: Sequence[Loaded]) -> list[bool]:
    """Which samples have no label, of a number or map that asks for one."""
    asks = any(asks_label(request.target) for request in requests)
    return [asks and item.sample.label is None for item in loaded]
