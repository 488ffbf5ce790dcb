"""What camaudit knows of each class of torchattacks: norms, how a budget gets in, what speaks against it.

Torch-free, so that listing attacks loads nothing heavy. Doubts were measured with torchattacks 3.5.1; the
numbers stand in docs/attacks.md.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from camaudit.perturb.budget import Norm
    from camaudit.perturb.member import Access


@dataclass(frozen=True, kw_only=True)
class Traits:
    """One class of torchattacks.

    `norms` are those in which it can keep a budget. `eps` is its own parameter that takes the budget; where
    it has none, the attack looks for the smallest change, and what lies beyond the budget is taken back.
    `batched`: it draws nothing at random and treats images one by one, so that they may go in together (a
    parameter `random_start` that is true takes that back). `classes` is how many classes its loss compares.
    `doubt` is why it is not on the list of trusted attacks, `refused` why it cannot be one at all.
    """

    norms: tuple[Norm, ...]
    eps: str | None = "eps"
    access: Access = "gradient"
    targeted: bool = False
    batched: bool = False
    classes: int = 2
    aims: bool = False
    doubt: str = ""
    refused: str = ""


LINF: tuple[Norm, ...] = ("linf",)
L2: tuple[Norm, ...] = ("l2",)
L0: tuple[Norm, ...] = ("l0",)
BOTH: tuple[Norm, ...] = ("linf", "l2")
EVERY: tuple[Norm, ...] = ("linf", "l2", "l0", "patch")

WEAK = "one step: finds little, so that an image that it spares tells nothing"
TRANSFER = "made to carry over to networks that it does not see; on the one at hand PGD finds no less"
SMOOTHED = "made for networks that are smoothed by noise; on others it spends its steps on the noise"
MINIMAL = "looks for the smallest change, of which little is left after rounding to 8 bits"
BEYOND = "; leaves [0, 1] where its change is large, and such images are invalid"

TRAITS: dict[str, Traits] = {
    "FGSM": Traits(norms=LINF, targeted=True, batched=True, doubt=WEAK),
    "BIM": Traits(norms=LINF, targeted=True, batched=True),
    "RFGSM": Traits(norms=LINF, targeted=True),
    "PGD": Traits(norms=LINF, targeted=True, batched=True),
    "EOTPGD": Traits(norms=LINF, targeted=True, batched=True),
    "FFGSM": Traits(norms=LINF, targeted=True, doubt=WEAK),
    "TPGD": Traits(norms=LINF, doubt="moves away from its own answer and looks at no label"),
    "MIFGSM": Traits(norms=LINF, targeted=True, batched=True),
    "UPGD": Traits(norms=LINF, targeted=True, batched=True),
    "APGD": Traits(norms=BOTH),
    "APGDT": Traits(norms=BOTH, classes=4),
    "DIFGSM": Traits(norms=LINF, targeted=True, doubt=TRANSFER),
    "TIFGSM": Traits(norms=LINF, targeted=True, doubt=TRANSFER),
    "Jitter": Traits(norms=LINF, doubt="finds clearly less than PGD at the same budget"),
    "NIFGSM": Traits(norms=LINF, targeted=True, batched=True, doubt=TRANSFER),
    "PGDRS": Traits(norms=LINF, targeted=True, doubt=SMOOTHED),
    "SINIFGSM": Traits(norms=LINF, targeted=True, batched=True, doubt=TRANSFER),
    "VMIFGSM": Traits(norms=LINF, targeted=True, doubt=TRANSFER),
    "VNIFGSM": Traits(norms=LINF, targeted=True, doubt=TRANSFER),
    "SPSA": Traits(
        norms=LINF,
        targeted=True,
        access="scores",
        doubt="takes one step of 0.01 by default, whatever its eps: set nb_iter and lr",
    ),
    "PIFGSM": Traits(norms=LINF, eps="max_epsilon", batched=True, doubt=TRANSFER),
    "PIFGSMPP": Traits(norms=LINF, eps="max_epsilon", targeted=True, doubt=TRANSFER),
    "Square": Traits(norms=BOTH, targeted=True, access="scores"),
    "FAB": Traits(norms=BOTH, doubt=MINIMAL),
    "AutoAttack": Traits(
        norms=BOTH,
        classes=4,
        doubt="runs 10 steps per part where its paper's runs 100: not the benchmark of that name",
    ),
    "PGDL2": Traits(norms=L2, targeted=True, batched=True),
    "PGDRSL2": Traits(norms=L2, targeted=True, doubt=SMOOTHED),
    "CW": Traits(norms=L2, eps=None, targeted=True, doubt=MINIMAL + "; its constant c is not searched for"),
    "DeepFool": Traits(norms=L2, eps=None, doubt=MINIMAL),
    "EADEN": Traits(norms=L2, eps=None, targeted=True, doubt=MINIMAL + BEYOND),
    "EADL1": Traits(
        norms=L2, eps=None, targeted=True, doubt=MINIMAL + BEYOND + "; minimises L1, is held to L2"
    ),
    "SparseFool": Traits(norms=L0, eps=None, doubt="stands on a DeepFool that finds little"),
    "OnePixel": Traits(
        norms=L0,
        eps="pixels",
        targeted=True,
        access="scores",
        doubt="some 110 queries by default, colours off the 8-bit grid: use camaudit's own one_pixel",
    ),
    "Pixle": Traits(
        norms=L0, eps=None, targeted=True, access="scores", doubt="cannot be told how many pixels to move"
    ),
    "JSMA": Traits(
        norms=L0, eps=None, targeted=True, aims=True, doubt="does not finish on pictures of a usual size"
    ),
    "VANILA": Traits(norms=EVERY, eps=None, access="none", batched=True, doubt="changes nothing: a control"),
    "GN": Traits(
        norms=(),
        eps=None,
        access="none",
        doubt="noise without a budget: the corruption gaussian_noise is seeded",
    ),
    "MultiAttack": Traits(
        norms=(),
        eps=None,
        refused="takes other attacks and no network: name them one by one, each is counted",
    ),
    "LGV": Traits(
        norms=(), eps=None, refused="trains the network further, on training data that an audit does not have"
    ),
}
