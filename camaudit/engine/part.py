"""Some samples of a finished run that are measured anew, beside what the run recorded of all of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

    from camaudit.scores import Table


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What a run recorded of a check: its table, with nine digits, and the raw map of each sample by id."""

    table: Table
    maps: Mapping[str, np.ndarray] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Part:
    """The `ids` to measure anew, and by check what was recorded.

    Where a sample's numbers rest on those of others, the recorded ones stand in for those that are not
    measured: then what follows from all of them is made again for every sample.
    """

    ids: frozenset[str]
    recorded: Mapping[str, Kept] = field(default_factory=dict)
