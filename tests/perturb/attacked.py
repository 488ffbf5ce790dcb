"""Few steps for every class of torchattacks, and room for a target."""

from __future__ import annotations

from camaudit.contract.attacks import SEEDS, budgets_of
from camaudit.contract.network import answers
from camaudit.perturb.attacks import find
from camaudit.perturb.attacks.traits import TRAITS
from camaudit.perturb.budget import Budget

FEW = {
    "AutoAttack": {"version": "rand"},
    "CW": {"steps": 20, "c": 5, "lr": 0.1},
    "DeepFool": {"steps": 4},
    "EADEN": {"binary_search_steps": 3, "max_iterations": 20, "initial_const": 1.0, "lr": 0.1},
    "EADL1": {"binary_search_steps": 3, "max_iterations": 20, "initial_const": 1.0, "lr": 0.1},
    "FFGSM": {},
    "FGSM": {},
    "GN": {},
    "JSMA": {"gamma": 0.02},
    "OnePixel": {"steps": 2, "popsize": 20},
    "PGDRS": {"steps": 3, "noise_batch_size": 2},
    "PGDRSL2": {"steps": 3, "noise_batch_size": 2},
    "PIFGSM": {"num_iter_set": 3},
    "PIFGSMPP": {"num_iter_set": 3},
    "Pixle": {"restarts": 5, "max_iterations": 5},
    "SPSA": {"nb_sample": 16, "nb_iter": 3},
    "SparseFool": {"steps": 1},
    "Square": {"n_queries": 30},
    "VANILA": {},
}
"""Parameters that keep a class short; those that are not named take three steps."""


def few(name: str) -> dict[str, object]:
    """Parameters that keep a class of torchattacks short."""
    return FEW.get(name, {"steps": 3})


def budgets(name: str) -> list[Budget | None]:
    """A budget in each norm that a class can keep; none where it keeps none."""
    return budgets_of(find(f"torchattacks.{name}"))


def room(name: str) -> Budget | None:
    """A budget that gives a targeted attack room; none for a class that cannot be told one."""
    if name == "Square":  # gives nothing where it does not succeed
        return Budget(norm="linf", eps=0.3)
    if TRAITS[name].eps is None:
        return None
    norm = TRAITS[name].norms[0]
    return Budget(norm=norm, eps={"linf": 0.1, "l2": 2.0, "l0": 1}[norm])


def attack(name, classifier, images, *, budget=None, seeds=SEEDS, labels=None, targets=None, **given):
    """What the adapter makes of a class of torchattacks."""
    made = find(f"torchattacks.{name}").make({**few(name), **given}, budget)
    labels = answers(classifier, images) if labels is None else labels
    return made(classifier, images, labels, seeds=seeds[: len(images)], targets=targets)
