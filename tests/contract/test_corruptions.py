"""What every corruption keeps: range, shape, 8 bits, chance, the other images; and that more is more."""

from __future__ import annotations

import pytest
import torch

from camaudit import registry
from camaudit.errors import ModelError
from camaudit.perturb.budget import Budget
from camaudit.perturb.corruptions import CORRUPTIONS
from camaudit.perturb.member import Member
from tests.perturb.attacked import small

SEVERITIES = (1, 2, 3, 4, 5)
DRAW = {"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "motion_blur", "fog"}


def scenes(count=8, height=32, width=40):
    """Pictures with edges, colours and gradients, on the 8-bit grid."""
    generator = torch.Generator().manual_seed(2)
    coarse = torch.rand(count, 3, 5, 6, generator=generator)
    blocks = torch.nn.functional.interpolate(coarse, size=(height, width), mode="nearest")
    fine = torch.nn.functional.interpolate(coarse.roll(1, 0), size=(height, width), mode="bilinear")
    return ((blocks * 0.6 + fine * 0.4) * 255).round().div(255)


def corrupted(name, images, severity=3, seeds=None, dtype=None):
    made = registry.find("corruption", name).make({"severity": severity}, None)
    labels = torch.zeros(len(images), dtype=torch.long)
    return made(small(), images, labels, seeds=seeds or range(len(images)))


@pytest.fixture(params=list(CORRUPTIONS))
def name(request):
    return request.param


def test_a_member_without_a_budget(name):
    member = registry.find("corruption", name)
    assert isinstance(member, Member)
    assert (member.name, member.norms, member.access, member.targeted) == (name, (), "none", False)


@pytest.mark.parametrize("severity", SEVERITIES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_range_shape_type_and_8_bits(name, severity, dtype):
    images = scenes(3).to(dtype)
    before = images.clone()
    found = corrupted(name, images, severity)
    assert (found.shape, found.dtype, found.device) == (images.shape, dtype, images.device)
    assert found.isfinite().all()
    assert 0 <= found.min() <= found.max() <= 1
    assert torch.allclose(found * 255, (found * 255).round(), atol=1e-4)
    assert torch.equal(images, before)
    assert not torch.equal(found, images)


@pytest.mark.parametrize("size", [(1, 1), (2, 3), (7, 5), (33, 32)])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_small_black_and_white_pictures(name, size, value):
    found = corrupted(name, torch.full((1, 3, *size), value), severity=5)
    assert found.shape == (1, 3, *size)
    assert ((found >= 0) & (found <= 1)).all()


def test_no_pictures_at_all(name):
    assert corrupted(name, scenes(3)[:0]).shape == (0, 3, 32, 40)


def test_the_same_seed_gives_the_same_whatever_the_global_states(name):
    state = torch.get_rng_state()
    first = corrupted(name, scenes())
    assert torch.equal(torch.get_rng_state(), state)
    torch.rand(3)
    assert torch.equal(corrupted(name, scenes()), first)


def test_seeds_are_used_where_chance_plays_a_part(name):
    images = scenes(1).expand(2, -1, -1, -1)
    one, other = corrupted(name, images, seeds=(1, 2))
    assert torch.equal(one, other) is (name not in DRAW)


def test_an_image_hangs_on_none_of_its_companions(name):
    images = scenes()
    assert torch.equal(
        corrupted(name, images[3:4], seeds=(7,))[0], corrupted(name, images, seeds=range(4, 12))[3]
    )


def test_more_severe_is_further_away(name):
    images = scenes(8, 64, 64)
    distances = [
        float((corrupted(name, images, severity) - images).square().mean().sqrt()) for severity in SEVERITIES
    ]
    assert distances == sorted(distances)
    assert len(set(distances)) == len(SEVERITIES)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "severity is missing, a whole number from 1 to 5 is needed"),
        ({"severity": 0}, "severity is 0, a whole number"),
        ({"severity": 6}, "severity is 6, a whole number"),
        ({"severity": 2.5}, "severity is 2.5, a whole number"),
        ({"severity": True}, "severity is True, a whole number"),
        ({"severity": "3"}, "severity is '3', a whole number"),
        ({"severty": 3}, "there is no parameter 'severty', did you mean \"severity\""),
    ],
)
def test_what_is_no_severity_is_refused(name, given, message):
    with pytest.raises(ModelError, match=message):
        registry.find("corruption", name).make(given, None)


def test_budgets_targets_and_missing_seeds_are_refused(name):
    member = registry.find("corruption", name)
    with pytest.raises(ModelError, match="a corruption has no budget"):
        member.make({"severity": 1}, Budget(norm="linf", eps=0.1))
    made, labels = member.make({"severity": 1}, None), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ModelError, match="cannot aim at a class"):
        made(small(), scenes(2), labels, seeds=(1, 2), targets=labels)
    with pytest.raises(ModelError, match="1 seeds for 2 images"):
        made(small(), scenes(2), labels, seeds=(1,))
