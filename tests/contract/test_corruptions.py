"""What every corruption keeps, and what ours have in common: a severity from 1 to 5, and 8 bits."""

from __future__ import annotations

import pytest
import torch

from camaudit import registry
from camaudit.contract import of_corruption
from camaudit.contract.corruptions import scenes
from camaudit.contract.network import small
from camaudit.errors import ModelError
from camaudit.perturb.budget import Budget
from camaudit.perturb.corruptions import CORRUPTIONS

SEVERITIES = (1, 2, 3, 4, 5)
DRAW = {"gaussian_noise", "shot_noise", "impulse_noise", "speckle_noise", "motion_blur", "fog"}


def corrupted(name, images, severity=3, seeds=None):
    made = registry.find("corruption", name).make({"severity": severity}, None)
    labels = torch.zeros(len(images), dtype=torch.long)
    return made(small(), images, labels, seeds=seeds or range(len(images)))


@pytest.fixture(params=list(CORRUPTIONS))
def name(request):
    return request.param


@pytest.mark.parametrize(
    "clause",
    [
        pytest.param(clause, id=f"{name}-{clause}")
        for name in registry.names("corruption")
        for clause in of_corruption(registry.find("corruption", name))
    ],
)
def test_contract(clause):
    clause()


def test_its_name_is_that_of_the_table(name):
    assert registry.find("corruption", name).name == name


@pytest.mark.parametrize("severity", SEVERITIES)
def test_8_bits(name, severity):
    found = corrupted(name, scenes(3), severity)
    assert torch.allclose(found * 255, (found * 255).round(), atol=1e-4)


def test_seeds_are_used_where_chance_plays_a_part(name):
    images = scenes(1).expand(2, -1, -1, -1)
    one, other = corrupted(name, images, seeds=(1, 2))
    assert torch.equal(one, other) is (name not in DRAW)


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


def test_what_is_refused_says_why(name):
    member = registry.find("corruption", name)
    with pytest.raises(ModelError, match="a corruption has no budget"):
        member.make({"severity": 1}, Budget(norm="linf", eps=0.1))
    made, labels = member.make({"severity": 1}, None), torch.zeros(2, dtype=torch.long)
    with pytest.raises(ModelError, match="cannot aim at a class"):
        made(small(), scenes(2), labels, seeds=(1, 2), targets=labels)
    with pytest.raises(ModelError, match="1 seeds for 2 images"):
        made(small(), scenes(2), labels, seeds=(1,))
