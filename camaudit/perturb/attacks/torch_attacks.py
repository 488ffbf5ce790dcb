"""Every class of torchattacks as a member. Torch-free until one of them is made."""

from __future__ import annotations

import inspect
import warnings
from functools import partial
from typing import TYPE_CHECKING

from camaudit.errors import ModelError
from camaudit.perturb.attacks.parameters import arguments
from camaudit.perturb.attacks.traits import LINF, TRAITS, Traits
from camaudit.perturb.member import Member

if TYPE_CHECKING:
    from collections.abc import Mapping
    from types import ModuleType

    from camaudit.perturb.budget import Budget
    from camaudit.perturb.member import Perturbation

LIBRARY = "torchattacks"


def __getattr__(name: str) -> Member:
    """The member of a class that `TRAITS` knows."""
    if name not in TRAITS:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return _member(name, TRAITS[name])


def unlisted(name: str) -> Member | None:
    """The member of a class that the installed library has and `TRAITS` does not; None where there is none.

    Its budget is taken to be in L∞ where it has a parameter `eps`, and in any norm but held to by taking back
    what lies beyond it where it has not.
    """
    if name not in classes():
        return None
    has_eps = "eps" in inspect.signature(classes()[name]).parameters
    traits = Traits(
        norms=LINF,
        eps="eps" if has_eps else None,
        doubt="camaudit does not know this class: its budget is taken to be in L∞",
    )
    return _member(name, traits)


def classes() -> Mapping[str, type]:
    """The attacks of the installed library by name; empty where it is not installed."""
    try:
        library = _library()
    except ModelError:
        return {}
    found = {name: getattr(library, name, None) for name in library.__all__}
    return {name: item for name, item in found.items() if isinstance(item, type)}


def _member(name: str, traits: Traits) -> Member:
    return Member(
        name=f"{LIBRARY}.{name}",
        make=partial(_make, name, traits),
        norms=traits.norms,
        access=traits.access,
        targeted=traits.targeted,
        doubt=traits.refused or traits.doubt,
    )


def _library() -> ModuleType:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of its own and of what it imports
            import torchattacks
    except ImportError as missing:
        raise ModelError(
            f"{LIBRARY} attacks need the library {LIBRARY}, which cannot be imported: {missing}",
            hint="pip install 'camaudit[attacks]'; it asks for an old requests and needs none, so where that "
            f"is in the way: pip install --no-deps {LIBRARY}",
        ) from missing
    module: ModuleType = torchattacks
    return module


def _make(name: str, traits: Traits, given: Mapping[str, object], budget: Budget | None) -> Perturbation:
    where = f"{LIBRARY}.{name}"
    if traits.refused:
        raise ModelError(f"cannot be used: it {traits.refused}", where=where)
    kind = getattr(_library(), name, None)
    if not isinstance(kind, type):
        raise ModelError(f"the installed {LIBRARY} has no class {name}", where=where)
    from camaudit.perturb.attacks.adapter import TorchAttack

    return TorchAttack(
        name=where,
        kind=kind,
        traits=traits,
        budget=budget,
        parameters=arguments(where, inspect.signature(kind), traits, given, budget),
    )
