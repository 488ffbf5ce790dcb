"""Two recorded runs, or a baseline and its candidate, held against each other; nothing is measured or judged.

What cannot be compared is named with its reason and gets no difference. Torch-free.
"""

from __future__ import annotations

from camaudit.comparison.accepted import of_baselines
from camaudit.comparison.kept import Run
from camaudit.comparison.record import (
    Answers,
    Change,
    CheckComparison,
    Comparison,
    Difference,
    Image,
    Numbers,
    Pairing,
    Part,
    Shown,
    Side,
)
from camaudit.comparison.runs import of_runs

__all__ = [
    "Answers",
    "Change",
    "CheckComparison",
    "Comparison",
    "Difference",
    "Image",
    "Numbers",
    "Pairing",
    "Part",
    "Run",
    "Shown",
    "Side",
    "of_baselines",
    "of_runs",
]
