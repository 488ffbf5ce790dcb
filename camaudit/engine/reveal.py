"""Insertion and deletion: the network is asked again while an image is uncovered in some order."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from typing import TYPE_CHECKING

import torch

from camaudit.errors import MapError
from camaudit.evidence import FIXED_ORDERS
from camaudit.metrics.controls import centre_prior
from camaudit.metrics.faithfulness import area_under, places, uncovered, unordered
from camaudit.perturb.cover import baseline, covered

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from torch import Tensor

    from camaudit.engine.measure import Batch
    from camaudit.evidence import MapRequest, Reveal

AT_ONCE = 16
"""Images per forward: memory does not grow with steps, orders or the batch."""
NOT_FINITE = "the network's answer to a covered image is not finite"


def area(batch: Batch, request: MapRequest, reveal: Reveal) -> tuple[Tensor, list[str | None]]:
    """The area under the class's probability in one order, float64 [n], and why it is NaN where it is.

    Cells are those of the raw, signed map. Random orders are averaged. All orders of a map are asked for
    together and kept in the batch. Raises `MapError` where the map explains no single class.
    """
    key = request, replace(reveal, order="map")
    if key not in batch.areas:
        batch.areas[key] = _areas(batch, request, reveal)
    rows = batch.areas[key]
    fixed = len(FIXED_ORDERS)
    values = (
        rows[:, fixed:].mean(1) if reveal.order == "random" else rows[:, FIXED_ORDERS.index(reveal.order)]
    )
    score = unordered(batch.maps[request].raw)
    reasons = score.reasons()
    finite = values.isfinite().tolist()
    reasons = [why or (None if fine else NOT_FINITE) for why, fine in zip(reasons, finite, strict=True)]
    blank = torch.tensor([why is not None for why in reasons], dtype=torch.bool, device=values.device)
    return values.masked_fill(blank, torch.nan), reasons


def _areas(batch: Batch, request: MapRequest, reveal: Reveal) -> Tensor:
    """Areas [n, orders]: the fixed orders, then the random ones."""
    assert batch.pixels is not None
    made = batch.maps[request]
    if bool((made.target < 0).any()):
        raise MapError(
            f"insertion and deletion follow the probability of one class, and the target is {request.target}",
            hint='give the check maps with "target: label" or "target: predicted", or no "faithfulness"',
        )
    orders = _orders([item.sample.id for item in batch.loaded], made.raw, reveal.orders)
    counts = uncovered(orders.shape[2], reveal.steps)
    base = baseline(batch.pixels, reveal.baseline)
    curves = torch.empty(*orders.shape[:2], len(counts), dtype=torch.float64, device=batch.device)
    # Nothing and everything uncovered look the same in every order.
    curves[:, :, 0] = _probability(batch, base, made.target)[:, None]
    curves[:, :, -1] = _probability(batch, batch.pixels, made.target)[:, None]
    for rows, own, steps in _jobs(orders.shape[0], orders.shape[1], len(counts)):
        least = torch.tensor([counts[step] for step in steps.tolist()], device=batch.device)
        shown = (orders[rows, own] < least[:, None]).reshape(-1, *made.raw.shape[1:])
        images = covered(batch.pixels[rows], base[rows], shown)
        curves[rows, own, steps] = _probability(batch, images, made.target[rows])
    return area_under(curves, counts)


def _jobs(n: int, orders: int, points: int) -> Iterator[tuple[Tensor, Tensor, Tensor]]:
    """Image, order and inner point of the curve, `AT_ONCE` of them at a time."""
    every = torch.cartesian_prod(torch.arange(n), torch.arange(orders), torch.arange(1, points - 1))
    for part in torch.split(every.reshape(-1, 3), AT_ONCE):
        rows, own, steps = part.unbind(1)
        yield rows, own, steps


def _probability(batch: Batch, images: Tensor, targets: Tensor) -> Tensor:
    """Softmax of the targets' classes, float64 [m]; `AT_ONCE` images at a time."""
    assert batch.ask is not None
    logits = torch.cat([batch.ask(part) for part in torch.split(images, AT_ONCE)])
    return logits.double().softmax(1).gather(1, targets[:, None])[:, 0].clone()


def _orders(ids: Sequence[str], raw: Tensor, draws: int) -> Tensor:
    """Places of the cells [n, orders, N] in every order, on the map's device."""
    n, height, width = raw.shape
    cells = height * width
    ties = _drawn(ids, "ties", cells, raw.device)
    centre = centre_prior(height, width).to(raw.device).expand(n, height, width)
    own, middle = places(raw, ties), places(centre, ties)
    drawn = [_drawn(ids, f"order {number}", cells, raw.device) for number in range(draws)]
    return torch.stack([own, cells - 1 - own, middle, cells - 1 - middle, *drawn], dim=1)


def _drawn(ids: Sequence[str], name: str, cells: int, device: torch.device) -> Tensor:
    """A permutation per sample [n, N], by its id alone: the same in every batch and on every device."""
    rows = []
    for key in ids:
        digest = hashlib.sha256(f"{name}\0{key}".encode()).digest()
        seed = int.from_bytes(digest[:7], "big")
        rows.append(torch.randperm(cells, generator=torch.Generator().manual_seed(seed)))
    return torch.stack(rows).to(device)
