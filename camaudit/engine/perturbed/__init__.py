"""What checks of attacked images do when their walk has ended: propose, verify, answer, compare the maps."""

from __future__ import annotations

from camaudit.engine.perturbed.attack import examine as examine_attack
from camaudit.engine.perturbed.attack import follow as follow_attack
from camaudit.engine.perturbed.corruption import examine as examine_corruption
from camaudit.engine.perturbed.corruption import follow as follow_corruption
from camaudit.engine.perturbed.one_pixel import examine as examine_one_pixel
from camaudit.engine.perturbed.one_pixel import follow as follow_one_pixel

__all__ = [
    "examine_attack",
    "examine_corruption",
    "examine_one_pixel",
    "follow_attack",
    "follow_corruption",
    "follow_one_pixel",
]
