"""The order in which a map uncovers an image, and the area under what the network answers meanwhile."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camaudit.errors import MapError
from camaudit.metrics.faithfulness import area_under, places, uncovered, unordered
from tests.reference import faithfulness as slow

VALUES = st.sampled_from([-3.0, -1.0, 0.0, 0.5, 2.0])


@st.composite
def cases(draw):
    """A map with many ties, and a permutation of its cells."""
    rows, columns = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = draw(st.lists(VALUES, min_size=rows * columns, max_size=rows * columns))
    ties = draw(st.permutations(range(rows * columns)))
    maps = torch.tensor(cells, dtype=torch.float64).reshape(1, rows, columns)
    return maps, torch.tensor([ties])


@given(cases())
def test_the_order_is_that_of_the_slow_replica(case):
    maps, ties = case
    order = slow.highest_first(maps.flatten().tolist(), ties[0].tolist())
    assert places(maps, ties)[0].argsort().tolist() == order


@given(cases(), st.sampled_from([torch.exp, torch.atan, lambda x: 3 * x - 7, lambda x: x**3]))
def test_a_rising_function_of_the_map_changes_nothing(case, rising):
    maps, ties = case
    assert torch.equal(places(rising(maps), ties), places(maps, ties))


@given(cases())
def test_no_tie_is_broken_by_where_a_cell_lies(case):
    maps, ties = case
    flat = torch.zeros_like(maps)
    assert torch.equal(places(flat, ties)[0], ties[0])


def test_rows_are_ordered_by_themselves():
    maps = torch.tensor([[[1.0, 3.0], [2.0, 0.0]], [[0.0, -1.0], [-2.0, 5.0]]])
    ties = torch.arange(4).expand(2, 4)
    assert places(maps, ties).tolist() == [[2, 0, 1, 3], [1, 2, 3, 0]]


@given(st.integers(1, 400), st.integers(1, 40))
def test_curves_begin_with_nothing_and_end_with_everything(cells, steps):
    counts = uncovered(cells, steps)
    assert counts[0] == 0
    assert counts[-1] == cells
    assert counts == sorted(set(counts))
    assert len(counts) == min(cells, steps) + 1


@pytest.mark.parametrize(("cells", "steps"), [(0, 3), (3, 0)])
def test_no_cells_and_no_steps_are_refused(cells, steps):
    with pytest.raises(ValueError, match="at least one cell and one step"):
        uncovered(cells, steps)


def test_areas_by_hand():
    # A straight line has half the area, a step at the first of four quarters 7/8 of it.
    assert area_under(torch.tensor([0.0, 0.5, 1.0]), [0, 1, 2]).item() == 0.5
    assert area_under(torch.tensor([0.0, 1.0, 1.0, 1.0, 1.0]), [0, 1, 2, 3, 4]).item() == 0.875
    # Points need not lie evenly.
    assert area_under(torch.tensor([[0.0, 1.0, 1.0]]), [0, 1, 10]).tolist() == [pytest.approx(0.95)]


@given(st.lists(st.floats(0, 1), min_size=2, max_size=30))
def test_areas_of_probabilities_lie_between_0_and_1(values):
    area = area_under(torch.tensor(values, dtype=torch.float64), list(range(len(values)))).item()
    assert min(values) - 1e-12 <= area <= max(values) + 1e-12


def test_maps_without_an_order_have_a_reason():
    maps = torch.stack([torch.zeros(2, 2), torch.ones(2, 2), torch.full((2, 2), torch.nan), torch.eye(2)])
    assert unordered(maps).reasons() == ["all-zero map", "constant map", "non-finite map", None]
    assert unordered(maps).values().isnan().tolist() == [True, True, True, False]


def test_a_wrong_shape_is_refused():
    with pytest.raises(MapError, match=r"must have the shape \[n, h, w\]"):
        places(torch.zeros(2, 2), torch.arange(4)[None])
