"""What every attack keeps: range, budget, the network, chance, and the other images of the batch.

Through camaudit all classes of torchattacks keep everything, and that is tested of each class of the
installed package; pixels beyond [0, 1] alone are left for verifying to find. Bare they do not: `DEFECTS` says
which class fails how, and that is tested as well, so that a release that mends something is noticed.
"""

from __future__ import annotations

import random
from functools import cache

import numpy as np
import pytest
import torch

from camaudit import registry
from camaudit.errors import ModelError
from camaudit.perturb.attacks import ATTACKS, find
from camaudit.perturb.attacks.defects import DEFECTS, FAULTS
from camaudit.perturb.attacks.torch_attacks import classes
from camaudit.perturb.attacks.traits import TRAITS
from camaudit.perturb.budget import Budget, violations
from camaudit.perturb.member import Member
from tests.perturb.attacked import (
    CLASSES,
    SEEDS,
    answers,
    attack,
    budgets,
    few,
    margins,
    pictures,
    remains,
    room,
    small,
)

pytest.importorskip("torchattacks", reason="needs the extra attacks: torchattacks is not installed")

from tests.perturb.bare import faults

REFUSED = {"MultiAttack", "LGV"}
ALL = sorted(classes())
USABLE = [name for name in ALL if name not in REFUSED]
CASES = [(name, number) for name in USABLE for number in range(len(budgets(name)))]
DRAWS = {"GN", "RFGSM", "PGD", "EOTPGD", "FFGSM", "TPGD", "PGDL2", "DIFGSM", "VMIFGSM", "APGD"}
"""Some of those whose result hangs on their seed."""


def test_the_table_holds_every_class_of_the_library():
    assert {f"torchattacks.{name}" for name in ALL} == set(ATTACKS)
    assert set(TRAITS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_member_of_that_name(name):
    member = registry.find("attack", f"torchattacks.{name}")
    assert isinstance(member, Member)
    assert member.name == f"torchattacks.{name}"
    assert find(member.name).norms == member.norms


@cache
def found(name, number=0):
    """What a class makes of the pictures with one of its budgets; the network calculates in doubles."""
    return attack(name, small(torch.float64), pictures(), budget=budgets(name)[number])


@pytest.mark.parametrize(("name", "number"), CASES)
def test_range_budget_shape_and_type(name, number):
    images, made, budget = pictures(), found(name, number), budgets(name)[number]
    assert made.shape == images.shape
    assert (made.dtype, made.device, made.requires_grad) == (images.dtype, images.device, False)
    held = budget or Budget(norm="linf", eps=1.0)
    wrong = [fault for fault in violations(images, made, held) if fault]
    if "range" in DEFECTS.get(name, ()):
        # The adapter mends no pixels: whoever verifies has to see them.
        assert all("beyond [0, 1]" in fault for fault in wrong)
        assert wrong
    else:
        assert wrong == []


@pytest.mark.parametrize("name", USABLE)
def test_the_network_and_chance_come_back_and_the_same_seed_gives_the_same(name):
    classifier, images = small(torch.float64), pictures()
    labels = answers(classifier, images)
    classifier.module.drop.training = True  # a mix of flags, which the library would level
    random.seed(1)
    np.random.seed(1)  # noqa: NPY002
    torch.rand(7)
    before, pixels = remains(classifier.module), images.clone()
    again = attack(name, classifier, images, budget=budgets(name)[0], labels=labels)
    assert remains(classifier.module) == before
    assert torch.equal(images, pixels)
    assert torch.equal(again, found(name))


@pytest.mark.parametrize("name", USABLE)
def test_an_image_hangs_on_none_of_its_companions(name):
    # In doubles, so that a batch's arithmetic turns no sign of a gradient.
    alone = attack(name, small(torch.float64), pictures()[2:], budget=budgets(name)[0], seeds=SEEDS[2:])
    assert torch.allclose(alone[0], found(name)[2], rtol=0, atol=1e-6)


@pytest.mark.parametrize("name", USABLE)
def test_bare_it_fails_as_the_table_says_and_in_no_other_way(name):
    # A release that mends something makes this fail: take it off the table, and out of docs/attacks.md.
    assert faults(name) == {*DEFECTS[name]}


def test_the_table_of_defects_is_about_all_classes():
    assert set(DEFECTS) == set(USABLE)
    assert {fault for own in DEFECTS.values() for fault in own} <= set(FAULTS)


@pytest.mark.parametrize("name", sorted(DRAWS))
def test_seeds_are_used(name):
    classifier, images = small(), pictures(1)
    one, other = (attack(name, classifier, images, budget=budgets(name)[0], seeds=(seed,)) for seed in (1, 2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize("name", [name for name in USABLE if find(f"torchattacks.{name}").targeted])
def test_a_target_is_aimed_at(name):
    classifier, images = small(), pictures()
    targets = (answers(classifier, images) + 2) % CLASSES
    aimed = attack(name, classifier, images, budget=room(name), targets=targets)
    gained = margins(classifier.logits, aimed, targets) - margins(classifier.logits, images, targets)
    assert gained.mean() > 0


@pytest.mark.parametrize("name", [name for name in USABLE if not find(f"torchattacks.{name}").targeted])
def test_a_target_is_refused_where_none_can_be_aimed_at(name):
    made = find(f"torchattacks.{name}").make(few(name), budgets(name)[0])
    with pytest.raises(ModelError, match="cannot aim at a class"):
        made(
            small(),
            pictures(),
            torch.zeros(3, dtype=torch.long),
            seeds=(1, 2, 3),
            targets=torch.ones(3).long(),
        )


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_what_is_no_attack_on_a_network_is_refused(name):
    with pytest.raises(ModelError, match=f"torchattacks.{name}: cannot be used: it t"):
        find(f"torchattacks.{name}").make({}, None)


@pytest.mark.parametrize("name", [name for name in USABLE if not find(f"torchattacks.{name}").doubt])
def test_what_is_trusted_raises_the_loss(name):
    classifier, images = small(torch.float64), pictures()
    labels = answers(classifier, images)
    before, after = (margins(classifier.logits, item, labels) for item in (images, found(name)))
    assert (after <= before).all()
    assert (after < before).any()
