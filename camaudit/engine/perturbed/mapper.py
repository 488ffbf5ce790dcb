"""Maps of changed images: of what was explained before, held fixed, and of the new answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch.nn import functional

from camaudit import registry
from camaudit.engine.perturbed.shots import KeptMap, kept_map
from camaudit.engine.perturbed.subjects import class_name
from camaudit.engine.unlabelled import filled
from camaudit.errors import MapError
from camaudit.evidence import Contrast, Counterfactual, Kth, LogLikelihood
from camaudit.maps.compute import Request, compute
from camaudit.modules import load_callable
from camaudit.targets import resolve

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from camaudit.classifier import Classifier
    from camaudit.data.stream import Loaded
    from camaudit.engine.streaming import Walk
    from camaudit.evidence import Aim, MapRequest
    from camaudit.maps.layout import Layout
    from camaudit.maps.record import MapBatch
    from camaudit.targets import Target


@dataclass(frozen=True, kw_only=True)
class After:
    """The answers [n, k] to changed images, and their two maps."""

    logits: Tensor
    kept: MapBatch
    """Of what was explained before the change."""
    new: MapBatch
    """Of the class that is answered now."""


@dataclass(frozen=True, kw_only=True)
class Changed:
    """Images of one size as they were, their labels, and what the network says of them changed."""

    loaded: Sequence[Loaded]
    clean: Tensor
    labels: Tensor
    after: After

    @property
    def ids(self) -> list[str]:
        """The images' ids."""
        return [item.sample.id for item in self.loaded]


@dataclass(frozen=True, kw_only=True)
class Mapper:
    """Makes maps as a walk made them, of other images of the same samples."""

    walk: Walk
    request: MapRequest

    def before(self, ids: Sequence[str], device: torch.device) -> Tensor:
        """The raw maps [n, u, v] that the walk made."""
        kept = self.walk.collector.maps[self.request]
        return torch.stack([torch.from_numpy(kept[key].raw) for key in ids]).to(device)

    def kept_before(self, key: str, explains: str | None) -> KeptMap:
        """The map that the walk made of one image, for the report."""
        kept = self.walk.collector.maps[self.request][key]
        return KeptMap("before", explains, kept.raw, kept.status)

    def pictured(self, key: str, after: After, row: int, answer: str | None) -> tuple[KeptMap, ...]:
        """The maps that the report shows of one image; that of the new `answer`, where there is one."""
        explains = self.explained(after, row)
        maps = [self.kept_before(key, explains), kept_map("after, same target", explains, after.kept, row)]
        if answer is not None:
            maps.append(kept_map("after, new answer", answer, after.new, row))
        return tuple(maps)

    def explained(self, after: After, row: int) -> str | None:
        """The class whose map was held fixed, where it is that of one class."""
        target = int(after.kept.target[row])
        return None if target < 0 else class_name(target, self.walk.classifier)

    def after(
        self, network: Classifier, clean: Tensor, changed: Tensor, answers: Tensor, labels: Tensor
    ) -> After:
        """Maps of `changed`, from one forward; `clean` and its `answers` [n] say what was explained before.

        The clean images are asked again only where what is explained depends on more than the answer.
        """
        logits = None
        if _needs_order(self.request.target):
            with torch.inference_mode():
                logits = network.logits(clean)

        def kept(own: Tensor) -> Target:
            before = functional.one_hot(answers, own.shape[1]).to(own) if logits is None else logits
            return resolve(
                self.request.target,
                before,
                filled(self.request.target, labels, before),
                classes=network.classes,
                inputs=network.inputs,
                load=lambda reference: load_callable(reference, self.walk.base, error=MapError),
            )

        layer, layout = self._place()
        made = compute(
            network,
            changed,
            layer=layer,
            call=self.request.call,
            layout=layout,
            requests=[
                Request(method=self.request.method, targets=targets, relu=self.request.relu)
                for targets in (kept, lambda own: own.argmax(1))
            ],
        )
        return After(logits=made.logits.double(), kept=made.maps[0], new=made.maps[1])

    def _place(self) -> tuple[str, Layout | None]:
        """The layer and layout that the walk chose."""
        at = registry.find("map", self.request.method).at
        if at == "pixels":
            return self.request.layer, None
        chosen = self.walk.layers[self.request.layer, at, self.request.layout]
        return chosen.name, chosen.layout


def _needs_order(target: Aim) -> bool:
    """Whether all logits matter, and not the largest alone."""
    if isinstance(target, Contrast):
        return isinstance(target.of, Kth) or isinstance(target.against, Kth)
    if isinstance(target, Counterfactual | LogLikelihood):
        return isinstance(target.of, Kth)
    return isinstance(target, Kth)
