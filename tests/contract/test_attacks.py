"""torchattacks through the adapter and bare: what every attack keeps, and what is the library's own.

Through camaudit all classes of torchattacks keep the contract, and that is tested of each class of the
installed package; pixels beyond [0, 1] alone are left for verifying to find. Bare they do not: `DEFECTS` says
which class fails how, and that is tested as well, so that a release that mends something is noticed.
"""

from __future__ import annotations

import pytest
import torch

from camaudit import registry
from camaudit.contract import of_attack
from camaudit.contract.network import small
from camaudit.contract.network import smooth as pictures
from camaudit.errors import ModelError
from camaudit.perturb.attacks import ATTACKS, find
from camaudit.perturb.attacks.defects import DEFECTS, FAULTS
from camaudit.perturb.attacks.torch_attacks import classes
from camaudit.perturb.attacks.traits import TRAITS
from tests.perturb.attacked import attack, budgets, few, room

pytest.importorskip("torchattacks", reason="needs the extra attacks: torchattacks is not installed")

from tests.perturb.bare import faults

REFUSED = {"MultiAttack", "LGV"}
ALL = sorted(classes())
USABLE = [name for name in ALL if name not in REFUSED]
DRAWS = {"GN", "RFGSM", "PGD", "EOTPGD", "FFGSM", "TPGD", "PGDL2", "DIFGSM", "VMIFGSM", "APGD"}
"""Some of those whose result hangs on their seed."""


def test_the_table_holds_every_class_of_the_library():
    assert {f"torchattacks.{name}" for name in ALL} == set(ATTACKS)
    assert set(TRAITS) == set(ALL)


@pytest.mark.parametrize("name", ALL)
def test_a_member_of_that_name(name):
    member = registry.find("attack", f"torchattacks.{name}")
    assert member.name == f"torchattacks.{name}"
    assert find(member.name).norms == member.norms


def clauses(name):
    """The contract of a class, with the room that a target needs."""
    member = find(f"torchattacks.{name}")
    for clause in of_attack(member, parameters=few(name)):
        if str(clause) != "targets":
            yield clause
    yield from (
        clause
        for clause in of_attack(member, parameters=few(name), budgets=[room(name)])
        if str(clause) == "targets"
    )


@pytest.mark.parametrize(
    ("name", "clause"),
    [pytest.param(name, own, id=f"{name}-{own}") for name in USABLE for own in clauses(name)],
)
def test_through_the_adapter_every_class_keeps_the_contract(name, clause):
    if str(clause) == "range and budget" and "range" in DEFECTS[name]:
        # The adapter mends no pixels: whoever verifies has to see them.
        with pytest.raises(AssertionError, match=r"3 of 3 images are invalid: pixels from .*beyond \[0, 1\]"):
            clause()
    else:
        clause()


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
