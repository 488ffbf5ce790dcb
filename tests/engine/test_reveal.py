"""Insertion and deletion against a slow replica, on a network whose answers are known."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from camaudit.engine import reveal as fast
from camaudit.engine.measure import Batch
from camaudit.errors import MapError
from camaudit.evidence import FIXED_ORDERS, MapRequest, Reveal
from camaudit.maps.record import Draft, record
from camaudit.perturb.cover import baseline
from tests.reference import faithfulness as slow

REQUEST = MapRequest(method="gradcam", layer="auto", target="predicted")
SIZE = 8
WEIGHTS = torch.linspace(-1, 1, SIZE * SIZE).reshape(SIZE, SIZE).double()


class Linear:
    """The first logit is Σ w · x over the pixels, the second is 0; counts what it is asked."""

    def __init__(self):
        self.asked = []

    def __call__(self, images):
        self.asked.append(len(images))
        first = (images.mean(1).double() * WEIGHTS).sum((1, 2))
        return torch.stack([first, torch.zeros_like(first)], dim=1)

    def probability(self, image):
        first = (image.mean(0) * WEIGHTS.numpy()).sum()
        return 1 / (1 + np.exp(-first))


def batch(raw, ask, *, ids=None, images=None, targets=None):
    n = len(raw)
    pixels = (
        torch.rand(n, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0)) if images is None else images
    )
    made = record(
        Draft(
            raw=raw,
            layer="features",
            method="gradcam",
            target=torch.zeros(n, dtype=torch.int64) if targets is None else targets,
            score=torch.zeros(n),
            relu=True,
            connected=True,
        )
    )[0]
    loaded = tuple(
        SimpleNamespace(sample=SimpleNamespace(id=key)) for key in ids or [f"s{i}" for i in range(n)]
    )
    return Batch(loaded=loaded, maps={REQUEST: made}, device=torch.device("cpu"), pixels=pixels, ask=ask)


def maps(n=3, side=4, seed=1):
    return torch.randn(n, side, side, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["blur", "grey", "mean"])
@pytest.mark.parametrize(("side", "steps"), [(4, 16), (4, 5), (8, 7), (2, 16)])
def test_areas_are_those_of_the_slow_replica(kind, side, steps):
    network, raw = Linear(), maps(side=side)
    given = batch(raw, network)
    base = baseline(given.pixels, kind).double().numpy()
    for order, sign in (("map", 1), ("reversed", -1)):
        values, reasons = fast.area(given, REQUEST, Reveal(order=order, baseline=kind, steps=steps))
        assert reasons == [None] * 3
        for row in range(3):
            cells = slow.highest_first((sign * raw[row]).flatten().tolist(), list(range(side * side)))
            image = given.pixels[row].double().numpy()
            expected = slow.area(
                network.probability, image, base[row], cells, shape=(side, side), steps=steps
            )
            assert values[row].item() == pytest.approx(expected, abs=1e-6)


def test_a_curve_by_hand():
    # Four cells of one pixel each, an image of ones on grey: every cell adds half its weight to the logit.
    image = torch.ones(1, 3, 2, 2)
    weights = torch.tensor([[4.0, 2.0], [0.0, -2.0]]).double()

    def ask(images):
        first = (images.mean(1).double() * weights).sum((1, 2))
        return torch.stack([first, torch.zeros_like(first)], dim=1)

    given = batch(weights[None].float(), ask, images=image)
    logits = [2.0, 4.0, 5.0, 5.0, 4.0]  # grey: half of the sum 4; then +2, +1, +0, −1
    p = [1 / (1 + np.exp(-logit)) for logit in logits]
    expected = sum((one + other) / 2 / 4 for one, other in pairwise(p))
    values, _ = fast.area(given, REQUEST, Reveal(baseline="grey"))
    assert values.item() == pytest.approx(expected, abs=1e-6)


def test_a_map_that_is_the_truth_beats_every_other_order():
    network = Linear()
    images = torch.full((4, 3, SIZE, SIZE), 0.9)
    truth = WEIGHTS.float().expand(4, SIZE, SIZE).contiguous()
    given = batch(truth, network, images=images)
    found = {
        order: fast.area(given, REQUEST, Reveal(order=order, baseline="grey"))[0]
        for order in (*FIXED_ORDERS, "random")
    }
    assert all((found["map"] > found[order]).all() for order in found if order != "map")
    assert all((found["reversed"] < found[order]).all() for order in found if order != "reversed")


def test_random_orders_are_about_the_mean_of_an_order_and_its_reverse():
    given = batch(maps(n=6, side=8), Linear())
    values, _ = fast.area(given, REQUEST, Reveal(order="random", orders=50))
    both = [fast.area(given, REQUEST, Reveal(order=order, orders=50))[0] for order in ("map", "reversed")]
    torch.testing.assert_close(values, sum(both) / 2, atol=0.1, rtol=0)


def test_a_sample_has_the_same_areas_in_every_batch_and_order():
    raw = maps(n=5)
    images = torch.rand(5, 3, SIZE, SIZE)
    whole = batch(raw, Linear(), images=images)
    turned = batch(raw.flip(0), Linear(), images=images.flip(0), ids=[f"s{i}" for i in (4, 3, 2, 1, 0)])
    alone = batch(raw[2:3], Linear(), images=images[2:3], ids=["s2"])
    for order in (*FIXED_ORDERS, "random"):
        values, _ = fast.area(whole, REQUEST, Reveal(order=order))
        torch.testing.assert_close(fast.area(turned, REQUEST, Reveal(order=order))[0].flip(0), values)
        torch.testing.assert_close(fast.area(alone, REQUEST, Reveal(order=order))[0], values[2:3])


def test_a_monotone_map_gives_the_same_areas():
    raw = maps()
    first, _ = fast.area(batch(raw, Linear()), REQUEST, Reveal())
    second, _ = fast.area(batch(raw.exp(), Linear()), REQUEST, Reveal())
    assert torch.equal(first, second)


def test_what_is_asked_is_what_was_announced_and_few_images_at_once():
    network = Linear()
    given = batch(maps(n=5, side=8), network)
    reveal = Reveal(steps=16, orders=3)
    for order in (*FIXED_ORDERS, "random"):
        fast.area(given, REQUEST, Reveal(order=order, steps=16, orders=3))
    assert sum(network.asked) == 5 * reveal.forwards == 5 * 107
    assert max(network.asked) <= fast.AT_ONCE


def test_maps_without_an_order_have_no_area_and_a_reason():
    raw = maps(n=4)
    raw[1], raw[2], raw[3] = 0, 1, torch.nan
    values, reasons = fast.area(batch(raw, Linear()), REQUEST, Reveal())
    assert reasons == [None, "all-zero map", "constant map", "non-finite map"]
    assert values.isfinite().tolist() == [True, False, False, False]


def test_an_answer_that_is_not_finite_is_undefined():
    def ask(images):
        return torch.full((len(images), 2), torch.nan)

    values, reasons = fast.area(batch(maps(), ask), REQUEST, Reveal())
    assert values.isnan().all()
    assert reasons == [fast.NOT_FINITE] * 3


def test_a_target_that_is_no_class_is_refused():
    given = batch(maps(), Linear(), targets=torch.full((3,), -1))
    with pytest.raises(MapError, match="follow the probability of one class"):
        fast.area(given, REQUEST, Reveal())
