"""One pass: images stream through a network once, and every number that any check needs falls out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from camaudit.data.sampling import draw, partners
from camaudit.data.stream import Lost, stream
from camaudit.engine.collect import Collector, Detail, MapDetail
from camaudit.engine.inputs import bound, refuse_unequal
from camaudit.engine.measure import Batch, measure
from camaudit.engine.pixels import images
from camaudit.engine.unlabelled import NO_LABEL as LABEL_MISSING
from camaudit.engine.unlabelled import filled, lacks_label
from camaudit.errors import DataError, MapError
from camaudit.maps.capture import ask, trace
from camaudit.maps.compute import Request, compute
from camaudit.maps.layers import choose_layer
from camaudit.modules import load_callable
from camaudit.perturb.parameters import randomised
from camaudit.plan import forward_groups
from camaudit.targets import resolve, take

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Listing, Sample
    from camaudit.data.stream import Loaded
    from camaudit.engine.calibrate import Calibration
    from camaudit.engine.part import Kept, Part
    from camaudit.evidence import Aim, Column, Condition, LayoutAim, MapRequest
    from camaudit.maps.compute import Computed
    from camaudit.maps.layers import Chosen
    from camaudit.maps.record import MapBatch
    from camaudit.plan import ForwardGroup, Pass
    from camaudit.targets import Target

OBJECT = "object"
NO_LABEL = -1
Scored = tuple[list[str], torch.Tensor, "Callable[[torch.Tensor, torch.Tensor], torch.Tensor]"]
"""Ids, pixels [n, 3, h, w], and the scores [m] of other images [m, 3, h, w] by their rows."""


@dataclass(kw_only=True)
class Walk:
    """A pass under way."""

    work: Pass
    classifier: Classifier
    batch_size: int
    tick: Callable[[int, int], None]
    base: Path = field(default_factory=Path)
    """The spec's folder, where the functions of targets are looked up first."""
    part: Part | None = None
    """The drawn samples that are measured, all if None. What is drawn, and who is whose partner, stays as it
    is in a whole run."""
    whole: bool = False
    """Walk over all drawn samples, whatever the part: what is measured of some rests on the others."""
    collector: Collector = field(default_factory=Collector)
    tuned: Calibration | None = None
    layers: dict[tuple[str, str, LayoutAim], Chosen] = field(default_factory=dict)
    _networks: dict[tuple[Condition, str | None], Classifier] = field(default_factory=dict)
    _order: list[str] = field(default_factory=list)
    _asked: Classifier | None = None

    def run(self, listing: Listing, workers: int) -> tuple[Sample, ...]:
        """Walk over the drawn samples; returns them. Broken samples and maps are kept as such."""
        drawn = draw(
            listing.samples, n=self.work.sample.n, by=self.work.sample.by, seed=self.work.sample.seed
        )
        refuse_unequal(drawn)
        pairs = partners(drawn, seed=self.work.sample.seed)
        part = None if self.whole else self.part
        samples = drawn if part is None else tuple(item for item in drawn if item.id in part.ids)
        loaded = stream(
            samples,
            self.classifier.preprocess.geometry,
            regions=self.work.regions,
            boxes=self.work.boxes,
            scenes=self.work.scenes,
            partners=pairs if self._needs_partners else None,
            among=drawn,
            workers=workers,
            ahead=max(2 * self.batch_size, 8),
        )
        for batch in batches(self._keep(loaded), self.batch_size):
            self._batch(batch)
            self.tick(len(self.collector.details) + len(self.collector.lost), len(samples))
        return samples

    def again(self, loaded: Iterable[Loaded], request: MapRequest) -> dict[str, MapDetail]:
        """Maps of images at hand, by id, under a condition that the walk did not ask for.

        Raises whatever making one of them raises.
        """
        found: dict[str, MapDetail] = {}
        (group,) = forward_groups([request])
        for batch in batches(loaded, self.batch_size):
            pixels = images(batch, self.classifier.device)
            self._asked = bound(self.classifier, batch)
            labels, logits = _labels(batch, pixels.device), self._logits(pixels)
            for made, _ in self._answers(group, [request], pixels, labels, logits):
                found |= _map_details(batch, request, made.maps[0])
            if request in self.collector.failures:
                raise self.collector.failures.pop(request)
        return found

    def scored(self, loaded: Iterable[Loaded], request: MapRequest) -> Iterator[Scored]:
        """Images at hand, batch by batch, with what gives the score that the map explains of changed ones."""
        for batch in batches(loaded, self.batch_size):
            pixels = images(batch, self.classifier.device)
            self._asked = bound(self.classifier, batch)
            labels, logits = _labels(batch, pixels.device), self._logits(pixels)
            # `_requests` makes functions of the logits.
            target: Target = self._requests([request], labels, logits)[0].targets(logits)  # type: ignore[operator]

            def score(changed: torch.Tensor, rows: torch.Tensor, target: Target = target) -> torch.Tensor:
                with torch.inference_mode():
                    return ask(self.asked.rows(rows), changed, take(target, rows))

            yield [item.sample.id for item in batch], pixels, score

    def kept(self, check: str) -> Kept | None:
        """What a finished run recorded of a check, where only a part is measured anew and needs it."""
        return None if self.part is None else self.part.recorded.get(check)

    @property
    def asked(self) -> Classifier:
        """The network as it is, bound to what the samples of this batch bring beside their pixels."""
        assert self._asked is not None
        return self._asked

    @property
    def _first(self) -> Classifier:
        """The same, for the first image of the batch alone."""
        return self.asked.rows(torch.zeros(1, dtype=torch.int64, device=self.classifier.device))

    @property
    def _needs_partners(self) -> bool:
        return any(column.source == "shuffled_mask" for column in self.work.columns)

    def _keep(self, items: Iterable[Loaded | Lost]) -> Iterator[Loaded]:
        for item in items:
            if isinstance(item, Lost):
                self.collector.lost.append(item)
            else:
                yield item

    def _batch(self, loaded: list[Loaded]) -> None:
        pixels = images(loaded, self.classifier.device)
        labels = _labels(loaded, pixels.device)
        self._asked = bound(self.classifier, loaded)
        logits: torch.Tensor | None = None
        made: dict[MapRequest, MapBatch] = {}
        # The network as it is comes first: its answer is the target of every other condition.
        groups = sorted(forward_groups(self.work.maps).items(), key=lambda item: item[0][0].stage is not None)
        for group, requests in groups:
            wanted = [request for request in requests if request not in self.collector.failures]
            if wanted and logits is None and group[0].stage is not None:
                logits = self._logits(pixels)
            answers = self._answers(group, wanted, pixels, labels, logits)
            for answer, requests_made in answers:
                logits = answer.logits if logits is None else logits
                made.update(zip(requests_made, answer.maps, strict=True))
        logits = self._logits(pixels) if logits is None else logits
        batch = Batch(
            loaded=tuple(loaded),
            maps=made,
            device=pixels.device,
            logits=logits,
            pixels=pixels,
            ask=self._logits,
        )
        self._store(batch, logits)

    def _answers(
        self,
        group: ForwardGroup,
        wanted: list[MapRequest],
        pixels: torch.Tensor,
        labels: torch.Tensor,
        logits: torch.Tensor | None,
    ) -> Iterator[tuple[Computed, list[MapRequest]]]:
        """What one forward gives; where it fails, each map by itself: it shows which one it was."""
        if not wanted:
            return
        condition, layer, call, layout, at = group
        try:
            chosen = None if at == "pixels" else self._layer(layer, at, layout, pixels)
            made = compute(
                self._network(condition, pixels, before=layer if at == "module" else None),
                pixels,
                layer=layer if chosen is None else chosen.name,
                call=call,
                layout=None if chosen is None else chosen.layout,
                requests=self._requests(wanted, labels, logits),
            )
        except Exception as error:  # noqa: BLE001 - a network may raise anything; the run goes on
            if len(wanted) == 1:
                self.collector.failures[wanted[0]] = error
            else:
                for request in wanted:
                    yield from self._answers(group, [request], pixels, labels, logits)
            return
        yield made, wanted

    def _requests(
        self, wanted: list[MapRequest], labels: torch.Tensor, logits: torch.Tensor | None
    ) -> list[Request]:
        """Requests whose targets are those of the clean answer; equal ones are one object, resolved once."""

        def targets(aim: Aim) -> Callable[[torch.Tensor], Target]:
            return lambda own: resolve(
                aim,
                own if logits is None else logits,
                filled(aim, labels, own if logits is None else logits),
                classes=self.classifier.classes,
                inputs=self.asked.inputs,
                load=lambda reference: load_callable(reference, self.base, error=MapError),
            )

        found = {request.target: targets(request.target) for request in wanted}
        return [
            Request(method=request.method, targets=found[request.target], relu=request.relu)
            for request in wanted
        ]

    def _logits(self, pixels: torch.Tensor) -> torch.Tensor:
        """The answer of the network as it is."""
        with torch.inference_mode():
            return self.asked.logits(pixels)

    def _network(self, condition: Condition, pixels: torch.Tensor, *, before: str | None) -> Classifier:
        """The network under a condition. What follows module `before` cannot change its output."""
        if condition.stage is None:
            return self.asked
        if (condition, before) not in self._networks:
            order = self._execution(pixels)
            if before in order:
                order = order[: order.index(before) + 1]
            self._networks[condition, before] = randomised(
                self.classifier, stage=condition.stage, seed=condition.seed, order=order
            )
        return self._networks[condition, before].given(self.asked.inputs)

    def _execution(self, pixels: torch.Tensor) -> list[str]:
        """Names of the layers in the order in which they run: the head is what runs last."""
        if not self._order:
            self._order = [visit.name for visit in trace(self._first, pixels[:1])]
        return self._order

    def _layer(self, name: str, at: str, layout: LayoutAim, pixels: torch.Tensor) -> Chosen:
        if (name, at, layout) not in self.layers:
            self.layers[name, at, layout] = choose_layer(self._first, pixels[:1], name, at, layout)
        return self.layers[name, at, layout]

    def _store(self, batch: Batch, logits: torch.Tensor) -> None:
        scores = logits.detach().float().cpu().numpy()
        classes = self.classifier.classes
        _refuse_unknown_labels(batch, scores.shape[1])
        finite = np.isfinite(scores).all(axis=1)
        for item, row in zip(batch.loaded, scores, strict=True):
            self.collector.details[item.sample.id] = _detail(item, row, classes)
        for request, maps in batch.maps.items():
            kept = self.collector.maps.setdefault(request, {}) if request.condition.stage is None else None
            if kept is not None:
                kept.update(_map_details(batch.loaded, request, maps))
        region = OBJECT if OBJECT in self.work.regions else next(iter(self.work.regions), None)
        if region is not None:
            self.collector.add_share(batch.loaded, region)
        for column in self.work.columns:
            if column not in self.collector.broken and all(request in batch.maps for request in column.maps):
                self._measure(column, batch, finite)

    def _measure(self, column: Column, batch: Batch, finite: np.ndarray) -> None:
        """Store a column's numbers. A map of an answer that is not finite shows nothing, however it looks."""
        try:
            values, reasons = measure(column, batch)
        except Exception as error:  # noqa: BLE001 - a metric by a third party may raise anything
            self.collector.broken[column] = error
            return
        if column.needs_map and not finite.all():
            values = np.where(finite.reshape(-1, *[1] * (values.ndim - 1)), values, np.nan)
            reasons = [
                reason if fine else "the network's answer is not finite"
                for reason, fine in zip(reasons, finite, strict=True)
            ]
        lost = lacks_label(column.maps, batch.loaded)
        if any(lost):
            values = np.where(np.reshape(lost, (-1, *[1] * (values.ndim - 1))), np.nan, values)
            reasons = [LABEL_MISSING if no else reason for reason, no in zip(reasons, lost, strict=True)]
        self.collector.add_numbers(column, batch.loaded, values, reasons)


def _labels(loaded: list[Loaded], device: torch.device) -> torch.Tensor:
    labels = [NO_LABEL if item.sample.label is None else item.sample.label for item in loaded]
    return torch.tensor(labels, dtype=torch.int64, device=device)


def _refuse_unknown_labels(batch: Batch, outputs: int) -> None:
    """A label that is no output of the network means that data and network do not belong together."""
    for item in batch.loaded:
        if item.sample.label is not None and item.sample.label >= outputs:
            raise DataError(
                f"label {item.sample.label} is not a class of the network: it has {outputs} outputs, "
                f"so 0 to {outputs - 1} are allowed",
                where=f"sample {item.sample.id}",
                hint="name the network's classes in the spec (model.classes), and check the labels",
            )


def _detail(item: Loaded, scores: np.ndarray, classes: tuple[str, ...] | None) -> Detail:
    sample = item.sample
    finite = bool(np.isfinite(scores).all())
    best = int(scores.argmax()) if finite else None
    label = sample.label
    return Detail(
        label=sample.label_name if sample.label_name is not None else class_name(label, classes),
        predicted=class_name(best, classes),
        answer=best,
        label_score=float(scores[label]) if finite and label is not None and label < len(scores) else None,
        predicted_score=float(scores[best]) if best is not None else None,
        group=sample.group,
        file=item.file,
        sha256=item.sha256,
    )


def class_name(index: int | None, classes: tuple[str, ...] | None) -> str | None:
    """The name of a class, its number where classes have no names."""
    if index is None:
        return None
    return classes[index] if classes is not None and index < len(classes) else str(index)


def _map_details(loaded: Sequence[Loaded], request: MapRequest, maps: MapBatch) -> dict[str, MapDetail]:
    raw = maps.raw.float().cpu().numpy()
    scale = maps.scale.float().cpu().numpy()
    lost = lacks_label([request], loaded)
    return {
        item.sample.id: MapDetail(raw=raw[row], status=maps.status[row], scale=float(scale[row]))
        for row, item in enumerate(loaded)
        if not lost[row]
    }


def batches(items: Iterable[Loaded], size: int) -> Iterator[list[Loaded]]:
    """Full batches of one picture size; a new size starts a new batch."""
    waiting: dict[tuple[int, ...], list[Loaded]] = defaultdict(list)
    for item in items:
        group = waiting[item.pixels.shape]
        group.append(item)
        if len(group) == size:
            yield group
            waiting[item.pixels.shape] = []
    yield from (group for group in waiting.values() if group)
