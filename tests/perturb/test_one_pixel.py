from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from camaudit.errors import ModelError
from camaudit.perturb.one_pixel import CORNERS, Evolution, Guided, Oracle, Sweep, paint, run
from camaudit.perturb.one_pixel.evolution import distinct
from camaudit.perturb.one_pixel.sweep import corner_candidates
from tests.reference import one_pixel as slow

SIDE = 6
SEARCHES = [Sweep(), Guided(), Evolution(population=60, generations=60)]


def named(search):
    return search.name


def grid(*shape, seed=0):
    """Random pixels on the 8-bit grid."""
    levels = torch.randint(0, 256, shape, generator=torch.Generator().manual_seed(seed))
    return levels.float() / 255


class Linear:
    """Two classes; class 0 wins by w·x + b."""

    def __init__(self, weights, bias=0.0):
        self.weights, self.bias = weights, bias

    def logits(self, images):
        own = (images.double() * self.weights).sum((1, 2, 3)) + self.bias
        return torch.stack([own, torch.zeros_like(own)], 1)


def linear_case(seed):
    """A linear network and an image that a single one of the corner candidates flips."""
    rng = np.random.default_rng(seed)
    row, column = rng.integers(SIDE, size=2)
    rows, columns = np.mgrid[:SIDE, :SIDE]
    # A hill with one top, so that a search that goes by places can climb it.
    hill = np.exp(-((rows - row) ** 2 + (columns - column) ** 2) / 8)
    weights = torch.from_numpy(rng.normal(size=(3, 1, 1)) * hill)
    image = grid(1, 3, SIDE, SIDE, seed=seed)
    gains = []
    for row, column, *colour in corner_candidates((SIDE, SIDE))[:, 0]:
        change = torch.tensor(colour) / 255 - image[0, :, int(row), int(column)].double()
        gains.append(float((weights[:, int(row), int(column)] * change).sum()))
    order = np.argsort(gains)
    best, second = gains[order[0]], gains[order[1]]
    network = Linear(weights)
    margin = float(network.logits(image)[0, 0])
    network.bias = -margin - (0.7 * best + 0.3 * second)
    return network, image, corner_candidates((SIDE, SIDE))[order[0]]


class Small(nn.Module):
    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(3, 6, 3, padding=1)
        self.head = nn.Linear(6 * 4, 3)

    def forward(self, images):
        features = nn.functional.adaptive_max_pool2d(self.conv(images).relu(), 2)
        return 6 * self.head(features.flatten(1))


@pytest.fixture(scope="module")
def small():
    module = Small().double().eval()
    return SimpleNamespace(logits=lambda images: module(images.double()))


@pytest.fixture(scope="module")
def cases(small):
    """The six images of 300 that are nearest to another answer, and the six that are furthest from it."""
    images = grid(300, 3, 8, 8, seed=3)
    images[150:] *= (torch.arange(8) < 4).float()
    logits = small.logits(images).detach()
    first, second = logits.topk(2, dim=1).values.T
    order = (first - second).argsort()
    chosen = torch.cat([order[:6], order[-6:]])
    return images[chosen], logits[chosen].argmax(1)


@pytest.mark.parametrize("search", [Sweep(), Guided(), Evolution()], ids=named)
@pytest.mark.parametrize("seed", range(5))
def test_the_one_pixel_that_flips_a_linear_network_is_found(search, seed):
    network, image, best = linear_case(seed)
    (found,) = run(Oracle(network, image, torch.tensor([0])), search, seeds=[seed])
    assert found.success
    assert found.predicted == 1
    assert np.floor(found.candidate[0, :2]).tolist() == best[0, :2].tolist()


@pytest.mark.parametrize("search", SEARCHES, ids=named)
def test_what_is_found_flips_the_picture_and_changes_one_pixel(search, small, cases):
    images, labels = cases
    founds = run(Oracle(small, images, labels), search, seeds=range(12))
    assert any(found.success for found in founds)
    for found in (item for item in founds if item.success):
        image = images[found.row : found.row + 1]
        changed = paint(image, found.candidate[None])
        assert int((changed != image).any(1).sum()) == 1
        assert torch.equal((changed * 255).round() / 255, changed)
        assert int(small.logits(changed).argmax()) == found.predicted != int(labels[found.row])


def test_the_sweep_stops_where_a_slow_loop_does(small, cases):
    images, labels = cases
    founds = run(Oracle(small, images, labels, batch=37), Sweep())
    slowly = [slow.sweep(small, image, int(label)) for image, label in zip(images, labels, strict=True)]
    assert any(slowly)
    assert not all(slowly)
    for found, first in zip(founds, slowly, strict=True):
        assert found.success == (first is not None)
        assert found.queries == (first or 8 * 8 * 8)


def test_evolution_is_that_of_a_slow_loop(small, cases):
    images, labels = cases
    search = Evolution(population=12, generations=6)
    founds = run(Oracle(small, images, labels, batch=50), search, seeds=range(12))
    for row, found in enumerate(founds):
        asked, best = slow.evolution(
            small,
            images[row],
            int(labels[row]),
            population=12,
            generations=6,
            weight=0.5,
            rng=np.random.default_rng(row),
            triples=distinct,
        )
        assert found.success == (asked is not None)
        assert found.queries == (asked or 12 * 7)
        assert found.best == pytest.approx(best, abs=1e-9)


@pytest.mark.parametrize("search", [*SEARCHES, Evolution(pixels=3, population=20, generations=5)], ids=repr)
def test_an_image_is_searched_the_same_whatever_its_companions(search, small, cases):
    images, labels = cases
    together = run(Oracle(small, images, labels, batch=29), search, seeds=range(12))
    backwards = run(Oracle(small, images, labels), search, reversed(range(12)), seeds=range(12))
    for found, other in zip(together, reversed(backwards), strict=True):
        assert (found.row, found.queries, found.predicted) == (other.row, other.queries, other.predicted)
        assert found.best == pytest.approx(other.best, abs=1e-9)


def test_guided_keeps_its_budget_and_asks_nothing_twice(small, cases):
    images, _ = cases
    asked = []

    class Noting(Oracle):
        def ask(self, rows, candidates):
            asked.extend(map(tuple, candidates[:, 0]))
            return super().ask(rows, candidates)

    network = SimpleNamespace(logits=lambda batch: small.logits(batch) + torch.tensor([1e3, 0.0, 0.0]))
    (found,) = run(Noting(network, images[:1], torch.tensor([0])), Guided(budget=200))
    assert not found.success
    assert found.queries == len(asked) == 200 + 2 * 4 * 6
    # Colours moved inside the cube, at the end, may come back to a corner: they are left out.
    assert len(set(asked[:200])) == 200


def test_guided_asks_all_corners_where_the_budget_allows(small, cases):
    images, labels = cases
    swept = run(Oracle(small, images, labels), Sweep())
    guided = run(Oracle(small, images, labels), Guided(budget=8 * 64))
    for found, sure in zip(guided, swept, strict=True):
        assert found.success >= sure.success
        assert found.queries <= 8 * 64 + 2 * 4 * 6


def test_hints_are_asked_first():
    network, image, best = linear_case(0)
    (found,) = run(Oracle(network, image, torch.tensor([0])), Guided(hints=best[None]))
    assert found.queries == 1


def test_targeted_ends_at_the_class_wanted_only(small, cases):
    images, labels = cases
    wanted = (labels + 1) % 3
    founds = run(Oracle(small, images, wanted, targeted=True), Sweep())
    assert any(found.success for found in founds)
    assert all(found.predicted == int(wanted[found.row]) for found in founds if found.success)


@pytest.mark.parametrize("search", SEARCHES, ids=named)
def test_an_answer_that_is_not_finite_is_no_success(search):
    class Broken:
        def logits(self, images):
            own = images.mean((1, 2, 3)) * torch.nan
            return torch.stack([own, own + 1], 1)

    (found,) = run(Oracle(Broken(), grid(1, 3, 4, 4), torch.tensor([0])), search)
    assert not found.success


def test_an_image_that_leaves_is_asked_no_more():
    network, image, _ = linear_case(1)
    sure = Linear(network.weights * 0, -1.0)  # always class 1: the first candidate decides
    oracle = Oracle(sure, image.repeat(4, 1, 1, 1), torch.zeros(4, dtype=torch.int64), batch=8)
    founds = run(oracle, Sweep())
    assert [found.queries for found in founds] == [1] * 4
    assert oracle.asked <= 4 * 8


@settings(deadline=None, max_examples=60)
@given(population=st.integers(4, 40), seed=st.integers(0, 2**32 - 1))
def test_parents_are_distinct(population, seed):
    parents = np.column_stack(
        [np.arange(population), *distinct(population, np.random.default_rng(seed))],
    )
    assert parents.min() >= 0
    assert parents.max() < population
    assert all(len(set(row)) == 4 for row in parents.tolist())


def test_every_parent_is_equally_likely():
    rng = np.random.default_rng(0)
    counts = np.zeros((5, 5))
    for _ in range(4000):
        for parents in distinct(5, rng):
            counts[np.arange(5), parents] += 1
    assert np.all(np.diag(counts) == 0)
    expected = 4000 * 3 / 4
    assert np.allclose(counts[~np.eye(5, dtype=bool)], expected, atol=5 * expected**0.5)


@settings(deadline=None, max_examples=60)
@given(
    genes=st.lists(
        st.tuples(st.floats(-3, 9), st.floats(-3, 9), *[st.floats(-50, 300)] * 3), min_size=1, max_size=4
    )
)
def test_paint_sets_the_pixels_and_no_others(genes):
    image = grid(1, 3, 5, 7)
    before = image.clone()
    painted = paint(image, np.array([genes]))
    expected = image.clone()
    for row, column, *colour in genes:
        place = (min(max(int(np.floor(row)), 0), 4), min(max(int(np.floor(column)), 0), 6))
        expected[0, :, place[0], place[1]] = torch.tensor(np.clip(np.rint(colour), 0, 255) / 255).float()
    assert torch.equal(painted, expected)
    assert torch.equal(image, before)


def test_corner_candidates_are_all_positions_in_all_corners():
    candidates = corner_candidates((3, 4))
    assert candidates.shape == (96, 1, 5)
    assert len({tuple(item) for item in candidates[:, 0].tolist()}) == 96
    assert len({tuple(item) for item in CORNERS.tolist()}) == 8


def test_log_odds_do_not_saturate():
    class Sure:
        def logits(self, images):
            own = images[:, 0, 0, 0].double()
            return torch.stack([1e4 + own, torch.zeros_like(own)], 1)

    oracle = Oracle(Sure(), grid(1, 3, 4, 4), torch.tensor([0]))
    black = oracle.ask(np.array([0]), np.array([[[0, 0, 0, 0, 0]]]))
    white = oracle.ask(np.array([0]), np.array([[[0, 0, 255, 0, 0]]]))
    assert white.fitness[0] - black.fitness[0] == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (torch.full((1, 3, 4, 4), 0.5), "not on the 8-bit grid"),
        (torch.full((1, 3, 4, 4), torch.nan), "not on the 8-bit grid"),
        (torch.full((1, 3, 4, 4), 2.0), r"beyond \[0, 1\]"),
        (torch.zeros(1, 1, 4, 4), r"\[1, 1, 4, 4\]"),
        (torch.zeros(2, 3, 4, 4), "for 2 images"),
    ],
)
def test_images_that_no_picture_can_hold_are_refused(images, message):
    with pytest.raises(ModelError, match=message):
        Oracle(Linear(0), images, torch.tensor([0]))


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Evolution(population=3), "population of 3"),
        (lambda: Evolution(pixels=0), "0 pixels"),
        (lambda: Evolution(generations=-1), "-1 generations"),
        (lambda: Guided(budget=0), "budget of 0"),
        (lambda: Oracle(Linear(0), torch.zeros(1, 3, 2, 2), torch.tensor([0]), batch=0), "batch of 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(make, message):
    with pytest.raises(ModelError, match=message):
        make()
