"""Looks at everything that a run would need, without walking over the data."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

import torch

from camaudit.classifier import load
from camaudit.classifier.inputs import required
from camaudit.data.stream import Lost, stream
from camaudit.engine.follow_up import refused
from camaudit.engine.inputs import bound, refuse_unequal
from camaudit.engine.pixels import images
from camaudit.engine.reasons import reason
from camaudit.engine.usable import missing_region, none_usable, too_many_lost
from camaudit.errors import CamauditError
from camaudit.maps.layers import choose_layer
from camaudit.plan import MAIN, forward_groups, model_key

if TYPE_CHECKING:
    from collections.abc import Iterator

    from camaudit.classifier import Classifier
    from camaudit.data.sample import Listing
    from camaudit.plan import Pass, Plan


@dataclass(frozen=True, kw_only=True)
class Note:
    """One thing looked at: `what` it was, whether it will do, and what was found."""

    what: str
    verdict: Literal["ok", "warning", "error"]
    text: str


def examine(plan: Plan, device: str = "cpu") -> list[Note]:
    """Load the networks, list the data, pair the masks and find the layers (one forward on one image)."""
    networks: dict[str, Classifier | None] = {}
    notes: list[Note] = []
    for work in plan.passes:
        if work.model not in networks:
            networks[work.model], found = _network(plan, work.model, device)
            notes += found
        network = networks[work.model]
        listing, found = _data(plan, work, network)
        notes += found
        if listing is not None:
            notes += _calibration(plan, work, network, listing)
        if network is not None and listing is not None:
            notes += _layers(work, network, listing)
        if network is not None:
            notes += _follow_ups(work, network)
    return list(dict.fromkeys(notes))


def _network(plan: Plan, name: str, device: str) -> tuple[Classifier | None, list[Note]]:
    spec = plan.spec.model if name == MAIN else plan.spec.models[name]
    try:
        network = load(spec, plan.spec.base, name=model_key(name), device=device)
    except Exception as error:  # noqa: BLE001 - a user's factory may raise anything; the rest is looked at
        return None, [Note(what=f"network {name}", verdict="error", text=reason(error))]
    identity = network.identity
    text = f"{identity.parameters:,} parameters, {identity.classes} classes, {identity.fingerprint[:12]}"
    return network, [Note(what=f"network {name}", verdict="ok", text=text)]


def _data(plan: Plan, work: Pass, network: Classifier | None) -> tuple[Listing | None, list[Note]]:
    what = f"data {work.data}"
    source = plan.spec.data[work.data]
    try:
        listing = source.listing(plan.spec.base, network.classes if network else None)
    except Exception as error:  # noqa: BLE001 - a user's data source may raise anything, too
        return None, [Note(what=what, verdict="error", text=reason(error))]
    usable = f"{len(listing.samples):,} of {listing.found:,} samples usable"
    notes = [Note(what=what, verdict="ok", text=usable)]
    for why, count in listing.reasons.items():
        first = next(item for item in listing.unusable if item.reason == why)
        text = f"{count} × {why}, e.g. {first.id}: {first.detail}"
        notes.append(Note(what=what, verdict="warning", text=text))
    problem = (
        none_usable(listing, work.data)
        or too_many_lost(listing, (), 0, source.allow_unusable, work.data)
        or missing_region(listing, work.regions, source.allow_unusable, work.data)
    )
    if problem is not None:
        notes.append(Note(what=what, verdict="error", text=str(problem)))
    return listing, notes


def _calibration(plan: Plan, work: Pass, network: Classifier | None, listing: Listing) -> Iterator[Note]:
    """Whether there are samples to tune thresholds on, and others left to audit."""
    wanted = work.calibration
    if wanted is None:
        return
    source: Listing | None = listing
    if wanted.data is not None:
        source, found = _data(plan, replace(work, data=wanted.data), network)
        yield from found
    if source is None or wanted.n is None:
        return
    left = len(source.samples) - wanted.n
    enough = left > 0 or (left == 0 and wanted.data is not None)
    text = f"{wanted.text(work.data)}; there are {len(source.samples):,}"
    yield Note(what=f"calibration of data {work.data}", verdict="ok" if enough else "error", text=text)


def _follow_ups(work: Pass, network: Classifier) -> Iterator[Note]:
    """Whether attacks take the parameters and the budget that they are given, and classes exist."""
    for check in work.checks:
        problem = refused(check, network)
        if problem is not None:
            yield Note(what=f"check {check.id}", verdict="error", text=reason(problem))


def _layers(work: Pass, network: Classifier, listing: Listing) -> Iterator[Note]:
    first = next(stream(listing.samples[:1], network.preprocess.geometry, regions=()), None)
    if first is None or isinstance(first, Lost):
        yield Note(what="layer", verdict="warning", text="not looked at: the first image cannot be read")
        return
    image = images([first], network.device)
    try:
        refuse_unequal(listing.samples)
        network = bound(network, [first])
        if network.inputs or required(network.module):
            with torch.inference_mode():
                network.logits(image)
    except CamauditError as error:
        yield Note(what="inputs", verdict="error", text=reason(error))
        return
    for _, name, _, layout, at in forward_groups(work.maps):
        if at == "pixels":
            continue
        try:
            chosen = choose_layer(network, image, name, at, layout)
        except Exception as error:  # noqa: BLE001 - and so may the network on its first real image
            yield Note(what=f"layer {name}", verdict="error", text=reason(error))
            continue
        yield Note(
            what=f"layer {name}",
            verdict="ok",
            text="; ".join([f"{chosen.name}: {chosen.why}", *chosen.notes]),
        )
        for warning in chosen.warnings:
            yield Note(what=f"layer {name}", verdict="warning", text=warning)
