"""Attacks by name. This table is torch-free; the libraries behind it load when an attack is made.

Others join by an entry point in the group ``camaudit.attacks`` that names a `camaudit.perturb.member.Member`.
"""

from __future__ import annotations

from camaudit import registry
from camaudit.errors import RegistryError
from camaudit.perturb.member import Member

ATTACKS: dict[str, str] = {
    "torchattacks.FGSM": "camaudit.perturb.attacks.torch_attacks:FGSM",
    "torchattacks.BIM": "camaudit.perturb.attacks.torch_attacks:BIM",
    "torchattacks.RFGSM": "camaudit.perturb.attacks.torch_attacks:RFGSM",
    "torchattacks.PGD": "camaudit.perturb.attacks.torch_attacks:PGD",
    "torchattacks.EOTPGD": "camaudit.perturb.attacks.torch_attacks:EOTPGD",
    "torchattacks.FFGSM": "camaudit.perturb.attacks.torch_attacks:FFGSM",
    "torchattacks.TPGD": "camaudit.perturb.attacks.torch_attacks:TPGD",
    "torchattacks.MIFGSM": "camaudit.perturb.attacks.torch_attacks:MIFGSM",
    "torchattacks.UPGD": "camaudit.perturb.attacks.torch_attacks:UPGD",
    "torchattacks.APGD": "camaudit.perturb.attacks.torch_attacks:APGD",
    "torchattacks.APGDT": "camaudit.perturb.attacks.torch_attacks:APGDT",
    "torchattacks.DIFGSM": "camaudit.perturb.attacks.torch_attacks:DIFGSM",
    "torchattacks.TIFGSM": "camaudit.perturb.attacks.torch_attacks:TIFGSM",
    "torchattacks.Jitter": "camaudit.perturb.attacks.torch_attacks:Jitter",
    "torchattacks.NIFGSM": "camaudit.perturb.attacks.torch_attacks:NIFGSM",
    "torchattacks.PGDRS": "camaudit.perturb.attacks.torch_attacks:PGDRS",
    "torchattacks.SINIFGSM": "camaudit.perturb.attacks.torch_attacks:SINIFGSM",
    "torchattacks.VMIFGSM": "camaudit.perturb.attacks.torch_attacks:VMIFGSM",
    "torchattacks.VNIFGSM": "camaudit.perturb.attacks.torch_attacks:VNIFGSM",
    "torchattacks.SPSA": "camaudit.perturb.attacks.torch_attacks:SPSA",
    "torchattacks.PIFGSM": "camaudit.perturb.attacks.torch_attacks:PIFGSM",
    "torchattacks.PIFGSMPP": "camaudit.perturb.attacks.torch_attacks:PIFGSMPP",
    "torchattacks.Square": "camaudit.perturb.attacks.torch_attacks:Square",
    "torchattacks.FAB": "camaudit.perturb.attacks.torch_attacks:FAB",
    "torchattacks.AutoAttack": "camaudit.perturb.attacks.torch_attacks:AutoAttack",
    "torchattacks.PGDL2": "camaudit.perturb.attacks.torch_attacks:PGDL2",
    "torchattacks.PGDRSL2": "camaudit.perturb.attacks.torch_attacks:PGDRSL2",
    "torchattacks.CW": "camaudit.perturb.attacks.torch_attacks:CW",
    "torchattacks.DeepFool": "camaudit.perturb.attacks.torch_attacks:DeepFool",
    "torchattacks.EADEN": "camaudit.perturb.attacks.torch_attacks:EADEN",
    "torchattacks.EADL1": "camaudit.perturb.attacks.torch_attacks:EADL1",
    "torchattacks.SparseFool": "camaudit.perturb.attacks.torch_attacks:SparseFool",
    "torchattacks.OnePixel": "camaudit.perturb.attacks.torch_attacks:OnePixel",
    "torchattacks.Pixle": "camaudit.perturb.attacks.torch_attacks:Pixle",
    "torchattacks.JSMA": "camaudit.perturb.attacks.torch_attacks:JSMA",
    "torchattacks.VANILA": "camaudit.perturb.attacks.torch_attacks:VANILA",
    "torchattacks.GN": "camaudit.perturb.attacks.torch_attacks:GN",
    "torchattacks.MultiAttack": "camaudit.perturb.attacks.torch_attacks:MultiAttack",
    "torchattacks.LGV": "camaudit.perturb.attacks.torch_attacks:LGV",
}


def find(name: str) -> Member:
    """The attack of that name: from the table, from an entry point, or any other class of torchattacks.

    A class that the table does not know (a later release may bring some) is taken by what its parameters
    say, with a doubt. Raises `RegistryError` where there is none, with a suggestion, and where an entry point
    names something else than a `Member`.
    """
    library, _, own = name.partition(".")
    if library == "torchattacks" and name not in ATTACKS:
        from camaudit.perturb.attacks.torch_attacks import unlisted

        found = unlisted(own)
        if found is not None:
            return found
    member = registry.find("attack", name)
    if not isinstance(member, Member):
        raise RegistryError(
            f"the attack {name!r} is a {type(member).__name__}, not a Member",
            hint="its entry point has to name a camaudit.perturb.member.Member",
        )
    return member
