"""What is put on record of a map, and when it is said to say nothing."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from camaudit.maps.record import Draft, MapBatch, record


def one(values: list[float], *, relu: bool = True, connected: bool = True) -> MapBatch:
    return record(
        Draft(
            raw=torch.tensor(values)[None, None],
            layer="layer",
            method="gradcam",
            target=torch.tensor([2]),
            score=torch.tensor([0.5]),
            relu=relu,
            connected=connected,
        )
    )[0]


@pytest.mark.parametrize(
    ("values", "with_relu", "signed"),
    [
        ([1.0, -2.0, 0.5], "ok", "ok"),
        ([0.0, 0.0, 0.0], "all-zero", "all-zero"),
        ([-1.0, -2.0, 0.0], "all-zero", "ok"),
        ([-1.0, -1.0, -1.0], "all-zero", "constant"),
        ([3.0, 3.0, 3.0], "constant", "constant"),
        ([3.0, 3.0000004, 3.0], "constant", "constant"),
        ([3.0, 3.001, 3.0], "ok", "ok"),
        ([1e-30, 0.0, 0.0], "ok", "ok"),
        ([5.0], "constant", "constant"),
        ([math.nan, 1.0, 2.0], "non-finite", "non-finite"),
        ([math.inf, 1.0, 2.0], "non-finite", "non-finite"),
        ([-math.inf, 1.0, 2.0], "non-finite", "non-finite"),
        ([math.nan, math.nan, math.nan], "non-finite", "non-finite"),
    ],
)
def test_status(values: list[float], with_relu: str, signed: str) -> None:
    assert one(values).status == (with_relu,)
    assert one(values, relu=False).status == (signed,)
    torch.testing.assert_close(one(values).raw[0, 0], torch.tensor(values), equal_nan=True)


def test_disconnected() -> None:
    assert one([math.nan] * 3, connected=False).status == ("disconnected",)


def test_masses_tell_why_a_map_is_all_zero() -> None:
    counter, nothing = one([-1.0, -2.0, 0.0]), one([0.0, 0.0, 0.0])
    assert (counter.status, nothing.status) == (("all-zero",), ("all-zero",))
    assert (counter.scale.item(), counter.positive_mass.item(), counter.negative_mass.item()) == (
        2.0,
        0.0,
        3.0,
    )
    assert (nothing.scale.item(), nothing.negative_mass.item()) == (0.0, 0.0)


@given(
    values=st.lists(
        st.floats(-10, 10, width=32).filter(lambda x: x == 0 or abs(x) > 1e-3), min_size=2, max_size=9
    ),
    factor=st.sampled_from([1e-12, 1e-7, 1e7]),
)
def test_status_and_masses_do_not_depend_on_the_scale(values: list[float], factor: float) -> None:
    small, plain = one([value * factor for value in values]), one(values)
    assert small.status == plain.status
    torch.testing.assert_close(small.positive_mass, plain.positive_mass * factor)
    assert plain.positive_mass.item() - plain.negative_mass.item() == pytest.approx(sum(values), abs=1e-4)
    assert plain.scale.item() == pytest.approx(max(abs(value) for value in values))


def test_cpu_and_length() -> None:
    found = one([1.0, 2.0])
    assert len(found) == 1
    moved = found.cpu()
    assert (moved.status, moved.layer, moved.relu) == (found.status, "layer", True)
    assert torch.equal(moved.raw, found.raw)


def test_half_precision_is_kept_as_float32() -> None:
    raw = torch.tensor([[[1.0, 2.0]]], dtype=torch.bfloat16)
    made = record(
        Draft(
            raw=raw,
            layer="l",
            method="m",
            target=torch.tensor([0]),
            score=raw[0, 0, :1],
            relu=True,
            connected=True,
        )
    )[0]
    assert {item.dtype for item in (made.raw, made.score, made.scale, made.positive_mass)} == {torch.float32}


def test_maps_measured_together_are_those_measured_one_by_one():
    def draft(seed, side, *, relu=True):
        raw = torch.randn(3, side, side, generator=torch.Generator().manual_seed(seed))
        raw[seed % 3] = 0
        return Draft(
            raw=raw,
            layer="layer",
            method=f"m{seed}",
            target=torch.tensor([seed] * 3),
            score=torch.full((3,), float(seed)),
            relu=relu,
            connected=True,
        )

    drafts = [draft(0, 4), draft(1, 7), draft(2, 4, relu=False), draft(3, 4)]
    for together, item in zip(record(*drafts), drafts, strict=True):
        (alone,) = record(item)
        assert (together.method, together.relu, together.status) == (alone.method, alone.relu, alone.status)
        for name in ("raw", "target", "score", "scale", "positive_mass", "negative_mass"):
            assert torch.equal(getattr(together, name), getattr(alone, name))
