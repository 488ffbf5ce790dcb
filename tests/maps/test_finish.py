"""Finishing steps: what they do, and that none of them normalises."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camaudit.errors import MapError
from camaudit.maps.finish import finish, relu, resize
from camaudit.maps.record import Draft, MapBatch, record
from tests.reference.maps import bilinear


def batch(raw: torch.Tensor, *, with_relu: bool = True) -> MapBatch:
    n = len(raw)
    return record(
        Draft(
            raw=raw,
            layer="l",
            method="m",
            target=torch.zeros(n).long(),
            score=torch.zeros(n),
            relu=with_relu,
            connected=True,
        )
    )[0]


RAW = torch.tensor([[[1.0, -2.0], [0.0, 4.0]]])


def test_relu_keeps_positive_evidence_and_nan() -> None:
    assert relu(RAW).tolist() == [[[1.0, 0.0], [0.0, 4.0]]]
    assert relu(torch.tensor([float("nan")])).isnan().all()


def test_nearest_repeats_cells() -> None:
    found = resize(RAW, (4, 4), "nearest")
    assert found[0].tolist() == [[1, 1, -2, -2], [1, 1, -2, -2], [0, 0, 4, 4], [0, 0, 4, 4]]


@given(
    rows=st.integers(1, 5),
    columns=st.integers(1, 5),
    height=st.integers(5, 17),
    width=st.integers(5, 17),
    seed=st.integers(0, 99),
)
def test_bilinear_equals_the_loops(rows: int, columns: int, height: int, width: int, seed: int) -> None:
    values = np.random.default_rng(seed).normal(size=(rows, columns))
    found = resize(torch.from_numpy(values)[None], (height, width), "bilinear")
    np.testing.assert_allclose(found[0].numpy(), bilinear(values, height, width), atol=1e-12)


def test_the_loops_by_hand() -> None:
    # Centres of two cells lie at 1/4 and 3/4 of the width, those of four pixels at 1/8, 3/8, 5/8, 7/8.
    assert bilinear(np.array([[0.0, 4.0]]), 1, 4).tolist() == [[0.0, 1.0, 3.0, 4.0]]


@given(factor=st.sampled_from([1e-9, 0.5, 1e9]), mode=st.sampled_from(["bilinear", "nearest"]))
def test_nothing_is_normalised(factor: float, mode: str) -> None:
    plain = finish(batch(RAW), size=(6, 6), resize=mode)
    torch.testing.assert_close(finish(batch(RAW * factor), size=(6, 6), resize=mode), plain * factor)
    assert plain.max() == 4.0


def test_relu_comes_before_the_resize() -> None:
    found = finish(batch(RAW), size=(4, 4))
    torch.testing.assert_close(found, resize(relu(RAW), (4, 4)))
    assert (found - relu(resize(RAW, (4, 4)))).abs().max() > 0.1


def test_steps_are_as_on_record_unless_named() -> None:
    assert torch.equal(finish(batch(RAW)), relu(RAW))
    assert torch.equal(finish(batch(RAW, with_relu=False)), RAW)
    assert torch.equal(finish(batch(RAW), relu=False), RAW)
    assert torch.equal(finish(batch(RAW, with_relu=False), relu=True), relu(RAW))


def test_unknown_resize_is_refused() -> None:
    with pytest.raises(MapError, match="there is no resize 'bicubic'; allowed: bilinear, nearest"):
        resize(RAW, (4, 4), "bicubic")
