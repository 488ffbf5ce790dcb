"""The frozen threat model in words: what may be changed, by how much, to what end, with what knowledge."""

from __future__ import annotations

from typing import TYPE_CHECKING

from camaudit.checks.perturbed import told
from camaudit.engine.perturbed.subjects import class_name
from camaudit.perturb.budget import NORMS, Budget

if TYPE_CHECKING:
    from collections.abc import Mapping

    from camaudit.checks.adversarial import AdversarialSpec
    from camaudit.checks.corruption import CorruptionSpec
    from camaudit.checks.one_pixel import OnePixelSpec
    from camaudit.classifier import Classifier
    from camaudit.perturb.member import Access, Member

UNIT = "pixels in [0, 1], before the network's own preprocessing"
GRID = "8 bits: success counts after rounding to multiples of 1/255"
ANY_TARGET = "targeted: the first of all other classes that is reached, each aimed at in turn"
ACCESS: dict[Access, str] = {
    "gradient": "the network's gradients",
    "scores": "the network's answers alone",
    "none": "nothing of the network",
}


def of_attack(
    spec: AdversarialSpec, member: Member, *, goal: str, attacked: str, queries: str
) -> dict[str, str]:
    """The threat model of an attack, term by term."""
    return {
        "attack": spec.attack.name,
        "its parameters": told(spec.attack.parameters) or "as the attack has them",
        "budget": Budget(norm=spec.attack.norm, eps=spec.attack.eps).text,
        "norm": NORMS[spec.attack.norm],
        "unit": UNIT,
        "grid": GRID,
        "goal": goal,
        "access": ACCESS[member.access],
        "answers asked for": queries,
        "attacked": f"images classified correctly before: {attacked}",
        "seed": f"{spec.attack.seed}, with the attack's name and the image's id",
    }


def of_pixels(spec: OnePixelSpec, *, goal: str, attacked: str, queries: Mapping[str, str]) -> dict[str, str]:
    """The threat model of a search for pixels: strategy, stop rules and queries belong to every rate."""
    attack = spec.attack
    return {
        "strategy": ", then ".join(attack.searches)
        + (" on the images left" if len(attack.searches) > 1 else ""),
        "stop rule": "; ".join(attack.rule(name) for name in attack.searches),
        **queries,
        "budget": Budget(norm="l0", eps=attack.pixels).text,
        "unit": UNIT,
        "grid": "8 bits: every colour tried is one that a picture can hold",
        "goal": goal,
        "access": ACCESS["gradient" if "guided" in attack.searches else "scores"],
        "attacked": f"images classified correctly before: {attacked}",
        "seed": f"{attack.seed}, with the image's id",
    }


def of_corruptions(spec: CorruptionSpec, used: str) -> dict[str, str]:
    """What was done to the images, and what is not claimed of it."""
    return {
        "corruptions": ", ".join(item.text for item in spec.corruptions),
        "unit": UNIT,
        "grid": "8 bits: answers are those to images rounded to multiples of 1/255",
        "goal": "none: nobody aims at the network",
        "noise floor": "none: a corruption has no norm, so there is no noise of its size to compare with",
        "corrupted": f"images with an answer: {used}",
        "seed": f"{spec.seed}, with the corruption's name and the image's id",
    }


def goal(target: int | None, network: Classifier) -> str:
    """What counts as success."""
    if target is None:
        return "untargeted: any answer but the label"
    return f"targeted: the answer {class_name(target, network)}"
