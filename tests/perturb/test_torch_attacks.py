"""Parameters, budgets and errors of the adapter of torchattacks, and attacks that others bring."""

from __future__ import annotations

import inspect
import re
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from camaudit import registry
from camaudit.classifier import Classifier
from camaudit.contract.network import answers, small
from camaudit.contract.network import smooth as pictures
from camaudit.errors import ModelError, RegistryError
from camaudit.perturb.attacks import ATTACKS, find, torch_attacks
from camaudit.perturb.attacks.parameters import arguments
from camaudit.perturb.attacks.traits import TRAITS, Traits
from camaudit.perturb.budget import Budget, distance
from camaudit.perturb.member import Member
from tests.perturb.attacked import attack

LINF = Budget(norm="linf", eps=0.1)


@pytest.fixture
def library():
    return pytest.importorskip(
        "torchattacks", reason="needs the extra attacks: torchattacks is not installed"
    )


class Pretended:
    """A class with a signature like torchattacks'."""

    def __init__(  # noqa: PLR0917
        self,
        model,
        norm="Linf",
        eps=8 / 255,
        alpha=2 / 255,
        steps=10,
        random_start=True,
        sizes=(2, 3),
        loss="ce",
        seed=0,
        n_classes=10,
    ):
        pass


SIGNATURE = inspect.signature(Pretended)
TRAIT = Traits(norms=("linf", "l2"))


def made(given, budget=LINF, traits=TRAIT):
    return arguments("x.Pretended", SIGNATURE, traits, given, budget)


def test_the_budget_becomes_the_class_s_own_parameters():
    usual = {"steps": 10, "random_start": True, "sizes": (2, 3), "loss": "ce"}
    assert made({}) == {**usual, "eps": 0.1, "norm": "Linf", "alpha": pytest.approx(0.025)}
    assert made({}, Budget(norm="l2", eps=0.5))["norm"] == "L2"
    assert made({"alpha": "1/255"})["alpha"] == pytest.approx(1 / 255)
    assert made({"eps": 0.2}, None) == {**usual, "eps": 0.2, "alpha": 2 / 255}
    assert made({"n_classes": 3, "sizes": [4]}) == {**made({}), "n_classes": 3, "sizes": (4,)}
    counted = replace(TRAIT, norms=("l0",), eps="pixels")
    signature = inspect.signature(lambda model, pixels=1, steps=10: None)
    assert arguments("x", signature, counted, {}, Budget(norm="l0", eps=3)) == {"pixels": 3, "steps": 10}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            {"stps": 3},
            "there is no parameter 'stps', did you mean \"steps\"?\n  hint: it takes eps, alpha, steps",
        ),
        ({"steps": 0}, "steps is 0, a whole number from 1 is needed"),
        ({"steps": 2.5}, "steps is 2.5, a whole number from 1 is needed"),
        ({"steps": "ten"}, "steps is 'ten', a whole number from 1 is needed"),
        ({"steps": True}, "steps is True, a whole number from 1 is needed"),
        ({"alpha": 0}, "alpha is 0, a positive number is needed"),
        ({"alpha": float("nan")}, "alpha is nan, a positive number is needed"),
        ({"alpha": "1/0"}, "alpha is '1/0', a positive number is needed"),
        ({"random_start": 1}, "random_start is 1, true or false is needed"),
        ({"sizes": 3}, "sizes is 3, a list such as [2, 3] is needed"),
        ({"loss": 3}, "loss is 3, a text such as 'ce' is needed"),
        ({"seed": 1}, "seed is not for a spec to set: every image has a seed of its own"),
        ({"model": 1}, "model is not for a spec to set: the network comes from the spec's model"),
        ({"norm": "L2"}, "norm is not for a spec to set: the norm is the budget's"),
        ({"eps": 0.1}, "eps is the budget, which is given as L∞ ≤ 0.1"),
    ],
)
def test_parameters_that_do_not_fit_are_refused(given, message):
    with pytest.raises(ModelError, match=re.escape(f"x.Pretended: {message}")):
        made(given)


def test_a_budget_in_a_norm_that_it_cannot_keep_is_refused():
    with pytest.raises(ModelError, match="cannot keep a budget in patch\n  hint: it can in linf and l2"):
        made({}, Budget(norm="patch", eps=3))
    with pytest.raises(ModelError, match="hint: it keeps no budget at all"):
        made({}, LINF, replace(TRAIT, norms=()))


def test_without_the_library_the_error_names_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    member = find("torchattacks.PGD")
    assert member.norms == ("linf",)
    with pytest.raises(ModelError, match=r"pip install 'camaudit\[attacks\]'"):
        member.make({}, LINF)
    with pytest.raises(RegistryError, match=r"there is no attack 'torchattacks\.PDG', did you mean"):
        find("torchattacks.PDG")


def test_the_whole_table_is_read_without_the_library(monkeypatch):
    monkeypatch.setitem(sys.modules, "torchattacks", None)
    members = [registry.find("attack", name) for name in ATTACKS]
    assert [member.name for member in members] == list(ATTACKS)
    assert sum(not member.doubt for member in members) >= 10


def test_traits_without_a_class():
    with pytest.raises(AttributeError, match="has no attribute 'PDG'"):
        torch_attacks.PDG  # noqa: B018


class Entry:
    """An entry point."""

    def __init__(self, thing):
        self.thing = thing

    def load(self):
        return self.thing


def test_others_bring_attacks_by_entry_point(monkeypatch):
    mine = Member(name="foolbox.PGD", make=lambda given, budget: None, norms=("linf",), access="gradient")
    entries = {"foolbox.PGD": Entry(mine), "foolbox.bad": Entry(3)}
    monkeypatch.setattr(registry, "_third_parties", lambda table: entries if table == "attack" else {})
    assert find("foolbox.PGD") is mine
    assert registry.names("attack")[-2:] == ("foolbox.PGD", "foolbox.bad")
    with pytest.raises(RegistryError, match=r"the attack 'foolbox\.bad' is a int, not a Member"):
        find("foolbox.bad")


def test_a_class_that_the_table_does_not_know_is_taken_with_a_doubt(library, monkeypatch):
    class Fresh(library.PGD):
        pass

    monkeypatch.setattr(library, "Fresh", Fresh, raising=False)
    monkeypatch.setattr(library, "__all__", [*library.__all__, "Fresh"])
    member = find("torchattacks.Fresh")
    assert (member.norms, member.targeted) == (("linf",), False)
    assert "does not know this class" in member.doubt
    classifier, images = small(), pictures()
    found = member.make({"steps": 2}, LINF)(classifier, images, answers(classifier, images), seeds=(1, 2, 3))
    assert 0 < distance(images, found, "linf").max() <= 0.1 + 1e-6


def test_what_an_attack_without_a_budget_finds_beyond_it_is_taken_back(library):
    classifier, images = small(), pictures()
    free = attack("CW", classifier, images)
    reached = distance(images, free, "l2")
    assert (reached > 0).all()
    between = Budget(norm="l2", eps=float(reached.sort().values[1]))
    held = attack("CW", classifier, images, budget=between)
    kept = reached <= between.eps
    assert torch.equal(held[kept], free[kept])
    assert torch.equal(held[~kept], images[~kept])
    assert 0 < kept.sum() < 3


def test_the_step_keeps_its_share_of_the_budget(library):
    # Ten steps of a quarter each reach the border of any budget.
    classifier, images = small(), pictures()
    for eps in (0.02, 0.3):
        found = attack("PGD", classifier, images, budget=Budget(norm="linf", eps=eps))
        assert distance(images, found, "linf").max() == pytest.approx(eps, rel=1e-4)


def test_inference_mode_and_no_grad_change_nothing(library):
    classifier, images = small(), pictures()
    wanted = attack("PGD", classifier, images, budget=LINF)
    with torch.inference_mode():
        assert torch.equal(attack("PGD", classifier, images.clone(), budget=LINF), wanted)
    with torch.no_grad():
        assert torch.equal(
            attack("FGSM", classifier, images, budget=LINF), attack("FGSM", classifier, images, budget=LINF)
        )


def test_no_images_at_all(library):
    assert attack("PGD", small(), pictures()[:0], budget=LINF, labels=torch.zeros(0).long()).shape == (
        0,
        3,
        8,
        8,
    )


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"seeds": (1, 2)}, "2 seeds for 3 images"),
        ({"labels": torch.zeros(2).long()}, r"labels \[2\] for 3 images"),
        ({"targets": torch.zeros(4).long()}, r"targets \[4\] for 3 images"),
    ],
)
def test_a_call_that_does_not_fit_is_refused(library, keys, message):
    with pytest.raises(ModelError, match=f"torchattacks.PGD: {message}"):
        attack("PGD", small(), pictures(), budget=LINF, **keys)


def test_pixels_beyond_the_range_are_refused(library):
    with pytest.raises(ModelError, match="pixel values run from 0 to 255"):
        attack("FGSM", small(), pictures() * 255, budget=LINF, labels=torch.zeros(3).long())


def test_the_classes_of_the_network_are_what_is_attacked(library):
    with pytest.raises(ModelError, match="its loss compares 4 classes, the network has 2"):
        attack("APGDT", small(classes=2), pictures(), budget=LINF)
    with pytest.raises(ModelError, match="n_classes is 11, the network has 10"):
        attack("APGDT", small(), pictures(), budget=LINF, n_classes=11)


class Failing(nn.Module):
    """Answers once and then no more."""

    def __init__(self):
        super().__init__()
        self.drop = nn.Dropout()
        self.left = 2

    def forward(self, images):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("out of luck")
        return images.mean((2, 3))


def test_what_fails_in_the_middle_is_named_and_leaves_the_network_as_it_was(library):
    module = Failing().train()
    with pytest.raises(ModelError, match=r"torchattacks\.PGD: the attack fails: RuntimeError: out of luck"):
        attack("PGD", Classifier(module=module), pictures(), budget=LINF, labels=torch.zeros(3).long())
    assert module.training
    assert module.drop.training


def test_a_class_that_hands_out_something_else_is_refused(library, monkeypatch):
    monkeypatch.setattr(library.FGSM, "forward", lambda self, images, labels: images[:, :1])
    with pytest.raises(ModelError, match=r"torchattacks.FGSM: the attack gives \[3, 1, 8, 8\] for images"):
        attack("FGSM", small(), pictures(), budget=LINF)


class Asked(nn.Module):
    """Takes a number beside the image, and answers about the class that it names."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(3, 3, generator=torch.Generator().manual_seed(0)))

    def forward(self, images, which):
        return images.mean((2, 3)) @ self.weight * which[:, None]


@pytest.mark.parametrize("name", ["FGSM", "PGD", "Square", "EOTPGD"])
def test_inputs_beside_the_image_go_with_their_image(library, name):
    which = torch.tensor([5.0, -5.0, 7.0])
    classifier = Classifier(module=Asked().eval()).given({"which": which})
    images, labels = pictures(), torch.tensor([0, 1, 2])
    together = attack(name, classifier, images, budget=LINF, labels=labels)
    alone = attack(
        name, classifier.rows(torch.tensor([1])), images[1:2], budget=LINF, labels=labels[1:2], seeds=(22,)
    )
    assert torch.equal(together[1], alone[0])


def test_a_network_in_half_precision_is_attacked_in_the_pixels_precision(library):
    classifier, images = small(torch.bfloat16), pictures()
    found = attack("PGD", classifier, images, budget=LINF)
    assert found.dtype == torch.float32
    assert 0 < distance(images, found, "linf").max() <= 0.1 + 1e-6


@pytest.mark.parametrize("name", ["PGD", "PGDL2", "PGDRS", "APGD", "CW"])
def test_the_order_of_memory_changes_nothing(library, name):
    classifier, images = small(torch.float64), pictures()
    wanted = attack(name, classifier, images)
    other = images.contiguous(memory_format=torch.channels_last)
    assert torch.equal(attack(name, classifier, other), wanted)


def test_random_starts_go_one_by_one_and_others_together(library):
    assert find("torchattacks.PGD").make({"random_start": False}, LINF).batched
    assert not find("torchattacks.PGD").make({"random_start": True}, LINF).batched
    assert find("torchattacks.FGSM").make({}, LINF).batched
    assert {name for name, traits in TRAITS.items() if traits.refused} == {"MultiAttack", "LGV"}
