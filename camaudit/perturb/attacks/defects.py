"""How each class of torchattacks fails where nothing guards it, measured with release 3.5.1.

Torch-free. tests/contract/test_attacks.py measures it anew and fails where a release differs; docs/attacks.md
prints it. Behind camaudit's adapter none of it happens, and that is tested too.
"""

from __future__ import annotations

from typing import Literal

Fault = Literal[
    "range",
    "budget",
    "flags",
    "raising",
    "gradients",
    "output",
    "reseeds",
    "numpy",
    "clock",
    "companions",
    "doubles",
    "classes",
    "aims",
]

FAULTS: dict[Fault, str] = {
    "range": "gives pixels beyond [0, 1], or none that are finite",
    "budget": "goes beyond its budget, or cannot be told one",
    "flags": "leaves modules in eval mode that were in training mode",
    "raising": "leaves the whole network in eval mode where the network raises",
    "gradients": "leaves gradients in the network's parameters",
    "output": "gives images that require a gradient",
    "reseeds": "sets torch's random state to a constant, for whoever draws next",
    "numpy": "draws from NumPy's global generator: torch's seed does not repeat it",
    "clock": "takes its seed from the clock: nothing repeats it",
    "companions": "an image comes out otherwise beside other images",
    "doubles": "fails on a network and images in float64",
    "classes": "fails on a network with fewer than ten classes",
    "aims": "offers a targeted mode that comes no nearer to its target",
}
EVERYWHERE: tuple[Fault, ...] = ("flags", "raising")
"""What the common base of all classes does."""
DEFECTS: dict[str, tuple[Fault, ...]] = {
    "FGSM": EVERYWHERE,
    "BIM": EVERYWHERE,
    "RFGSM": EVERYWHERE,
    "PGD": EVERYWHERE,
    "EOTPGD": EVERYWHERE,
    "FFGSM": ("companions", *EVERYWHERE),
    "TPGD": EVERYWHERE,
    "MIFGSM": EVERYWHERE,
    "UPGD": EVERYWHERE,
    "APGD": ("output", "reseeds", *EVERYWHERE),
    "APGDT": ("output", "reseeds", *EVERYWHERE),
    "DIFGSM": EVERYWHERE,
    "TIFGSM": ("doubles", *EVERYWHERE),
    "Jitter": ("companions", "aims", *EVERYWHERE),
    "NIFGSM": EVERYWHERE,
    "PGDRS": ("companions", *EVERYWHERE),
    "SINIFGSM": EVERYWHERE,
    "VMIFGSM": ("companions", *EVERYWHERE),
    "VNIFGSM": ("companions", *EVERYWHERE),
    "SPSA": EVERYWHERE,
    "PIFGSM": ("gradients", "doubles", *EVERYWHERE),
    "PIFGSMPP": ("gradients", "doubles", *EVERYWHERE),
    "Square": ("reseeds", "companions", *EVERYWHERE),
    "FAB": ("gradients", "reseeds", "doubles", "aims", *EVERYWHERE),
    "AutoAttack": ("output", "clock", *EVERYWHERE),
    "PGDL2": ("companions", *EVERYWHERE),
    "PGDRSL2": ("companions", *EVERYWHERE),
    "CW": ("budget", "gradients", "companions", *EVERYWHERE),
    "DeepFool": ("budget", "gradients", *EVERYWHERE),
    "EADEN": ("range", "budget", "gradients", "companions", "doubles", *EVERYWHERE),
    "EADL1": ("range", "budget", "gradients", "companions", "doubles", *EVERYWHERE),
    "SparseFool": ("budget", "gradients", *EVERYWHERE),
    "OnePixel": ("numpy", *EVERYWHERE),
    "Pixle": ("budget", "numpy", *EVERYWHERE),
    "JSMA": ("budget", "gradients", "classes", *EVERYWHERE),
    "VANILA": ("flags",),
    "GN": ("budget", "flags"),
}
