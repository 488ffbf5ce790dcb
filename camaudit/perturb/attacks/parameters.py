"""What a spec says about an attack, held against what its class takes."""

from __future__ import annotations

import math
import re
from inspect import Parameter
from typing import TYPE_CHECKING

from camaudit.errors import ModelError
from camaudit.registry import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping
    from inspect import Signature

    from camaudit.perturb.attacks.traits import Traits
    from camaudit.perturb.budget import Budget

OURS = {
    "model": "the network comes from the spec's model",
    "attacks": "attacks are named one by one",
    "seed": "every image has a seed of its own, made of the run's",
    "verbose": "nothing is printed",
    "norm": "the norm is the budget's",
}
"""Parameters that a spec does not set, and why."""
LATE = frozenset({"n_classes"})
"""Parameters whose default is the network's, once there is one."""
COUNTS = frozenset(
    {
        *("steps", "num_iter_set", "nb_iter", "max_iterations", "binary_search_steps"),
        *("nb_sample", "max_batch_size", "n_queries", "n_restarts", "restarts", "eot_iter"),
        *("noise_batch_size", "batch_max", "pixels", "popsize", "inf_batch", "n_classes"),
        *("N", "m", "len_kernel"),
    }
)
"""Whole numbers from 1: with none of them an attack would do nothing, and every network would seem robust."""
SIZES = frozenset({"eps", "max_epsilon", "alpha", "lr", "delta", "amplification", "gamma"})
"""Positive numbers, for the same reason."""
NORM_NAMES = {"linf": "Linf", "l2": "L2"}
FRACTION = re.compile(r"\s*([0-9.]+(?:[eE][-+]?[0-9]+)?)\s*/\s*([0-9.]+)\s*")


def arguments(
    where: str, signature: Signature, traits: Traits, given: Mapping[str, object], budget: Budget | None
) -> dict[str, object]:
    """What the class is called with: all parameters that a spec may set, and the budget in its own words.

    Those that are not given keep the class's defaults, and stand there for the record.

    A step size `alpha` that is not given keeps its default proportion to the budget: a step made for 8/255
    would never get far in a larger budget, and the network would seem robust.

    Raises `ModelError` for a parameter that the class does not have or a spec does not set, for one of
    another type or size, for a budget in a norm that the attack cannot keep, and for one that is given twice.
    """
    known = {
        name: item.default
        for name, item in signature.parameters.items()
        if item.kind is not Parameter.VAR_KEYWORD and name not in OURS
    }
    for name in given:
        _check_name(where, name, known, signature)
    found = {name: default for name, default in known.items() if name not in LATE}
    found |= {name: _checked(where, name, value, known[name]) for name, value in given.items()}
    if budget is None:
        return found
    _check_budget(where, traits, budget, given)
    if traits.eps is not None:
        found[traits.eps] = int(budget.eps) if traits.eps in COUNTS else budget.eps
        found |= _step(known, traits.eps, budget.eps, given)
    if "norm" in signature.parameters:
        found["norm"] = NORM_NAMES[budget.norm]
    return found


def _check_name(where: str, name: str, known: Mapping[str, object], signature: Signature) -> None:
    if name in OURS and name in signature.parameters:
        raise ModelError(f"{name} is not for a spec to set: {OURS[name]}", where=where)
    if name not in known:
        raise ModelError(
            f"there is no parameter {name!r}{did_you_mean(name, known)}",
            where=where,
            hint=f"it takes {', '.join(known)}" if known else "it takes none",
        )


def _check_budget(where: str, traits: Traits, budget: Budget, given: Mapping[str, object]) -> None:
    if budget.norm not in traits.norms:
        raise ModelError(
            f"it cannot keep a budget in {budget.norm}",
            where=where,
            hint=f"it can in {' and '.join(traits.norms)}" if traits.norms else "it keeps no budget at all",
        )
    if traits.eps is not None and traits.eps in given:
        raise ModelError(f"{traits.eps} is the budget, which is given as {budget.text}", where=where)


def _step(
    known: Mapping[str, object], eps: str, size: float, given: Mapping[str, object]
) -> dict[str, object]:
    usual, step = known[eps], known.get("alpha")
    if "alpha" in given or not isinstance(step, float) or not isinstance(usual, float):
        return {}
    return {"alpha": step * size / usual}


def _checked(where: str, name: str, value: object, default: object) -> object:
    """The value, of the type of the default. Numbers may be written as fractions."""
    if isinstance(default, bool):
        _require(isinstance(value, bool), where, name, value, "true or false")
        return value
    if isinstance(default, str):
        _require(isinstance(value, str), where, name, value, f"a text such as {default!r}")
        return value
    if isinstance(default, tuple):
        _require(isinstance(value, list | tuple), where, name, value, f"a list such as {list(default)}")
        return tuple(value) if isinstance(value, list) else value
    return _number(where, name, value)


def _number(where: str, name: str, value: object) -> float:
    match = FRACTION.fullmatch(value) if isinstance(value, str) else None
    number = float(match[1]) / float(match[2]) if match and float(match[2]) else value
    allowed = (
        "a whole number from 1" if name in COUNTS else "a positive number" if name in SIZES else "a number"
    )
    if isinstance(number, int | float) and not isinstance(number, bool) and math.isfinite(number):
        whole = isinstance(number, int) and number >= 1
        if whole if name in COUNTS else number > 0 or name not in SIZES:
            return number
    raise ModelError(f"{name} is {value!r}, {allowed} is needed", where=where)


def _require(fine: bool, where: str, name: str, value: object, allowed: str) -> None:
    if not fine:
        raise ModelError(f"{name} is {value!r}, {allowed} is needed", where=where)
