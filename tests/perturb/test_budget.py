from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit.errors import ModelError
from camaudit.perturb.budget import NORMS, Budget, distance, rounded, violations


def slow_distance(clean, changed, norm):
    """One image, value by value."""
    channels, height, width = clean.shape
    changes = [
        [[float(changed[c, i, j]) - float(clean[c, i, j]) for c in range(channels)] for j in range(width)]
        for i in range(height)
    ]
    values = [value for row in changes for cell in row for value in cell]
    touched = [(i, j) for i in range(height) for j in range(width) if any(changes[i][j])]
    if norm == "linf":
        return max(abs(value) for value in values)
    if norm == "l2":
        return sum(value**2 for value in values) ** 0.5
    if norm == "l0" or not touched:
        return len(touched)
    rows, columns = zip(*touched, strict=True)
    return max(max(rows) - min(rows), max(columns) - min(columns)) + 1


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0, 1), norm=st.sampled_from(list(NORMS)))
def test_distances_are_those_of_a_slow_loop(seed, share, norm):
    rng = np.random.default_rng(seed)
    clean = rng.uniform(size=(3, 2, 4, 5))
    changed = np.where(rng.uniform(size=(3, 1, 4, 5)) < share, rng.uniform(size=(3, 2, 4, 5)), clean)
    found = distance(torch.from_numpy(clean), torch.from_numpy(changed), norm)
    expected = [slow_distance(*pair, norm) for pair in zip(clean, changed, strict=True)]
    assert found.tolist() == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("norm", NORMS)
def test_no_change_is_no_distance(norm):
    images = torch.rand(2, 3, 4, 4)
    assert distance(images, images, norm).tolist() == [0, 0]


@pytest.mark.parametrize("norm", NORMS)
def test_what_is_not_finite_has_no_distance_and_is_a_violation(norm):
    clean, changed = torch.rand(2, 3, 4, 4), torch.rand(2, 3, 4, 4)
    changed[1, 0, 0, 0] = torch.nan
    assert distance(clean, changed, norm).isnan().tolist() == [False, True]
    assert violations(clean, changed, Budget(norm=norm, eps=1))[1] == "pixels that are not finite"


def test_a_change_of_just_eps_is_within_the_budget():
    eps = 8 / 255
    clean = torch.rand(64, 3, 8, 8, generator=torch.Generator().manual_seed(0)) * 0.9 + 0.05
    changed = clean + eps * torch.where(torch.rand(64, 3, 8, 8) < 0.5, -1, 1)
    assert violations(clean, changed, Budget(norm="linf", eps=eps)) == [None] * 64


@pytest.mark.parametrize(
    ("norm", "eps", "reason"),
    [
        ("linf", 0.1, "linf distance 0.2, beyond 0.1"),
        ("l2", 0.1, "l2 distance 0.2, beyond 0.1"),
        ("l0", 1, "l0 distance 2, beyond 1"),
        ("patch", 2, "patch distance 4, beyond 2"),
    ],
)
def test_more_than_the_budget_is_a_violation(norm, eps, reason):
    clean = torch.full((1, 3, 6, 6), 0.5, dtype=torch.float64)
    changed = clean.clone()
    if norm in {"l0", "patch"}:
        changed[0, :, 1, 1] = changed[0, :, 4, 2] = 0.0
    else:
        changed[0, 0, 1, 1] = 0.7
    assert violations(clean, changed, Budget(norm=norm, eps=eps)) == [reason]
    assert violations(clean, clean, Budget(norm=norm, eps=eps)) == [None]


@pytest.mark.parametrize("value", [-0.01, 1.01])
def test_pixels_beyond_the_range_are_a_violation(value):
    clean = torch.zeros(1, 3, 2, 2)
    changed = clean.clone()
    changed[0, 0, 0, 0] = value
    (reason,) = violations(clean, changed, Budget(norm="l2", eps=5))
    assert "beyond [0, 1]" in reason


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), steps=st.integers(1, 64))
def test_rounding_keeps_a_change_of_whole_steps_within_its_budget(seed, steps):
    rng = np.random.default_rng(seed)
    clean = torch.from_numpy(rng.integers(0, 256, size=(1, 3, 4, 4)) / 255)
    changed = (clean + torch.from_numpy(rng.uniform(-steps, steps, size=(1, 3, 4, 4)) / 255)).clamp(0, 1)
    on_grid = rounded(changed)
    assert violations(clean, on_grid, Budget(norm="linf", eps=steps / 255)) == [None]
    assert torch.allclose(on_grid * 255, (on_grid * 255).round())
    assert torch.equal(rounded(on_grid), on_grid)


@pytest.mark.parametrize(
    ("norm", "eps", "message"),
    [
        ("linf", 0.0, "must be positive"),
        ("l2", float("nan"), "must be positive"),
        ("l0", 1.5, "whole pixels"),
        ("linf", 8, r"in \[0, 1\]\n  hint: write 8/255"),
    ],
)
def test_budgets_that_make_no_sense_are_refused(norm, eps, message):
    with pytest.raises(ModelError, match=message):
        Budget(norm=norm, eps=eps)


def test_budgets_in_words():
    assert Budget(norm="linf", eps=8 / 255).text == "L∞ ≤ 8/255"
    assert Budget(norm="linf", eps=0.01).text == "L∞ ≤ 0.01"
    assert Budget(norm="l0", eps=3).text == "pixels changed ≤ 3"


def test_images_of_another_shape_are_refused():
    with pytest.raises(ModelError, match=r"\[1, 3, 4, 5\] in place of \[1, 3, 4, 4\]"):
        violations(torch.zeros(1, 3, 4, 4), torch.zeros(1, 3, 4, 5), Budget(norm="l2", eps=1))
