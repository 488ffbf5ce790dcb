from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from camaudit.errors import ModelError
from camaudit.perturb.budget import NORMS, distance
from camaudit.perturb.noise import matched_noise


def pair(seed, share=0.5, size=0.2):
    rng = np.random.default_rng(seed)
    clean = rng.uniform(size=(4, 3, 6, 6))
    moved = np.clip(clean + rng.uniform(-size, size, size=clean.shape), 0, 1)
    touched = rng.uniform(size=(4, 1, 6, 6)) < share
    return torch.from_numpy(clean), torch.from_numpy(np.where(touched, moved, clean))


@settings(deadline=None, max_examples=40)
@given(seed=st.integers(0, 2**32 - 1), share=st.floats(0.05, 1), size=st.floats(0.01, 0.5))
@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_noise_is_as_large_as_the_change_and_stays_in_range(norm, seed, share, size):
    clean, changed = pair(seed, share, size)
    noisy = matched_noise(clean, changed, norm, seeds=[seed % 2**31 + i for i in range(4)])
    wanted = distance(clean, changed, norm)
    assert torch.allclose(distance(clean, noisy, norm), wanted, rtol=1e-6, atol=1e-9)
    assert float(noisy.min()) >= 0
    assert float(noisy.max()) <= 1


@pytest.mark.parametrize("norm", NORMS)
def test_only_pixels_that_the_change_touches_are_touched(norm):
    clean, changed = pair(1)
    noisy = matched_noise(clean, changed, norm, seeds=range(4))
    touched = (changed != clean).any(1)
    assert torch.equal((noisy != clean).any(1), touched)


@pytest.mark.parametrize("norm", NORMS)
def test_the_noise_of_an_image_depends_on_no_other(norm):
    clean, changed = pair(2)
    together = matched_noise(clean, changed, norm, seeds=[5, 6, 7, 8])
    alone = matched_noise(clean[2:3], changed[2:3], norm, seeds=[7])
    assert torch.equal(together[2:3], alone)
    assert not torch.equal(alone, matched_noise(clean[2:3], changed[2:3], norm, seeds=[8]))


@pytest.mark.parametrize("norm", NORMS)
def test_without_a_change_there_is_no_noise(norm):
    clean, _ = pair(3)
    assert torch.equal(matched_noise(clean, clean, norm, seeds=range(4)), clean)


def test_noise_has_no_direction():
    clean = torch.full((1, 3, 40, 40), 0.5, dtype=torch.float64)
    noisy = matched_noise(clean, clean + 0.1, "linf", seeds=[0])
    up = float((noisy > clean).double().mean())
    assert up == pytest.approx(0.5, abs=4 * 0.5 / 4800**0.5)


def test_one_seed_for_each_image_is_asked_for():
    clean, changed = pair(0)
    with pytest.raises(ModelError, match="2 seeds for 4 images"):
        matched_noise(clean, changed, "l2", seeds=[1, 2])
    with pytest.raises(ModelError, match="in place of"):
        matched_noise(clean, changed[:, :, :3], "l2", seeds=range(4))
